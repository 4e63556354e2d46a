// What the server tells a call: who comes and goes, and what it means for staying in.

import { EventChannel, eventsUrl } from "./event_channel.js";
import { applyEvent } from "./roster.js";

/** Failed attempts to open the event channel after which the server is asked whether it still knows us. */
const CHANNEL_DOUBT = 2;

export class CallEvents {
  /** @param {import("./call.js").Call} call */
  constructor(call) {
    this.call = call;
    /** @type {EventChannel|null} */
    this.channel = null;
    this.isOpen = false;
    this.doubted = false;
  }

  /** Listen as whoever we have joined as. */
  open() {
    this.stop();
    this.doubted = false;
    this.channel = new EventChannel({
      url: eventsUrl(location),
      token: this.call.api.token,
      onEvent: (event) => this.receive(event),
      onState: (open) => this.changed(open),
    });
    this.channel.start();
  }

  stop() {
    this.channel?.stop();
  }

  /** The network is back: do not wait for the next attempt. */
  hurry() {
    this.channel?.hurry();
  }

  changed(/** @type {boolean} */ open) {
    if (open) {
      this.doubted = false;
      this.call.lastContact = Date.now();
    } else if (!this.doubted && (this.channel?.attempt ?? 0) >= CHANNEL_DOUBT) {
      this.doubted = true;
      this.call.policy.suspected(performance.now());
    }
    if (this.isOpen === open) return;
    this.isOpen = open;
    this.call.tell("state");
  }

  receive(/** @type {import("./protocol.js").ServerEvent} */ event) {
    if (this.call.state === "ended") return;
    if (event.type === "kicked") {
      this.call.end(event.reason === "ended" ? "conference_ended" : event.reason === "made_way" ? "made_way" : "kicked");
      return;
    }
    const number = event.conference?.number ?? event.number;
    if (number !== undefined && number !== this.call.number) return;
    if (event.type === "participant_left" && event.participant?.id === this.call.participantId) {
      // Taken for gone after a long silence, but here we are again.
      if (event.reason === "silent") this.call.rejoin();
      else this.call.end(["kicked", "made_way"].includes(event.reason ?? "") ? String(event.reason) : "conference_ended");
    } else if (event.type === "conference_ended") {
      this.call.end("conference_ended");
    } else if (event.type === "media_restarted") {
      this.call.tell("restarted");
      // Where media have flowed they go on by themselves in a moment; the call's watch over their flow sees when not.
      if (this.call.link?.flow.state === "flowing") return;
      this.call.setState("reconnecting");
      this.call.policy.mediaRestarted(performance.now());
    } else {
      this.follow(event);
    }
  }

  follow(/** @type {import("./protocol.js").ServerEvent} */ event) {
    if (event.type === "chat_message") {
      this.call.tell("chat", event.message);
      return;
    }
    if (event.slots && (event.type === "welcome" || event.participant_id === this.call.participantId)) {
      this.call.slots = event.slots;
      this.call.shared = event.shared ?? null;
      this.call.behind = event.sound_behind ?? [];
      this.call.tell("slots");
    }
    const newcomer = event.type === "participant_joined" && event.participant?.id !== this.call.participantId;
    const before = this.call.conferences;
    const selfBefore = this.call.self;
    this.call.conferences = applyEvent(before, event);
    if (event.type === "welcome" && !this.call.self) {
      this.call.rejoin();
      return;
    }
    if (this.call.conferences === before) return;
    if (newcomer) this.call.tell("joined", event.participant);
    if (event.type === "participant_left") this.call.tell("left", event.participant);
    if (event.type === "recording_failed") this.call.tell("notice", "notice.recording_failed");
    const floor = event.type === "welcome" ? this.call.conference?.floor : event.floor;
    if (floor) this.call.sharing.follow(floor, event.revoked_id ?? null);
    this.call.own.compare(selfBefore);
    this.call.fitSizes();
    this.call.tell("conference");
  }
}
