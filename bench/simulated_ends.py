"""The two ends of a simulated call: what they agree on, their streams, and what is noted of what they see and hear."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import av
import numpy as np
import numpy.typing as npt

from bench.loss_view import Plane, Seen, compared
from consilium.simulated_room.clip import Clip
from layouts.geometry import Rect
from mcu.media.codec.video_decoder import VideoDecoder
from mcu.media.rtp.config import StreamConfig
from mcu.media.rtp.session import RtpStream
from mcu.media.spec import CodecSpec, RepairSpec
from mcu.media.units import CodedSound

H264 = CodecSpec(name="H264", payload_type=99, clock_rate=90000, parameters={"packetization-mode": "1"})
OPUS = CodecSpec(name="opus", payload_type=111, clock_rate=48000, channels=2, parameters={"useinbandfec": "1"})
RED = 63
ROOM_FEEDBACK = frozenset({"nack", "pli", "fir"})


@dataclass(frozen=True)
class Kind:
    """What is done about lost packets of pictures, and whether packets of sound carry earlier frames."""

    feedback: frozenset[str] = ROOM_FEEDBACK
    repair: RepairSpec | None = None
    redundancy: int | None = RED


@dataclass
class Judged:
    """What came in one direction: pictures as seen, sound as received."""

    seen: list[Seen] = field(default_factory=list)
    sound: list[CodedSound] = field(default_factory=list)


class Line:
    """One m-line between the room behind the network and the server."""

    def __init__(self, config: tuple[StreamConfig, StreamConfig], seed: int, now: float) -> None:
        self.room = RtpStream(config[0], random.Random(seed), now, 1.7e9)
        self.server = RtpStream(config[1], random.Random(seed + 1), now, 1.7e9)


def sound_configs(kind: Kind) -> tuple[StreamConfig, StreamConfig]:
    """The room's and the server's."""
    room, server = (
        StreamConfig("audio", ssrc, f"end {ssrc}", {OPUS.payload_type: OPUS}, None, OPUS, redundancy=kind.redundancy)
        for ssrc in (1, 2)
    )
    return room, server


def picture_configs(kind: Kind) -> tuple[StreamConfig, StreamConfig]:
    """The same of pictures."""
    room, server = (
        StreamConfig("video", ssrc, f"end {ssrc}", {99: H264}, None, H264, kind.feedback, repair=kind.repair)
        for ssrc in (3, 4)
    )
    return room, server


def decoded(clip: Clip) -> list[av.VideoFrame]:
    """The clip's pictures as they are."""
    decoder = VideoDecoder("H264")
    return [frame for picture in clip.pictures if (frame := decoder.decode(picture.data)) is not None]


def luma_of(frame: av.VideoFrame) -> Plane:
    """The same of a picture."""
    return plane_of(frame.to_ndarray()[: frame.height].astype(np.uint8, copy=False))


def plane_of(luma: npt.NDArray[np.uint8]) -> Plane:
    """As large as pictures are compared."""
    height, width = luma.shape
    return compared(np.ascontiguousarray(luma, np.uint8), Rect(0, 0, width, height))
