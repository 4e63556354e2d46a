// The page at "/": join a conference, be in it, and come back to the door afterwards.

import { Call } from "./call.js";
import { CallView } from "./call_view.js";
import { Devices } from "./devices.js";
import { byId, setText, show } from "./dom.js";
import { errorText, reasonText } from "./errors.js";
import { onLanguage, startLanguage, t } from "./language.js";
import { Preview } from "./preview.js";
import { Api, ApiError } from "./protocol.js";

/** The door is asked once typing has paused this long. */
const TYPING_PAUSE_MS = 350;

/** How long joining waits for camera and microphone, in ms. */
const DEVICE_PATIENCE = 3000;
const REMEMBERED_NAME = "consilium.name";

/** Reasons for an end that have words of their own; all else is a refusal's code. */
const ENDINGS = new Set(["left", "kicked", "made_way", "conference_ended", "lost"]);

class JoinPage {
  constructor() {
    this.api = new Api();
    this.devices = new Devices();
    this.preview = new Preview(this.devices);
    this.form = /** @type {HTMLFormElement} */ (byId("join-form"));
    this.name = /** @type {HTMLInputElement} */ (byId("name"));
    this.room = /** @type {HTMLInputElement} */ (byId("room"));
    this.pin = /** @type {HTMLInputElement} */ (byId("pin"));
    this.button = /** @type {HTMLButtonElement} */ (byId("join-button"));
    /** @type {Call|null} */
    this.call = null;
    this.joining = false;
    /** Whether nobody comes in without a PIN, and whether chairs have one. */
    this.pinNeeded = false;
    this.chairPin = false;
    /** What is said, as a function, so that it is said anew in another language. @type {Record<string, (() => string)|null>} */
    this.said = { "name-hint": null, "room-hint": null, "join-error": null };

    const wanted = new URLSearchParams(location.search);
    this.name.value = wanted.get("name") ?? localStorage.getItem(REMEMBERED_NAME) ?? "";
    this.room.value = wanted.get("room") ?? "";
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.join();
    });
    this.room.addEventListener("input", () => this.roomTyped());
    this.name.addEventListener("input", () => this.say("name-hint", null));
    addEventListener("pagehide", () => this.call?.leaveInPassing());
    onLanguage(() => this.draw());
  }

  start() {
    this.draw();
    this.preview.start();
    if (this.room.value) this.askDoor();
    (this.name.value ? this.room : this.name).focus({ preventScroll: true });
  }

  /** @param {string} id @param {(() => string)|null} text @param {string} [tone] */
  say(id, text, tone = "") {
    this.said[id] = text;
    const element = byId(id);
    element.dataset.tone = tone;
    setText(element, text ? text() : "");
    show(element, text !== null);
  }

  draw() {
    for (const [id, text] of Object.entries(this.said)) if (text) setText(byId(id), text());
    setText(byId("join-button-text"), t(this.joining ? "join.joining" : "join.button"));
    this.button.disabled = this.joining;
    this.drawPin();
    this.preview.draw();
  }

  // --- the door

  roomTyped() {
    clearTimeout(this.typing);
    this.say("room-hint", null);
    this.say("join-error", null);
    this.typing = setTimeout(() => this.askDoor(), TYPING_PAUSE_MS);
  }

  /** Learn whether the room exists and asks for a PIN, so that the field is there before it is needed. */
  async askDoor() {
    const number = this.room.value.trim();
    if (!number) {
      show(byId("pin-field"), false);
      return;
    }
    let door;
    try {
      door = await this.api.door(number);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) return; // joining will say what is wrong
      door = { number, exists: false, pin_required: false };
    }
    if (this.room.value.trim() !== number || this.call) return;
    show(byId("pin-field"), door.pin_required || door.chair_pin === true);
    this.pinNeeded = door.pin_required;
    this.chairPin = door.chair_pin === true;
    this.drawPin();
    if (door.exists) this.say("room-hint", () => t("join.room_open", { number }), "good");
    else this.say("room-hint", () => t("join.room_unknown"), "bad");
  }

  /** A room may ask everybody for a PIN, only its chairs, or both. */
  drawPin() {
    setText(byId("pin-label"), t(this.pinNeeded ? "join.pin" : "join.chair_pin"));
    setText(byId("pin-hint"), t(!this.chairPin ? "join.pin_hint" : this.pinNeeded ? "join.pin_or_chair_hint" : "join.chair_pin_hint"));
  }

  /** The first thing that is missing gets the focus. */
  missing() {
    const needed = [
      { input: this.name, key: "join.need_name" },
      { input: this.room, key: "join.need_room" },
      ...(byId("pin-field").hidden || !this.pinNeeded ? [] : [{ input: this.pin, key: "join.need_pin" }]),
    ];
    return needed.find(({ input }) => input.value.trim() === "") ?? null;
  }

  async join() {
    if (this.joining) return;
    clearTimeout(this.typing);
    this.say("join-error", null);
    const missing = this.missing();
    if (missing) {
      this.say("join-error", () => t(missing.key));
      missing.input.focus();
      return;
    }
    if (!globalThis.RTCPeerConnection) {
      this.say("join-error", () => t("error.unsupported"));
      return;
    }
    localStorage.setItem(REMEMBERED_NAME, this.name.value.trim());
    await this.enter();
  }

  async enter() {
    this.joining = true;
    this.draw();
    // Whoever presses the button at once wants to be seen: the devices are just being opened. Whoever leaves the
    // browser's question unanswered comes in without them.
    await Promise.race([this.preview.started, new Promise((done) => setTimeout(done, DEVICE_PATIENCE))]);
    const call = new Call({
      number: this.room.value.trim(),
      name: this.name.value.trim(),
      pin: byId("pin-field").hidden ? "" : this.pin.value.trim(),
      devices: this.devices,
      on: { audio: this.devices.tracks.audio !== null, video: this.devices.tracks.video !== null },
    });
    this.call = call;
    const view = new CallView(call, this.devices);
    call.addEventListener("ended", (event) => this.back(call, view, /** @type {CustomEvent<string>} */ (event).detail));
    try {
      await call.join();
      if (call.state !== "ended") this.showCall(view);
    } catch (error) {
      call.end("refused");
      this.refused(error);
    } finally {
      this.joining = false;
      this.draw();
    }
  }

  /** @param {CallView} view */
  showCall(view) {
    this.preview.stop();
    history.replaceState(null, "", `/?room=${encodeURIComponent(this.room.value.trim())}`);
    document.body.dataset.view = "call";
    show(byId("join-view"), false);
    view.open();
  }

  refused(/** @type {unknown} */ error) {
    const wrongPin = error instanceof ApiError && error.code === "wrong_pin";
    const untried = wrongPin && this.pin.value === "";
    this.say("join-error", () => (untried ? t("join.need_pin") : errorText(error)));
    if (wrongPin) {
      this.pinNeeded ||= untried;
      this.drawPin();
      show(byId("pin-field"), true);
      this.pin.value = "";
      this.pin.focus();
    }
  }

  /** @param {Call} call @param {CallView} view @param {string} reason */
  back(call, view, reason) {
    if (this.call !== call) return;
    this.call = null;
    const wasOpen = view.isOpen;
    view.close();
    if (!wasOpen) return;
    document.body.dataset.view = "join";
    show(byId("join-view"), true);
    this.preview.on = { ...call.own.on };
    this.preview.start();
    this.pin.value = "";
    this.say("room-hint", null);
    this.say("join-error", () => (ENDINGS.has(reason) ? t(`ended.${reason}`) : reasonText(reason)), reason === "left" ? "calm" : "");
    this.button.focus();
  }
}

startLanguage();
new JoinPage().start();
