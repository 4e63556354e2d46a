// One conference on the control page: its switches and its people.

import { byId, el, icon, setIcon, setText, show } from "./dom.js";
import { cameraPad } from "./camera_pad.js";
import { formatDate, formatDuration, t } from "./language.js";
import { fillViews, viewChange } from "./view_choice.js";

/**
 * @typedef {import("./protocol.js").Conference} Conference
 * @typedef {import("./protocol.js").Participant} Participant
 *
 * @typedef {Object} Actions
 * @property {(change: object) => Promise<void>} change
 * @property {(id: string, change: object) => Promise<void>} changePerson
 * @property {(id: string, move: object) => Promise<void>} moveCamera
 * @property {(on: boolean) => Promise<void>} record
 * @property {() => Promise<void>} revokeFloor
 * @property {(person: Participant) => Promise<void>} kick
 * @property {(person: Participant) => Promise<void>} settings
 * @property {() => Promise<void>} end
 */

/** Kinds of participants with a picture and words of their own. @type {Record<string, string>} */
const KINDS = { sip: "room", browser: "browser" };

const SECOND_MS = 1000;

export class ConferencePanel {
  /** @param {Actions} actions @param {AbortSignal} [signal] ends the telling of time */
  constructor(actions, signal) {
    this.actions = actions;
    /** @type {string[]} */
    this.layouts = [];
    /** @type {Conference|null} */
    this.conference = null;
    this.recordingSeen = { id: "", seconds: 0, at: 0 };
    this.whileBusy("record-button", () => actions.record(this.conference?.recording == null));
    this.whileBusy("lock-button", () => actions.change({ locked: !this.conference?.locked }));
    this.whileBusy("mute-all-button", () => actions.change({ microphones_muted: !this.conference?.microphones_muted }));
    this.whileBusy("end-button", () => actions.end());
    const timer = setInterval(() => this.drawRecordingTime(), SECOND_MS);
    signal?.addEventListener("abort", () => clearInterval(timer));
  }

  /** A button that cannot be pressed twice while its request is under way. @param {string} id @param {() => Promise<void>} does */
  whileBusy(id, does) {
    const button = /** @type {HTMLButtonElement} */ (byId(id));
    button.addEventListener("click", async () => {
      button.disabled = true;
      await does();
      if (!button.isConnected) return; // the panel was taken away meanwhile
      button.disabled = false;
      this.draw(this.conference);
    });
  }

  /** @param {Conference|null} conference */
  draw(conference) {
    const another = conference?.number !== this.conference?.number;
    this.conference = conference;
    if (!conference) return;
    setText(byId("conference-title"), conference.title || t("call.room", { number: conference.number }));
    setText(byId("conference-facts"), facts(conference));
    this.drawActions(conference);
    this.drawRecording(conference);
    this.drawPeople(conference);
    if (another) byId("conference-title").focus({ preventScroll: matchMedia("(min-width: 860px)").matches });
  }

  /** @param {Conference} conference */
  drawActions(conference) {
    const recording = conference.recording !== null;
    this.drawButton("record-button", recording, recording ? "stop" : "record", recording ? "control.stop_recording" : "control.record");
    this.drawButton("lock-button", conference.locked, conference.locked ? "unlock" : "lock", conference.locked ? "control.unlock" : "control.lock");
    const muted = conference.microphones_muted === true;
    this.drawButton("mute-all-button", muted, muted ? "microphone" : "microphone-off", muted ? "control.unmute_all" : "control.mute_all");
    this.drawButton("end-button", null, conference.active ? "leave" : "trash", conference.active ? "control.end" : "control.remove_room");
    for (const id of ["record-button", "lock-button", "mute-all-button"]) show(byId(id), conference.active);
    byId("join-link").setAttribute("href", `/?room=${encodeURIComponent(conference.number)}`);
  }

  /** @param {string} id @param {boolean|null} pressed @param {string} picture @param {string} key */
  drawButton(id, pressed, picture, key) {
    const button = byId(id);
    if (pressed !== null) button.setAttribute("aria-pressed", String(pressed));
    setIcon(button, picture);
    const text = button.querySelector(".text");
    if (text) setText(text, t(key));
  }

  /** @param {Conference} conference */
  drawRecording(conference) {
    const { recording } = conference;
    show(byId("recording-sign"), recording !== null);
    if (recording && (recording.id !== this.recordingSeen.id || recording.seconds !== this.recordingSeen.seconds)) {
      this.recordingSeen = { id: recording.id, seconds: recording.seconds, at: Date.now() };
    }
    this.drawRecordingTime();
  }

  /** Between two messages of the server the time goes on. */
  drawRecordingTime() {
    if (!this.conference?.recording) return;
    const seconds = this.recordingSeen.seconds + (Date.now() - this.recordingSeen.at) / SECOND_MS;
    setText(byId("recording-text"), t("control.recording", { time: formatDuration(seconds) }));
  }

