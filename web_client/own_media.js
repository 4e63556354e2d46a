// The own microphone and camera in a call: what is on, what the server is told, and what it may decide.

import { ApiError } from "./protocol.js";

/**
 * @typedef {import("./devices.js").Kind} Kind
 * @typedef {import("./protocol.js").Participant} Participant
 */

export class OwnMedia {
  /**
   * @param {import("./call.js").Call} call
   * @param {import("./devices.js").Devices} devices
   * @param {Record<Kind, boolean>} on whether microphone and camera are wanted on
   */
  constructor(call, devices, on) {
    this.call = call;
    this.devices = devices;
    this.on = { ...on };
    this.changesInFlight = 0;
    devices.addEventListener("change", () => this.missDevice());
  }

  /** What was on and is gone (unplugged, taken by another program) is off from now on. */
  missDevice() {
    if (this.call.state === "ended" || !this.call.participantId) return;
    for (const kind of /** @type {Kind[]} */ (["audio", "video"])) {
      if (!this.on[kind] || this.devices.tracks[kind] || this.devices.absence[kind] === null) continue;
      this.on[kind] = false;
      this.call.tell("notice", kind === "audio" ? "notice.no_microphone" : "notice.no_camera");
      this.changed(kind);
    }
  }

  /** Give the link what is to be sent of this kind. @param {Kind} kind */
  async sendTrack(kind) {
    const track = this.devices.tracks[kind];
    if (track) track.enabled = this.on[kind];
    if (!this.call.link || this.call.link.sends[kind] === false) return track === null;
    return this.call.link.replaceTrack(kind, track);
  }

  /** Whether the chair keeps this off: only the chair can take that back. @param {Kind} kind */
  isHeldOff(kind) {
    return this.call.self?.muted_by_chair?.includes(kind === "audio" ? "microphone" : "camera") ?? false;
  }

  /** @param {boolean} on */
  async setMicrophone(on) {
    if (on && this.isHeldOff("audio")) {
      this.call.tell("notice", "notice.held_muted");
      return;
    }
    if (on && !this.devices.tracks.audio && !(await this.devices.open("audio"))) {
      this.call.tell("notice", "notice.no_microphone");
      return;
    }
    this.on.audio = on;
    await this.changed("audio");
  }

  /** Off means off: the camera is closed and its light goes out. @param {boolean} on */
  async setCamera(on) {
    if (on && this.isHeldOff("video")) {
      this.call.tell("notice", "notice.held_camera");
      return;
    }
    if (!on) {
      this.on.video = false;
      this.devices.switchOff("video");
    } else if (!this.devices.tracks.video && !(await this.devices.open("video"))) {
      this.call.tell("notice", "notice.no_camera");
      return;
    }
    this.on.video = on;
    await this.changed("video");
  }

  /** Another device was chosen in the call. @param {Kind} kind */
  async deviceChanged(kind) {
    if (kind === "video" && this.devices.tracks.video) {
      if (this.isHeldOff("video")) this.devices.switchOff("video");
      else this.on.video = true;
    }
    await this.changed(kind);
  }

  /** @param {Kind} kind */
  async changed(kind) {
    this.call.tell("devices");
    if (!(await this.sendTrack(kind))) this.call.policy.suspected(performance.now());
    await this.tellMuted();
  }

  /** Let the server know what is off, so that the others see a sign and no black picture. */
  async tellMuted() {
    const id = this.call.participantId;
    this.changesInFlight += 1;
    try {
      await this.call.api.changeParticipant(id, { microphone_muted: !this.on.audio, camera_muted: !this.on.video });
    } catch (error) {
      // What is off is off by our own hand; the next event compares and says it again.
      if (!(error instanceof ApiError)) throw error;
    } finally {
      this.changesInFlight -= 1;
    }
  }

  /**
   * Compare what the server says of us with what we do. A chair may silence us, but never open our microphone or camera:
   * then the server is told again that they are off. Only a change counts as the chair's wish, since an event may be
   * older than our own last request.
   * @param {Participant|null} before
   */
  compare(before) {
    const self = this.call.self;
    if (!self || !before || this.changesInFlight > 0) return;
    if (self.microphone_muted && !before.microphone_muted && this.on.audio) {
      this.on.audio = false;
      this.sendTrack("audio");
      this.call.tell("notice", "notice.muted_by_chair");
    }
    if (self.camera_muted && !before.camera_muted && this.on.video) {
      this.on.video = false;
      this.devices.switchOff("video");
      this.sendTrack("video");
      this.call.tell("notice", "notice.camera_off_by_chair");
    }
    if (!self.microphone_muted && before.microphone_muted && !this.on.audio) this.call.tell("notice", "notice.may_speak");
    if (self.microphone_muted === this.on.audio || self.camera_muted === this.on.video) this.tellMuted();
    this.call.tell("devices");
  }
}
