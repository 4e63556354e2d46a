"""Repair packets take their part of a leg's rate: its picture comes from a lower rung while they go out."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, cast

from mcu.media.conference_pictures import ConferencePictures
from mcu.media.leg import MediaLeg
from mcu.media.picture.state import Rung
from mcu.media.rtp.config import ReceiverFeedback
from mcu.media.spec import CodecSpec, ConferenceSpec, LegSpec, PlainTransport, VideoSpec
from tests.media.picture.material import FONT

H264 = CodecSpec(name="H264", payload_type=96, clock_rate=90000, parameters={"packetization-mode": "1"})
LIMIT = 1_000_000


@dataclass
class Leg:
    """As much of a leg as its conference's pictures ask for."""

    spec: LegSpec
    id: str = "leg"
    share: float = 0.0

    def takes_picture(self, media: str) -> bool:
        return media == "video"

    def repair_share(self, media: str) -> float:
        return self.share

    def send_picture(self, unit: Any, media: str) -> None: ...


def test_a_picture_gives_way_to_its_repair_packets() -> None:
    video = VideoSpec(send_codec=H264, receive_codecs=(H264,), ssrc=2, max_bitrate=LIMIT)
    leg = Leg(LegSpec(id="leg", name="Ward 7", transport=PlainTransport(local_host="127.0.0.1"), video=video))
    legs = cast("dict[str, MediaLeg]", {"leg": leg})
    pictures = ConferencePictures(
        "meeting", FONT, time.monotonic, legs, lambda *arguments: None, lambda rung, unit: None
    )
    spec = ConferenceSpec(id="meeting", revision=1, legs=(leg.spec,))

    def served() -> Rung:
        pictures.apply(spec, ())
        rung = pictures._serving.wanted(("leg", "video"))
        assert rung is not None
        return rung

    def told(reports: int) -> bool:
        return pictures.reported("leg", "video", ReceiverFeedback(reports, 0.02), 100.0 + reports)

    try:
        before = served().bitrate
        assert LIMIT / 2 < before <= LIMIT
        assert not told(1)
        leg.share = 1.0
        assert told(2) and served().bitrate <= LIMIT / 2
        assert not told(3)
        leg.share = 0.0
        assert told(4) and served().bitrate == before
    finally:
        pictures.stop()
