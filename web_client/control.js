// The page at "/control": rooms, who is in them, and everything a chair does. Live by the WebSocket of events.

import { CallsPanel } from "./calls_panel.js";
import { ConferencePanel } from "./conference_panel.js";
import { confirmed } from "./confirm.js";
import { byId, el, icon, setText, show } from "./dom.js";
import { errorText } from "./errors.js";
import { EventChannel, eventsUrl } from "./event_channel.js";
import { onLanguage, startLanguage, t } from "./language.js";
import { LayoutMaker } from "./layout_maker.js";
import { Notices } from "./notices.js";
import { PersonDialog } from "./person_dialog.js";
import { PicturePanel } from "./picture_panel.js";
import { Api } from "./protocol.js";
import { applyEvent, conferencesOf } from "./roster.js";
import { SessionGate } from "./session.js";

const NUMBER = /^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/;
const PIN = /^[0-9]{4,12}$/;

/** @typedef {import("./protocol.js").Conference} Conference */

class ControlPage {
  constructor() {
    this.api = new Api();
    this.gate = new SessionGate(this.api, { onOpen: () => this.open(), onShut: () => this.shut() });
    this.notices = new Notices(byId("notices"));
    /** @type {ReadonlyMap<string, Conference>} */
    this.conferences = new Map();
    this.loaded = false;
    this.live = false;
    /** @type {(() => string)|null} what was wrong with the room to create, said anew in another language */
    this.complaint = null;
    this.panel = new ConferencePanel({
      change: (change) => this.act((number) => this.api.changeConference(number, change)),
      changePerson: (id, change) => this.act(() => this.api.changeParticipant(id, change)),
      moveCamera: (id, move) => this.act(() => this.api.moveCamera(id, move)),
      record: (on) => this.act((number) => (on ? this.api.startRecording(number) : this.api.stopRecording(number))),
      revokeFloor: () => this.act((number) => this.api.revokeFloor(number)),
      kick: (person) => this.kick(person),
      settings: async (person) => {
        if (this.chosen) this.person.open(person.id, this.chosen, this.picture.layouts);
      },
      end: () => this.end(),
    });
    this.picture = new PicturePanel(
      (change) => this.act((number) => this.api.changeConference(number, change), true),
      this.api,
      (error) => this.failed(error),
    );
    this.layouts = new LayoutMaker(this.api, () => this.learnLayouts());
    this.person = new PersonDialog((id, change) => this.act(() => this.api.changeParticipant(id, change)));
    this.calls = new CallsPanel({
      place: (targets, retries) => this.steer((number) => this.api.placeCalls(number, targets, retries)),
      cancel: (id) => this.steer((number) => this.api.cancelCall(number, id)),
    });
    byId("create-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.create();
    });
    addEventListener("hashchange", () => this.draw());
    addEventListener("online", () => this.channel?.hurry());
    onLanguage(() => this.draw());
  }

  // --- coming and going

  async open() {
    this.channel = new EventChannel({
      url: eventsUrl(location),
      token: null,
      onEvent: (event) => this.receive(event),
      onState: (open) => this.channelChanged(open),
    });
    this.channel.start();
    this.draw();
    try {
      await this.learnLayouts();
      await this.picture.decoration.learn();
      this.draw();
    } catch (error) {
      this.failed(error);
    }
  }

  async learnLayouts() {
    this.picture.layouts = await this.api.layouts();
    this.panel.layouts = this.picture.layouts.layouts;
    this.layouts.own = (this.picture.layouts.details ?? []).filter((layout) => layout.custom);
    this.draw();
  }

  shut() {
    this.channel?.stop();
    this.conferences = new Map();
    this.loaded = false;
    this.draw();
  }

  receive(/** @type {import("./protocol.js").ServerEvent} */ event) {
    this.conferences = applyEvent(this.conferences, event);
    if (event.type === "welcome") this.loaded = true;
    if (event.type === "recording_failed") this.notices.say(t("notice.recording_failed"));
    this.draw();
  }

  async channelChanged(/** @type {boolean} */ open) {
    this.live = open;
    this.draw();
    // The login may have ended: a socket only closes, a request says why.
    if (!open) await this.refresh();
  }

  async refresh() {
    try {
      this.conferences = conferencesOf((await this.api.conferences()).conferences);
      this.loaded = true;
      this.draw();
    } catch (error) {
      // The network's trouble shows in the sign of the channel; here only the end of the login matters.
      this.gate.hasEnded(error);
    }
  }

  failed(/** @type {unknown} */ error) {
    if (!this.gate.hasEnded(error)) this.notices.say(errorText(error));
  }

  // --- what the chair does

  /** @returns {Conference|null} */
  get chosen() {
    try {
      return this.conferences.get(decodeURIComponent(location.hash.slice(1))) ?? null;
    } catch {
      return null; // a mangled link
    }
  }

  /**
   * Ask the server; what comes of it arrives as an event, but for rooms in which nobody is.
   * @param {(number: string) => Promise<unknown>} request
   * @param {boolean} [ofRoom] whether it may be about such a room
   */
  async act(request, ofRoom = false) {
    const { chosen } = this;
    if (!chosen) return;
    try {
      await request(chosen.number);
      if (ofRoom && !chosen.active) await this.refresh();
    } catch (error) {
      this.failed(error);
    }
    this.draw();
  }

  /** Like ``act``, but trouble is the caller's to tell. @param {(number: string) => Promise<unknown>} request */
  async steer(request) {
    const { chosen } = this;
    if (!chosen) return;
    try {
      await request(chosen.number);
    } catch (error) {
      if (!this.gate.hasEnded(error)) throw error;
    }
  }

  /** @param {import("./protocol.js").Participant} person */
  async kick(person) {
    const sure = await confirmed({
      title: t("control.kick_title", { name: person.name }),
      text: t("control.kick_text", { name: person.name }),
      button: t("control.kick_button"),
    });
    if (sure) await this.act(() => this.api.removeParticipant(person.id));
  }

  /** End what runs, or delete the room in which nothing runs. */
  async end() {
    const { chosen } = this;
    if (!chosen) return;
    const question = chosen.active
      ? {
          title: t("control.end_title"),
          text: t("control.end_text", { count: chosen.participants.length }),
          button: t("control.end"),
        }
      : {
          title: t("control.remove_room_title", { number: chosen.number }),
          text: t("control.remove_room_text"),
          button: t("control.remove_room"),
        };
    if (!(await confirmed(question))) return;
    await this.act(() => this.api.endConference(chosen.number, !chosen.active));
    await this.refresh();
  }

  async create() {
    const value = (/** @type {string} */ id) => /** @type {HTMLInputElement} */ (byId(id)).value.trim();
    const [number, title, pin] = [value("create-number"), value("create-title"), value("create-pin")];
    const chairPin = value("create-chair-pin");
    if (!NUMBER.test(number)) return this.complain(() => t("control.bad_number"), "create-number");
    if (pin && !PIN.test(pin)) return this.complain(() => t("control.bad_pin"), "create-pin");
    if (chairPin && (!PIN.test(chairPin) || chairPin === pin)) return this.complain(() => t("control.bad_chair_pin"), "create-chair-pin");
    const button = /** @type {HTMLButtonElement} */ (byId("create-button"));
    button.disabled = true;
    try {
      const room = await this.api.createConference({ number, title, ...(pin ? { pin } : {}), ...(chairPin ? { chair_pin: chairPin } : {}) });
      this.complain(null);
      /** @type {HTMLFormElement} */ (byId("create-form")).reset();
      /** @type {HTMLDetailsElement} */ (byId("create")).open = false;
      await this.refresh();
      location.hash = encodeURIComponent(room.number);
      this.notices.say(t("control.created", { number: room.number }));
    } catch (error) {
      if (!this.gate.hasEnded(error)) this.complain(() => errorText(error), "create-number");
    } finally {
      button.disabled = false;
    }
  }

  /** @param {(() => string)|null} complaint @param {string} [id] of the field that is wrong */
  complain(complaint, id) {
    this.complaint = complaint;
    this.drawComplaint();
    if (id) byId(id).focus();
  }

  // --- drawing

  draw() {
    const { chosen } = this;
    document.title = `${t("nav.control")} – Consilium`;
    const channel = byId("channel");
    channel.dataset.state = this.live ? "connected" : "connecting";
    setText(channel, t(this.live ? "control.live" : "control.offline"));
    this.drawList(chosen);
    show(byId("conferences-empty"), this.loaded && this.conferences.size === 0);
    show(byId("conference"), chosen !== null);
    show(byId("choose"), chosen === null && this.conferences.size > 0);
    this.panel.draw(chosen);
    this.picture.draw(chosen);
    this.person.draw(chosen, this.picture.layouts);
    this.calls.draw(chosen);
    this.drawComplaint();
  }

  drawComplaint() {
    show(byId("create-error"), this.complaint !== null);
    setText(byId("create-error"), this.complaint ? this.complaint() : "");
  }

  /** @param {Conference|null} chosen */
  drawList(chosen) {
    const list = byId("conferences");
    const focused = list.contains(document.activeElement) ? document.activeElement?.getAttribute("href") : null;
    const rank = (/** @type {Conference} */ conference) => (conference.active ? 0 : 1);
    const sorted = [...this.conferences.values()].sort(
      (a, b) => rank(a) - rank(b) || a.number.localeCompare(b.number, undefined, { numeric: true }),
    );
    list.replaceChildren(...sorted.map((conference) => conferenceLine(conference, conference === chosen)));
    // Lines are made anew with every event; the keyboard's place is kept.
    if (focused) /** @type {HTMLElement|null} */ (list.querySelector(`a[href="${CSS.escape(focused)}"]`) ?? null)?.focus();
  }
}

/** @param {Conference} conference @param {boolean} chosen */
function conferenceLine(conference, chosen) {
  const count = conference.participants.length;
  const signs = [
    conference.recording ? el("span", { class: "sign recording-dot", title: t("call.recording") }, el("span", { class: "dot" }), el("span", { class: "unseen" }, t("call.recording"))) : null,
    conference.locked || conference.pin_required
      ? el("span", { class: "sign", title: t(conference.locked ? "control.locked" : "control.with_pin") }, icon("lock"), el("span", { class: "unseen" }, t(conference.locked ? "control.locked" : "control.with_pin")))
      : null,
  ];
  return el(
    "li",
    { "data-number": conference.number, "data-active": String(conference.active) },
    el(
      "a",
      { href: `#${encodeURIComponent(conference.number)}`, "aria-current": chosen ? "true" : null },
      el("span", { class: "number" }, conference.number),
      el(
        "span",
        { class: "about" },
        el("span", { class: "title" }, conference.title || t("call.room", { number: conference.number })),
        el("span", { class: "muted" }, count ? t("control.people", { count }) : t("control.idle")),
      ),
      el("span", { class: "signs" }, ...signs),
    ),
  );
}

startLanguage();
new ControlPage().gate.start();
