// The values that the HTTP API and its events speak of. Types only.

/**
 * @typedef {"connecting"|"connected"|"held"} ParticipantState
 *
 * @typedef {Object} Participant
 * @property {string} id
 * @property {string} name
 * @property {string} kind                 "sip", "browser" and whatever other legs the server knows
 * @property {boolean} microphone_muted
 * @property {boolean} speaker_muted
 * @property {boolean} camera_muted
 * @property {boolean} has_audio
 * @property {boolean} has_video
 * @property {boolean} speaking
 * @property {string} joined_at
 * @property {ParticipantState} state
 * @property {string|null} [layout]         its own division of the picture; null is the conference's
 * @property {string|null} [watch]          whom it sees alone, by id; null is everybody
 * @property {boolean} [camera_control]     its camera can be moved from afar
 * @property {number|null} [camera_presets] how many it has, once it has told
 * @property {"chair"|"expert"|"member"|"viewer"} [role]
 * @property {[number, number]|null} [picture_limit] for want of capacity it gets no larger pictures, width and height
 * @property {number|null} [pin]            the tile (from 0) that is kept for it
 * @property {boolean} [hidden]             in nobody's picture
 * @property {number} [gain]                dB on its sound
 * @property {number} [listen_gain]         dB on what it hears
 * @property {boolean} [music]              its sound is left as it is
 * @property {("microphone"|"speaker"|"camera")[]} [muted_by_chair] what it cannot unmute itself
 * @property {boolean} [hide_self]          it does not see itself
 * @property {Seating|null} [seating]       its own; null is the conference's
 * @property {"auto"|"tile"|"swap"} [content_choice]
 * @property {boolean|null} [forwarded]     it gets others' pictures as they are; null is the conference's
 * @property {boolean} [has_voices]         it can get others' voices as they are
 * @property {boolean|null} [forwarded_sound] it does; null is the conference's
 * @property {boolean} [has_slots]          it could
 *
 * @typedef {Object} RunningRecording
 * @property {string} id
 * @property {string} state
 * @property {number} seconds
 *
 * @typedef {Object} RecordingPart
 * @property {number} number
 * @property {string} address               relative to the recording's own address
 * @property {number} duration              seconds
 * @property {number} size                  bytes
 * @property {number} width
 * @property {number} height
 *
 * @typedef {Object} Recording
 * @property {string} id
 * @property {string} number                of the conference
 * @property {string} title
 * @property {string} started_at
 * @property {number} duration              seconds
 * @property {number} size                  bytes
 * @property {"empty"|"recording"|"finished"|"interrupted"} state
 * @property {RecordingPart[]} parts
 *
 * @typedef {Object} Conference
 * @property {string} number
 * @property {string} title
 * @property {boolean} active
 * @property {boolean} permanent           a room that stays when nobody is in it
 * @property {boolean} locked
 * @property {boolean} [microphones_muted]  everybody's but the chairs', and of who is still to come
 * @property {string} layout
 * @property {string|null} [broadcast]     whom everybody else sees alone, by id
 * @property {boolean} pin_required
 * @property {boolean} [chair_pin]          who joins with it steers
 * @property {Participant[]} participants
 * @property {RunningRecording|null} recording
 * @property {string|null} started_at
 * @property {OutgoingCall[]} [calls]
 * @property {Floor} [floor]
 * @property {Seating} [seating]
 * @property {Decoration} [decoration]
 * @property {Processing} [processing]
 * @property {boolean} [forwarded]         who has slots gets others' pictures as they are, unless it chose otherwise
 * @property {boolean} [forwarded_sound]   who has voices gets others' voices so
 *
 * @typedef {Object} Seating
 * @property {"order"|"voice"|"polling"|"lecture"} mode
 * @property {number} switch_after          seconds, as the others
 * @property {number} hold
 * @property {number} interval
 * @property {string|null} lecturer
 * @property {Record<string, string>} pins  tile to participant
 * @property {boolean} show_without_video
 *
 * @typedef {Object} Decoration
 * @property {boolean} names
 * @property {boolean} signs
 * @property {boolean} speaker_frame
 * @property {string} banner
 * @property {string} caption
 * @property {boolean} scroll
 * @property {string} watermark
 * @property {string|null} logo             the id of one that was uploaded
 * @property {string} logo_corner
 * @property {boolean} clock
 * @property {string} clock_corner
 * @property {string|null} time_zone
 * @property {"fit"|"crop"} fill
 *
 * @typedef {{level: boolean, denoise: boolean, tones: boolean}} Processing
 *
 * @typedef {{left: number, top: number, width: number, height: number}} Cell fractions of the picture
 * @typedef {{name: string, custom: boolean, cells: Cell[]}} Layout
 * @typedef {{layouts: string[], details?: Layout[]}} LayoutList names, "auto" first, and what each looks like
 * @typedef {{id: string, width: number, height: number}} Logo
 *
 * @typedef {Object} Floor
 * @property {string|null} holder           the participant that shares a second picture
 * @property {string[]} queue               those that wait for it
 *
 * @typedef {Object} OutgoingCall
 * @property {string} id
 * @property {string} target
 * @property {string} name
 * @property {"dialling"|"ringing"|"waiting"|"answered"|"failed"|"cancelled"} state
 * @property {number} attempt
 * @property {number} attempts
 * @property {string} reason
 * @property {number|null} status          of SIP
 *
 * @typedef {Object} ChatMessage
 * @property {string} id
 * @property {string} at
 * @property {string|null} participant_id
 * @property {string} name
 * @property {string} text
 *
 * @typedef {Object} Door
 * @property {string} number
 * @property {boolean} exists
 * @property {boolean} pin_required
 * @property {boolean} [chair_pin]          chairs have one of their own
 *
 * @typedef {Object} Joined
 * @property {Participant} participant
 * @property {string} token
 * @property {string} sdp
 * @property {Conference} conference
 *
 * @typedef {Object} ServerEvent
 * @property {string} type
 * @property {string} [at]
 * @property {string} [number]
 * @property {Conference[]} [conferences]
 * @property {Conference} [conference]
 * @property {Participant} [participant]
 * @property {string|null} [participant_id]
 * @property {RunningRecording} [recording]
 * @property {OutgoingCall} [call]
 * @property {ChatMessage} [message]
 * @property {string} [reason]
 * @property {Floor} [floor]
 * @property {string|null} [revoked_id]
 * @property {(string|null)[]} [slots]     whom each slot of the listener shows
 * @property {string|null} [shared]        who shares what comes to the listener as it is
 * @property {number[]} [sound_behind]     by how many milliseconds the mixed sound of each is behind its picture
 */

export {};
