// The page's language: chosen from the browser, switchable, remembered. Texts are in i18n/, one file a language.

import { ensureHan } from "./han_font.js";
import en from "./i18n/en.js";
import zh from "./i18n/zh.js";

/** @type {Record<string, Record<string, string>>} */
const LANGUAGES = { en, zh };
const TAGS = { en: "en", zh: "zh-CN" };
const REMEMBERED = "consilium.language";

/** @type {Set<() => void>} */
const listeners = new Set();

/** @param {string|null} remembered @param {readonly string[]} wanted the browser's languages, best first */
export function choose(remembered, wanted) {
  if (remembered && remembered in LANGUAGES) return remembered;
  const match = wanted.map((tag) => tag.toLowerCase().split("-")[0] ?? "").find((tag) => tag in LANGUAGES);
  return match ?? "en";
}

let current = "en";

export function language() {
  return current;
}

/**
 * The text for a key, with {name} replaced by values.name. A missing key shows itself: a test keeps that from happening.
 * @param {string} key
 * @param {Record<string, string|number>} [values]
 */
export function t(key, values = {}) {
  const text = LANGUAGES[current]?.[key] ?? en[/** @type {keyof typeof en} */ (key)] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** Date and time as people of this language write them. @param {string|number|Date} when */
export function formatDate(when) {
  const date = new Date(when);
  if (Number.isNaN(date.getTime())) return "";
  return new Intl.DateTimeFormat(TAGS[/** @type {"en"|"zh"} */ (current)], { dateStyle: "medium", timeStyle: "short" }).format(date);
}

/** 65 → "1:05", 3665 → "1:01:05". @param {number} seconds */
export function formatDuration(seconds) {
  const whole = Math.max(0, Math.floor(seconds || 0));
  const two = (/** @type {number} */ value) => String(value).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** @param {number} bytes */
export function formatSize(bytes) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let value = bytes || 0;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value.toLocaleString(TAGS[/** @type {"en"|"zh"} */ (current)], { maximumFractionDigits: value < 10 && unit > 0 ? 1 : 0 })} ${units[unit]}`;
}

/** Hours and minutes. @param {string} iso */
export function formatTime(iso) {
  const format = new Intl.DateTimeFormat(TAGS[/** @type {"en"|"zh"} */ (current)], { hour: "2-digit", minute: "2-digit" });
  return format.format(new Date(iso));
}

/**
 * Translate what the HTML marks: data-i18n="key" for the text, data-i18n-label="key" for aria-label and title,
 * data-i18n-placeholder="key".
 * @param {ParentNode} root
 */
export function translate(root) {
  for (const element of root.querySelectorAll("[data-i18n]")) {
    element.textContent = t(element.getAttribute("data-i18n") ?? "");
  }
  for (const element of root.querySelectorAll("[data-i18n-label]")) {
    const text = t(element.getAttribute("data-i18n-label") ?? "");
    element.setAttribute("aria-label", text);
    element.setAttribute("title", text);
  }
  for (const element of root.querySelectorAll("[data-i18n-placeholder]")) {
    element.setAttribute("placeholder", t(element.getAttribute("data-i18n-placeholder") ?? ""));
  }
}

/** Have something drawn anew when the language changes. @param {() => void} listener @param {AbortSignal} [signal] ends it */
export function onLanguage(listener, signal) {
  listeners.add(listener);
  signal?.addEventListener("abort", () => listeners.delete(listener));
}

export function setLanguage(/** @type {string} */ chosen) {
  current = choose(chosen, []);
  localStorage.setItem(REMEMBERED, current);
  show();
}

function show() {
  document.documentElement.lang = TAGS[/** @type {"en"|"zh"} */ (current)];
  translate(document);
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.getAttribute("data-language") === current));
  }
  for (const listener of listeners) listener();
}

/** To be called once by a page: picks the language, translates, and makes the switches work. */
export function startLanguage() {
  current = choose(localStorage.getItem(REMEMBERED), navigator.languages ?? [navigator.language]);
  for (const button of document.querySelectorAll("[data-language]")) {
    button.addEventListener("click", () => setLanguage(button.getAttribute("data-language") ?? "en"));
  }
  show();
  ensureHan();
}
