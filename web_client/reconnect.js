// When to build the media connection anew. Pure: told what happened and when, asked what is due. Times in milliseconds.

import { backoff } from "./event_channel.js";

/** A connection may be "disconnected" this long before it is given up: short drop-outs of Wi-Fi heal by themselves. */
export const DISCONNECTED_PATIENCE_MS = 2000;

/** Sound comes fifty times a second, whoever is silent: this long without anything, and the way to us is broken. */
export const STALLED_PATIENCE_MS = 2000;

/** Asking the server may take this long: it may be waiting for a new worker. Longer than a request's own time-out. */
export const ANSWER_PATIENCE_MS = 12_000;

/** With the answer in hand, a connection that looks for another way, at last by TCP, is given this long. */
export const RESTART_PATIENCE_MS = 3500;

/** With the answer in hand, a connection that is not up after this long is tried again. */
export const CONNECT_PATIENCE_MS = 4000;

/**
 * Decides when a new attempt is due. `begin` opens an attempt, `answered` or `restarted` says that the server agreed, and
 * it ends with `connectionChanged("connected")` or with `failed`.
 */
export class ReconnectPolicy {
  /** @param {{random?: () => number}} [options] */
  constructor({ random = Math.random } = {}) {
    this.random = random;
    this.attempt = 0;
    /** @type {number|null} */
    this.due = null;
    this.isDead = false;
  }

  /** Whether the next attempt may be made on the connection that there is: its network may have changed, no more. */
  get mayRestart() {
    return this.attempt === 0 && !this.isDead;
  }

  /** The worker behind our leg was replaced: the old connection is dead, whatever it says of itself. */
  mediaRestarted(/** @type {number} */ now) {
    this.attempt = 0;
    this.isDead = true;
    this.due = now;
  }

  /** There is reason to doubt that the server still knows us: ask it, by a new attempt. */
  suspected(/** @type {number} */ now) {
    this.due = Math.min(this.due ?? Infinity, now);
  }

  connectionChanged(/** @type {RTCPeerConnectionState} */ state, /** @type {number} */ now) {
    if (state === "connected") {
      this.attempt = 0;
      this.due = null;
      this.isDead = false;
    } else if (state === "failed" || state === "closed") {
      this.isDead = true;
      this.due = Math.min(this.due ?? Infinity, now);
    } else if (state === "disconnected") {
      this.due = Math.min(this.due ?? Infinity, now + DISCONNECTED_PATIENCE_MS);
    }
  }

  begin(/** @type {number} */ now) {
    this.attempt += 1;
    this.due = now + ANSWER_PATIENCE_MS;
  }

  answered(/** @type {number} */ now) {
    this.due = now + CONNECT_PATIENCE_MS;
  }

  /** As `answered`, where the old connection goes on. */
  restarted(/** @type {number} */ now) {
    this.due = now + RESTART_PATIENCE_MS;
  }

  /** The attempt could not even be made (server unreachable, refused for now). */
  failed(/** @type {number} */ now) {
    this.due = now + backoff(this.attempt, this.random());
  }

  /** The network or the server came back: no need to wait for the backoff any longer. */
  hurry(/** @type {number} */ now) {
    if (this.due !== null) this.due = now;
    this.attempt = 0;
  }

  isDue(/** @type {number} */ now) {
    return this.due !== null && now >= this.due;
  }
}

/**
 * Sees that media have stopped long before the browser does: its own check of the path takes five seconds and more.
 * Only what has flowed can stall, so a connection that never brings anything is not torn down again and again.
 */
export class FlowWatch {
  constructor() {
    this.bytes = 0;
    this.grewAt = 0;
    /** @type {"waiting"|"flowing"|"stalled"} */
    this.state = "waiting";
  }

  /** @param {number} bytes received so far on this connection @param {number} now @returns {boolean} whether the state changed */
  measure(bytes, now) {
    const before = this.state;
    if (bytes > this.bytes) {
      this.grewAt = now;
      this.state = "flowing";
    } else if (this.state === "flowing" && now - this.grewAt >= STALLED_PATIENCE_MS) {
      this.state = "stalled";
    }
    this.bytes = bytes;
    return this.state !== before;
  }
}
