import assert from "node:assert/strict";
import { test } from "node:test";

import { columnsFor, galleryPeople, gridFor } from "../../web_client/gallery_people.js";

const person = (id, more = {}) => ({
  id, name: id, kind: "browser", has_video: true, camera_muted: false, hidden: false, state: "connected", has_slots: true, forwarded: null, ...more,
});
const self = person("me", { forwarded: true });
const ids = (people) => people.map((one) => one?.id ?? null);

test("a browser that has one picture has no gallery", () => {
  const me = person("me");
  const people = galleryPeople({ forwarded: false, participants: [me, person("a")] }, me, ["a"]);
  assert.deepEqual([people.shown, people.main], [false, true]);
});

test("everybody in a slot: nobody is left for the composed picture", () => {
  const people = galleryPeople({ forwarded: false, participants: [self, person("a"), person("b")] }, self, ["b", null, "a"]);
  assert.equal(people.shown, true);
  assert.deepEqual(ids(people.slots), ["b", null, "a"]);
  assert.deepEqual([people.main, people.faceless], [false, []]);
});

test("a room is composed, and so is a browser for whom a free slot did not do", () => {
  const participants = [self, person("a"), person("room", { kind: "sip" })];
  assert.equal(galleryPeople({ participants }, self, ["a", null]).main, true);
  assert.equal(galleryPeople({ participants: [self, person("other codec")] }, self, [null]).main, true);
});

test("whoever found no slot among many is neither composed nor faceless", () => {
  const people = galleryPeople({ participants: [self, person("a"), person("b")] }, self, ["a"]);
  assert.deepEqual([people.main, people.faceless], [false, []]);
});

test("who sends no picture has a tile with initials, unless hidden or for want of room", () => {
  const off = person("off", { camera_muted: true });
  const participants = [self, off, person("held", { state: "held" }), person("gone", { hidden: true, camera_muted: true })];
  assert.deepEqual(ids(galleryPeople({ participants }, self, [null]).faceless), ["off", "held"]);
  const crowd = Array.from({ length: 30 }, (_, index) => person(`p${index}`, { has_video: false }));
  assert.equal(galleryPeople({ participants: [self, ...crowd] }, self, []).faceless.length, 11);
});

test("who has left a slot that is still told of is nobody", () => {
  assert.deepEqual(ids(galleryPeople({ participants: [self] }, self, ["gone"]).slots), [null]);
});

test("tiles are as large as the place allows", () => {
  assert.equal(columnsFor(1, 1000, 600), 1);
  assert.equal(columnsFor(2, 1000, 500), 2);
  assert.equal(columnsFor(4, 1000, 600), 2);
  assert.equal(columnsFor(9, 1000, 600), 3);
  assert.equal(columnsFor(3, 300, 900), 1);
  assert.equal(columnsFor(0, 300, 900), 1);
});

test("one that is kept large has the others beside it or below it", () => {
  assert.deepEqual(gridFor(4, false, 1000, 600), { place: "none", columns: 2, rows: 2 });
  assert.deepEqual(gridFor(4, true, 1600, 600), { place: "beside", columns: 1, rows: 3 });
  assert.deepEqual(gridFor(4, true, 400, 800), { place: "below", columns: 3, rows: 1 });
  assert.deepEqual(gridFor(10, true, 400, 800), { place: "below", columns: 5, rows: 2 });
  assert.deepEqual(gridFor(1, true, 400, 800), { place: "none", columns: 1, rows: 1 });
});
