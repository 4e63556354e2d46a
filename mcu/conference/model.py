"""The conference as values: every change makes a new one, so that an event can carry what was true when it happened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Literal

from mcu.conference.calls import OutgoingCall
from mcu.conference.people.floor import Floor
from mcu.conference.picture.arrangement import AUTOMATIC_LAYOUT as AUTOMATIC_LAYOUT
from mcu.conference.picture.arrangement import Arrangement, without
from mcu.conference.roles import Role
from mcu.media.spec import ContentChoice, LayoutSpec, LegSpec, SeatingSpec

Muted = Literal["microphone", "speaker", "camera"]


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
    ``custom`` is that layout itself where it is not of the catalogue. ``seating`` is its own where not None; with
    ``hide_self`` it does not see itself; ``content_choice`` is how it gets what is shared.
    How others see and hear it: ``role`` tells who is seated first, ``hidden`` ones are not seen; ``gain`` (of what it
    hears: ``listen_gain``) in dB, ``music``: its sound is left as it is. ``muted_by_chair`` it cannot unmute itself.
    ``largest_picture`` (width, height) bounds what it is sent while ports are scarce.
    ``forwarded``: it gets others' pictures as they are, None as is usual here; ``slots`` is whom each of them shows,
    ``shared`` whose slides come so, ``sound_behind`` by how many ms the mix is behind each slot's picture.
    ``forwarded_sound``: it gets others' sound as it is.
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
    custom: LayoutSpec | None = None
    seating: SeatingSpec | None = None
    hide_self: bool = False
    largest_picture: tuple[int, int] | None = None
    content_choice: ContentChoice = "auto"
    forwarded: bool | None = None
    slots: tuple[str | None, ...] = ()
    shared: str | None = None
    sound_behind: tuple[int, ...] = ()
    forwarded_sound: bool | None = None
    role: Role = Role.MEMBER
    hidden: bool = False
    gain: float = 0.0
    listen_gain: float = 0.0
    music: bool = False
    muted_by_chair: frozenset[Muted] = frozenset()

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
    and the last that failed. ``participants`` stand in order of joining. ``pin_hash`` is None where the room is open,
    ``chair_pin_hash`` where nobody becomes chair by a PIN.
    ``permanent``: it runs in a room that stays when it is over. ``broadcast_id`` is who is shown alone to everybody
    else, and recorded so; None for all. ``floor`` tells who shares a second picture. ``arrangement`` is how all is seen
    and heard. ``microphones_muted``: the chair has muted everybody, and whoever is still to come.
    """

    id: str
    number: str
    started_at: datetime
    title: str = ""
    pin_hash: str | None = field(default=None, repr=False)
    permanent: bool = False
    locked: bool = False
    arrangement: Arrangement = field(default_factory=Arrangement)
    participants: tuple[Participant, ...] = ()
    recording: Recording | None = None
    speaker_id: str | None = None
    pair: bool = False
    calls: tuple[OutgoingCall, ...] = ()
    broadcast_id: str | None = None
    floor: Floor = field(default_factory=Floor)
    chair_pin_hash: str | None = field(default=None, repr=False)
    microphones_muted: bool = False

    @property
    def layout(self) -> str:
        """The name of the layout that everybody sees who has none of its own."""
        return self.arrangement.layout

    def participant(self, participant_id: str) -> Participant | None:
        """Who has this id here."""
        return next((participant for participant in self.participants if participant.id == participant_id), None)

    def with_participant(self, participant: Participant) -> Conference:
        """The conference with one more at the end."""
        return replace(self, participants=(*self.participants, participant))

    def without(self, participant_id: str) -> Conference:
        """The conference after somebody went; nobody watches it any more, and no tile is kept for it."""
        seating = without(self.arrangement.seating, participant_id)
        return replace(
            self,
            participants=tuple(
                _parted(participant, participant_id)
                for participant in self.participants
                if participant.id != participant_id
            ),
            speaker_id=None if self.speaker_id == participant_id else self.speaker_id,
            broadcast_id=None if self.broadcast_id == participant_id else self.broadcast_id,
            floor=self.floor.released(participant_id),
            arrangement=self.arrangement.model_copy(update={"seating": seating}),
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


def _parted(participant: Participant, gone_id: str) -> Participant:
    """A participant after another one has gone."""
    seating = participant.seating
    return replace(
        participant,
        watching=None if participant.watching == gone_id else participant.watching,
        seating=None if seating is None else without(seating, gone_id),
    )
