import assert from "node:assert/strict";
import { test } from "node:test";

import { encodings, getsPictures, isForwardedTo, slideEncodings, wholePicture } from "../../web_client/simulcast.js";

const sizes = (made) => made.filter((one) => one.active).map((one) => [one.rid, one.scaleResolutionDownBy]);

test("a large picture goes out in three sizes, the smallest first", () => {
  assert.deepEqual(sizes(encodings({ width: 1280, height: 720 }, true)), [["q", 4], ["h", 2], ["f", 1]]);
  assert.deepEqual(sizes(encodings(undefined, true)), [["q", 4], ["h", 2], ["f", 1]]);
});

test("of a smaller one browsers make two encodings or one, the first of those named, and the last is the whole", () => {
  assert.deepEqual(sizes(encodings({ width: 640, height: 360 }, true)), [["q", 2], ["h", 1]]);
  assert.deepEqual(sizes(encodings({ width: 320, height: 180 }, true)), [["q", 1]]);
  assert.deepEqual(sizes(encodings({ width: 360, height: 640 }, true)), [["q", 2], ["h", 1]]);
});

test("nothing small is made for nobody", () => {
  for (const height of [180, 360, 720]) {
    const [whole, ...more] = sizes(encodings({ width: (height * 16) / 9, height }, false));
    assert.equal(whole[1], 1);
    assert.deepEqual(more, []);
  }
});

test("there are always as many encodings as were offered, and the whole picture has the most bits", () => {
  for (const height of [180, 360, 720]) {
    const made = encodings({ height }, true);
    assert.deepEqual(made.map((one) => one.rid), ["q", "h", "f"]);
    const rates = made.filter((one) => one.active).map((one) => one.maxBitrate);
    assert.deepEqual(rates, [...rates].sort((a, b) => a - b));
    assert.equal(rates.at(-1), wholePicture().maxBitrate);
  }
});

const person = (id, more = {}) => ({ id, has_slots: true, forwarded: null, ...more });

test("own choice goes before what is usual, and slots before both", () => {
  const conference = (forwarded, more = {}) => ({ forwarded, participants: [], broadcast: null, ...more });
  assert.equal(getsPictures(person("a"), conference(true)), true);
  assert.equal(getsPictures(person("a", { forwarded: false }), conference(true)), false);
  assert.equal(getsPictures(person("a", { forwarded: true }), conference(false)), true);
  assert.equal(getsPictures(person("a", { has_slots: false, forwarded: true }), conference(true)), false);
  assert.equal(getsPictures(null, conference(true)), false);
  assert.equal(getsPictures(person("a"), conference(true, { broadcast: "b" })), false);
  assert.equal(getsPictures(person("a"), conference(true, { broadcast: "a" })), true);
  assert.equal(getsPictures(person("a"), conference(true, { seating: { mode: "lecture", lecturer: "b" } })), false);
  assert.equal(getsPictures(person("a"), conference(true, { seating: { mode: "lecture", lecturer: "a" } })), true);
});

test("what one gets oneself is no reason to send more sizes", () => {
  const conference = { forwarded: false, participants: [person("a", { forwarded: true }), person("b")] };
  assert.equal(isForwardedTo(conference, "a"), false);
  assert.equal(isForwardedTo(conference, "b"), true);
  assert.equal(isForwardedTo(null, "a"), false);
});

test("a screen goes out whole and in half its size, a small window whole alone", () => {
  for (const screen of [undefined, {}, { width: 1920, height: 1080 }, { width: 1280, height: 720 }]) {
    assert.deepEqual(sizes(slideEncodings(screen)), [["s", 2], ["l", 1]]);
  }
  for (const window of [{ width: 500, height: 300 }, { width: 300, height: 900 }]) {
    assert.deepEqual(sizes(slideEncodings(window)), [["s", 1]]);
    assert.equal(slideEncodings(window)[0].maxBitrate, slideEncodings(undefined)[1].maxBitrate);
    assert.equal(slideEncodings(window).length, 2);
  }
});
