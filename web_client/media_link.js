// One RTCPeerConnection with the server: offer, answer, tracks. It may look for another way to the server and go on;
// where that is no help, reconnecting makes a fresh one.

import { audible, forwardable, preferred } from "./codecs.js";
import { FlowWatch } from "./reconnect.js";
import { encodings, slideEncodings, wholePicture } from "./simulcast.js";
import { TileSync } from "./tile_sync.js";

/** The server is ICE-lite and found at its host candidates; gathering ours takes milliseconds, or is not waited for. */
const GATHERING_CAP_MS = 1000;

/** Pictures of others that can be shown each on its own. */
export const SLOTS = 9;

/** @typedef {"audio"|"video"|"content"} MediaKind content: a second picture, of what is shared */

/** @param {RTCPeerConnection} connection */
function gathered(connection) {
  return new Promise((resolve) => {
    const timer = setTimeout(done, GATHERING_CAP_MS);
    function done() {
      clearTimeout(timer);
      connection.removeEventListener("icegatheringstatechange", check);
      resolve(undefined);
    }
    function check() {
      if (connection.iceGatheringState === "complete") done();
    }
    connection.addEventListener("icegatheringstatechange", check);
    check();
  });
}

export class MediaLink {
  /**
   * @param {Object} options
   * @param {Record<MediaKind, MediaStreamTrack|null>} options.tracks
   * @param {Record<MediaKind, boolean>} options.sends whether there is a device at all (a camera that is only
   *   switched off keeps its place in the offer, so that switching it on needs no new one)
   * @param {boolean} options.sizes whether the camera's picture is wanted in several sizes
   * @param {(link: MediaLink, state: RTCPeerConnectionState) => void} options.onState
   */
  constructor({ tracks, sends, sizes, onState }) {
    this.connection = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    this.stream = new MediaStream();
    this.content = new MediaStream();
    this.flow = new FlowWatch();
    this.sends = { ...sends };
    this.sizes = sizes;
    // The server takes the second picture of an offer for what is shared, those after it for slots, the one after these
    // for what somebody else shares as it is: the order matters.
    /** @type {Record<MediaKind, RTCRtpTransceiver>} */
    this.transceivers = {
      audio: this.addMedia("audio", tracks.audio),
      video: this.addMedia("video", tracks.video),
      content: this.addMedia("content", tracks.content),
    };
    this.slots = Array.from({ length: SLOTS }, () => this.addSlot("video", forwardable));
    this.shared = this.addSlot("video", forwardable);
    this.voices = Array.from({ length: SLOTS }, () => this.addSlot("audio", audible));
    this.sync = new TileSync(this.slots);
    const places = [...this.slots, this.shared, ...this.voices];
    this.connection.ontrack = ({ track, transceiver }) => {
      const slot = places.find((one) => one.transceiver === transceiver);
      if (slot) slot.stream.addTrack(track);
      else (transceiver === this.transceivers.content ? this.content : this.stream).addTrack(track);
    };
    this.connection.onconnectionstatechange = () => onState(this, this.connection.connectionState);
  }

  /** @param {MediaKind} kind @param {MediaStreamTrack|null} track */
  addMedia(kind, track) {
    const medium = kind === "audio" ? "audio" : "video";
    const transceiver = this.connection.addTransceiver(track ?? medium, {
      direction: this.sends[kind] ? "sendrecv" : "recvonly",
      sendEncodings: this.encodingsOf(kind, track),
    });
    const capabilities = globalThis.RTCRtpReceiver?.getCapabilities?.(medium);
    if (medium === "video" && capabilities && transceiver.setCodecPreferences) {
      transceiver.setCodecPreferences(preferred(capabilities.codecs));
    }
    return transceiver;
  }

  /** @param {MediaKind} kind @param {MediaStreamTrack|null} track */
  encodingsOf(kind, track) {
    if (kind === "content" && this.sends.content) return slideEncodings(track?.getSettings());
    return kind === "video" && this.sends.video ? encodings(track?.getSettings(), this.sizes) : undefined;
  }

  /**
   * A place for somebody's picture or voice as it is.
   * @param {"audio"|"video"} medium
   * @param {typeof forwardable} chosen which codecs
   */
  addSlot(medium, chosen) {
    const transceiver = this.connection.addTransceiver(medium, { direction: "recvonly" });
    const capabilities = globalThis.RTCRtpReceiver?.getCapabilities?.(medium);
    if (capabilities && transceiver.setCodecPreferences) transceiver.setCodecPreferences(chosen(capabilities.codecs));
    return { transceiver, stream: new MediaStream() };
  }

