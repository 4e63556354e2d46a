// A call: joined to a conference, with media, events, and the will to stay. It knows nothing of how it is shown.

import { browserName } from "./browser_name.js";
import { CallEvents } from "./call_events.js";
import { MediaLink } from "./media_link.js";
import { OwnMedia } from "./own_media.js";
import { Api, ApiError } from "./protocol.js";
import { ReconnectPolicy } from "./reconnect.js";
import { conferencesOf } from "./roster.js";
import { canShare, Sharing } from "./sharing.js";
import { isForwardedTo } from "./simulcast.js";

/** How often it is looked whether media still come, and whether a new attempt is due. */
const TICK_MS = 250;

/** Coming back by ourselves is welcome after a drop-out, but not hours later when a lid is opened. */
const REJOIN_WINDOW_MS = 120_000;

/**
 * @typedef {"connecting"|"connected"|"reconnecting"|"ended"} CallState
 * @typedef {import("./devices.js").Kind} Kind
 * @typedef {import("./protocol.js").Participant} Participant
 */

/**
 * Dispatches: "state" (CallState changed, or the event channel came or went), "conference" (roster, recording…),
 * "sharing" (the own screen is shared, waits, or not any more),
 * "slots" (others are shown each on its own), "restarted" (the server may have forgotten how large we show them), "stream" (a new remote stream), "devices" (own microphone or camera), "joined"/"left" (detail: the other participant),
 * "chat" (detail: a message), "written" (detail: a message that nobody sees yet), "notice" (detail: a translation key), "ended" (detail: why: "left", "kicked", "conference_ended", "lost", or the code
 * of a refusal).
 */
export class Call extends EventTarget {
  /**
   * @param {Object} options
   * @param {string} options.number
   * @param {string} options.name
   * @param {string} options.pin kept in memory only, for coming back after the server was restarted
   * @param {import("./devices.js").Devices} options.devices
   * @param {Record<Kind, boolean>} options.on whether microphone and camera are wanted on
   */
  constructor({ number, name, pin, devices, on }) {
    super();
    this.number = number;
    this.name = name;
    this.pin = pin;
    this.devices = devices;
    this.own = new OwnMedia(this, devices, on);
    this.sharing = new Sharing(this);
    this.api = new Api();
    this.policy = new ReconnectPolicy();
    /** @type {CallState} */
    this.state = "connecting";
    /** @type {MediaLink|null} */
    this.link = null;
    /** @type {MediaLink|null} the one that is being negotiated */
    this.candidate = null;
    this.participantId = "";
    /** @type {(string|null)[]} whom each picture of its own shows */
    this.slots = [];
    /** @type {number[]} by how many milliseconds the mixed sound of each is behind its picture */
    this.behind = [];
    /** @type {string|null} who shares what comes as it is */
    this.shared = null;
    /** @type {import("./protocol.js").LayoutList} that may be chosen */
    this.layouts = { layouts: [] };
    this.events = new CallEvents(this);
    this.lastContact = 0;
    /** @type {ReadonlyMap<string, import("./protocol.js").Conference>} */
    this.conferences = new Map();
    this.rejoining = false;
    this.joinedAt = 0;
  }

  /** @returns {import("./protocol.js").Conference|null} */
  get conference() {
    return this.conferences.get(this.number) ?? null;
  }

  /** Whether events come. */
  get channelOpen() {
    return this.events.isOpen;
  }

  get self() {
    return this.conference?.participants.find((participant) => participant.id === this.participantId) ?? null;
  }

  /** @param {string} type @param {unknown} [detail] */
  tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  // --- joining and leaving

  /** Knock, and come in. Raises ApiError when refused. */
  async join() {
    await this.enter();
    this.joinedAt = Date.now();
    this.timer = setInterval(() => this.tick(), TICK_MS);
    this.onOnline = () => {
      this.policy.hurry(performance.now());
      this.events.hurry();
    };
    addEventListener("online", this.onOnline);
  }

  /** Which layouts there are; without them one can still watch one person. */
  async learnLayouts() {
    try {
      this.layouts = await this.api.layouts();
      this.tell("conference");
    } catch (error) {
      console.warn("the layouts are not known", error);
    }
  }

  /** Join with a fresh link; also used to come back when the server has forgotten us. */
  async enter() {
    const link = this.makeLink();
    try {
      const sdp = await link.offer();
      const joined = await new Api().join(this.number, { name: this.name, sdp, device: browserName(), ...(this.pin ? { pin: this.pin } : {}) });
      if (this.state === "ended") {
        // The person left while the answer was under way.
        new Api({ token: joined.token }).removeParticipant(joined.participant.id).catch(() => undefined);
        throw new ApiError(0, "left", "left while joining");
      }
      this.api = new Api({ token: joined.token });
      this.participantId = joined.participant.id;
      // The server may spell the room's number its own way.
      this.number = joined.conference.number;
      this.conferences = conferencesOf([joined.conference]);
      await this.adopt(link, joined.sdp);
    } catch (error) {
      link.close();
      if (this.candidate === link) this.candidate = null;
      throw error;
    }
    this.tell("conference");
    this.events.open();
    // Come back as somebody new, we have to ask anew for the floor that we had.
    if (this.sharing.state !== "idle") this.sharing.ask();
    this.learnLayouts();
    // Who comes in with the microphone or camera off is shown so to the others.
    if (!this.own.on.audio || !this.own.on.video) await this.own.tellMuted();
  }

  leave() {
    this.end("left");
  }

