"""How far streams have come, for who goes on with them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mcu.media.spec.base import Address, Model
from mcu.media.spec.transports import SdesKeys


class SentNumbers(Model):
    """How far an SSRC of ours had come: the next sequence number with the roll-overs before it, the last SRTCP index.

    ``picture`` is the next picture id, where a payload format has such (RFC 7741 section 4.2).
    """

    sequence: Annotated[int, Field(ge=0, lt=1 << 48)]
    rtcp_index: Annotated[int, Field(ge=0, lt=1 << 31)] = 0
    picture: int | None = None


class HeardNumbers(Model):
    """How far an SSRC of the peer's had come; ``highest`` is None before any RTP. See ``packets.Srtp.sources``."""

    rollovers: Annotated[int, Field(ge=0, lt=1 << 32)] = 0
    highest: Annotated[int, Field(ge=0, lt=1 << 16)] | None = None
    rtcp_index: Annotated[int, Field(ge=0, lt=1 << 31)] = 0


Path = Literal["audio", "video", "content", "camera", "bundle"]
"""What has keys of its own: an m-line of a room, or everything of a browser."""


class PathNumbers(Model):
    """Numbers of one path by SSRC, counted under the keys that ``protection`` tells apart from others ("": none)."""

    protection: str = ""
    ssrc: int | None = None
    sent: dict[int, SentNumbers] = {}
    heard: dict[int, HeardNumbers] = {}


class HeardPicture(Model):
    """A picture that a browser sends, or one encoding of it, ``layer`` counting from the smallest (``VideoSpec.rids``).

    Packets say which it is only at the beginning. ``rtx_ssrc`` is where it repeats them, 0 for not yet known.
    """

    ssrc: int
    media: Literal["video", "content"]
    layer: Annotated[int, Field(ge=0, le=15)]
    payload_type: Annotated[int, Field(ge=0, le=127)]
    rtx_ssrc: int = 0


class LegNumbers(Model):
    """How far the streams of a leg had come, and which addresses of a browser had proved themselves by then.

    ``transport_sequence`` is the transport-wide number of the next packet to a browser.
    """

    paths: dict[Path, PathNumbers] = {}
    pictures: tuple[HeardPicture, ...] = ()
    addresses: tuple[Address, ...] = ()
    selected: Address | None = None
    transport_sequence: int | None = None


class Continuation(Model):
    """Where the streams of a leg begin. Sequence numbers and timestamps follow from ``seed`` and their SSRC.

    ``numbers`` are what was last heard of the worker that had the leg before; since then it has sent more, and so may
    ``ahead - 1`` others that have not been heard of. ``keys`` are what a browser's handshake gave.
    """

    seed: Annotated[int, Field(repr=False)]
    ahead: int = 0
    numbers: LegNumbers | None = None
    keys: Annotated[SdesKeys | None, Field(repr=False)] = None
