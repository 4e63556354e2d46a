"""One encoding of a picture that a browser sends, and how its packets name it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from mcu.media.forwarding.source_report import SourceCounters, SourceReport
from mcu.media.rtp.errors import RtpError
from mcu.media.rtp.keyframe_request import KeyFrameRequester
from mcu.media.rtp.packet import RtpPacket
from mcu.media.spec import CodecSpec, VideoSpec

PictureMedia = Literal["video", "content"]


@dataclass(slots=True)
class PublishedSource:
    """One encoding of a picture. ``layer`` counts from the smallest; ``epoch`` tells one opening from the next.

    ``size`` is that of its pictures, once one has told. ``delivered``: its packets go to the decoder, which sees to
    their repetition; ``routed``: somebody is shown it.
    """

    media: PictureMedia
    layer: int
    ssrc: int
    codec: CodecSpec
    report: SourceReport
    rtx_ssrc: int = 0
    size: tuple[int, int] | None = None
    delivered: bool = False
    routed: bool = False
    epoch: int = 0
    key_frames: int = 0
    last_key_frame: float = float("-inf")
    requester: KeyFrameRequester = field(default_factory=KeyFrameRequester)
    asked: bool = False
    counters: SourceCounters = field(default_factory=lambda: SourceCounters(0, 0, 0, 0, 0, 0, 0, float("-inf")))


def layer_of(line: VideoSpec, extension: int | None, packet: bytes) -> int | None:
    """Which encoding a packet says it is of; None when it does not say, or names none of the agreed ones."""
    if not line.rids:
        return 0
    try:
        told = RtpPacket.parse(packet).extensions.get(extension or 0)
    except RtpError:
        return None
    name = told.decode("ascii", "replace") if told is not None else None
    return line.rids.index(name) if name in line.rids else None
