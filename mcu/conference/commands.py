"""Everything that can be done to a conference, as values.

The HTTP API, DTMF keys, the chair's page and tests all hand these to ``ConferenceManager.execute``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mcu.conference.execution.audit import AuditEntry as AuditEntry
from mcu.conference.execution.audit import AuditLog as AuditLog
from mcu.conference.picture_commands import AddLayout as AddLayout
from mcu.conference.picture_commands import AddLogo as AddLogo
from mcu.conference.picture_commands import AdjustSound as AdjustSound
from mcu.conference.picture_commands import ArrangementCommand as ArrangementCommand
from mcu.conference.picture_commands import ArrangeSeats as ArrangeSeats
from mcu.conference.picture_commands import ChooseContent as ChooseContent
from mcu.conference.picture_commands import ChooseForwardedSound as ChooseForwardedSound
from mcu.conference.picture_commands import ChooseForwarding as ChooseForwarding
from mcu.conference.picture_commands import Decorate as Decorate
from mcu.conference.picture_commands import HideParticipant as HideParticipant
from mcu.conference.picture_commands import HideSelf as HideSelf
from mcu.conference.picture_commands import LibraryCommand as LibraryCommand
from mcu.conference.picture_commands import OwnViewCommand as OwnViewCommand
from mcu.conference.picture_commands import PinParticipant as PinParticipant
from mcu.conference.picture_commands import PresenceCommand as PresenceCommand
from mcu.conference.picture_commands import ProcessSound as ProcessSound
from mcu.conference.picture_commands import RemoveLayout as RemoveLayout
from mcu.conference.picture_commands import RemoveLogo as RemoveLogo
from mcu.conference.picture_commands import SetForwardedSound as SetForwardedSound
from mcu.conference.picture_commands import SetForwarding as SetForwarding
from mcu.conference.picture_commands import SetLayout as SetLayout
from mcu.conference.picture_commands import SetOwnSeating as SetOwnSeating
from mcu.conference.picture_commands import SetRole as SetRole
from mcu.conference.refusals import CommandRefused as CommandRefused
from mcu.conference.refusals import Refusal as Refusal
from mcu.media.spec import CameraRequest as CameraRequest


@dataclass(frozen=True)
class CreateRoom:
    """Make a permanent room. ``pin``: 4 to 12 digits, None or empty for an open room.

    Who comes in with ``chair_pin`` is chair; None or empty: nobody becomes it so.
    """

    number: str
    title: str = ""
    pin: str | None = field(default=None, repr=False)
    chair_pin: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class RemoveRoom:
    """Forget a permanent room; a conference in it is ended first."""

    number: str


@dataclass(frozen=True)
class SetTitle:
    """Name a room or a running conference."""

    number: str
    title: str


@dataclass(frozen=True)
class SetPin:
    """Ask newcomers for another PIN; None or empty opens the room. Who is in stays in."""

    number: str
    pin: str | None = field(repr=False)


@dataclass(frozen=True)
class SetChairPin:
    """Ask chairs for another PIN; None or empty: nobody becomes chair by a PIN. Who is chair stays it."""

    number: str
    pin: str | None = field(repr=False)


@dataclass(frozen=True)
class LockConference:
    """Let nobody else in, or open the door again."""

    number: str
    locked: bool


@dataclass(frozen=True)
class MuteEverybody:
    """Mute all microphones but those of chairs, of newcomers too, until it is taken back (False)."""

    number: str
    muted: bool


@dataclass(frozen=True)
class Broadcast:
    """Show one participant alone to everybody else, and record it so; None: all again, each as chosen before."""

    number: str
    broadcast_id: str | None


@dataclass(frozen=True)
class EndConference:
    """Hang up on everybody and close recordings."""

    number: str
    reason: str = "ended"


@dataclass(frozen=True)
class StartRecording:
    """Record the composed picture and the mix."""

    number: str


@dataclass(frozen=True)
class StopRecording:
    """Close the recording."""

    number: str


@dataclass(frozen=True)
class Mute:
    """Mute (True) or unmute (False) what is not None. What an account has muted, the participant cannot unmute."""

    participant_id: str
    microphone: bool | None = None
    speaker: bool | None = None
    camera: bool | None = None


@dataclass(frozen=True)
class RenameParticipant:
    """Give somebody another name in the roster and over the tile."""

    participant_id: str
    name: str


@dataclass(frozen=True)
class Kick:
    """End somebody's part in the conference; for oneself this is leaving."""

    participant_id: str
    reason: str = "kicked"


@dataclass(frozen=True)
class SetParticipantLayout:
    """Let one participant see all in a layout of its own; None: what everybody sees. Watching one ends with it."""

    participant_id: str
    layout: str | None


@dataclass(frozen=True)
class Watch:
    """Let one participant see another alone; None: all again, in its layout."""

    participant_id: str
    watched_id: str | None


@dataclass(frozen=True)
class SendDigits:
    """Press keys of the keypad towards a participant, as if we were its telephone."""

    participant_id: str
    digits: str = field(repr=False)


@dataclass(frozen=True)
class MoveCamera:
    """Move a room's camera, or use one of its presets. A participant may move that of whom it sees alone."""

    participant_id: str
    request: CameraRequest


@dataclass(frozen=True)
class PlaceCalls:
    """Call these addresses and bring in who answers; each is tried ``retries`` times more when it is busy or away."""

    number: str
    targets: tuple[str, ...]
    retries: int = 0


@dataclass(frozen=True)
class CancelCall:
    """Give up a call out, or all of the conference (None), and forget those that failed."""

    number: str
    call_id: str | None = None


@dataclass(frozen=True)
class SayInChat:
    """Write to everybody in the conference; ``participant_id`` is who writes, None an account from outside."""

    number: str
    text: str = field(repr=False)
    participant_id: str | None = None


@dataclass(frozen=True)
class TakeFloor:
    """Ask to share a second picture with everybody: granted when nobody does, else one waits for one's turn."""

    participant_id: str


@dataclass(frozen=True)
class ReleaseFloor:
    """Share no longer, or stop waiting for one's turn."""

    participant_id: str


@dataclass(frozen=True)
class RevokeFloor:
    """Take the floor from whoever shares; it goes to who comes next."""

    number: str


RoomCommand = CreateRoom | RemoveRoom | SetTitle | SetPin | SetChairPin
ConferenceCommand = (
    LockConference | MuteEverybody | Broadcast | EndConference | StartRecording | StopRecording | RevokeFloor
)
ViewCommand = SetParticipantLayout | Watch | OwnViewCommand
FloorCommand = TakeFloor | ReleaseFloor
ChangeCommand = Mute | RenameParticipant | PresenceCommand
ParticipantCommand = ChangeCommand | Kick | ViewCommand | PinParticipant | SendDigits | MoveCamera | FloorCommand
CallCommand = PlaceCalls | CancelCall
Command = (
    RoomCommand | ConferenceCommand | ArrangementCommand | ParticipantCommand | CallCommand | SayInChat | LibraryCommand
)
