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
    /** @type {{content: MediaStream, shared: {stream: MediaStream}}|null} */
    this.link = null;
    this.shared = true;
    this.asItIs = false;
    this.follow(false, false);
  }

  /** The second picture of a new link, and what others share as it is. @param {import("./media_link.js").MediaLink|null} link */
  take(link) {
    this.link = link;
    this.generation += 1;
    this.show();
  }

  show() {
    this.video.srcObject = (this.asItIs ? this.link?.shared.stream : this.link?.content) ?? null;
    this.play();
  }

  /** @param {boolean} shared whether somebody else shares now @param {boolean} asItIs that it comes so, not composed */
  follow(shared, asItIs) {
    if (this.shared === shared && this.asItIs === asItIs) return;
    this.generation += 1;
    if (this.asItIs !== asItIs) {
      this.asItIs = asItIs;
      this.show();
    }
    this.shared = shared;
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
    this.follow(false, false);
    this.link = null;
    this.video.srcObject = null;
  }
}
