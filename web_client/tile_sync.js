// Pictures that come each on its own are held back until the mixed sound that belongs to them is played.
//
// Browsers hold one picture in time with one sound, not many with a mix. So the server tells by how much the mix is
// behind a picture when both leave it, and what the browser's own buffer adds to the sound is seen here.

/** How often it is looked. */
const REVIEW_MS = 1000;

/** Smaller changes of a buffer are not worth one. */
const STEP_MS = 20;

/** Pictures wait no longer than sound on the worst network that the server bears. */
const LONGEST_MS = 1500;

/**
 * How long a picture is to be kept in the browser's buffer, in milliseconds.
 * @param {number} behind by how much its sound leaves the server later
 * @param {number} sound how long sound is in the browser's buffer
 */
export function waitOf(behind, sound) {
  if (behind <= 0) return 0; // there is no sound, or it is not known
  return Math.min(LONGEST_MS, Math.round((behind + sound) / STEP_MS) * STEP_MS);
}

/** @typedef {RTCRtpReceiver & {jitterBufferTarget?: number|null}} Receiver */

export class TileSync {
  /** @param {{transceiver: RTCRtpTransceiver}[]} slots */
  constructor(slots) {
    this.slots = slots;
    /** @type {number[]} by how much the sound of whom each slot shows is behind; nothing where it comes as it is */
    this.behind = [];
    this.reviewed = -Infinity;
    this.before = { delay: 0, count: 0 };
  }

  /**
   * Look how long sound takes here now.
   * @param {Iterable<any>} reports
   * @param {string|null} mid of the mix
   * @param {number} now in milliseconds
   */
  review(reports, mid, now) {
    if (now - this.reviewed < REVIEW_MS) return;
    this.reviewed = now;
    for (const report of reports) {
      if (report.type !== "inbound-rtp" || report.mid !== mid || !report.jitterBufferEmittedCount) continue;
      const delay = report.jitterBufferDelay - this.before.delay;
      const count = report.jitterBufferEmittedCount - this.before.count;
      this.before = { delay: report.jitterBufferDelay, count: report.jitterBufferEmittedCount };
      if (count > 0) this.hold((delay / count) * 1000);
    }
  }

  /** @param {number} sound how long it is in the browser's buffer */
  hold(sound) {
    this.slots.forEach(({ transceiver }, index) => {
      const receiver = /** @type {Receiver} */ (transceiver.receiver);
      if (!("jitterBufferTarget" in receiver)) return;
      const wait = waitOf(this.behind[index] ?? 0, sound) || null;
      if (Math.abs((receiver.jitterBufferTarget ?? 0) - (wait ?? 0)) > STEP_MS || (wait === null && receiver.jitterBufferTarget)) {
        receiver.jitterBufferTarget = wait;
      }
    });
  }
}
