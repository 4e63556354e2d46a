"""Conferences as the HTTP API and its events show them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from mcu.conference.calls import OutgoingCall
from mcu.conference.door.rooms import Room
from mcu.conference.model import Conference, Muted, Participant, Recording
from mcu.conference.people.chat import ChatMessage
from mcu.conference.people.floor import Floor
from mcu.media.spec import ContentChoice, DecorationSpec, ProcessingSpec, SeatingSpec


class View(BaseModel):
    """Something that is shown; never parsed from outside."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ParticipantView(View):
    """Somebody in a conference.

    ``layout`` and ``watch`` are what it chose to see: all in another layout, one participant alone; null for what
    everybody sees. ``camera_control``: its camera can be moved from afar. ``has_content``: it can share a second
    picture. ``pin`` is the tile (from 0) that is kept for it; ``hidden``: in nobody's picture. ``gain`` and
    ``listen_gain`` in dB, on its sound and on what it hears. What is ``muted_by_chair`` it cannot unmute itself.
    ``forwarded``: it gets others' pictures as they are, null as is usual in the conference; ``has_slots``: it could.
    ``forwarded_sound`` and ``has_voices`` are the same of sound.
    ``picture_limit``: for want of capacity it is sent no larger pictures than these, width and height.
    """

    id: str
    name: str
    kind: str
    microphone_muted: bool
    speaker_muted: bool
    camera_muted: bool
    has_audio: bool
    has_video: bool
    has_content: bool
    speaking: bool
    joined_at: datetime
    state: Literal["connecting", "connected", "held"]
    layout: str | None
    watch: str | None
    camera_control: bool
    camera_presets: int | None
    role: Literal["chair", "expert", "member", "viewer"]
    pin: int | None
    hidden: bool
    gain: float
    listen_gain: float
    music: bool
    muted_by_chair: list[Muted]
    hide_self: bool
    seating: SeatingSpec | None
    content_choice: ContentChoice
    forwarded: bool | None
    has_slots: bool
    forwarded_sound: bool | None
    has_voices: bool
    picture_limit: tuple[int, int] | None


class RunningRecordingView(View):
    """A recording in the making. ``seconds`` are safe on disk."""

    id: str
    state: Literal["starting", "recording", "stopped", "failed"]
    seconds: float
    started_at: datetime


class CallView(View):
    """Somebody whom a conference calls. ``status`` is the SIP status of the last try that failed."""

    id: str
    target: str
    name: str
    state: Literal["dialling", "ringing", "waiting", "answered", "failed", "cancelled"]
    attempt: int
    attempts: int
    reason: str
    status: int | None
    participant_id: str | None
    started_at: datetime


class ChatMessageView(View):
    """A message in a conference's chat. ``participant_id`` is null for an account that wrote from outside."""

    id: str
    at: datetime
    participant_id: str | None
    name: str
    text: str


class FloorView(View):
    """Who shares a second picture with everybody, and who waits for its turn; ids of participants."""

    holder: str | None
    queue: list[str]


class ConferenceView(View):
    """A permanent room, a running conference, or both. ``active`` tells whether somebody is, or just was, in it.

    ``broadcast`` is the participant that everybody else sees alone. ``decoration.logo`` is the id of a logo.
    ``forwarded``: who has slots gets others' pictures as they are, unless it chose otherwise; ``forwarded_sound``: who
    has voices gets others' sound so. ``chair_pin``: it has one, and who comes in with that steers it.
    ``microphones_muted``: the chair has muted everybody, and whoever is still to come.
    """

    number: str
    title: str
    active: bool
    permanent: bool
    locked: bool
    layout: str
    broadcast: str | None
    pin_required: bool
    chair_pin: bool
    seating: SeatingSpec
    decoration: DecorationSpec
    processing: ProcessingSpec
    forwarded: bool
    forwarded_sound: bool
    microphones_muted: bool
    participants: list[ParticipantView]
    recording: RunningRecordingView | None
    started_at: datetime | None
    calls: list[CallView] = []
    floor: FloorView = FloorView(holder=None, queue=[])