  /** Send the camera's picture in several sizes, or the whole alone. @param {boolean} sizes */
  async sendSizes(sizes) {
    this.sizes = sizes;
    await this.setEncodings("video", (picture) => encodings(picture, sizes));
  }

  /**
   * @param {"video"|"content"} kind
   * @param {(picture: MediaTrackSettings|undefined) => import("./simulcast.js").Encoding[]} made
   */
  async setEncodings(kind, made) {
    const { sender } = this.transceivers[kind];
    const parameters = sender.getParameters();
    if (!parameters.encodings?.length) return;
    // Of what a server does not take in several sizes the browser keeps the first, which is the smallest.
    const wanted = parameters.encodings.length > 1 ? made(sender.track?.getSettings()) : [wholePicture()];
    parameters.encodings.forEach((encoding, index) => Object.assign(encoding, wanted[index], { rid: encoding.rid }));
    try {
      await sender.setParameters(parameters);
    } catch (error) {
      console.warn("the sizes of the picture could not be set", error); // the link has gone meanwhile, or a newer wish came
    }
  }

  /** @returns {Promise<string>} the whole offer, candidates included */
  async offer() {
    await this.connection.setLocalDescription(await this.connection.createOffer());
    await gathered(this.connection);
    return this.connection.localDescription?.sdp ?? "";
  }

  /** Whether the same connection can look for another way to the server. */
  get canRestart() {
    const { signalingState, connectionState } = this.connection;
    return signalingState === "stable" && connectionState !== "closed" && connectionState !== "failed";
  }

  /** @returns {Promise<string>} an offer by which media go on, over another network if need be */
  restart() {
    this.connection.restartIce();
    return this.offer();
  }

  async answer(/** @type {string} */ sdp) {
    await this.connection.setRemoteDescription({ type: "answer", sdp });
    if (this.sends.video) await this.sendSizes(this.sizes);
    if (this.sends.content) await this.setEncodings("content", slideEncodings);
  }

  /**
   * Send this track from now on (null: nothing). False when the offer had no place for it and a new link is needed.
   * @param {MediaKind} kind
   * @param {MediaStreamTrack|null} track
   */
  async replaceTrack(kind, track) {
    if (!this.sends[kind]) return track === null;
    await this.transceivers[kind].sender.replaceTrack(track);
    if (kind === "video" && track) await this.sendSizes(this.sizes);
    if (kind === "content" && track) await this.setEncodings("content", slideEncodings);
    return true;
  }

  /** Look whether media still come. @param {number} now @returns {Promise<boolean>} whether that changed */
  async checkFlow(now) {
    return this.flow.measure((await this.statistics()).bytes, now);
  }

  /** What a person may want to know of the connection: sizes in pixels, rates in bit/s, times in seconds. */
  async statistics() {
    const found = { width: 0, height: 0, fps: 0, codec: "", roundTrip: 0, lost: 0, received: 0, bytes: 0 };
    const reports = await this.connection.getStats();
    this.sync.review(reports.values(), this.transceivers.audio.mid, performance.now());
    reports.forEach((report) => {
      const slides = [this.transceivers.content.mid, this.shared.transceiver.mid];
      const isContent = report.mid !== undefined && slides.includes(report.mid);
      // Of pictures that come each on its own the largest is told of.
      const isLarger = (report.framesPerSecond ?? 0) > 0 && (report.frameHeight ?? 0) > found.height;
      if (report.type === "inbound-rtp" && report.kind === "video" && !isContent && isLarger) {
        found.width = report.frameWidth ?? 0;
        found.height = report.frameHeight ?? 0;
        found.fps = report.framesPerSecond ?? 0;
        found.codec = reports.get(report.codecId)?.mimeType?.replace("video/", "") ?? "";
      }
      if (report.type === "inbound-rtp") {
        found.lost += Math.max(0, report.packetsLost ?? 0);
        found.received += report.packetsReceived ?? 0;
        found.bytes += report.bytesReceived ?? 0;
      }
      if (report.type === "candidate-pair" && report.nominated) found.roundTrip = report.currentRoundTripTime ?? 0;
    });
    return found;
  }

  /** Quietly: no more news comes from a closed link. Tracks of the devices go on, they belong to the caller. */
  close() {
    this.connection.onconnectionstatechange = null;
    this.connection.ontrack = null;
    this.connection.close();
  }
}
