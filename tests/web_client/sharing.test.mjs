import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError } from "../../web_client/protocol.js";
import { canShare, Sharing } from "../../web_client/sharing.js";

/** A screen to share, a server that answers with `floors` one after the other, and a link that remembers. */
function world(...floors) {
  const track = Object.assign(new EventTarget(), { stopped: false, stop() { this.stopped = true; } });
  const asked = [];
  const told = [];
  const sent = [];
  const answer = async (what) => {
    asked.push(what);
    const next = floors.shift();
    if (next instanceof Error) throw next;
    return next;
  };
  const call = {
    participantId: "me",
    number: "1000",
    state: "connected",
    tell: (type, detail) => told.push(detail ?? type),
    link: { replaceTrack: async (kind, given) => sent.push(given === null ? null : kind) },
    api: {
      takeFloor: () => answer("take"),
      releaseFloor: () => answer("release"),
      conference: async () => ({ floor: await answer("look") }),
    },
  };
  Object.defineProperty(globalThis, "navigator", {
    configurable: true,
    value: { mediaDevices: { getDisplayMedia: async () => ({ getVideoTracks: () => [track] }) } },
  });
  return { sharing: new Sharing(call), track, asked, told, sent };
}

const mine = { holder: "me", queue: [] };
const queued = { holder: "other", queue: ["me"] };
const others = { holder: "other", queue: [] };
const free = { holder: null, queue: [] };

test("what is granted is sent, and stopped when it is given back", async () => {
  const { sharing, track, asked, told, sent } = world(mine, free);
  assert.equal(canShare(), true);
  await sharing.start();
  assert.deepEqual([sharing.state, sharing.sent], ["sharing", track]);
  await sharing.stop();
  assert.deepEqual([sharing.state, sharing.sent, track.stopped], ["idle", null, true]);
  assert.deepEqual(asked, ["take", "release"]);
  assert.deepEqual(sent, ["content", null]);
  assert.deepEqual(told.filter((word) => word.startsWith("notice")), ["notice.share_started"]);
});

test("who waits sends nothing until it is their turn", async () => {
  const { sharing, told, sent } = world(queued);
  await sharing.start();
  assert.deepEqual([sharing.state, sharing.sent], ["waiting", null]);
  await sharing.follow(mine, null);
  assert.equal(sharing.state, "sharing");
  assert.deepEqual(sent, ["content"]);
  assert.ok(told.includes("notice.share_waiting"));
});

test("a chair takes the floor away", async () => {
  const { sharing, track, told } = world(mine);
  await sharing.start();
  await sharing.follow(free, "me");
  assert.deepEqual([sharing.state, track.stopped], ["idle", true]);
  assert.ok(told.includes("notice.share_revoked"));
});

test("an event that is older than the answer does not end what has just begun", async () => {
  const { sharing } = world(queued, queued);
  await sharing.start();
  await sharing.follow(others, null);
  assert.equal(sharing.state, "waiting");
});

test("who has no part in the floor any more stops", async () => {
  const { sharing, asked } = world(queued, others);
  await sharing.start();
  await sharing.follow(others, null);
  assert.equal(sharing.state, "idle");
  assert.deepEqual(asked, ["take", "look"]);
});

test("the browser's own button ends it too", async () => {
  const { sharing, track, asked } = world(mine, free);
  await sharing.start();
  track.dispatchEvent(new Event("ended"));
  assert.equal(sharing.state, "idle");
  assert.deepEqual(asked, ["take", "release"]);
});

test("a refusal leaves nothing behind", async () => {
  const { sharing, track, told } = world(new ApiError(409, "no_content", ""));
  await sharing.start();
  assert.deepEqual([sharing.state, track.stopped], ["idle", true]);
  assert.ok(told.includes("notice.share_failed"));
});

test("changing one's mind in the browser's dialog is no failure", async () => {
  const { sharing, asked, told } = world();
  globalThis.navigator.mediaDevices.getDisplayMedia = async () => {
    throw Object.assign(new Error("no"), { name: "NotAllowedError" });
  };
  await sharing.start();
  assert.deepEqual([sharing.state, asked, told], ["idle", [], []]);
});