  /** @param {Conference} conference */
  drawPeople(conference) {
    const list = byId("participants");
    const focused = list.contains(document.activeElement) ? document.activeElement?.id : "";
    // A list that is open under somebody's hand must not vanish; it is drawn once the hand has gone.
    if (document.activeElement instanceof HTMLSelectElement && focused) return;
    setText(byId("participants-title"), t("control.participants", { count: conference.participants.length }));
    list.replaceChildren(...conference.participants.map((person) => this.personLine(person)));
    show(byId("participants-empty"), conference.participants.length === 0);
    show(byId("participants-title"), conference.participants.length > 0);
    // Lines are made anew with every event; the keyboard's place is kept.
    if (focused) document.getElementById(focused)?.focus();
  }

  /** @param {Participant} person */
  personLine(person) {
    const kind = KINDS[person.kind] ? t(`kind.${person.kind}`) : t("kind.other");
    const states = [
      kind,
      person.role && person.role !== "member" ? t(`role.${person.role}`) : "",
      person.state === "connected" ? "" : t(`person.${person.state}`),
      person.microphone_muted ? t("person.microphone_muted") : person.speaking ? t("person.speaking") : "",
      person.camera_muted ? t("person.camera_muted") : "",
      person.picture_limit ? t("person.lowered", { height: person.picture_limit[1] }) : "",
      person.speaker_muted ? t("person.speaker_muted") : "",
      this.conference?.floor?.holder === person.id ? t("person.sharing") : "",
      this.conference?.floor?.queue.includes(person.id) ? t("person.wants_to_share") : "",
      person.hidden ? t("person.hidden") : "",
      typeof person.pin === "number" ? t("person.tile", { index: person.pin + 1 }) : "",
      person.music ? t("person.music") : "",
    ].filter(Boolean);
    const speaking = person.speaking && !person.microphone_muted;
    return el(
      "li",
      { "data-participant": person.id, "data-speaking": String(speaking), "data-state": person.state },
      el("span", { class: "initial", "aria-hidden": "true" }, icon(KINDS[person.kind] ?? "room")),
      el("span", { class: "who" }, el("span", { class: "name" }, person.name), el("span", { class: "muted" }, states.join(" · "))),
      el(
        "span",
        { class: "person-buttons" },
        this.switch(person, "microphone_muted", "microphone", "mute", "unmute"),
        this.switch(person, "camera_muted", "camera", "camera_off", "camera_on"),
        this.switch(person, "speaker_muted", "speaker", "speaker_off", "speaker_on"),
        this.conference?.floor?.holder === person.id
          ? this.personButton(person, "revoke_floor", "share-stop", "", null, () => this.actions.revokeFloor())
          : null,
        this.personButton(person, "settings", "settings", "", null, () => this.actions.settings(person)),
        this.personButton(person, "kick", "remove", "danger-quiet", null, () => this.actions.kick(person)),
      ),
      el(
        "span",
        { class: "person-view" },
        this.viewSelect(person),
        person.camera_control ? cameraPad(person, (move) => this.actions.moveCamera(person.id, move)) : null,
      ),
    );
  }

  /** What this person sees. @param {Participant} person */
  viewSelect(person) {
    const words = t("view.of", { name: person.name });
    const select = /** @type {HTMLSelectElement} */ (
      el("select", {
        id: `view-${person.id}`,
        title: words,
        "aria-label": words,
        change: async () => {
          select.blur();
          await this.actions.changePerson(person.id, viewChange(select.value));
        },
        blur: () => this.conference && this.drawPeople(this.conference),
      })
    );
    if (this.conference) fillViews(select, person, this.conference, this.layouts);
    return select;
  }

  /**
   * @param {Participant} person
   * @param {"microphone_muted"|"camera_muted"|"speaker_muted"} property
   * @param {string} picture
   * @param {string} off key of what pressing does while it is on
   * @param {string} on
   */
  switch(person, property, picture, off, on) {
    const muted = person[property];
    const change = () => this.actions.changePerson(person.id, { [property]: !muted });
    return this.personButton(person, muted ? on : off, muted ? `${picture}-off` : picture, muted ? "is-off" : "", muted, change, property);
  }

  /**
   * @param {Participant} person
   * @param {string} key below "control."
   * @param {string} picture
   * @param {string} look
   * @param {boolean|null} pressed
   * @param {() => Promise<void>} does
   * @param {string} [name] of the button in its id
   */
  personButton(person, key, picture, look, pressed, does, name = key) {
    const words = t(`control.${key}`, { name: person.name });
    return el(
      "button",
      {
        type: "button",
        id: `${name}-${person.id}`,
        class: `small ${look}`,
        title: words,
        "aria-label": words,
        "aria-pressed": pressed === null ? null : String(pressed),
        "data-action": name,
        click: does,
      },
      icon(picture),
    );
  }
}

/** @param {Conference} conference */
function facts(conference) {
  return [
    conference.title ? t("call.room", { number: conference.number }) : "",
    conference.active && conference.started_at ? t("control.since", { date: formatDate(conference.started_at) }) : "",
    conference.pin_required ? t("control.with_pin") : "",
    conference.chair_pin ? t("control.with_chair_pin") : "",
    conference.locked ? t("control.locked") : "",
  ]
    .filter(Boolean)
    .join(" · ");
}
