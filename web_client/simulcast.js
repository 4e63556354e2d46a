// The own picture in several sizes at once, so that each viewer gets the one that suits it. Pure.

/** @typedef {{rid?: string, active?: boolean, maxBitrate?: number, scaleResolutionDownBy?: number}} Encoding */

/** Names of the encodings, the smallest first: the server reads their order. */
export const RIDS = Object.freeze(["q", "h", "f"]);

/** Browsers leave the last of three encodings out below this height, and the last two of them below the next. */
const HEIGHT_OF_THREE = 540;
const HEIGHT_OF_TWO = 270;

/** Enough for each size, bit/s: a face in a small tile, half the picture, 1280x720 at 30 pictures a second. */
const BITRATES = [200_000, 700_000, 2_500_000];

/** A camera that is not open yet will most likely give this. */
const USUAL_HEIGHT = 720;

/**
 * What to send of a camera's picture. Lower sizes are not made for nobody: unless viewers need them, the whole picture
 * goes out alone, in the one encoding that browsers make of a picture of this height.
 * @param {{width?: number, height?: number}|undefined} picture the camera's
 * @param {boolean} wanted whether somebody needs more sizes than the largest
 * @returns {Encoding[]} one for each of RIDS
 */
export function encodings(picture, wanted) {
  // A phone held upright gives a tall picture.
  const lines = Math.min(picture?.height || USUAL_HEIGHT, picture?.width || Infinity);
  const count = lines >= HEIGHT_OF_THREE ? 3 : lines >= HEIGHT_OF_TWO ? 2 : 1;
  return RIDS.map((rid, index) => {
    const isUsed = index < count;
    const isWhole = index === count - 1;
    return {
      rid,
      active: isUsed && (wanted || isWhole),
      scaleResolutionDownBy: isUsed ? 2 ** (count - 1 - index) : 1,
      maxBitrate: isWhole ? BITRATES[2] : BITRATES[index],
    };
  });
}

/** Names of the encodings of what is shared, the smallest first. */
const SLIDE_RIDS = Object.freeze(["s", "l"]);

/** Enough for a sharp 1920x1080 of slides, and for half of it. */
const SLIDE_BITRATES = [400_000, 2_500_000];

/**
 * What to send of a screen: also half its size, for phones and narrow networks. Of a small window browsers send the first
 * encoding alone, so that is the whole then.
 * @param {{width?: number, height?: number}|undefined} picture the screen's; undefined: nothing is shared yet
 * @returns {Encoding[]} always as many
 */
export function slideEncodings(picture) {
  const lines = Math.min(picture?.height || Infinity, picture?.width || Infinity);
  const isSmall = lines < HEIGHT_OF_THREE;
  return SLIDE_RIDS.map((rid, index) => ({
    rid,
    active: index === 0 || !isSmall,
    scaleResolutionDownBy: index === 0 && !isSmall ? 2 : 1,
    maxBitrate: isSmall ? SLIDE_BITRATES[1] : SLIDE_BITRATES[index],
  }));
}

/** Where the server takes but one encoding. @returns {Encoding} */
export function wholePicture() {
  return { active: true, scaleResolutionDownBy: 1, maxBitrate: BITRATES[2] };
}

/**
 * Whether anybody else gets this participant's picture as it is.
 * @param {import("./protocol.js").Conference|null} conference
 * @param {string} ownId
 */
export function isForwardedTo(conference, ownId) {
  return (conference?.participants ?? []).some((one) => one.id !== ownId && getsPictures(one, conference));
}

/**
 * Whether a participant gets others' pictures as they are: its own choice, else what is usual in the conference. While
 * one is shown to all, or lectures, everybody has one picture. The server has the same rule.
 * @param {import("./protocol.js").Participant|null} participant
 * @param {import("./protocol.js").Conference|null} conference
 */
export function getsPictures(participant, conference) {
  if (participant?.has_slots !== true || !conference) return false;
  const { broadcast, seating } = conference;
  const isTold = broadcast && broadcast !== participant.id;
  const listens = seating?.mode === "lecture" && seating.lecturer !== participant.id;
  return !isTold && !listens && (participant.forwarded ?? conference.forwarded ?? false);
}
