"""Coming into a conference: what signalling brings along, and why it may be turned away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from mcu.media.spec import LegSpec
from mcu.ports import LegOwner


@dataclass(frozen=True)
class Seat:
    """What a newcomer's leg must know: its own id, and the conference whose worker will hold it.

    ``largest_picture`` is what it should be asked to send at most, width and height: ports are scarce. None: no limit.
    """

    participant_id: str
    conference_id: str
    number: str
    largest_picture: tuple[int, int] | None = None


@dataclass(frozen=True)
class Newcomer:
    """Somebody at the door.

    ``make_leg`` is the leg, or makes it once admission is sure and the ids are known; what it raises comes out of
    ``join``. ``id`` is the participant's and the leg's; None lets the manager choose. ``source`` is the network
    address that PIN guesses are counted by. ``device`` is what the device calls itself, the same each time, where it
    does; nobody else is shown it.
    """

    name: str
    kind: str
    owner: LegOwner
    make_leg: LegSpec | Callable[[Seat], LegSpec]
    id: str | None = None
    source: str = ""
    device: str = ""


class JoinCode(StrEnum):
    """Why somebody was turned away."""

    UNKNOWN_ROOM = "unknown_room"
    WRONG_PIN = "wrong_pin"
    TOO_MANY_ATTEMPTS = "too_many_attempts"
    FULL = "full"
    LOCKED = "locked"
    MEDIA = "media"
    CAPACITY = "capacity"


class JoinRefused(Exception):
    """Somebody was turned away; nothing changed. ``retry_after`` in seconds where waiting helps."""

    def __init__(self, code: JoinCode, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after = retry_after


@dataclass(frozen=True)
class Door:
    """What a stranger may know about a number: whether it can be joined, and whether it will ask for a PIN.

    ``chair_pin``: who comes in with another PIN steers.
    """

    number: str
    exists: bool
    pin_required: bool
    chair_pin: bool = False
