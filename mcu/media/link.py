"""The wire between the control process and a media worker: length-prefixed JSON over a local stream socket.

Each frame is a 4-byte big-endian length and that many bytes of one JSON message. Both ends are ours, so a frame that
does not parse is a fault of the program: the link is closed and the worker replaced.
"""

from __future__ import annotations

import asyncio
import struct
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from mcu.media.facts import Capacity, Fact
from mcu.media.spec import CameraRequest, ConferenceSpec, Model, Tiles, WorkerSettings

# A conference of 500 legs serialises to about 1 MB; eight times that is a fault, not a conference.
MAX_FRAME = 8 * 1024 * 1024

_LENGTH = struct.Struct("!I")


class LinkError(Exception):
    """The other end closed the link or sent something that is no message."""


class Start(Model):
    """First message to a worker. ``generation`` counts the workers that have stood in this one's place.

    ``calibrate``: measure what the machine can do before taking work.
    """

    kind: Literal["start"] = "start"
    settings: WorkerSettings
    generation: int
    calibrate: bool = False


class Apply(Model):
    """Make this conference so; answered by ``Done`` with the same ``request``."""

    kind: Literal["apply"] = "apply"
    request: int
    spec: ConferenceSpec


class Remove(Model):
    """Forget a conference, closing its recordings; answered by ``Done``."""

    kind: Literal["remove"] = "remove"
    request: int
    conference: str


class RequestKeyFrame(Model):
    """The leg asked, over signalling, for a key frame of what it receives (RFC 5168). Not answered."""

    kind: Literal["request_key_frame"] = "request_key_frame"
    conference: str
    leg: str


class SendDigits(Model):
    """Play digits to the leg as telephone events (RFC 4733). Not answered."""

    kind: Literal["send_digits"] = "send_digits"
    conference: str
    leg: str
    digits: str


class ControlCamera(Model):
    """Ask the leg's camera to move (H.281). Not answered."""

    kind: Literal["control_camera"] = "control_camera"
    conference: str
    leg: str
    request: CameraRequest


class ShowTiles(Model):
    """How large the leg shows what comes in its slots. Not answered."""

    kind: Literal["show_tiles"] = "show_tiles"
    conference: str
    leg: str
    tiles: Tiles


class Ping(Model):
    """Are you alive? Answered by ``Pong`` from the worker's event loop."""

    kind: Literal["ping"] = "ping"


class Done(Model):
    """Answer to ``Apply`` and ``Remove``: ``legs`` maps those that failed to the reason; ``error`` is for the rest."""

    kind: Literal["done"] = "done"
    request: int
    legs: dict[str, str] = Field(default_factory=dict)
    error: str | None = None


class Pong(Model):
    """Answer to ``Ping``, and said once unasked when the worker is ready; then with what it measured, if it was to."""

    kind: Literal["pong"] = "pong"
    capacity: Capacity | None = None


class Report(Model):
    """Facts since the last report."""

    kind: Literal["report"] = "report"
    facts: tuple[Fact, ...]


Message = Annotated[
    Start | Apply | Remove | RequestKeyFrame | SendDigits | ControlCamera | ShowTiles | Ping | Done | Pong | Report,
    Field(discriminator="kind"),
]

_MESSAGE: TypeAdapter[Message] = TypeAdapter(Message)


def frame(message: Message) -> bytes:
    """One message as it goes over the wire."""
    body = message.model_dump_json().encode()
    if len(body) > MAX_FRAME:
        raise LinkError(f"message of {len(body)} bytes exceeds {MAX_FRAME}")
    return _LENGTH.pack(len(body)) + body


def parse_message(body: bytes) -> Message:
    """The message in a frame, without its length. Raises LinkError for anything that is no message."""
    try:
        return _MESSAGE.validate_json(body)
    except ValidationError as error:
        raise LinkError(f"unreadable message: {error.error_count()} errors") from error


async def read_message(reader: asyncio.StreamReader) -> Message:
    """Read one message; raises LinkError at the end of the stream or for anything that is no message."""
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        if length > MAX_FRAME:
            raise LinkError(f"frame of {length} bytes exceeds {MAX_FRAME}")
        return parse_message(await reader.readexactly(length))
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        raise LinkError("the link was closed") from error
