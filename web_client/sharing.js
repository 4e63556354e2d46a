// Sharing the own screen: asking for the floor, waiting for it, sending while we have it. It knows nothing of how it is
// shown.

import { ApiError } from "./protocol.js";

/**
 * @typedef {import("./protocol.js").Floor} Floor
 * @typedef {"idle"|"waiting"|"sharing"} SharingState
 */

/** Letters stay sharp; a screen that changes a lot may lose pictures instead. */
const PICTURES_PER_SECOND = 30;

/** Whether this browser can give us a screen at all: phones cannot. */
export function canShare() {
  return typeof globalThis.navigator?.mediaDevices?.getDisplayMedia === "function";
}

export class Sharing {
  /** @param {import("./call.js").Call} call */
  constructor(call) {
    this.call = call;
    /** @type {SharingState} */
    this.state = "idle";
    /** @type {MediaStreamTrack|null} */
    this.track = null;
    this.choosing = false;
    /** An answer to our question is under way: events may still be from before it. */
    this.asking = false;
  }

  /** What is to be sent now. */
  get sent() {
    return this.state === "sharing" ? this.track : null;
  }

  set(/** @type {SharingState} */ state) {
    if (this.state === state) return;
    this.state = state;
    this.call.tell("sharing");
  }

  /** Let the person choose a screen or window, and ask for the floor with it. */
  async start() {
    if (this.state !== "idle" || this.choosing) return;
    this.choosing = true;
    try {
      const stream = await navigator.mediaDevices.getDisplayMedia({
        video: { frameRate: { max: PICTURES_PER_SECOND }, width: { max: 1920 }, height: { max: 1080 } },
        audio: false,
      });
      this.track = stream.getVideoTracks()[0] ?? null;
    } catch (error) {
      // Changing one's mind in the browser's dialog is no failure.
      if (!(error instanceof Error) || error.name !== "NotAllowedError") this.call.tell("notice", "notice.share_failed");
      return;
    } finally {
      this.choosing = false;
    }
    if (!this.track) return;
    this.track.contentHint = "detail";
    this.track.addEventListener("ended", () => this.stop());
    this.set("waiting");
    await this.ask();
  }

  /** Ask for the floor; also after we have come back as somebody new. */
  async ask() {
    this.asking = true;
    /** @type {Floor} */
    let floor;
    try {
      floor = await this.call.api.takeFloor(this.call.participantId);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.drop();
      this.call.tell("notice", "notice.share_failed");
      return;
    } finally {
      this.asking = false;
    }
    await this.follow(floor, null);
    if (this.state === "waiting") this.call.tell("notice", "notice.share_waiting");
  }

  /** Share no longer, or wait no longer. */
  async stop() {
    if (this.state === "idle") return;
    this.drop();
    try {
      await this.call.api.releaseFloor(this.call.participantId);
    } catch (error) {
      // Who is gone has given the floor back by that.
      if (!(error instanceof ApiError)) throw error;
    }
  }

  /** Stop the screen's track and send nothing. */
  drop() {
    this.track?.stop();
    this.track = null;
    this.set("idle");
    this.send();
  }

  /**
   * The floor has changed hands.
   * @param {Floor} floor
   * @param {string|null} revoked who lost it against their will
   */
  async follow(floor, revoked) {
    if (this.state === "idle") return;
    const mine = this.call.participantId;
    if (floor.holder === mine) {
      if (this.state === "sharing") return;
      this.set("sharing");
      this.call.tell("notice", "notice.share_started");
      await this.send();
    } else if (revoked === mine) {
      this.drop();
      this.call.tell("notice", "notice.share_revoked");
    } else if (!floor.queue.includes(mine) && !this.asking) {
      await this.confirm();
    }
  }

  /** An event says that we have no part in the floor; it may be older than the answer that gave us one. */
  async confirm() {
    try {
      const { floor } = await this.call.api.conference(this.call.number);
      const mine = this.call.participantId;
      if (floor && floor.holder !== mine && !floor.queue.includes(mine)) this.drop();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }

  /** Give the link what is to be sent; one that is closed sends nothing anyway. */
  async send() {
    if (this.call.state !== "ended") await this.call.link?.replaceTrack("content", this.sent);
  }
}
