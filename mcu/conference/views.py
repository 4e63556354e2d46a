"""Conferences as the HTTP API and its events show them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from mcu.conference.calls import OutgoingCall
from mcu.conference.chat import ChatMessage
from mcu.conference.model import AUTOMATIC_LAYOUT, Conference, Participant, Recording
from mcu.conference.rooms import Room


class View(BaseModel):
    """Something that is shown; never parsed from outside."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ParticipantView(View):
    """Somebody in a conference."""

    id: str
    name: str
    kind: str
    microphone_muted: bool
    speaker_muted: bool
    camera_muted: bool
    has_audio: bool
    has_video: bool
    speaking: bool
    joined_at: datetime
    state: Literal["connecting", "connected", "held"]


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


class ConferenceView(View):
    """A permanent room, a running conference, or both. ``active`` tells whether somebody is, or just was, in it."""

    number: str
    title: str
    active: bool
    permanent: bool
    locked: bool
    layout: str
    pin_required: bool
    participants: list[ParticipantView]
    recording: RunningRecordingView | None
    started_at: datetime | None
    calls: list[CallView] = []


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
        speaking=conference is not None and conference.speaker_id == participant.id,
        joined_at=participant.joined_at,
        state=participant.state.value,
    )


def recording_view(recording: Recording) -> RunningRecordingView:
    """The recording as it stands."""
    return RunningRecordingView(
        id=recording.id, state=recording.state.value, seconds=recording.seconds, started_at=recording.started_at
    )


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
        pin_required=conference.pin_hash is not None,
        participants=[participant_view(participant, conference) for participant in conference.participants],
        recording=None if conference.recording is None else recording_view(conference.recording),
        started_at=conference.started_at,
        calls=[call_view(call) for call in conference.calls],
    )


def room_view(room: Room) -> ConferenceView:
    """A permanent room in which no conference runs."""
    return ConferenceView(
        number=room.number,
        title=room.title,
        active=False,
        permanent=True,
        locked=False,
        layout=AUTOMATIC_LAYOUT,
        pin_required=room.pin_hash is not None,
        participants=[],
        recording=None,
        started_at=None,
    )
