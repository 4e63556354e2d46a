import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import en from "../../web_client/i18n/en.js";
import zh from "../../web_client/i18n/zh.js";

const root = fileURLToPath(new URL("../../web_client/", import.meta.url));
const files = readdirSync(root).filter((name) => /\.(js|html)$/.test(name));
const source = files.map((name) => readFileSync(root + name, "utf8")).join("\n");
const placeholders = (text) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();
const prefixes = new Set(Object.keys(en).map((key) => key.split(".")[0]));

test("both languages have the same keys in the same order", () => {
  assert.deepEqual(Object.keys(zh), Object.keys(en));
});

test("both languages have the same placeholders, and no text is empty", () => {
  for (const key of Object.keys(en)) {
    assert.deepEqual(placeholders(zh[key]), placeholders(en[key]), key);
    assert.ok(en[key].trim() && zh[key].trim(), key);
  }
});

test("Chinese is Chinese, with full-width punctuation", () => {
  for (const [key, text] of Object.entries(zh)) {
    assert.match(text, /[\u4e00-\u9fff]/, key);
    assert.doesNotMatch(text.replaceAll(/\{\w+\}/g, ""), /[\u4e00-\u9fff][,;:!?()]|[,;:!?(][\u4e00-\u9fff]/, key);
  }
});

test("every key that the pages name exists", () => {
  const named = [
    ...source.matchAll(/data-i18n(?:-label|-placeholder)?="([^"]+)"/g),
    ...source.matchAll(/"data-i18n": "([^"]+)"/g),
    ...source.matchAll(/"([a-z]+\.[a-z_0-9]+)"/g),
  ].map((match) => match[1]);
  const missing = named.filter((key) => prefixes.has(key.split(".")[0]) && !(key in en));
  assert.deepEqual(missing.filter((key) => !key.startsWith("consilium.")), []);
});

test("no text is left over", () => {
  const composed = [...source.matchAll(/`([a-z]+\.[a-z_]*)\$\{/g)].map((match) => match[1]);
  const unused = Object.keys(en).filter((key) => !source.includes(`"${key}"`) && !composed.some((start) => key.startsWith(start)));
  // Pressing a person's button composes its key from its parts.
  const buttons = ["mute", "unmute", "camera_off", "camera_on", "speaker_off", "speaker_on", "kick"].map((name) => `control.${name}`);
  assert.deepEqual(unused.filter((key) => !buttons.includes(key)), []);
});
