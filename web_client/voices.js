// Voices of others, each as it is: played beside the mix of the rest, which the main picture plays.

/** Where the mix has everybody nothing is played here. */
export class Voices {
  /** @param {HTMLMediaElement} main plays where these are to play */
  constructor(main) {
    this.main = main;
    /** @type {HTMLAudioElement[]} */
    this.players = [];
    /** @type {MediaStream[]} */
    this.streams = [];
    this.wanted = false;
  }

  /** The voices of a new link. @param {MediaStream[]} streams */
  take(streams) {
    this.streams = streams;
    this.play();
  }

  /** Whether voices come as they are. @param {boolean} wanted */
  follow(wanted) {
    if (this.wanted === wanted) return;
    this.wanted = wanted;
    this.play();
  }

  async play() {
    while (this.wanted && this.players.length < this.streams.length) this.players.push(this.player());
    for (const [index, player] of this.players.entries()) {
      const stream = (this.wanted && this.streams[index]) || null;
      if (player.srcObject !== stream) player.srcObject = stream;
      if (!stream) continue;
      // The page was touched to join; a stream that was replaced while it started is no trouble.
      await player.play().catch(() => undefined);
    }
  }

  player() {
    const player = new Audio();
    if (this.main.sinkId) player.setSinkId(this.main.sinkId).catch(() => undefined);
    return player;
  }

  close() {
    this.streams = [];
    this.follow(false);
  }
}

/**
 * Whether a participant gets others' voices as they are. The server has the same rule.
 * @param {import("./protocol.js").Participant|null} participant
 * @param {import("./protocol.js").Conference|null} conference
 */
export function getsVoices(participant, conference) {
  if (participant?.has_voices !== true || !conference || participant.listen_gain) return false;
  return participant.forwarded_sound ?? conference.forwarded_sound ?? false;
}
