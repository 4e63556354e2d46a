// How a call is shown: the composed picture, who is there, the buttons.

import { ChairPanel } from "./chair_panel.js";
import { ChatPanel } from "./chat_panel.js";
import { ConnectionDetails } from "./connection_details.js";
import { fillDeviceLists } from "./device_choice.js";
import { byId, setIcon, setText, show } from "./dom.js";
import { Gallery } from "./gallery.js";
import { formatDuration, onLanguage, t } from "./language.js";
import { Notices } from "./notices.js";
import { OwnSound } from "./own_sound.js";
import { OwnView } from "./own_view.js";
import { RemotePicture } from "./remote_picture.js";
import { rosterLine } from "./roster_line.js";
import { SharedPicture } from "./shared_picture.js";
import { canShare } from "./sharing.js";
import { SpeakerChoice } from "./speaker_choice.js";
import { TileSizes } from "./tile_sizes.js";
import { getsVoices, Voices } from "./voices.js";

/** The pointer rests this long until the buttons get out of the picture's way in full screen. */
const IDLE_MS = 3500;

const SECOND_MS = 1000;

export class CallView {
  /** @param {import("./call.js").Call} call @param {import("./devices.js").Devices} devices */
  constructor(call, devices) {
    this.call = call;
    this.devices = devices;
    this.isOpen = false;
    this.root = byId("call-view");
    this.picture = new RemotePicture();
    this.shared = new SharedPicture();
    this.gallery = new Gallery(call, (id) => this.view?.change({ watch: id }));
    this.voices = new Voices(this.picture.video);
    this.tiles = new TileSizes(call, () => ({
      people: this.gallery.seen(),
      shared: call.shared !== null ? this.shared.video : null,
    }));
    this.speakers = new SpeakerChoice(() => [this.picture.video, ...this.voices.players]);
    this.notices = new Notices(byId("notices"));
    this.buttons = {
      microphone: byId("microphone-button"),
      camera: byId("camera-button"),
      share: byId("share-button"),
      devices: byId("devices-button"),
      roster: byId("roster-button"),
      fullscreen: byId("fullscreen-button"),
      leave: byId("leave-button"),
      connection: byId("connection"),
    };
    this.details = new ConnectionDetails(call, this.buttons.connection);
    this.selects = {
      audio: /** @type {HTMLSelectElement} */ (byId("call-microphone-select")),
      video: /** @type {HTMLSelectElement} */ (byId("call-camera-select")),
    };
    this.original = /** @type {HTMLInputElement} */ (byId("call-original-sound"));
    this.wasRecording = false;
    this.wasConnected = false;
    /** Ends every listener of this view at once. */
    this.listening = new AbortController();
    // The stream may come before the view is opened, and must not be missed.
    const takeStreams = () => {
      this.picture.take(call.link?.stream ?? null);
      this.shared.take(call.link ?? null);
      this.voices.take(call.link?.voices.map((one) => one.stream) ?? []);
      this.gallery.take(call.link);
      if (call.link) call.link.sync.behind = call.behind;
    };
    call.addEventListener("stream", takeStreams, { signal: this.listening.signal });
  }

  // --- opening and closing

  open() {
    this.isOpen = true;
    show(this.root, true);
    this.root.dataset.roster = matchMedia("(max-width: 900px) and (orientation: landscape)").matches ? "hidden" : "shown";
    this.listen();
    this.chat = new ChatPanel(this.call, this.listening.signal);
    this.view = new OwnView(this.call, this.notices, this.listening.signal);
    this.sound = new OwnSound(this.call, this.notices, this.listening.signal);
    this.chair = new ChairPanel(this.call, this.notices, this.listening.signal);
    this.wasRecording = this.call.conference?.recording != null;
    if (this.wasRecording) this.notices.say(t("notice.recording_started"));
    this.timer = setInterval(() => this.drawSecond(), SECOND_MS);
    this.draw();
    this.keepAwake();
    this.buttons.microphone.focus({ preventScroll: true });
  }

  close() {
    this.isOpen = false;
    this.listening.abort();
    clearInterval(this.timer);
    clearTimeout(this.idle);
    this.picture.close();
    this.shared.close();
    this.gallery.close();
    this.voices.close();
    this.tiles.close();
    this.notices.clear();
    this.wakeLock?.release().catch(() => undefined);
    /** @type {HTMLDialogElement} */ (byId("devices-dialog")).close();
    if (document.fullscreenElement) document.exitFullscreen().catch(() => undefined);
    show(this.details.root, false);
    show(this.root, false);
  }

