// The page at "/endpoints": devices, call records, zones, and where a dialled address would lead.

import { byId, el, setText, show } from "./dom.js";
import { callRow, deviceRow, ruleRow, stepText, zoneCard, bandwidthText, resultText } from "./endpoint_rows.js";
import { errorText } from "./errors.js";
import { GatekeeperApi } from "./gatekeeper_api.js";
import { onLanguage, startLanguage, t } from "./language.js";
import { Notices } from "./notices.js";
import { Api } from "./protocol.js";
import { SessionGate } from "./session.js";

/** What is shown is asked for again this often. */
const REFRESH_MS = 5_000;

const VIEWS = ["devices", "calls", "zones", "plan"];

/** @typedef {import("./gatekeeper_api.js").Endpoint} Endpoint */

class EndpointsPage {
  constructor() {
    this.api = new Api();
    this.gatekeeper = new GatekeeperApi(this.api);
    this.gate = new SessionGate(this.api, { onOpen: () => this.open(), onShut: () => this.shut() });
    this.notices = new Notices(byId("notices"));
    this.filter = /** @type {HTMLInputElement} */ (byId("filter"));
    this.zoneChoice = /** @type {HTMLSelectElement} */ (byId("where-zone"));
    /** @type {Endpoint[]} */
    this.endpoints = [];
    /** @type {import("./gatekeeper_api.js").CallRecord[]} */
    this.calls = [];
    this.more = false;
    /** Pages of older calls were opened: then only what is new is put on top. */
    this.turned = false;
    /** @type {import("./gatekeeper_api.js").Zone[]} */
    this.zones = [];
    /** @type {import("./gatekeeper_api.js").Zone[]} */
    this.classes = [];
    /** @type {import("./gatekeeper_api.js").Rule[]} */
    this.rules = [];
    /** @type {import("./gatekeeper_api.js").DryRun|null} */
    this.answer = null;
    /** @type {Set<string>} */
    this.ready = new Set();
    /** @type {unknown} */
    this.failure = null;
    /** @type {Set<string>} ids of rows that are open */
    this.unfolded = new Set();
    this.filter.addEventListener("input", () => this.draw());
    byId("older").addEventListener("click", () => this.older());
    byId("where-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.ask();
    });
    addEventListener("hashchange", () => this.turnTo());
    onLanguage(() => this.draw());
  }

  clear() {
    [this.endpoints, this.calls, this.zones, this.classes, this.rules] = [[], [], [], [], []];
    this.more = false;
    this.turned = false;
    this.answer = null;
    this.failure = null;
    this.ready.clear();
    this.unfolded.clear();
  }

  open() {
    clearInterval(this.timer);
    this.timer = setInterval(() => {
      if (!document.hidden) this.refresh();
    }, REFRESH_MS);
    this.turnTo();
  }

  shut() {
    clearInterval(this.timer);
    this.clear();
    this.draw();
  }

  /** "calls" and the endpoint of "#calls=theatre2". */
  get place() {
    const [view = "", subject = ""] = location.hash.slice(1).split("=", 2);
    try {
      return { view: VIEWS.includes(view) ? view : "devices", subject: decodeURIComponent(subject) };
    } catch {
      return { view: "devices", subject: "" }; // a mangled link
    }
  }

  turnTo() {
    this.calls = [];
    this.turned = false;
    this.ready.delete("calls");
    this.draw();
    if (this.gate.isOpen) this.refresh();
  }

  async refresh() {
    const { view, subject } = this.place;
    try {
      await this.load(view, subject);
      this.failure = null;
      this.ready.add(view);
    } catch (error) {
      if (this.gate.hasEnded(error)) return;
      this.failure = error;
    }
    if (this.gate.isOpen) this.draw();
  }

  /** @param {string} view @param {string} subject */
  async load(view, subject) {
    if (view === "devices") {
      this.endpoints = (await this.gatekeeper.endpoints()).endpoints;
    } else if (view === "calls") {
      const { calls, more } = await this.gatekeeper.calls({ endpoint: subject });
      if (this.place.subject !== subject) return;
      const fresh = new Set(calls.map((call) => call.id));
      this.calls = this.turned ? [...calls, ...this.calls.filter((call) => !fresh.has(call.id))] : calls;
      if (!this.turned) this.more = more;
    } else {
      const [zones, classes, rules] = await Promise.all([this.gatekeeper.zones(), this.gatekeeper.classes(), this.gatekeeper.rules()]);
      this.zones = zones.zones;
      this.classes = classes.classes;
      this.rules = rules.rules;
    }
  }

  async older() {
    const { subject } = this.place;
    const last = this.calls.at(-1);
    if (!last) return;
    await this.attempt(async () => {
      const { calls, more } = await this.gatekeeper.calls({ endpoint: subject, before: last.began_at });
      this.calls = [...this.calls, ...calls];
      this.more = more;
      this.turned = true;
    });
    this.draw();
  }

  async ask() {
    const field = /** @type {HTMLInputElement} */ (byId("where-address"));
    const address = field.value.trim();
    if (!address) {
      field.focus();
      return;
    }
    await this.attempt(async () => {
      this.answer = await this.gatekeeper.where(address, this.zoneChoice.value || "default");
    });
    this.draw();
  }

  /** @param {Endpoint} endpoint */
  async forget(endpoint) {
    await this.attempt(() => this.gatekeeper.forget(endpoint.id));
    await this.refresh();
  }

  /** @param {() => Promise<unknown>} request */
  async attempt(request) {
    try {
      await request();
    } catch (error) {
      if (!this.gate.hasEnded(error)) this.notices.say(errorText(error));
    }
  }

  // --- drawing

  draw() {
    const { view, subject } = this.place;
    document.title = `${t(`endpoints.${view}`)} – Consilium`;
    for (const name of VIEWS) {
      const section = byId(`${name}-view`);
      show(section, name === view);
      section.dataset.state = this.ready.has(name) ? "ready" : "loading";
    }
    for (const link of document.querySelectorAll("[data-view]")) {
      if (link.getAttribute("data-view") === view) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    show(byId("failure"), this.failure !== null);
    setText(byId("failure"), this.failure === null ? "" : errorText(this.failure));
    if (view === "devices") this.drawDevices();
    else if (view === "calls") this.drawCalls(subject);
    else if (view === "zones") this.drawZones();
    else this.drawPlan();
  }

  drawDevices() {
    const wanted = this.filter.value.trim().toLowerCase();
    const shown = this.endpoints.filter((one) =>
      [one.id, one.name, one.maker, one.model, one.version, one.address, one.zone].some((text) => text.toLowerCase().includes(wanted)),
    );
    // What is wrong comes first, then what is in use.
    const rank = (/** @type {Endpoint} */ one) => (one.alarms.length ? 0 : { in_call: 1, registered: 2, unregistered: 3, seen: 4 }[one.state]);
    shown.sort((a, b) => rank(a) - rank(b) || (a.name || a.id).localeCompare(b.name || b.id));
    const count = (/** @type {(one: Endpoint) => boolean} */ test) => this.endpoints.filter(test).length;
    const totals = [
      ["all", this.endpoints.length],
      ["in_call", count((one) => one.state === "in_call")],
      ["registered", count((one) => one.registered_until !== null && one.state !== "unregistered")],
      ["alarms", count((one) => one.alarms.length > 0)],
    ];
    byId("totals").replaceChildren(
      ...totals.map(([name, number]) => el("li", { "data-total": String(name), "data-zero": String(number === 0) }, el("strong", {}, String(number)), t(`endpoints.total_${name}`))),
    );
    this.fill("devices", shown, (one) => deviceRow(one, () => this.forget(one)));
    show(byId("devices-empty"), this.ready.has("devices") && shown.length === 0);
    setText(byId("devices-empty"), t(this.endpoints.length === 0 ? "endpoints.no_devices" : "endpoints.none_found"));
  }

  drawCalls(/** @type {string} */ subject) {
    this.fill("calls", this.calls, callRow);
    show(byId("calls-of"), subject !== "");
    const named = byId("calls-of").querySelector("span");
    if (named) setText(named, t("endpoints.calls_of", { endpoint: subject }));
    show(byId("calls-empty"), this.ready.has("calls") && this.calls.length === 0);
    show(byId("older"), this.more);
  }

  drawZones() {
    byId("zones").replaceChildren(...this.zones.map(zoneCard));
    byId("classes").replaceChildren(...this.classes.map(zoneCard));
    show(byId("classes-empty"), this.ready.has("zones") && this.classes.length === 0);
  }

  drawPlan() {
    const names = this.zones.map((zone) => zone.name);
    if (names.join() !== [...this.zoneChoice.options].map((option) => option.value).join()) {
      const chosen = this.zoneChoice.value || "default";
      this.zoneChoice.replaceChildren(...this.zones.map((zone) => el("option", { value: zone.name }, zone.title ? `${zone.title} (${zone.name})` : zone.name)));
      this.zoneChoice.value = names.includes(chosen) ? chosen : "default";
    }
    byId("rules").replaceChildren(...this.rules.map(ruleRow));
    show(byId("rules-empty"), this.ready.has("plan") && this.rules.length === 0);
    const { answer } = this;
    show(byId("where-answer"), answer !== null);
    if (!answer) return;
    byId("where-answer").dataset.kind = answer.destination.kind;
    setText(byId("where-result"), resultText(answer));
    const bandwidth = bandwidthText(answer);
    show(byId("where-bandwidth"), bandwidth !== "");
    setText(byId("where-bandwidth"), bandwidth);
    byId("where-steps").replaceChildren(...answer.steps.map((step) => el("li", { "data-step": step.kind }, stepText(step))));
  }

  /**
   * Rows are made anew with every answer; which are open, and where the keyboard is, is kept.
   * @template {{id: string}} T @param {string} id @param {T[]} items @param {(item: T) => HTMLElement} make
   */
  fill(id, items, make) {
    const list = byId(id);
    const focused = list.contains(document.activeElement) ? document.activeElement?.closest("[data-id]")?.getAttribute("data-id") : null;
    const rows = items.map((item) => {
      const row = make(item);
      const details = row.querySelector("details");
      if (details) {
        details.open = this.unfolded.has(item.id);
        details.addEventListener("toggle", () => (details.open ? this.unfolded.add(item.id) : this.unfolded.delete(item.id)));
      }
      return row;
    });
    list.replaceChildren(...rows);
    if (focused) /** @type {HTMLElement|null} */ (list.querySelector(`[data-id="${CSS.escape(focused)}"] summary`))?.focus();
  }
}

startLanguage();
new EndpointsPage().gate.start();
