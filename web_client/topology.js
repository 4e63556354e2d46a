// A picture of the house: zones with their devices on the left, conferences on the right, calls as lines between them.

import { t } from "./language.js";

/** @typedef {import("./gatekeeper_api.js").Topology} Topology @typedef {import("./gatekeeper_api.js").CallEdge} CallEdge */

const SVG = "http://www.w3.org/2000/svg";
const ROW = 26;
const DOT = 20;
const PAD = 12;
/** Name and figures of a zone, on two lines; on three where it is narrow. */
const HEAD = 46;
const LINE = 15;
const NARROW = 300;
/** Calls of one zone that get a line of their own; the picture is to be read at a glance. */
const MOST_ROWS = 12;
const POOR = 0.03;

/** @param {string} tag @param {Record<string, string|number>} attributes @param {...(Node|string)} children */
function node(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** As much of a text as fits; Chinese letters are twice as wide. @param {string} text @param {number} width in pixels */
export function fitted(text, width) {
  let room = width / 7.4;
  let kept = "";
  for (const letter of text) {
    room -= letter > "\u2e80" ? 1.9 : 1;
    if (room < 1) return kept.trimEnd() + "…";
    kept += letter;
  }
  return kept;
}

/** How a call is: "poor", "lowered" or "good". @param {CallEdge} call */
export function stateOf(call) {
  if (call.loss >= POOR) return "poor";
  return call.lowered ? "lowered" : "good";
}

/**
 * Where everything stands, in pixels; without the page, so that it can be tested.
 * @param {Topology} topology @param {number} width
 */
export function arranged(topology, width) {
  const wide = Math.max(300, width);
  const left = Math.round(wide * 0.6);
  const right = Math.round(wide * 0.74);
  const columns = Math.max(1, Math.floor((left - 2 * PAD) / DOT));
  const head = left < NARROW ? HEAD + LINE : HEAD;
  const zones = [];
  let y = 0;
  for (const zone of topology.zones) {
    const calls = topology.calls.filter((call) => call.zone === zone.name);
    const idle = zone.devices.filter((one) => one.state !== "in_call");
    if (!calls.length && !idle.length && topology.zones.length > 1) continue;
    const shown = calls.slice(0, MOST_ROWS);
    const rest = calls.length - shown.length;
    const height = head + (shown.length + (rest ? 1 : 0)) * ROW + Math.ceil(idle.length / columns) * DOT + (zone.more ? ROW : 0) + PAD;
    zones.push({
      zone, y, height, head, rest, more: zone.more,
      calls: shown.map((call, index) => ({ call, y: y + head + index * ROW + ROW / 2 })),
      dots: idle.map((one, index) => ({
        one,
        x: PAD + (index % columns) * DOT + DOT / 2,
        y: y + head + (shown.length + (rest ? 1 : 0)) * ROW + Math.floor(index / columns) * DOT + DOT / 2,
      })),
    });
    y += height + PAD;
  }
  const numbers = [...new Set(topology.calls.map((call) => call.room))].sort();
  const height = Math.max(y, numbers.length * 48, 60);
  const rooms = numbers.map((number, index) => ({
    number,
    y: ((index + 0.5) * height) / numbers.length,
    calls: topology.calls.filter((call) => call.room === number),
  }));
  return { wide, left, right, height, zones, rooms };
}

/** @param {Topology} topology @param {number} width of the place for it, in pixels @returns {SVGElement} */
export function topologyPicture(topology, width) {
  const { wide, left, right, height, zones, rooms } = arranged(topology, width);
  const summary = t("endpoints.picture_summary", { zones: zones.length, calls: topology.calls.length + topology.more_calls, rooms: rooms.length });
  const svg = /** @type {SVGElement} */ (
    node("svg", { class: "topology-picture", viewBox: `0 0 ${wide} ${height}`, width: wide, height, role: "img", "aria-label": summary })
  );
  const places = new Map(rooms.map((room) => [room.number, room.y]));
  // Lines first: boxes are drawn over their ends.
  for (const { calls } of zones) {
    for (const { call, y } of calls) {
      const end = places.get(call.room) ?? y;
      const bend = (right - left) / 2;
      svg.append(
        node(
          "path",
          { class: "call", "data-state": stateOf(call), "data-important": String(call.important), d: `M${left - PAD} ${y} C${left + bend} ${y} ${right - bend} ${end} ${right} ${end}` },
          node("title", {}, callText(call)),
        ),
      );
    }
  }
  for (const zone of zones) svg.append(zoneBox(zone, left));
  for (const room of rooms) svg.append(roomBox(room, right, wide - right - 1));
  return svg;
}

/** @param {CallEdge} call */
function callText(call) {
  const room = call.room ? t("call.room", { number: call.room }) : t("endpoints.menu");
  const words = [call.name || call.endpoint, "→", room, `(${t(`endpoints.line_${stateOf(call)}`)}${call.important ? ` · ${t("endpoints.important")}` : ""})`];
  return words.join(" ");
}

/** @param {ReturnType<typeof arranged>["zones"][number]} place @param {number} width */
function zoneBox({ zone, y, height, head, calls, dots, rest, more }, width) {
  const use = zone.total ? `${megabits(zone.rate)} / ${megabits(zone.total)} Mbit/s` : `${megabits(zone.rate)} Mbit/s`;
  const full = zone.total !== null && zone.rate >= 0.9 * zone.total;
  const under = y + head + calls.length * ROW;
  const here = t("endpoints.registered_here", { count: zone.registered });
  const figures = head > HEAD ? [use, here] : [`${use} · ${here}`];
  return node(
    "g",
    { class: "zone-box", "data-zone": zone.name, "data-full": String(full) },
    node("rect", { x: 0.5, y: y + 0.5, width: width - PAD, height: height - 1, rx: 10 }),
    node("text", { class: "name", x: PAD, y: y + 20 }, fitted(zone.title || zone.name, width - 3 * PAD)),
    ...figures.map((words, line) => node("text", { class: "small", x: PAD, y: y + 37 + line * LINE }, fitted(words, (width - 3 * PAD) * 1.15))),
    ...calls.map(({ call, y: middle }) =>
      node(
        "g",
        { class: "caller", "data-state": stateOf(call) },
        call.kind === "browser"
          ? node("rect", { class: "mark", x: PAD + 2, y: middle - 5, width: 10, height: 10, rx: 2 })
          : node("circle", { class: "mark", cx: PAD + 7, cy: middle, r: 5.5 }),
        node("text", { x: PAD + 20, y: middle + 4.5 }, fitted(call.name || call.endpoint, width - 4 * PAD - 16)),
      ),
    ),
    ...(rest ? [node("text", { class: "small", x: PAD, y: under + 17 }, t("endpoints.more_calls", { count: rest }))] : []),
    ...dots.map(({ one, x, y: middle }) =>
      node(
        "circle",
        { class: "device", "data-state": one.state, "data-alarm": String(one.alarms.length > 0), cx: x, cy: middle, r: 6 },
        node("title", {}, `${one.name || one.id} – ${t(`endpoints.state_${one.state}`)}`),
      ),
    ),
    ...(more ? [node("text", { class: "small", x: PAD, y: y + height - PAD }, t("endpoints.more_devices", { count: more }))] : []),
  );
}

/** @param {{number: string, y: number, calls: CallEdge[]}} room @param {number} x @param {number} width */
function roomBox(room, x, width) {
  const important = room.calls.some((call) => call.important);
  return node(
    "g",
    { class: "room-box", "data-important": String(important) },
    node("rect", { x, y: room.y - 19, width, height: 38, rx: 10 }),
    node("text", { class: "name", x: x + 8, y: room.y - 1 }, fitted(room.number || t("endpoints.menu"), width - 8)),
    node("text", { class: "small", x: x + 8, y: room.y + 14 }, fitted(t("endpoints.in_room", { count: room.calls.length }), width - 4)),
  );
}

/** @param {number} rate */
function megabits(rate) {
  return (rate / 1_000_000).toFixed(rate < 10_000_000 ? 1 : 0);
}
