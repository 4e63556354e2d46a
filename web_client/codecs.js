// The order in which codecs are offered. Pure.

/** H.264 in whole access units (packetization mode 1), constrained baseline before the others, then mode 0, then VP8. */
function rank(/** @type {{mimeType: string, sdpFmtpLine?: string}} */ codec) {
  const type = codec.mimeType.toLowerCase();
  const parameters = (codec.sdpFmtpLine ?? "").toLowerCase();
  if (type === "video/h264") {
    if (!parameters.includes("packetization-mode=1")) return 2;
    return parameters.includes("profile-level-id=42e0") ? 0 : 1;
  }
  return type === "video/vp8" ? 3 : 4;
}

/** What goes with any codec here: packets sent again, and those that repair others where packets are lost. */
const BESIDE = ["video/rtx", "video/flexfec-03"];

/**
 * For pictures of others as they are: what browsers send here, and nothing else, so that offers stay short.
 * @template {{mimeType: string, sdpFmtpLine?: string}} C
 * @param {readonly C[]} codecs as RTCRtpReceiver.getCapabilities gives them
 * @returns {C[]}
 */
export function forwardable(codecs) {
  const kept = codecs.filter((codec) => rank(codec) === 0 || ["video/vp8", ...BESIDE].includes(codec.mimeType.toLowerCase()));
  return preferred(kept);
}

/**
 * For voices of others as they are: what browsers send here.
 * @template {{mimeType: string}} C
 * @param {readonly C[]} codecs as RTCRtpReceiver.getCapabilities gives them
 * @returns {C[]}
 */
export function audible(codecs) {
  return codecs.filter((codec) => ["audio/opus", "audio/red"].includes(codec.mimeType.toLowerCase()));
}

/**
 * The rooms in a conference speak H.264, so a browser that does too shares their encoder.
 * @template {{mimeType: string, sdpFmtpLine?: string}} C
 * @param {readonly C[]} codecs as RTCRtpReceiver.getCapabilities gives them
 * @returns {C[]} the same codecs; order inside a rank is kept
 */
export function preferred(codecs) {
  return codecs
    .map((codec, index) => ({ codec, index }))
    .sort((a, b) => rank(a.codec) - rank(b.codec) || a.index - b.index)
    .map(({ codec }) => codec);
}