  listen() {
    const options = { signal: this.listening.signal };
    const { call, buttons } = this;
    const on = (/** @type {EventTarget} */ target, /** @type {string} */ type, /** @type {(event: any) => void} */ does) =>
      target.addEventListener(type, does, options);
    on(call, "state", () => this.drawState());
    on(call, "conference", () => this.drawConference());
    on(call, "slots", () => this.drawPeople());
    on(call, "devices", () => {
      this.drawButtons();
      this.gallery.draw();
    });
    on(call, "sharing", () => this.drawButtons());
    on(call, "joined", (event) => this.notices.say(t("notice.joined", { name: event.detail.name })));
    on(call, "left", (event) => this.notices.say(t("notice.left", { name: event.detail.name })));
    on(call, "written", (event) => this.notices.say(t("notice.written", { name: event.detail.name })));
    on(call, "notice", (event) => this.notices.say(t(event.detail)));
    on(this.picture, "change", () => this.drawState());
    on(buttons.microphone, "click", () => call.own.setMicrophone(!call.own.on.audio));
    on(buttons.camera, "click", () => call.own.setCamera(!call.own.on.video));
    on(buttons.share, "click", () => (call.sharing.state === "idle" ? call.sharing.start() : call.sharing.stop()));
    on(buttons.devices, "click", () => this.openDevices());
    on(buttons.roster, "click", () => this.toggleRoster());
    on(buttons.fullscreen, "click", () => this.toggleFullscreen());
    on(buttons.leave, "click", () => call.leave());
    on(buttons.connection, "click", () => this.details.toggle());
    on(document, "fullscreenchange", () => this.fullscreenChanged());
    on(document, "keydown", (event) => this.keyPressed(event));
    on(document, "visibilitychange", () => this.keepAwake());
    for (const type of ["pointermove", "pointerdown", "keydown"]) on(this.root, type, () => this.stir());
    on(this.devices, "change", () => this.drawDevices());
    on(this.original, "change", async () => {
      await this.devices.setOriginalSound(this.original.checked);
      await call.own.deviceChanged("audio");
    });
    for (const kind of /** @type {const} */ (["audio", "video"])) {
      on(this.selects[kind], "change", async () => {
        await this.devices.choose(kind, this.selects[kind].value);
        await call.own.deviceChanged(kind);
      });
    }
    onLanguage(() => this.draw(), this.listening.signal);
  }

  // --- what the person does

