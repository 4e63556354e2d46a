import assert from "node:assert/strict";
import { test } from "node:test";
import { ANSWER_PATIENCE_MS, CONNECT_PATIENCE_MS, DISCONNECTED_PATIENCE_MS, FlowWatch, ReconnectPolicy, RESTART_PATIENCE_MS, STALLED_PATIENCE_MS } from "../../web_client/reconnect.js";
import { REQUEST_TIMEOUT_MS } from "../../web_client/protocol.js";

const policy = () => new ReconnectPolicy({ random: () => 1 });

test("nothing is due in peace", () => {
  assert.equal(policy().isDue(1e9), false);
});

test("a replaced worker is followed at once", () => {
  const p = policy();
  p.mediaRestarted(100);
  assert.equal(p.isDue(100), true);
});

test("a short drop-out heals by itself, a long one does not", () => {
  const p = policy();
  p.connectionChanged("disconnected", 1000);
  assert.equal(p.isDue(1000 + DISCONNECTED_PATIENCE_MS - 1), false);
  p.connectionChanged("connected", 1500);
  assert.equal(p.isDue(1e9), false);
  p.connectionChanged("disconnected", 5000);
  assert.equal(p.isDue(5000 + DISCONNECTED_PATIENCE_MS), true);
});

test("a failed connection is due at once, also in the patience for a drop-out", () => {
  const p = policy();
  p.connectionChanged("disconnected", 1000);
  p.connectionChanged("failed", 1100);
  assert.equal(p.isDue(1100), true);
});

test("an attempt has time for the answer, then for connecting", () => {
  const p = policy();
  p.mediaRestarted(0);
  p.begin(0);
  assert.ok(ANSWER_PATIENCE_MS > REQUEST_TIMEOUT_MS);
  assert.equal(p.isDue(REQUEST_TIMEOUT_MS), false);
  p.answered(3000);
  assert.equal(p.isDue(3000 + CONNECT_PATIENCE_MS - 1), false);
  assert.equal(p.isDue(3000 + CONNECT_PATIENCE_MS), true);
  p.connectionChanged("connected", 3100);
  assert.equal(p.isDue(1e9), false);
});

test("a path that went silent is looked for anew once, before a fresh connection is made", () => {
  const p = policy();
  p.suspected(1000);
  assert.equal(p.mayRestart, true);
  p.begin(1000);
  p.restarted(1100);
  assert.equal(p.isDue(1100 + RESTART_PATIENCE_MS - 1), false);
  assert.equal(p.isDue(1100 + RESTART_PATIENCE_MS), true);
  assert.equal(p.mayRestart, false);
  p.connectionChanged("connected", 5000);
  assert.equal(p.mayRestart, true);
});

test("a connection that is dead is not restarted", () => {
  for (const kill of [(p) => p.mediaRestarted(0), (p) => p.connectionChanged("failed", 0), (p) => p.connectionChanged("closed", 0)]) {
    const p = policy();
    kill(p);
    assert.equal(p.mayRestart, false);
    p.hurry(1);
    assert.equal(p.mayRestart, false);
    p.connectionChanged("connected", 2);
    assert.equal(p.mayRestart, true);
  }
});

test("attempts that fail wait longer each time, until the network comes back", () => {
  const p = policy();
  const waits = [];
  for (let now = 0; waits.length < 6; now += 100_000) {
    p.begin(now);
    p.failed(now);
    waits.push(p.due - now);
  }
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 5000, 5000]);
  p.hurry(7);
  assert.equal(p.isDue(7), true);
});

test("hurrying does not disturb a connection that is well", () => {
  const p = policy();
  p.connectionChanged("connected", 0);
  p.hurry(5);
  assert.equal(p.isDue(1e9), false);
});

test("doubt asks the server at once", () => {
  const p = policy();
  p.suspected(10);
  assert.equal(p.isDue(10), true);
});

test("media that stop are seen, media that come back too", () => {
  const flow = new FlowWatch();
  assert.equal(flow.measure(100, 0), true);
  assert.equal(flow.state, "flowing");
  assert.equal(flow.measure(100, STALLED_PATIENCE_MS - 1), false);
  assert.equal(flow.measure(100, STALLED_PATIENCE_MS), true);
  assert.equal(flow.state, "stalled");
  assert.equal(flow.measure(100, STALLED_PATIENCE_MS * 2), false);
  assert.equal(flow.measure(101, STALLED_PATIENCE_MS * 2), true);
  assert.equal(flow.state, "flowing");
});

test("what never flowed does not stall", () => {
  const flow = new FlowWatch();
  assert.equal(flow.measure(0, 0), false);
  assert.equal(flow.measure(0, 1e9), false);
  assert.equal(flow.state, "waiting");
});
