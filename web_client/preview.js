// Before joining: the person sees the camera's picture and the microphone's level, and chooses devices.

import { byId, setIcon, setText, show } from "./dom.js";
import { fillDeviceLists } from "./device_choice.js";
import { t } from "./language.js";
import { LevelMeter } from "./level_meter.js";

/** @typedef {import("./devices.js").Kind} Kind */

/** @type {Record<import("./devices.js").Absence, string>} */
const CAMERA_HINTS = {
  none: "preview.no_camera",
  denied: "preview.camera_denied",
  busy: "preview.camera_busy",
  insecure: "preview.insecure",
  off: "preview.camera_off",
};

export class Preview {
  /** @param {import("./devices.js").Devices} devices */
  constructor(devices) {
    this.devices = devices;
    /** What the person wants on when joining. @type {Record<Kind, boolean>} */
    this.on = { audio: true, video: true };
    this.asked = false;
    this.active = true;
    this.root = byId("preview");
    this.video = /** @type {HTMLVideoElement} */ (byId("preview-video"));
    this.hint = byId("preview-hint");
    /** @type {MediaStreamTrack|null} */
    this.metered = null;
    this.meter = new LevelMeter(byId("microphone-level"));
    this.selects = {
      audio: /** @type {HTMLSelectElement} */ (byId("microphone-select")),
      video: /** @type {HTMLSelectElement} */ (byId("camera-select")),
    };
    this.original = /** @type {HTMLInputElement} */ (byId("original-sound"));
    this.original.addEventListener("change", () => devices.setOriginalSound(this.original.checked));
    this.buttons = { audio: byId("preview-microphone"), video: byId("preview-camera") };
    for (const kind of /** @type {Kind[]} */ (["audio", "video"])) {
      this.selects[kind].addEventListener("change", () => devices.choose(kind, this.selects[kind].value));
      this.buttons[kind].addEventListener("click", () => this.toggle(kind));
    }
    devices.addEventListener("change", () => this.draw());
  }

  start() {
    this.active = true;
    this.draw();
    /** Done once camera and microphone are open, or it is sure that they will not be. @type {Promise<void>} */
    this.started = this.openDevices();
    return this.started;
  }

  async openDevices() {
    if (!this.asked) await this.devices.openAll();
    else if (this.on.audio && !this.devices.tracks.audio) await this.devices.open("audio");
    this.asked = true;
    this.draw();
  }

  /** In the call the page needs neither the small picture nor the meter. */
  stop() {
    this.active = false;
    this.meter.close();
    this.metered = null;
    this.video.srcObject = null;
  }

  /** @param {Kind} kind */
  async toggle(kind) {
    this.on[kind] = !(this.on[kind] && this.devices.tracks[kind]);
    if (!this.on[kind]) this.devices.switchOff(kind);
    else await this.devices.open(kind);
  }

  draw() {
    if (!this.active) return;
    const { tracks, absence } = this.devices;
    const settled = this.asked || tracks.audio || tracks.video || absence.video;
    this.root.dataset.state = tracks.video ? "ready" : settled ? "without-camera" : "asking";
    const shown = /** @type {MediaStream|null} */ (this.video.srcObject)?.getVideoTracks()[0] ?? null;
    if (shown !== tracks.video) this.video.srcObject = tracks.video ? new MediaStream([tracks.video]) : null;
    if (this.metered !== tracks.audio) this.meter.show(tracks.audio);
    this.metered = tracks.audio;
    this.original.checked = this.devices.originalSound;
    this.original.title = t("device.original_sound_hint");
    setText(this.hint, this.hintText());
    show(this.hint, !tracks.video);
    this.drawButton("audio", "microphone", tracks.audio ? "call.mute" : "call.unmute");
    this.drawButton("video", "camera", tracks.video ? "call.camera_off" : "call.camera_on");
    fillDeviceLists(this.selects, this.devices);
  }

  hintText() {
    const { tracks, absence } = this.devices;
    if (!this.asked && !absence.video) return t("preview.asking");
    if (absence.video === "none" && absence.audio === "none" && !tracks.audio) return t("preview.only_listening");
    return absence.video ? t(CAMERA_HINTS[absence.video]) : "";
  }

  /** @param {Kind} kind @param {string} picture @param {string} key */
  drawButton(kind, picture, key) {
    const button = this.buttons[kind];
    const live = this.devices.tracks[kind] !== null;
    setIcon(button, live ? picture : `${picture}-off`);
    button.setAttribute("aria-pressed", String(live));
    button.setAttribute("aria-label", t(key));
    button.title = t(key);
  }
}
