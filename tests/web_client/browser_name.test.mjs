import assert from "node:assert/strict";
import { test } from "node:test";
import { browserName } from "../../web_client/browser_name.js";

class Kept extends Map {
  getItem(key) {
    return this.get(key) ?? null;
  }
  setItem(key, value) {
    this.set(key, value);
  }
}

test("a browser makes up its name once and keeps it", () => {
  const storage = new Kept();
  const name = browserName(storage);
  assert.match(name, /^[0-9a-f]{32}$/);
  assert.equal(browserName(storage), name);
  assert.notEqual(browserName(new Kept()), name);
});
