// Plays HLS: by hls.js where the browser has Media Source Extensions, else by the browser itself.

const HLS_TYPE = "application/vnd.apple.mpegurl";

/** Attempts to mend a broken playback before the person is told. */
const MAXIMUM_MENDS = 3;

/** #player has data-state "idle", "loading", "ready" (can be played and seeked) or "failed". */
export class Player {
  /**
   * @param {HTMLVideoElement} video
   * @param {(key: string) => void} onTrouble told a translation key
   */
  constructor(video, onTrouble) {
    this.video = video;
    this.onTrouble = onTrouble;
    /** @type {any} an instance of Hls */
    this.hls = null;
    this.mends = 0;
    video.addEventListener("loadedmetadata", () => this.set("ready"));
    video.addEventListener("error", () => {
      if (!this.hls && this.video.getAttribute("src")) this.fail("player.failed");
    });
  }

  set(/** @type {"idle"|"loading"|"ready"|"failed"} */ state) {
    this.video.dataset.state = state;
  }

  /** @param {string} playlist @param {string} poster */
  play(playlist, poster) {
    this.stop();
    this.set("loading");
    this.video.poster = poster;
    const Hls = /** @type {any} */ (globalThis).Hls;
    if (Hls?.isSupported()) {
      this.playWith(Hls, playlist);
    } else if (this.video.canPlayType(HLS_TYPE)) {
      this.video.src = playlist;
    } else {
      this.fail("player.unsupported");
    }
  }

  playWith(/** @type {any} */ Hls, /** @type {string} */ playlist) {
    // Fragmented MP4 goes through untouched: there is no work for a worker. A recording that still grows starts at its
    // beginning like any other.
    const hls = new Hls({ enableWorker: false, startPosition: 0 });
    this.hls = hls;
    this.mends = 0;
    hls.on(Hls.Events.ERROR, (/** @type {string} */ _name, /** @type {any} */ error) => {
      if (error.fatal && this.hls === hls) this.mend(Hls, error);
    });
    hls.loadSource(playlist);
    hls.attachMedia(this.video);
  }

  mend(/** @type {any} */ Hls, /** @type {any} */ error) {
    this.mends += 1;
    if (this.mends <= MAXIMUM_MENDS && error.type === Hls.ErrorTypes.MEDIA_ERROR) {
      this.hls.recoverMediaError();
    } else if (this.mends <= MAXIMUM_MENDS && error.type === Hls.ErrorTypes.NETWORK_ERROR && this.video.readyState > 0) {
      this.hls.startLoad();
    } else {
      console.warn("the recording cannot be played", error.type, error.details);
      this.fail(error.type === Hls.ErrorTypes.NETWORK_ERROR ? "player.unreachable" : "player.failed");
    }
  }

  fail(/** @type {string} */ key) {
    this.hls?.destroy();
    this.hls = null;
    this.set("failed");
    this.onTrouble(key);
  }

  stop() {
    this.hls?.destroy();
    this.hls = null;
    this.video.pause();
    this.video.removeAttribute("src");
    this.video.removeAttribute("poster");
    this.video.load();
    this.set("idle");
  }
}
