import assert from "node:assert/strict";
import { test } from "node:test";
import { applyEvent, conferencesOf } from "../../web_client/roster.js";

const person = (id, more = {}) => ({ id, name: id, speaking: false, ...more });
const room = (more = {}) => ({ number: "1000", active: true, permanent: true, locked: true, participants: [person("a"), person("b")], recording: null, ...more });
const after = (event, more = {}) => applyEvent(conferencesOf([room(more)]), { number: "1000", ...event }).get("1000");
const ids = (conference) => conference.participants.map((participant) => participant.id);

test("a welcome replaces everything", () => {
  const known = applyEvent(conferencesOf([room()]), { type: "welcome", conferences: [room({ number: "2" })] });
  assert.deepEqual([...known.keys()], ["2"]);
  assert.equal(applyEvent(known, { type: "welcome" }).size, 0);
});

test("participants come, change in their place, and go", () => {
  assert.deepEqual(ids(after({ type: "participant_joined", participant: person("c") })), ["a", "b", "c"]);
  const changed = after({ type: "participant_changed", participant: person("a", { name: "Dr. A" }) });
  assert.deepEqual(changed.participants.map((participant) => participant.name), ["Dr. A", "b"]);
  assert.deepEqual(ids(after({ type: "participant_left", participant: person("a") })), ["b"]);
});

test("a participant that was in the welcome already does not come twice", () => {
  assert.deepEqual(ids(after({ type: "participant_joined", participant: person("b") })), ["a", "b"]);
});

test("one speaks at a time, or nobody", () => {
  const speaking = (conference) => conference.participants.filter((participant) => participant.speaking).map((participant) => participant.id);
  const participants = [person("a", { speaking: true }), person("b")];
  assert.deepEqual(speaking(after({ type: "speaker_changed", participant_id: "b" }, { participants })), ["b"]);
  assert.deepEqual(speaking(after({ type: "speaker_changed", participant_id: null }, { participants })), []);
});

test("a recording starts, goes on, and ends, also by failing", () => {
  const recording = { id: "r", state: "recording", seconds: 3 };
  assert.equal(after({ type: "recording_started", recording }).recording, recording);
  assert.equal(after({ type: "recording_progress", recording }).recording.seconds, 3);
  assert.equal(after({ type: "recording_stopped", recording }, { recording }).recording, null);
  assert.equal(after({ type: "recording_failed", recording }, { recording }).recording, null);
});

test("calls out come, change, and go unless they failed", () => {
  const call = { id: "c", target: "1044", name: "1044", state: "dialling", attempt: 1, attempts: 1, reason: "", status: null };
  assert.deepEqual(after({ type: "call_dialling", call }).calls, [call]);
  const ringing = { ...call, state: "ringing" };
  assert.deepEqual(after({ type: "call_ringing", call: ringing }, { calls: [call] }).calls, [ringing]);
  assert.deepEqual(after({ type: "call_answered", call: { ...call, state: "answered" } }, { calls: [ringing] }).calls, []);
  const failed = { ...call, state: "failed" };
  assert.deepEqual(after({ type: "call_failed", call: failed }, { calls: [ringing] }).calls, [failed]);
  assert.deepEqual(after({ type: "call_dialling", call: { ...call, id: "d" } }, { calls: [failed] }).calls, [{ ...call, id: "d" }]);
});

test("the floor goes from one to the next", () => {
  assert.deepEqual(after({ type: "floor_changed", floor: { holder: "b", queue: ["a"] } }).floor, { holder: "b", queue: ["a"] });
  assert.equal(after({ type: "floor_changed" }).floor, undefined);
});

test("a room stays when its conference ends, with its door open; a room for the day goes", () => {
  const ended = after({ type: "conference_ended", conference: room() });
  assert.deepEqual([ended.active, ended.locked, ended.participants, ended.recording], [false, false, [], null]);
  assert.equal(after({ type: "conference_ended", conference: room() }, { permanent: false }), undefined);
});

test("a conference is added or replaced", () => {
  assert.equal(after({ type: "conference_changed", conference: room({ layout: "4" }) }).layout, "4");
  assert.equal(applyEvent(new Map(), { type: "conference_created", conference: room() }).size, 1);
});

test("what is unknown, incomplete or about others changes nothing", () => {
  const known = conferencesOf([room()]);
  for (const event of [
    { type: "weather" },
    { type: "toString", number: "1000" },
    { type: "participant_left", number: "7", participant: person("a") },
    { type: "participant_joined", number: "1000" },
    { type: "conference_changed" },
    { type: "conference_ended", number: "7" },
    { type: "media_restarted", number: "1000" },
  ]) {
    assert.equal(applyEvent(known, event), known, event.type);
  }
});
