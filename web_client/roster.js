// What a page knows of the conferences, kept up to date from events. Pure: a state and an event give a new state.

/** @typedef {import("./protocol.js").Conference} Conference */
/** @typedef {import("./protocol.js").Participant} Participant */
/** @typedef {import("./protocol.js").ServerEvent} ServerEvent */
/** @typedef {ReadonlyMap<string, Conference>} Conferences by number */

/** @param {Conference[]} list @returns {Conferences} */
export function conferencesOf(list) {
  return new Map(list.map((conference) => [conference.number, conference]));
}

/** @param {Conference} conference @param {Participant} participant */
function withParticipant(conference, participant) {
  const known = conference.participants.some((other) => other.id === participant.id);
  const participants = known
    ? conference.participants.map((other) => (other.id === participant.id ? participant : other))
    : [...conference.participants, participant];
  return { ...conference, participants };
}

/** @param {Conference} conference @param {string|undefined} id */
function withoutParticipant(conference, id) {
  return { ...conference, participants: conference.participants.filter((other) => other.id !== id) };
}

/** @param {Conference} conference @param {string|null|undefined} id */
function withSpeaker(conference, id) {
  const participants = conference.participants.map((other) =>
    other.speaking === (other.id === id) ? other : { ...other, speaking: other.id === id },
  );
  return { ...conference, participants };
}

/** The call as it stands now; one that is over goes, unless it failed. @param {Conference} conference @param {ServerEvent} event */
function withCall(conference, event) {
  const { call } = event;
  if (!call) return conference;
  const others = (conference.calls ?? []).filter((other) => other.id !== call.id && other.target !== call.target);
  const stays = call.state !== "answered" && call.state !== "cancelled";
  return { ...conference, calls: stays ? [...others, call] : others };
}

/** How an event about one known conference changes it. @type {Record<string, (c: Conference, e: ServerEvent) => Conference>} */
const CHANGES = {
  participant_joined: (conference, event) => (event.participant ? withParticipant(conference, event.participant) : conference),
  participant_changed: (conference, event) => (event.participant ? withParticipant(conference, event.participant) : conference),
  participant_left: (conference, event) => withoutParticipant(conference, event.participant?.id),
  speaker_changed: (conference, event) => withSpeaker(conference, event.participant_id),
  recording_started: (conference, event) => ({ ...conference, recording: event.recording ?? null }),
  recording_progress: (conference, event) => ({ ...conference, recording: event.recording ?? conference.recording }),
  recording_stopped: (conference) => ({ ...conference, recording: null }),
  recording_failed: (conference) => ({ ...conference, recording: null }),
  call_dialling: withCall,
  call_ringing: withCall,
  call_waiting: withCall,
  call_answered: withCall,
  call_failed: withCall,
  call_cancelled: withCall,
  floor_changed: (conference, event) => (event.floor ? { ...conference, floor: event.floor } : conference),
};

/**
 * @param {Conferences} conferences
 * @param {ServerEvent} event
 * @returns {Conferences} the same object when the event changes nothing
 */
export function applyEvent(conferences, event) {
  if (event.type === "welcome") return conferencesOf(event.conferences ?? []);
  if (event.type === "conference_created" || event.type === "conference_changed") {
    if (!event.conference) return conferences;
    return new Map(conferences).set(event.conference.number, event.conference);
  }
  if (event.type === "conference_ended") {
    const number = event.conference?.number ?? event.number ?? "";
    const known = conferences.get(number);
    if (!known) return conferences;
    const changed = new Map(conferences);
    // A permanent room stays when its conference is over, and its door is open again.
    const room = { ...known, active: false, locked: false, participants: [], recording: null, started_at: null };
    if (known.permanent === false) changed.delete(number);
    else changed.set(number, room);
    return changed;
  }
  const change = Object.hasOwn(CHANGES, event.type) ? CHANGES[event.type] : undefined;
  const known = event.number === undefined ? undefined : conferences.get(event.number);
  if (!change || !known) return conferences;
  const changed = change(known, event);
  return changed === known ? conferences : new Map(conferences).set(known.number, changed);
}
