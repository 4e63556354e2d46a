// What somebody else shares, large beside the composed picture.

import { byId } from "./dom.js";

/**
 * #content-video tells by data-picture whether something is to be seen: "none" or "live". The stage makes room for it
 * (data-content is "shown").
 */
export class SharedPicture {
  constructor() {
    this.video = /** @type {HTMLVideoElement} */ (byId("content-video"));
    this.stage = byId("stage");
    this.generation = 0;
    this.shared = true;
    this.follow(false);
  }

  /** The second picture of a new link. @param {MediaStream|null} stream */
  take(stream) {
    this.generation += 1;
    this.video.srcObject = stream;
    this.play();
  }

  /** Whether somebody else shares now. @param {boolean} shared */
  follow(shared) {
    if (this.shared === shared) return;
    this.shared = shared;
    this.generation += 1;
    this.video.dataset.picture = "none";
    this.draw();
    if (shared) this.watch(this.generation);
  }

  async play() {
    try {
      await this.video.play();
    } catch {
      // It has no sound, so nothing forbids it: a stream that was replaced while it started is no trouble.
    }
  }

  /** Room is made once there is something to see: what is kept from the sharing before would deceive. */
  watch(/** @type {number} */ generation) {
    const arrived = () => {
      if (generation !== this.generation || !this.shared) return;
      this.video.dataset.picture = "live";
      this.draw();
    };
    this.play();
    if (this.video.requestVideoFrameCallback) this.video.requestVideoFrameCallback(arrived);
    else this.video.addEventListener("timeupdate", arrived, { once: true });
  }

  draw() {
    const live = this.shared === true && this.video.dataset.picture === "live";
    // Not hidden altogether: browsers tell of no pictures in what is not drawn.
    this.video.setAttribute("aria-hidden", String(!live));
    this.stage.dataset.content = live ? "shown" : "none";
  }

  close() {
    this.follow(false);
    this.video.srcObject = null;
  }
}
