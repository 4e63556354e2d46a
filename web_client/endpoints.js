// The page at "/endpoints": alarms, devices, calls and their use, zones, and where a dialled address would lead.

import { alarmRow, alarmText } from "./alarm_rows.js";
import { confirmed } from "./confirm.js";
import { byId, el, setText, show } from "./dom.js";
import { callRow, deviceRow, ruleRow, stepText, zoneCard, bandwidthText, resultText } from "./endpoint_rows.js";
import { errorText } from "./errors.js";
import { EventChannel, eventsUrl } from "./event_channel.js";
import { GatekeeperApi } from "./gatekeeper_api.js";
import { onLanguage, startLanguage, t } from "./language.js";
import { Notices } from "./notices.js";
import { editClass, editRule, editZone } from "./plan_dialogs.js";
import { Api, ApiError } from "./protocol.js";
import { SessionGate } from "./session.js";
import { topologyPicture } from "./topology.js";
import { UseReport } from "./use_report.js";

/** What is shown is asked for again this often. */
const REFRESH_MS = 5_000;

/** The picture's place has so much space at its sides; wider than this, lines only become longer. */
const PICTURE_PADDING = 12;
const PICTURE_WIDTH = 900;

const VIEWS = ["overview", "devices", "calls", "use", "zones", "plan"];

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
    /** @type {import("./gatekeeper_api.js").Topology|null} */
    this.topology = null;
    /** @type {import("./gatekeeper_api.js").KnownAlarm[]} */
    this.alarms = [];
    /** @type {import("./gatekeeper_api.js").KnownAlarm[]} */
    this.past = [];
    this.report = new UseReport(this.gatekeeper, () => this.refresh());
    this.channel = new EventChannel({ url: eventsUrl(location), token: null, onEvent: (event) => this.hear(event), onState: () => {} });
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
    byId("new-zone").addEventListener("click", () => this.edit(editZone(this.gatekeeper, null)));
    byId("new-class").addEventListener("click", () => this.edit(editClass(this.gatekeeper, null)));
    byId("new-rule").addEventListener("click", () => this.edit(editRule(this.gatekeeper, this.zones, null)));
    addEventListener("hashchange", () => this.turnTo());
    new ResizeObserver(() => this.drawPicture()).observe(byId("topology"));
    onLanguage(() => this.draw());
  }

  clear() {
    [this.endpoints, this.calls, this.zones, this.classes, this.rules] = [[], [], [], [], []];
    [this.alarms, this.past, this.topology] = [[], [], null];
    this.report.devices = [];
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
    this.channel.start();
    this.turnTo();
  }

  shut() {
    clearInterval(this.timer);
    this.channel.stop();
    this.clear();
    this.draw();
  }

  /** Alarms are told at once; everything else waits for its turn. @param {any} event */
  hear(event) {
    if (event.type !== "alarm_raised" && event.type !== "alarm_cleared") return;
    if (event.type === "alarm_raised") this.notices.say(alarmText(event.alarm));
    if (this.place.view === "overview") this.refresh();
  }

  /** "calls" and the endpoint of "#calls=theatre2". */
  get place() {
    const [view = "", subject = ""] = location.hash.slice(1).split("=", 2);
    try {
      return { view: VIEWS.includes(view) ? view : "overview", subject: decodeURIComponent(subject) };
    } catch {
      return { view: "overview", subject: "" }; // a mangled link
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
    if (view === "overview") {
      const [{ alarms, past }, topology] = await Promise.all([this.gatekeeper.alarms(), this.gatekeeper.topology()]);
      [this.alarms, this.past, this.topology] = [alarms, past, topology];
    } else if (view === "use") {
      await this.report.load();
    } else if (view === "devices") {
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

  /** @param {Promise<boolean>} dialog */
  async edit(dialog) {
    if (await dialog) await this.refresh();
  }

  /** @param {string} name as people call it @param {() => Promise<unknown>} request */
  async remove(name, request) {
    const question = { title: t("endpoints.remove_named", { name }), text: t("endpoints.remove_text"), button: t("endpoints.remove") };
    if (!(await confirmed(question))) return;
    await this.attempt(request);
    await this.refresh();
  }

  /** @param {() => Promise<unknown>} request */
  async attempt(request) {
    try {
      await request();
    } catch (error) {
      if (this.gate.hasEnded(error)) return;
      const detail = error instanceof ApiError && error.status === 422 ? error.detail : "";
      this.notices.say(detail ? `${t("endpoints.refused_entry")} ${detail}` : errorText(error));
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
    if (view === "overview") this.drawOverview();
    else if (view === "use") this.report.draw();
    else if (view === "devices") this.drawDevices();
    else if (view === "calls") this.drawCalls(subject);
    else if (view === "zones") this.drawZones();
    else this.drawPlan();
  }

  drawOverview() {
    byId("alarms").replaceChildren(...this.alarms.map(alarmRow));
    show(byId("alarms-none"), this.ready.has("overview") && this.alarms.length === 0);
    show(byId("past"), this.past.length > 0);
    byId("past-alarms").replaceChildren(...this.past.map(alarmRow));
    this.drawPicture();
  }

  /** Also when the place for it becomes wider or narrower. */
  drawPicture() {
    const place = byId("topology");
    const width = place.clientWidth - 2 * PICTURE_PADDING;
    if (!this.topology || width <= 0) return;
    place.replaceChildren(topologyPicture(this.topology, Math.min(width, PICTURE_WIDTH)));
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
    this.fillEntries("zones", this.zones, (zone) => zoneCard(zone, () => this.edit(editZone(this.gatekeeper, zone)), () => this.remove(zone.title || zone.name, () => this.gatekeeper.removeZone(zone.name))));
    this.fillEntries("classes", this.classes, (sort) => zoneCard(sort, () => this.edit(editClass(this.gatekeeper, sort)), () => this.remove(sort.title || sort.name, () => this.gatekeeper.removeClass(sort.name))));
    show(byId("classes-empty"), this.ready.has("zones") && this.classes.length === 0);
  }

  drawPlan() {
    const names = this.zones.map((zone) => zone.name);
    if (names.join() !== [...this.zoneChoice.options].map((option) => option.value).join()) {
      const chosen = this.zoneChoice.value || "default";
      this.zoneChoice.replaceChildren(...this.zones.map((zone) => el("option", { value: zone.name }, zone.title ? `${zone.title} (${zone.name})` : zone.name)));
      this.zoneChoice.value = names.includes(chosen) ? chosen : "default";
    }
    this.fillEntries("rules", this.rules, (rule) => ruleRow(rule, () => this.edit(editRule(this.gatekeeper, this.zones, rule)), () => this.remove(rule.id, () => this.gatekeeper.removeRule(rule.id))));
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
   * Entries are made anew only when something about them has changed, so that the keyboard stays where it is.
   * @template T @param {string} id @param {T[]} items @param {(item: T) => HTMLElement} make
   */
  fillEntries(id, items, make) {
    const list = byId(id);
    const told = `${document.documentElement.lang} ${JSON.stringify(items)}`;
    if (list.dataset.told === told) return;
    const focused = document.activeElement instanceof HTMLElement && list.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : null;
    list.dataset.told = told;
    list.replaceChildren(...items.map(make));
    if (focused) /** @type {HTMLElement|null} */ (list.querySelector(`[aria-label="${CSS.escape(focused)}"]`))?.focus();
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
