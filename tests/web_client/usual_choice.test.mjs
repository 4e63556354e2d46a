import assert from "node:assert/strict";
import { test } from "node:test";
import { chosenWay, wayShown } from "../../web_client/usual_choice.js";

test("what is chosen is what is shown again", () => {
  for (const value of ["", "each", "mixed"]) assert.equal(wayShown(chosenWay(value), "mixed"), value);
});

test("as usual is null, also where the server says nothing", () => {
  assert.equal(chosenWay(""), null);
  assert.equal(wayShown(undefined, "one"), "");
});
