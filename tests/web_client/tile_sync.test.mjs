import assert from "node:assert/strict";
import { test } from "node:test";

import { TileSync, waitOf } from "../../web_client/tile_sync.js";

const slot = () => ({ transceiver: { receiver: { jitterBufferTarget: null } } });
const targets = (slots) => slots.map((one) => one.transceiver.receiver.jitterBufferTarget);
/** So many samples have left the buffer for sound, after so many milliseconds each. */
const heard = (samples, milliseconds) => [
  { type: "inbound-rtp", mid: "3", jitterBufferEmittedCount: 1, jitterBufferDelay: 9 },
  { type: "inbound-rtp", mid: "0", jitterBufferEmittedCount: samples, jitterBufferDelay: (samples * milliseconds) / 1000 },
];

test("a picture waits for what server and browser do to its sound, and not without end", () => {
  assert.equal(waitOf(80, 42), 120);
  assert.equal(waitOf(0, 300), 0);
  assert.equal(waitOf(5000, 40), 1500);
});

test("only whom we hear mixed waits, as long as the buffer for sound says now", () => {
  const slots = [slot(), slot(), slot()];
  const sync = new TileSync(slots);
  sync.behind = [80, 0];
  sync.review(heard(48_000, 40), "0", 0);
  assert.deepEqual(targets(slots), [120, null, null]);
  // In the second after, each sample was in it for 140 ms.
  sync.review(heard(96_000, 90), "0", 500);
  assert.deepEqual(targets(slots), [120, null, null], "too early to look again");
  sync.review(heard(96_000, 90), "0", 1000);
  assert.deepEqual(targets(slots), [220, null, null]);
  sync.behind = [80, 60];
  sync.review(heard(144_000, 108), "0", 2000);
  assert.deepEqual(targets(slots), [220, 200, null]);
});

test("without news all stays, and what comes as it is does not wait", () => {
  const slots = [slot()];
  const sync = new TileSync(slots);
  sync.behind = [100];
  sync.review(heard(48_000, 40), "0", 0);
  sync.review([], "0", 2000);
  sync.review(heard(48_000, 40), "0", 4000);
  assert.deepEqual(targets(slots), [140]);
  sync.behind = [];
  sync.review(heard(96_000, 40), "0", 6000);
  assert.deepEqual(targets(slots), [null]);
});

test("browsers that cannot be told are left alone", () => {
  const sync = new TileSync([{ transceiver: { receiver: {} } }]);
  sync.behind = [100];
  sync.review(heard(48_000, 40), "0", 0);
  assert.deepEqual(Object.keys(sync.slots[0].transceiver.receiver), []);
});
