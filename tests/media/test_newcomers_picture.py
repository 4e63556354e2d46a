"""Whose first picture comes before others' patience is over: who comes, and not who comes back again and again."""

from __future__ import annotations

import time
from typing import cast

import pytest

from mcu.media.conference_pictures import ConferencePictures
from mcu.media.leg import MediaLeg
from mcu.media.picture.state import Rung
from mcu.media.spec import ConferenceSpec, LegSpec, PlainTransport, VideoSpec
from tests.media.picture.material import FONT
from tests.media.test_repaired_rung import H264, LIMIT, Leg


class HoldingLeg(Leg):
    """One that can be put on hold."""

    held = False

    def takes_picture(self, media: str) -> bool:
        return media == "video" and not self.held


def test_who_holds_and_resumes_is_no_newcomer_again(monkeypatch: pytest.MonkeyPatch) -> None:
    video = VideoSpec(send_codec=H264, receive_codecs=(H264,), ssrc=2, max_bitrate=LIMIT)
    leg = HoldingLeg(LegSpec(id="leg", name="Ward 7", transport=PlainTransport(local_host="127.0.0.1"), video=video))
    legs: dict[str, Leg] = {"leg": leg}
    pictures = ConferencePictures(
        "meeting",
        FONT,
        time.monotonic,
        cast("dict[str, MediaLeg]", legs),
        lambda *arguments: None,
        lambda rung, unit: None,
    )
    asked: list[bool] = []

    def note(rung: Rung, newcomer: bool = False) -> None:
        asked.append(newcomer)

    monkeypatch.setattr(pictures._pipeline, "request_key_frame", note)

    def applied() -> list[bool]:
        asked.clear()
        pictures.apply(ConferenceSpec(id="meeting", revision=1, legs=tuple(one.spec for one in legs.values())), ())
        return asked[:]

    try:
        assert applied() == [True]
        leg.held = True
        assert applied() == []
        leg.held = False
        assert applied() == [False], "it gets a key frame, when others can bear it"
        del legs["leg"]
        applied()
        legs["leg"] = leg
        assert applied() == [True], "who has left and comes is new"
    finally:
        pictures.stop()
