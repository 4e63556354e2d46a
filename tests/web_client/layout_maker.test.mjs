import assert from "node:assert/strict";
import { test } from "node:test";

import { areaBetween, cellOf, overlap, SIDE } from "../../web_client/layout_maker.js";

test("two corners make an area, whichever comes first", () => {
  const area = { left: 2, right: 5, top: 1, bottom: 3 };
  assert.deepEqual(areaBetween(SIDE + 2, 3 * SIDE + 5), area);
  assert.deepEqual(areaBetween(3 * SIDE + 2, SIDE + 5), area);
  assert.deepEqual(areaBetween(7, 7), { left: 7, right: 7, top: 0, bottom: 0 });
});

test("areas overlap where they share a field", () => {
  const left = areaBetween(0, SIDE * SIDE - 1 - SIDE / 2);
  assert.equal(overlap(left, areaBetween(SIDE / 2, SIDE * SIDE - 1)), false);
  assert.equal(overlap(left, areaBetween(SIDE / 2 - 1, SIDE - 1)), true);
});

test("an area becomes fractions of the picture", () => {
  assert.deepEqual(cellOf(areaBetween(0, SIDE * SIDE - 1)), { left: 0, top: 0, width: 1, height: 1 });
  assert.deepEqual(cellOf(areaBetween(SIDE / 2, SIDE - 1)), { left: 0.5, top: 0, width: 0.5, height: 1 / SIDE });
});
