"""Messages of far-end camera control (ITU-T H.281): moves, presets, sources, and what a side's cameras can do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from mcu.media.camera.errors import CameraProtocolError

Step = Literal[-1, 0, 1]

# The time-out of a start, in steps of 50 ms; 0 stands for 800 ms.
TIMEOUT_STEP = 0.05
LONGEST_TIMEOUT = 0.8

MAIN_CAMERA = 1

# From this number on sources have names.
_FIRST_NAMED_SOURCE = 6

# A side has at most 15 sources.
MAX_SOURCES = 15
MAX_NAME = 32


@dataclass(frozen=True, slots=True)
class Motion:
    """Directions: ``pan`` 1 right, ``tilt`` 1 up, ``zoom`` 1 in, ``focus`` 1 in; 0 stands still."""

    pan: Step = 0
    tilt: Step = 0
    zoom: Step = 0
    focus: Step = 0

    def __bool__(self) -> bool:
        return bool(self.pan or self.tilt or self.zoom or self.focus)


class Action(Enum):
    """What a message is, by its first octet."""

    START = 1
    CONTINUE = 2
    STOP = 3
    SELECT_SOURCE = 4
    SOURCE_SWITCHED = 5
    STORE_PRESET = 6
    ACTIVATE_PRESET = 7


@dataclass(frozen=True, slots=True)
class CameraMessage:
    """A message. ``timeout`` (s) belongs to START, ``number`` to presets and sources, ``mode`` to sources."""

    action: Action
    motion: Motion = Motion()
    timeout: float = LONGEST_TIMEOUT
    number: int = 0
    mode: int = 0


_MOVES = (Action.START, Action.CONTINUE, Action.STOP)


def parse_message(data: bytes) -> CameraMessage:
    """Read the data of an H.281 frame; what follows the message is not looked at. Raises CameraProtocolError."""
    if len(data) < 2 or not 1 <= data[0] <= 7:
        raise CameraProtocolError(f"H.281 message {data[:2].hex()}")
    action, detail = Action(data[0]), data[1]
    if action in _MOVES:
        timeout = LONGEST_TIMEOUT
        if action is Action.START and len(data) > 2:
            timeout = (data[2] & 0x0F) * TIMEOUT_STEP or LONGEST_TIMEOUT
        return CameraMessage(action, _motion(detail), timeout)
    return CameraMessage(action, number=detail >> 4, mode=detail & 0x03)


def serialise_message(message: CameraMessage) -> bytes:
    """The data of an H.281 frame."""
    if message.action not in _MOVES:
        return bytes((message.action.value, (message.number & 0x0F) << 4 | message.mode & 0x03))
    octets = [message.action.value, _octet(message.motion)]
    if message.action is Action.START:
        steps = round(message.timeout / TIMEOUT_STEP)
        octets.append(steps if 0 < steps < 16 else 0)
    return bytes(octets)


def _motion(octet: int) -> Motion:
    steps: list[Step] = []
    for shift in (6, 4, 2, 0):
        bits = octet >> shift & 3
        steps.append(0 if bits < 2 else 1 if bits == 3 else -1)
    return Motion(*steps)


def _octet(motion: Motion) -> int:
    octet = 0
    for step in (motion.pan, motion.tilt, motion.zoom, motion.focus):
        octet = octet << 2 | (0 if step == 0 else 3 if step > 0 else 2)
    return octet


@dataclass(frozen=True, slots=True)
class Source:
    """A camera or player of a side, and which of its motions can be steered."""

    number: int = MAIN_CAMERA
    pan: bool = True
    tilt: bool = True
    zoom: bool = True
    focus: bool = True
    motion_video: bool = True
    name: str = ""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a side tells of its cameras (H.281 clause 4)."""

    presets: int
    sources: tuple[Source, ...] = ()


def parse_capabilities(data: bytes) -> Capabilities:
    """Read the extra capabilities of an H.281 client. Raises CameraProtocolError."""
    if not data:
        raise CameraProtocolError("H.281 capabilities without an octet")
    sources: list[Source] = []
    at = 1
    while at < len(data) and len(sources) < MAX_SOURCES:
        head, name = data[at], ""
        at += 1
        if head >> 4 >= _FIRST_NAMED_SOURCE:
            end = data.find(0, at)
            if end < 0:
                raise CameraProtocolError("the name of a source has no end")
            name = data[at:end][:MAX_NAME].decode("ascii", "replace")
            at = end + 1
        if at >= len(data):
            raise CameraProtocolError("a source without what it can do")
        can = data[at]
        at += 1
        pan, tilt, zoom, focus = (bool(can & bit) for bit in (0x80, 0x40, 0x20, 0x10))
        sources.append(Source(head >> 4, pan, tilt, zoom, focus, bool(head & 4), name))
    return Capabilities(data[0] & 0x0F, tuple(sources))


def serialise_capabilities(capabilities: Capabilities) -> bytes:
    """The extra capabilities of an H.281 client."""
    octets = bytearray((capabilities.presets & 0x0F,))
    for source in capabilities.sources:
        octets.append(source.number << 4 | (4 if source.motion_video else 0))
        if source.number >= _FIRST_NAMED_SOURCE:
            octets += source.name.encode("ascii", "replace")[:MAX_NAME].replace(b"\0", b"?") + b"\0"
        can = (source.pan * 0x80, source.tilt * 0x40, source.zoom * 0x20, source.focus * 0x10)
        octets.append(sum(can))
    return bytes(octets)
