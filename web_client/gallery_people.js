// Who is in the gallery, and how its tiles are laid out. Pure.

import { getsPictures } from "./simulcast.js";

/**
 * @typedef {import("./protocol.js").Conference} Conference
 * @typedef {import("./protocol.js").Participant} Participant
 * @typedef {Object} GalleryPeople
 * @property {boolean} shown                the gallery at all
 * @property {(Participant|null)[]} slots   who is in each slot
 * @property {Participant[]} faceless       who has no picture at present
 * @property {boolean} main                 whether the composed picture carries somebody
 */

/** More tiles than these are no faces any more; who sends no picture gives way. */
const MAXIMUM_TILES = 12;

/** Height of a picture to its width. */
const SHAPE = 9 / 16;

/**
 * @param {Conference|null} conference
 * @param {Participant|null} self
 * @param {readonly (string|null)[]} slots whom each slot shows, by id
 * @returns {GalleryPeople}
 */
export function galleryPeople(conference, self, slots) {
  if (!conference || !self || !getsPictures(self, conference)) return { shown: false, slots: [], faceless: [], main: true };
  const others = conference.participants.filter((one) => one.id !== self.id && !one.hidden);
  const inSlots = slots.map((id) => others.find((one) => one.id === id) ?? null);
  const isFree = slots.some((id) => id === null);
  const withPicture = (/** @type {Participant} */ one) => one.has_video && !one.camera_muted && one.state !== "held";
  const rest = others.filter((one) => !inSlots.includes(one));
  // What no slot can show is composed: rooms, and browsers of another codec, which are left though there is room.
  const main = rest.some((one) => withPicture(one) && (one.kind !== "browser" || isFree));
  const room = Math.max(0, MAXIMUM_TILES - 1 - inSlots.filter((one) => one !== null).length);
  return { shown: true, slots: inSlots, faceless: rest.filter((one) => !withPicture(one)).slice(0, room), main };
}

/** The others beside or below one that is kept large are at most so many in a line. */
const LINE = 5;

/**
 * How tiles are laid out: all alike, or one large and the others in lines beside or below it.
 * @param {number} count of all tiles
 * @param {boolean} pinned one of them is kept large
 * @param {number} width
 * @param {number} height
 * @returns {{place: "none"|"beside"|"below", columns: number, rows: number}} of the others, where one is large
 */
export function gridFor(count, pinned, width, height) {
  if (!pinned || count < 2) {
    const columns = columnsFor(count, width, height);
    return { place: "none", columns, rows: Math.ceil(count / columns) };
  }
  const lines = Math.ceil((count - 1) / LINE);
  const most = Math.ceil((count - 1) / lines);
  const isWide = width * SHAPE > height;
  return isWide ? { place: "beside", columns: lines, rows: most } : { place: "below", columns: most, rows: lines };
}

/**
 * The number of columns that makes so many tiles largest in a place of this size.
 * @param {number} count
 * @param {number} width
 * @param {number} height
 */
export function columnsFor(count, width, height) {
  let best = { columns: 1, side: 0 };
  for (let columns = 1; columns <= Math.max(1, count); columns += 1) {
    const rows = Math.ceil(count / columns);
    const side = Math.min(width / columns, height / rows / SHAPE);
    if (side > best.side) best = { columns, side };
  }
  return best.columns;
}
