// The use of each device in a span of days: a table, and files for spreadsheets.

import { byId, el, setText, show } from "./dom.js";
import { formatShare } from "./endpoint_rows.js";
import { t } from "./language.js";

const DAY_MS = 86_400_000;

/** A day as the fields for dates write it, in the time of this place. @param {Date} day */
function written(day) {
  const two = (/** @type {number} */ value) => String(value).padStart(2, "0");
  return `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}`;
}

/** From the first instant of one day to the last of another, as the API takes it. @param {string} first @param {string} last */
export function span(first, last) {
  const end = new Date(`${last}T00:00:00`);
  end.setDate(end.getDate() + 1);
  return { since: new Date(`${first}T00:00:00`).toISOString(), until: end.toISOString() };
}

export class UseReport {
  /** @param {import("./gatekeeper_api.js").GatekeeperApi} gatekeeper @param {() => void} onChoice other days were chosen */
  constructor(gatekeeper, onChoice) {
    this.gatekeeper = gatekeeper;
    /** @type {import("./gatekeeper_api.js").DeviceUse[]} */
    this.devices = [];
    this.first = /** @type {HTMLInputElement} */ (byId("use-first"));
    this.last = /** @type {HTMLInputElement} */ (byId("use-last"));
    const now = new Date();
    this.first.value = written(new Date(now.getTime() - 6 * DAY_MS));
    this.last.value = written(now);
    byId("use-form").addEventListener("submit", (event) => event.preventDefault());
    for (const field of [this.first, this.last]) field.addEventListener("change", onChoice);
  }

  /** null while a day is missing or they are the wrong way round. */
  get chosen() {
    const { value: first } = this.first;
    const { value: last } = this.last;
    return first && last && first <= last ? span(first, last) : null;
  }

  async load() {
    const { chosen } = this;
    this.devices = chosen ? (await this.gatekeeper.use(chosen)).devices : [];
  }

  draw() {
    const { chosen, devices } = this;
    show(byId("use-wrong"), chosen === null);
    for (const [id, path] of [["use-table", "/call-records/use.csv"], ["calls-table", "/call-records.csv"]]) {
      const link = byId(String(id));
      show(link, chosen !== null);
      if (chosen) link.setAttribute("href", this.gatekeeper.address(String(path), chosen));
    }
    show(byId("use-rows"), devices.length > 0);
    show(byId("use-empty"), chosen !== null && devices.length === 0);
    const body = byId("use-rows").querySelector("tbody");
    body?.replaceChildren(...devices.map(useRow));
    const sum = (/** @type {"calls"|"failed"|"seconds"} */ name) => devices.reduce((whole, one) => whole + one[name], 0);
    setText(byId("use-sum"), t("endpoints.use_sum", { devices: devices.length, calls: sum("calls"), hours: hours(sum("seconds")), failed: sum("failed") }));
  }
}

/** @param {number} seconds */
function hours(seconds) {
  return (seconds / 3600).toFixed(seconds < 36_000 ? 1 : 0);
}

/** @param {import("./gatekeeper_api.js").DeviceUse} one */
function useRow(one) {
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, el("a", { href: `#calls=${encodeURIComponent(one.endpoint)}` }, one.name || one.endpoint), one.name ? el("span", { class: "muted" }, ` ${one.endpoint}`) : null),
    el("td", {}, String(one.calls)),
    el("td", {}, hours(one.seconds)),
    el("td", { "data-poor": String(one.loss >= 0.01) }, formatShare(one.loss)),
    el("td", { "data-poor": String(one.failed > 0) }, String(one.failed)),
  );
}
