"""The conference as values: every change makes a new one, so that an event can carry what was true when it happened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from mcu.conference.calls import OutgoingCall
from mcu.conference.floor import Floor
from mcu.media.spec import LegSpec

AUTOMATIC_LAYOUT = "auto"


class ParticipantState(StrEnum):
    """Where the media of a participant stand. Joined they are in every case."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    HELD = "held"


class RecordingState(StrEnum):
    """A recording waits for its first key frame (STARTING), writes, or is over."""

    STARTING = "starting"
    RECORDING = "recording"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True)
class Participant:
    """Somebody in a conference: a room, a browser. The id is also its leg's.

    ``leg`` is what signalling negotiated; what the conference decided (mutes, name) is laid over it by the planner.
    What it sees: ``layout`` instead of the conference's (None), or ``watching`` alone instead of all (None).
    ``notice`` is a line of text over its picture, for a moment. ``camera_presets`` are those of its camera where that
    can be moved from afar, else None.
    """

    id: str
    name: str
    kind: str
    leg: LegSpec
    joined_at: datetime
    microphone_muted: bool = False
    speaker_muted: bool = False
    camera_muted: bool = False
    flowing: bool = True
    layout: str | None = None
    watching: str | None = None
    notice: str = ""
    camera_presets: int | None = None

    @property
    def state(self) -> ParticipantState:
        """What the roster shows."""
        if self.leg.held:
            return ParticipantState.HELD
        return ParticipantState.CONNECTED if self.flowing else ParticipantState.CONNECTING


@dataclass(frozen=True)
class Recording:
    """A recording that a conference is making, or has just made. ``seconds`` and ``bytes`` are safe on disk."""

    id: str
    directory: str
    started_at: datetime
    state: RecordingState = RecordingState.STARTING
    seconds: float = 0.0
    bytes: int = 0


@dataclass(frozen=True)
class Conference:
    """A running conference. ``id`` is new each time, ``number`` is what people dial.

    ``pair``: two rooms that called each other, over as soon as only one is left. ``calls`` are those that it makes,
    and the last that failed. ``participants`` stand in order of joining. ``pin_hash`` is None where the room is open.
    ``permanent``: it runs in a room that stays when it is over. ``broadcast_id`` is who is shown alone to everybody
    else, and recorded so; None for all. ``floor`` tells who shares a second picture.
    """

    id: str
    number: str
    started_at: datetime
    title: str = ""
    pin_hash: str | None = field(default=None, repr=False)
    permanent: bool = False
    locked: bool = False
    layout: str = AUTOMATIC_LAYOUT
    participants: tuple[Participant, ...] = ()
    recording: Recording | None = None
    speaker_id: str | None = None
    pair: bool = False
    calls: tuple[OutgoingCall, ...] = ()
    broadcast_id: str | None = None
    floor: Floor = field(default_factory=Floor)

    def participant(self, participant_id: str) -> Participant | None:
        """Who has this id here."""
        return next((participant for participant in self.participants if participant.id == participant_id), None)

    def with_participant(self, participant: Participant) -> Conference:
        """The conference with one more at the end."""
        return replace(self, participants=(*self.participants, participant))

    def without(self, participant_id: str) -> Conference:
        """The conference after somebody went; nobody watches it any more."""
        return replace(
            self,
            participants=tuple(
                replace(participant, watching=None) if participant.watching == participant_id else participant
                for participant in self.participants
                if participant.id != participant_id
            ),
            speaker_id=None if self.speaker_id == participant_id else self.speaker_id,
            broadcast_id=None if self.broadcast_id == participant_id else self.broadcast_id,
            floor=self.floor.released(participant_id),
        )

    def changed(self, participant_id: str, change: Callable[[Participant], Participant]) -> Conference:
        """The conference with one participant changed, in its old place."""
        return replace(
            self,
            participants=tuple(
                change(participant) if participant.id == participant_id else participant
                for participant in self.participants
            ),
        )
