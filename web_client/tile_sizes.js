// How large others' pictures are to be seen here, which the server is told so that it sends no larger ones.

import { ApiError } from "./protocol.js";

/** While windows are dragged and people come, sizes change many times a second. */
const DEBOUNCE_MS = 300;

/** Differences below this change no picture. */
const STEP = 16;

/** No screen is larger, and the server takes no more. */
const LARGEST = 8192;

/** @typedef {[number, number]} Size width and height in pixels of the screen */
/** @typedef {{people: Record<string, Size>, shared: Size|null, hidden: boolean}} Tiles */

/**
 * In pixels of the screen.
 * @param {{width: number, height: number}} box as laid out
 * @param {number} ratio pixels of the screen for each
 * @returns {Size}
 */
export function sizeOf(box, ratio) {
  const pixels = (/** @type {number} */ side) => Math.min(LARGEST, Math.ceil((side * ratio) / STEP) * STEP);
  return [pixels(box.width), pixels(box.height)];
}

export class TileSizes {
  /**
   * @param {import("./call.js").Call} call
   * @param {() => {people: Map<string, Element>, shared: Element|null}} seen what shows whom now
   */
  constructor(call, seen) {
    this.call = call;
    this.seen = seen;
    this.told = "";
    this.observer = new ResizeObserver(() => this.changed());
    /** @type {Set<Element>} */
    this.observed = new Set();
    this.listening = new AbortController();
    const { signal } = this.listening;
    // At once: pages that are hidden get no timers to speak of.
    document.addEventListener("visibilitychange", () => this.tell(), { signal });
    call.addEventListener("stream", () => this.anew(), { signal });
    call.addEventListener("restarted", () => this.anew(), { signal });
  }

  /** Something may be larger or smaller than before. */
  changed() {
    const { people, shared } = this.seen();
    for (const element of [...people.values(), ...(shared ? [shared] : [])]) {
      if (this.observed.has(element)) continue;
      this.observed.add(element);
      this.observer.observe(element);
    }
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.tell(), DEBOUNCE_MS);
  }

  /** Whoever is told of it knows nothing yet. */
  anew() {
    this.told = "";
    this.changed();
  }

  /** @returns {Tiles} */
  measure() {
    const { people, shared } = this.seen();
    const size = (/** @type {Element} */ element) => sizeOf(element.getBoundingClientRect(), devicePixelRatio || 1);
    return {
      people: Object.fromEntries([...people].map(([id, element]) => [id, size(element)])),
      shared: shared && size(shared),
      hidden: document.hidden,
    };
  }

  async tell() {
    clearTimeout(this.timer);
    const { call } = this;
    if (!call.participantId || call.state === "ended" || !call.link) return;
    const tiles = this.measure();
    const words = JSON.stringify(tiles);
    if (words === this.told) return;
    this.told = words;
    try {
      await call.api.showTiles(call.participantId, tiles);
    } catch (error) {
      if (this.told === words) this.told = ""; // the next change tells it again; until then sizes are as usual
      // Trouble of the network, and a server that knows us no longer, are the call's to find out and to mend.
      if (!(error instanceof ApiError && (error.isTransient || error.isForgotten))) {
        console.warn("the sizes of pictures could not be told", error);
      }
    }
  }

  close() {
    clearTimeout(this.timer);
    this.listening.abort();
    this.observer.disconnect();
  }
}