  /** The page goes away: the request outlives it. */
  leaveInPassing() {
    this.end("left", { keepalive: true });
  }

  /** @param {string} reason @param {{keepalive?: boolean}} [options] */
  end(reason, { keepalive = false } = {}) {
    if (this.state === "ended") return;
    this.state = "ended";
    clearInterval(this.timer);
    if (this.onOnline) removeEventListener("online", this.onOnline);
    this.events.stop();
    this.link?.close();
    this.candidate?.close();
    this.sharing.drop();
    if (reason === "left" && this.participantId) {
      this.api.removeParticipant(this.participantId, { keepalive }).catch(() => undefined);
    }
    this.tell("state");
    this.tell("ended", reason);
  }

  // --- media

  makeLink() {
    this.candidate?.close();
    const link = new MediaLink({
      tracks: { ...this.devices.tracks, content: this.sharing.sent },
      sends: { audio: this.devices.has("audio"), video: this.devices.has("video"), content: canShare() },
      sizes: isForwardedTo(this.conference, this.participantId),
      onState: (which, state) => this.linkChanged(which, state),
    });
    this.candidate = link;
    return link;
  }

  /** The server agreed: this link takes the place of the old one. @param {MediaLink} link @param {string} sdp */
  async adopt(link, sdp) {
    await link.answer(sdp);
    const old = this.link;
    this.link = link;
    this.candidate = null;
    this.policy.answered(performance.now());
    this.tell("stream");
    old?.close();
    for (const kind of /** @type {Kind[]} */ (["audio", "video"])) await this.own.sendTrack(kind);
    await this.sharing.send();
  }

  /** The own picture goes out in several sizes while others get it as it is. */
  async fitSizes() {
    const sizes = isForwardedTo(this.conference, this.participantId);
    if (this.link && this.link.sizes !== sizes && this.link.sends.video) await this.link.sendSizes(sizes);
  }

  /** @param {MediaLink} link @param {RTCPeerConnectionState} state */
  linkChanged(link, state) {
    if (this.state === "ended" || link !== this.link) return;
    this.policy.connectionChanged(state, performance.now());
    if (state === "connected") {
      this.lastContact = Date.now();
      this.setState("connected");
    } else if (state === "failed" || state === "disconnected") {
      this.setState("reconnecting");
    }
  }

  setState(/** @type {CallState} */ state) {
    if (this.state === "ended" || this.state === state) return;
    this.state = state;
    this.tell("state");
  }

  tick() {
    if (this.rejoining) return;
    if (this.link?.connection.connectionState === "connected") this.checkFlow(this.link);
    if (this.policy.isDue(performance.now())) this.reconnect();
  }

  /** @param {MediaLink} link that says it is connected */
  async checkFlow(link) {
    const changed = await link.checkFlow(performance.now());
    if (this.state === "ended" || link !== this.link) return;
    if (link.flow.state === "flowing") this.lastContact = Date.now();
    if (!changed) return;
    if (link.flow.state === "stalled") {
      this.setState("reconnecting");
      this.policy.suspected(performance.now());
    } else if (!this.candidate) {
      // It healed by itself before a new connection was needed.
      this.linkChanged(link, link.connection.connectionState);
    }
  }

  /** Look for another way on the connection that there is. Media go on where that is found. @param {MediaLink} link */
  async restart(link) {
    try {
      const sdp = await link.restart();
      const answer = await this.api.replaceMedia(this.participantId, sdp);
      if (link !== this.link || this.candidate) return;
      await link.answer(answer.sdp);
      this.policy.restarted(performance.now());
    } catch (error) {
      if (link !== this.link || this.candidate || this.state === "ended") return;
      await this.refused(error);
    }
  }

  /** Offer our media anew. An attempt that is still under way is overtaken by this one. */
  async reconnect() {
    const restarts = this.policy.mayRestart && !this.candidate;
    this.policy.begin(performance.now());
    if (restarts && this.link?.canRestart) {
      await this.restart(this.link);
      return;
    }
    const link = this.makeLink();
    try {
      const sdp = await link.offer();
      const answer = await this.api.replaceMedia(this.participantId, sdp);
      if (this.candidate === link) await this.adopt(link, answer.sdp);
    } catch (error) {
      link.close();
      if (this.candidate !== link || this.state === "ended") return;
      this.candidate = null;
      await this.refused(error);
    }
  }

  /** An attempt to reconnect was refused, or failed on the way. */
  async refused(/** @type {unknown} */ error) {
    if (!(error instanceof ApiError) || error.isTransient) {
      this.setState("reconnecting");
      if (Date.now() - this.lastContact > REJOIN_WINDOW_MS) this.end("lost");
      else this.policy.failed(performance.now());
    } else if (error.isForgotten) {
      await this.rejoin();
    } else {
      this.end(error.status === 410 ? "kicked" : error.code);
    }
  }

  /** The server has forgotten us, as it does when it is restarted: come in anew. */
  async rejoin() {
    if (this.rejoining) return;
    if (Date.now() - this.lastContact > REJOIN_WINDOW_MS) {
      this.end("lost");
      return;
    }
    this.setState("reconnecting");
    this.policy.begin(performance.now());
    this.events.stop();
    this.rejoining = true;
    try {
      await this.enter();
    } catch (error) {
      if (error instanceof ApiError && !error.isTransient) this.end(error.code);
      else this.policy.failed(performance.now());
    } finally {
      this.rejoining = false;
    }
  }
}
