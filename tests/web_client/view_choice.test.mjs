import assert from "node:assert/strict";
import { test } from "node:test";
import { seenAlone } from "../../web_client/view_choice.js";

const person = (id, more = {}) => ({ id, watch: null, layout: null, seating: null, ...more });
const seen = (self, conference) => seenAlone(self, { broadcast: null, participants: [self, person("b"), person("c")], ...conference })?.id ?? null;
const lecture = { seating: { mode: "lecture", lecturer: "b" } };

test("whom one watches, who is shown to all, and who lectures is seen alone", () => {
  assert.equal(seen(person("a"), {}), null);
  assert.equal(seen(person("a", { watch: "c" }), {}), "c");
  assert.equal(seen(person("a", { watch: "c" }), { broadcast: "b" }), "b");
  assert.equal(seen(person("a"), lecture), "b");
  assert.equal(seen(person("a", { watch: "c" }), lecture), "c");
});

test("a lecturer, and who has a picture of its own, sees several", () => {
  assert.equal(seen(person("a"), { seating: { mode: "lecture", lecturer: "a" } }), null);
  assert.equal(seen(person("a", { layout: "4" }), lecture), null);
  assert.equal(seen(person("a", { seating: { mode: "voice" } }), lecture), null);
});
