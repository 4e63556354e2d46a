// The WebSocket of events. Never touches the DOM; sockets, timers and randomness come in as arguments.

import { API_ROOT } from "./protocol.js";

/** @typedef {import("./protocol.js").ServerEvent} ServerEvent */

/**
 * How long to wait before the next attempt: doubles, is bounded, and is spread so that a hall full of browsers does not
 * come back in one instant.
 * @param {number} attempt 0 for the first
 * @param {number} random in [0, 1)
 * @returns {number} milliseconds
 */
export function backoff(attempt, random, { first = 250, longest = 5000 } = {}) {
  const full = Math.min(longest, first * 2 ** Math.min(attempt, 16));
  return Math.round(full / 2 + (full / 2) * random);
}

/**
 * The WebSocket of events, opened again whenever it is lost. Nothing is missed for good: every new connection starts
 * with a "welcome" that holds the whole state.
 */
export class EventChannel {
  /**
   * @param {Object} options
   * @param {string} options.url
   * @param {string|null} options.token sent as first message, never in the URL (URLs end up in logs)
   * @param {(event: ServerEvent) => void} options.onEvent
   * @param {(open: boolean) => void} options.onState told when the channel opens and when it is lost
   * @param {(url: string) => WebSocket} [options.open]
   * @param {(callback: () => void, delay: number) => any} [options.setTimer]
   * @param {(timer: any) => void} [options.clearTimer]
   * @param {() => number} [options.random]
   */
  constructor({ url, token, onEvent, onState, open, setTimer, clearTimer, random }) {
    this.url = url;
    this.token = token;
    this.onEvent = onEvent;
    this.onState = onState;
    this.openSocket = open ?? ((address) => new WebSocket(address));
    this.setTimer = setTimer ?? ((callback, delay) => setTimeout(callback, delay));
    this.clearTimer = clearTimer ?? ((timer) => clearTimeout(timer));
    this.random = random ?? Math.random;
    this.attempt = 0;
    this.closed = true;
    /** @type {WebSocket|null} */
    this.socket = null;
    this.timer = null;
  }

  start() {
    this.closed = false;
    this.connect();
  }

  /** Try at once instead of waiting for the backoff (the network came back). */
  hurry() {
    if (this.closed || this.timer === null) return;
    this.clearTimer(this.timer);
    this.timer = null;
    this.connect();
  }

  stop() {
    this.closed = true;
    if (this.timer !== null) this.clearTimer(this.timer);
    this.timer = null;
    const socket = this.socket;
    this.socket = null;
    if (socket) socket.close();
  }

  connect() {
    const socket = this.openSocket(this.url);
    this.socket = socket;
    socket.onopen = () => {
      if (this.socket === socket && this.token !== null) socket.send(JSON.stringify({ token: this.token }));
    };
    socket.onmessage = (message) => {
      if (this.socket === socket) this.receive(message.data);
    };
    socket.onclose = () => {
      if (this.socket === socket) this.lost();
    };
  }

  receive(/** @type {unknown} */ data) {
    /** @type {ServerEvent} */
    let event;
    try {
      event = JSON.parse(String(data));
    } catch {
      return; // not ours to understand; the next welcome puts things right
    }
    if (!event || typeof event.type !== "string") return;
    if (event.type === "welcome") {
      // Only now is the channel good: a server that accepts and drops us at once must not reset the backoff.
      this.attempt = 0;
      this.onState(true);
    }
    this.onEvent(event);
  }

  lost() {
    this.socket = null;
    if (this.closed) return;
    this.onState(false);
    if (this.closed) return;
    this.timer = this.setTimer(() => {
      this.timer = null;
      this.connect();
    }, backoff(this.attempt, this.random()));
    this.attempt += 1;
  }
}

/** The address of the event channel for a page at this location. */
export function eventsUrl(/** @type {{protocol: string, host: string}} */ location) {
  return `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}${API_ROOT}/events`;
}
