import assert from "node:assert/strict";
import { test } from "node:test";

import { getsVoices } from "../../web_client/voices.js";

const me = (more = {}) => ({ id: "me", has_voices: true, listen_gain: 0, forwarded_sound: null, ...more });

test("one's own choice goes before what is usual in the conference", () => {
  assert.equal(getsVoices(me(), { forwarded_sound: true }), true);
  assert.equal(getsVoices(me(), {}), false);
  assert.equal(getsVoices(me({ forwarded_sound: false }), { forwarded_sound: true }), false);
  assert.equal(getsVoices(me({ forwarded_sound: true }), { forwarded_sound: false }), true);
});

test("sound is mixed for who cannot get voices, or hears louder or softer", () => {
  assert.equal(getsVoices(me({ has_voices: false }), { forwarded_sound: true }), false);
  assert.equal(getsVoices(me({ listen_gain: 6 }), { forwarded_sound: true }), false);
  assert.equal(getsVoices(null, { forwarded_sound: true }), false);
  assert.equal(getsVoices(me(), null), false);
});
