// Camera and microphone: asking for them, choosing among them, living without them.

const REMEMBERED = { audio: "consilium.microphone", video: "consilium.camera" };
const REMEMBERED_ORIGINAL = "consilium.original_sound";

/** Processing that a conference wants of a microphone, and the picture size asked of a camera. */
const CONSTRAINTS = {
  audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
  video: { width: { ideal: 1280, max: 1280 }, height: { ideal: 720, max: 720 }, frameRate: { ideal: 30, max: 30 } },
};

/** Heart and lung sounds, instruments and test tones are noise to those who suppress noise. */
const ORIGINAL_SOUND = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };

/**
 * Why there is no device: "none" (not plugged in), "denied" (by the person or a policy), "busy" (another program has
 * it), "insecure" (the page was not opened by https), "off" (not wanted).
 * @typedef {"none"|"denied"|"busy"|"insecure"|"off"} Absence
 * @typedef {"audio"|"video"} Kind
 */

/** @returns {Absence} */
function absenceOf(/** @type {unknown} */ error) {
  const name = error instanceof Error ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "denied";
  if (name === "NotReadableError" || name === "AbortError") return "busy";
  return "none";
}

/** Holds at most one track of each kind, and tells when one comes, goes or is lost. */
export class Devices extends EventTarget {
  constructor() {
    super();
    /** @type {Record<Kind, MediaStreamTrack|null>} */
    this.tracks = { audio: null, video: null };
    /** @type {Record<Kind, Absence|null>} */
    this.absence = { audio: null, video: null };
    /** @type {Record<Kind, string>} */
    this.chosen = { audio: localStorage.getItem(REMEMBERED.audio) ?? "", video: localStorage.getItem(REMEMBERED.video) ?? "" };
    /** Whether the microphone's sound is sent as it is. */
    this.originalSound = localStorage.getItem(REMEMBERED_ORIGINAL) === "true";
    navigator.mediaDevices?.addEventListener?.("devicechange", () => this.changed());
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }

  /** Ask for both at once, so that the browser shows one question; then for each alone, since one may be missing. */
  async openAll() {
    if (!navigator.mediaDevices?.getUserMedia) {
      this.absence = { audio: "insecure", video: "insecure" };
      this.changed();
      return;
    }
    try {
      const stream = await navigator.mediaDevices.getUserMedia({
        audio: this.constraints("audio"),
        video: this.constraints("video"),
      });
      this.take("audio", stream.getAudioTracks()[0] ?? null);
      this.take("video", stream.getVideoTracks()[0] ?? null);
    } catch {
      await Promise.all([this.open("audio"), this.open("video")]);
    }
    this.changed();
  }

  /** @param {Kind} kind */
  constraints(kind) {
    const chosen = this.chosen[kind];
    const wanted = kind === "audio" && this.originalSound ? ORIGINAL_SOUND : CONSTRAINTS[kind];
    return chosen ? { ...wanted, deviceId: { ideal: chosen } } : wanted;
  }

  /** Open the chosen device of a kind. @param {Kind} kind @returns {Promise<MediaStreamTrack|null>} */
  async open(kind) {
    if (!navigator.mediaDevices?.getUserMedia) {
      this.absence[kind] = "insecure";
      this.changed();
      return null;
    }
    // Some cameras cannot be opened twice: the old one goes first.
    this.release(kind);
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ [kind]: this.constraints(kind) });
      this.take(kind, stream.getTracks()[0] ?? null);
    } catch (error) {
      this.absence[kind] = absenceOf(error);
    }
    this.changed();
    return this.tracks[kind];
  }

  /** @param {Kind} kind @param {MediaStreamTrack|null} track */
  take(kind, track) {
    this.release(kind);
    this.tracks[kind] = track;
    this.absence[kind] = track ? null : "none";
    if (!track) return;
    track.addEventListener("ended", () => {
      if (this.tracks[kind] !== track) return;
      this.tracks[kind] = null;
      this.absence[kind] = "none";
      this.changed();
    });
  }

  /** @param {Kind} kind */
  release(kind) {
    this.tracks[kind]?.stop();
    this.tracks[kind] = null;
  }

  /** Switch off on the person's wish: the camera's light goes out. @param {Kind} kind */
  switchOff(kind) {
    this.release(kind);
    this.absence[kind] = "off";
    this.changed();
  }

  /** @param {Kind} kind @param {string} deviceId */
  choose(kind, deviceId) {
    this.chosen[kind] = deviceId;
    localStorage.setItem(REMEMBERED[kind], deviceId);
    return this.open(kind);
  }

  /** @param {boolean} original @returns {Promise<unknown>} once the microphone is open again, if it was */
  setOriginalSound(original) {
    this.originalSound = original;
    localStorage.setItem(REMEMBERED_ORIGINAL, String(original));
    if (this.tracks.audio) return this.open("audio");
    this.changed();
    return Promise.resolve();
  }

  /** Whether a device is there, open or switched off by the person. @param {Kind} kind */
  has(kind) {
    return this.tracks[kind] !== null || this.absence[kind] === "off";
  }

  /** @returns {Promise<Record<Kind, MediaDeviceInfo[]>>} devices with a name; before permission browsers hide names */
  async list() {
    const all = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
    const named = all.filter((device) => device.deviceId !== "");
    return {
      audio: named.filter((device) => device.kind === "audioinput"),
      video: named.filter((device) => device.kind === "videoinput"),
    };
  }
}
