import assert from "node:assert/strict";
import { test } from "node:test";

import { sizeOf } from "../../web_client/tile_sizes.js";

test("sizes are in pixels of the screen, in steps, and have an end", () => {
  assert.deepEqual(sizeOf({ width: 320, height: 180 }, 1), [320, 192]);
  assert.deepEqual(sizeOf({ width: 320, height: 176 }, 2), [640, 352]);
  assert.deepEqual(sizeOf({ width: 321, height: 0.2 }, 1), [336, 16]);
  assert.deepEqual(sizeOf({ width: 0, height: 0 }, 3), [0, 0]);
  assert.deepEqual(sizeOf({ width: 9000, height: 100 }, 1), [8192, 112]);
});
