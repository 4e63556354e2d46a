// The composed picture. While a new connection is built the last picture stays, drawn over the empty video.

import { byId, show } from "./dom.js";

/** Without news from the video for this long the picture counts as frozen. */
const FROZEN_MS = 2500;

/**
 * #remote-video tells its state: data-state is the call's ("idle", "connecting", "connected", "reconnecting", "ended"),
 * data-picture is "none", "live", or "frozen". Dispatches "change" when data-picture changes.
 */
export class RemotePicture extends EventTarget {
  constructor() {
    super();
    this.video = /** @type {HTMLVideoElement} */ (byId("remote-video"));
    this.last = /** @type {HTMLCanvasElement} */ (byId("last-picture"));
    this.soundButton = byId("unmute-sound");
    this.listening = new AbortController();
    this.generation = 0;
    this.newest = 0;
    this.soundButton.addEventListener("click", () => this.play(), { signal: this.listening.signal });
    this.set("none");
  }

  get isLive() {
    return this.video.dataset.picture === "live";
  }

  /** @param {"none"|"live"|"frozen"} picture */
  set(picture) {
    if (this.video.dataset.picture === picture) return;
    this.video.dataset.picture = picture;
    this.dispatchEvent(new Event("change"));
  }

  follow(/** @type {import("./call.js").CallState} */ state) {
    if (this.video.dataset.state === state) return;
    this.video.dataset.state = state;
    if (state === "reconnecting") this.freeze();
  }

  /** Show this stream as soon as it has a picture; until then the last one stays. @param {MediaStream|null} stream */
  take(stream) {
    this.freeze();
    this.generation += 1;
    this.video.srcObject = stream;
    this.play();
    this.watch(this.generation);
  }

  async play() {
    try {
      await this.video.play();
      show(this.soundButton, false);
    } catch (error) {
      // Without a touch of the page some browsers play no sound: the person is asked for one. A stream that was
      // replaced while it started is no trouble at all.
      show(this.soundButton, error instanceof Error && error.name === "NotAllowedError");
    }
  }

  /** @param {number} generation of the stream that is watched */
  watch(generation) {
    const arrived = () => {
      if (generation !== this.generation) return;
      this.newest = performance.now();
      show(this.last, false);
      this.set("live");
      next();
    };
    const next = () => {
      if (this.video.requestVideoFrameCallback) this.video.requestVideoFrameCallback(arrived);
      else this.video.addEventListener("timeupdate", arrived, { once: true, signal: this.listening.signal });
    };
    next();
    clearInterval(this.checking);
    this.checking = setInterval(() => {
      // A hidden page draws nothing, which says nothing about the stream.
      if (document.hidden) this.newest = performance.now();
      else if (this.isLive && performance.now() - this.newest > FROZEN_MS) this.set("frozen");
    }, 500);
  }

  /** Keep what is to be seen now. */
  freeze() {
    const { videoWidth: width, videoHeight: height } = this.video;
    if (!width || !height || !this.last.hidden) return;
    this.last.width = width;
    this.last.height = height;
    this.last.getContext("2d")?.drawImage(this.video, 0, 0, width, height);
    show(this.last, true);
    this.set("frozen");
  }

  close() {
    this.generation += 1;
    this.listening.abort();
    clearInterval(this.checking);
    this.video.srcObject = null;
    this.video.dataset.state = "idle";
    this.video.dataset.picture = "none";
    show(this.last, false);
    show(this.soundButton, false);
  }
}