  keyPressed(/** @type {KeyboardEvent} */ event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || target.closest("input, select, textarea, dialog")) return;
    const does = { m: this.buttons.microphone, v: this.buttons.camera, s: this.buttons.share, f: this.buttons.fullscreen }[event.key.toLowerCase()];
    does?.click();
  }

  toggleRoster() {
    this.root.dataset.roster = this.root.dataset.roster === "shown" ? "hidden" : "shown";
    this.drawButtons();
  }

  async toggleFullscreen() {
    try {
      if (document.fullscreenElement) await document.exitFullscreen();
      else if (this.root.requestFullscreen) await this.root.requestFullscreen();
      // Phones of one maker know full screen for pictures only.
      else /** @type {any} */ (this.picture.video).webkitEnterFullscreen?.();
    } catch (error) {
      console.warn("full screen is not possible here", error);
    }
    this.stir();
  }

  /** In full screen the picture has all the room; the list of people is back afterwards as it was. */
  fullscreenChanged() {
    if (document.fullscreenElement) {
      this.rosterBefore = this.root.dataset.roster;
      this.root.dataset.roster = "hidden";
    } else if (this.rosterBefore) {
      this.root.dataset.roster = this.rosterBefore;
    }
    this.drawButtons();
  }

  openDevices() {
    this.drawDevices();
    this.speakers.draw();
    /** @type {HTMLDialogElement} */ (byId("devices-dialog")).showModal();
  }

  /** In full screen the buttons leave when nothing moves. */
  stir() {
    this.root.removeAttribute("data-idle");
    clearTimeout(this.idle);
    this.idle = setTimeout(() => {
      if (document.fullscreenElement) this.root.setAttribute("data-idle", "");
    }, IDLE_MS);
  }

  /** A phone must not go to sleep in a consultation. */
  async keepAwake() {
    if (document.visibilityState !== "visible" || !navigator.wakeLock) return;
    try {
      this.wakeLock = await navigator.wakeLock.request("screen");
    } catch {
      this.wakeLock = undefined; // the battery is low; the call goes on all the same
    }
  }

  // --- drawing

  draw() {
    this.drawState();
    this.drawConference();
    this.drawButtons();
    this.drawDevices();
    this.drawSecond();
  }

  drawState() {
    const { state, channelOpen } = this.call;
    this.picture.follow(state);
    const known = state === "connected" && !channelOpen && this.wasConnected;
    setText(byId("connection-text"), t(known ? "state.channel_lost" : `state.${state}`));
    this.buttons.connection.dataset.state = known ? "reconnecting" : state;
    const waits = this.gallery.needsMain && !this.picture.isLive;
    const message = state !== "connected" ? `state.${state}` : waits ? "call.waiting_picture" : "";
    if (message) setText(byId("stage-message-text"), t(message));
    show(byId("stage-message"), message !== "");
    if (state === "reconnecting") this.wasInterrupted = true;
    if (state === "connected" && !waits && this.wasInterrupted) {
      this.wasInterrupted = false;
      this.notices.say(t("notice.reconnected"));
    }
    if (state === "connected" && channelOpen) this.wasConnected = true;
  }

  drawConference() {
    const { conference } = this.call;
    if (!conference) return;
    const room = t("call.room", { number: conference.number });
    setText(byId("call-room"), conference.title && conference.title !== conference.number ? conference.title : room);
    document.title = `${conference.title || room} – Consilium`;
    const recording = conference.recording !== null;
    show(byId("recording-sign"), recording);
    if (recording !== this.wasRecording) this.notices.say(t(recording ? "notice.recording_started" : "notice.recording_stopped"));
    this.wasRecording = recording;
    setText(byId("roster-title"), t("call.roster", { count: conference.participants.length }));
    const holder = conference.floor?.holder ?? null;
    this.holder = holder !== null && holder !== this.call.participantId ? holder : null;
    this.voices.follow(getsVoices(this.call.self, conference));
    this.view?.draw();
    this.sound?.draw();
    this.chair?.draw();
    this.drawPeople();
    const { participantId } = this.call;
    byId("roster").replaceChildren(...conference.participants.map((one) => rosterLine(one, conference, participantId)));
    this.drawButtons();
  }

  /** Whose pictures come each on its own. */
  drawPeople() {
    this.gallery.draw();
    const holder = this.holder ?? null;
    this.shared.follow(holder !== null, holder !== null && holder === this.call.shared);
    this.tiles.changed();
    if (this.call.link) this.call.link.sync.behind = this.call.behind;
    this.drawState();
  }

  drawButtons() {
    const { on } = this.call.own;
    const unmute = this.call.own.isHeldOff("audio") ? "call.muted_by_chair" : "call.unmute";
    const showMe = this.call.own.isHeldOff("video") ? "call.camera_off_by_chair" : "call.camera_on";
    this.drawToggle(this.buttons.microphone, !on.audio, on.audio ? "microphone" : "microphone-off", on.audio ? "call.mute" : unmute, "M");
    this.drawToggle(this.buttons.camera, !on.video, on.video ? "camera" : "camera-off", on.video ? "call.camera_off" : showMe, "V");
    const { state } = this.call.sharing;
    const words = { idle: "call.share", waiting: "call.share_waiting", sharing: "call.share_stop" }[state];
    show(this.buttons.share, canShare());
    this.drawToggle(this.buttons.share, state !== "idle", state === "idle" ? "share" : "share-stop", words, "S");
    const full = document.fullscreenElement !== null;
    this.drawToggle(this.buttons.fullscreen, full, full ? "fullscreen-exit" : "fullscreen", full ? "call.fullscreen_exit" : "call.fullscreen", "F");
    this.buttons.roster.setAttribute("aria-pressed", String(this.root.dataset.roster === "shown"));
  }

  /** @param {HTMLElement} button @param {boolean} pressed @param {string} picture @param {string} key @param {string} shortcut */
  drawToggle(button, pressed, picture, key, shortcut) {
    button.setAttribute("aria-pressed", String(pressed));
    button.setAttribute("aria-keyshortcuts", shortcut);
    button.title = `${t(key)} (${shortcut})`;
    setIcon(button, picture);
    const text = button.querySelector(".text");
    if (text) setText(text, t(key));
  }

  drawDevices() {
    this.original.checked = this.devices.originalSound;
    fillDeviceLists(this.selects, this.devices);
    this.drawButtons();
  }

  drawSecond() {
    setText(byId("call-time"), formatDuration((Date.now() - this.call.joinedAt) / SECOND_MS));
    this.details.draw();
  }
}
