// Layouts in words and as small drawings.

import { t } from "./language.js";

const SVG = "http://www.w3.org/2000/svg";

// The drawing's own units: 16:9, like the picture.
const WIDTH = 96;
const HEIGHT = 54;
const GAP = 1.5;

// By number of tiles.
const ONE_LARGE = ["1", "2", "1+2", "1+3", "1+4", "1+5", "1+7", "1+9", "1+12", "1+16", "1+20", "1+33"];

// From so many tiles on, numbers in them could not be read.
const MOST_NUMBERED = 16;

/** @typedef {import("./protocol.js").Layout} Layout */

/** "auto", "1", "4", "1+7"… in words. @param {string} name */
export function layoutName(name) {
  if (name === "auto") return t("control.layout_auto");
  if (name === "1") return t("control.layout_single");
  if (name === "1+1") return t("layout.inset");
  if (name === "1+1-side") return t("layout.side");
  if (/^\d+$/.test(name)) return t("control.layout_grid", { count: name });
  const content = /^content\+(\d+)$/.exec(name);
  if (content) return t("layout.content", { count: content[1] ?? "" });
  const screens = /^(\d)-screens(?:\+(\d+))?$/.exec(name);
  if (screens) return t(screens[2] ? "layout.screens_more" : "layout.screens", { count: screens[1] ?? "", small: screens[2] ?? "" });
  if (name === "content+3-screens") return t("layout.content_screens");
  const [, large, small] = /^(\d+)\+(\d+)$/.exec(name) ?? [];
  return large && small ? t("control.layout_mixed", { large, small }) : name;
}

/** @typedef {"equal"|"large"|"content"|"own"} Group */

/** @type {Group[]} */
export const GROUPS = ["equal", "large", "content", "own"];

/** In which part of a list a layout stands. @param {Layout} layout @returns {Group} */
export function groupOf(layout) {
  if (layout.custom) return "own";
  if (/content|screens/.test(layout.name)) return "content";
  return /^\d+$/.test(layout.name) ? "equal" : "large";
}

/**
 * A small drawing of a layout, for eyes only: its name stands beside it.
 * @param {Layout|null} layout null: the automatic one
 * @param {{numbers?: boolean}} [options] numbers: of the tiles, from 1
 */
export function layoutDrawing(layout, { numbers = false } = {}) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute("class", "layout-drawing");
  svg.setAttribute("aria-hidden", "true");
  svg.append(shape("rect", { x: 0, y: 0, width: WIDTH, height: HEIGHT, rx: 3, class: "canvas" }));
  const cells = layout?.cells ?? [];
  cells.forEach((cell, index) => {
    const [x, y] = [cell.left * WIDTH + GAP / 2, cell.top * HEIGHT + GAP / 2];
    const [width, height] = [Math.max(1, cell.width * WIDTH - GAP), Math.max(1, cell.height * HEIGHT - GAP)];
    svg.append(shape("rect", { x, y, width, height, rx: 1.5, class: index === 0 ? "tile first" : "tile" }));
    if (numbers && cells.length <= MOST_NUMBERED) svg.append(label(String(index + 1), x + width / 2, y + height / 2, height));
  });
  if (!layout) svg.append(label("A", WIDTH / 2, HEIGHT / 2, HEIGHT));
  return svg;
}

/**
 * The layout of this name as it is now. The automatic one goes by the number of people and by what they are doing, as
 * the server has it: one large tile for a voice or a lecturer, and in a round one tile besides those of roles.
 * @param {Layout[]} layouts
 * @param {string|null} name
 * @param {import("./protocol.js").Conference} conference
 * @returns {Layout|null}
 */
export function layoutNow(layouts, name, conference) {
  const named = (/** @type {string|null} */ wanted) => layouts.find((layout) => layout.name === wanted) ?? null;
  if (name !== "auto") return named(name);
  const visible = conference.participants.filter((person) => !person.hidden);
  const count = Math.max(1, visible.length);
  const mode = conference.seating?.mode;
  if (mode === "polling") {
    const standing = visible.filter((person) => person.role === "chair" || person.role === "expert").length;
    return named(String(Math.min(count, 1 + standing)));
  }
  if (mode !== "voice" && mode !== "lecture") return named(String(count));
  const fitting = ONE_LARGE.map(named).filter((layout) => layout !== null);
  return fitting.find((layout) => layout.cells.length >= count) ?? fitting.at(-1) ?? null;
}

/** @param {string} name @param {Record<string, string|number>} attributes */
function shape(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}

/** @param {string} text @param {number} x @param {number} y @param {number} room */
function label(text, x, y, room) {
  const size = Math.min(18, Math.max(6, room * 0.6));
  const made = shape("text", { x, y: y + size * 0.36, "font-size": size, "text-anchor": "middle" });
  made.textContent = text;
  return made;
}