def participant_view(participant: Participant, conference: Conference | None) -> ParticipantView:
    """The participant as seen in its conference (None: it has left)."""
    audio, video = participant.leg.audio, participant.leg.video
    return ParticipantView(
        id=participant.id,
        name=participant.name,
        kind=participant.kind,
        microphone_muted=participant.microphone_muted,
        speaker_muted=participant.speaker_muted,
        camera_muted=participant.camera_muted,
        has_audio=audio is not None and audio.receive,
        has_video=video is not None and video.receive,
        has_content=participant.leg.content is not None and participant.leg.content.receive,
        speaking=conference is not None and conference.speaker_id == participant.id,
        joined_at=participant.joined_at,
        state=participant.state.value,
        layout=participant.layout,
        watch=participant.watching,
        camera_control=participant.leg.camera is not None,
        camera_presets=participant.camera_presets,
        role=participant.role.value,
        pin=None if conference is None else _pin(conference, participant.id),
        hidden=participant.hidden,
        gain=participant.gain,
        listen_gain=participant.listen_gain,
        music=participant.music,
        muted_by_chair=sorted(participant.muted_by_chair),
        hide_self=participant.hide_self,
        seating=participant.seating,
        content_choice=participant.content_choice,
        forwarded=participant.forwarded,
        has_slots=bool(participant.leg.slots),
        forwarded_sound=participant.forwarded_sound,
        has_voices=bool(participant.leg.voices),
        picture_limit=participant.largest_picture,
    )


def _pin(conference: Conference, participant_id: str) -> int | None:
    pins = conference.arrangement.seating.pins
    return next((tile for tile, pinned in pins.items() if pinned == participant_id), None)


def recording_view(recording: Recording) -> RunningRecordingView:
    """The recording as it stands."""
    return RunningRecordingView(
        id=recording.id, state=recording.state.value, seconds=recording.seconds, started_at=recording.started_at
    )


def floor_view(floor: Floor) -> FloorView:
    """The floor as it stands."""
    return FloorView(holder=floor.holder, queue=list(floor.queue))


def call_view(call: OutgoingCall) -> CallView:
    """The call as it stands."""
    return CallView(
        id=call.id,
        target=call.target,
        name=call.name,
        state=call.state.value,
        attempt=call.attempt,
        attempts=call.attempts,
        reason=call.reason,
        status=call.status,
        participant_id=call.participant_id,
        started_at=call.started_at,
    )


def chat_view(message: ChatMessage) -> ChatMessageView:
    """The message as clients get it."""
    return ChatMessageView(
        id=message.id,
        at=message.at,
        participant_id=message.sender_id or None,
        name=message.sender,
        text=message.text,
    )


def conference_view(conference: Conference) -> ConferenceView:
    """A running conference."""
    return ConferenceView(
        number=conference.number,
        title=conference.title,
        active=True,
        permanent=conference.permanent,
        locked=conference.locked,
        layout=conference.layout,
        broadcast=conference.broadcast_id,
        seating=conference.arrangement.seating,
        decoration=conference.arrangement.decoration,
        processing=conference.arrangement.processing,
        forwarded=conference.arrangement.forwarded,
        forwarded_sound=conference.arrangement.forwarded_sound,
        microphones_muted=conference.microphones_muted,
        pin_required=conference.pin_hash is not None,
        chair_pin=conference.chair_pin_hash is not None,
        participants=[participant_view(participant, conference) for participant in conference.participants],
        recording=None if conference.recording is None else recording_view(conference.recording),
        started_at=conference.started_at,
        calls=[call_view(call) for call in conference.calls],
        floor=floor_view(conference.floor),
    )


def room_view(room: Room) -> ConferenceView:
    """A permanent room in which no conference runs."""
    return ConferenceView(
        number=room.number,
        title=room.title,
        active=False,
        permanent=True,
        locked=False,
        layout=room.arrangement.layout,
        broadcast=None,
        seating=room.arrangement.seating,
        decoration=room.arrangement.decoration,
        processing=room.arrangement.processing,
        forwarded=room.arrangement.forwarded,
        forwarded_sound=room.arrangement.forwarded_sound,
        microphones_muted=False,
        pin_required=room.pin_hash is not None,
        chair_pin=room.chair_pin_hash is not None,
        participants=[],
        recording=None,
        started_at=None,
    )
