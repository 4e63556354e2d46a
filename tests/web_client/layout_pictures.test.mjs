import assert from "node:assert/strict";
import { test } from "node:test";
import { groupOf, layoutNow } from "../../web_client/layout_pictures.js";

const layout = (name, count, custom = false) => ({ name, custom, cells: Array(count).fill({ left: 0, top: 0, width: 1, height: 1 }) });
const layouts = [layout("1", 1), layout("2", 2), layout("3", 3), layout("4", 4), layout("1+2", 3), layout("1+3", 4), layout("own", 2, true)];
const people = (...roles) => roles.map((role) => ({ role, hidden: role === "hidden" }));
const now = (name, mode, ...roles) => layoutNow(layouts, name, { participants: people(...roles), seating: { mode } })?.name;

test("the automatic layout goes by the number of people who are seen", () => {
  assert.equal(now("auto", "order", "member", "member", "hidden"), "2");
  assert.equal(now("auto", "order"), "1");
});

test("the automatic layout has a large tile for whoever speaks", () => {
  assert.equal(now("auto", "voice", "member", "member", "member"), "1+2");
  assert.equal(now("auto", "lecture", "member", "member", "member", "member"), "1+3");
  assert.equal(now("auto", "voice", "member", "member"), "2");
});

test("in a round those with a role keep their tiles", () => {
  assert.equal(now("auto", "polling", "member", "member", "member"), "1");
  assert.equal(now("auto", "polling", "chair", "member", "member", "viewer"), "2");
});

test("a layout that was chosen is what it is", () => {
  assert.equal(now("own", "voice", "member"), "own");
  assert.equal(now("gone", "order", "member"), undefined);
});

test("layouts stand in the part of a list where one looks for them", () => {
  const groups = ["4", "1+5", "content+3", "3-screens"].map((name) => groupOf(layout(name, 1)));
  assert.deepEqual(groups, ["equal", "large", "content", "content"]);
  assert.equal(groupOf(layout("4 of ours", 1, true)), "own");
});
