"""Whose stream can go to whom as it is."""

from __future__ import annotations

import pytest

from mcu.media.forwarding.codecs import (
    SHARED_BITRATE,
    SMALL_SHARED_BITRATE,
    accepts,
    can_carry,
    can_get_shared,
    carried,
)
from mcu.media.spec import CodecSpec, VideoSpec
from tests.media.forwarding.browsers import leg, video


def h264(profile: str = "42e01f", mode: str | None = "1") -> CodecSpec:
    parameters = {"profile-level-id": profile, **({"packetization-mode": mode} if mode else {})}
    return CodecSpec(name="H264", payload_type=102, clock_rate=90000, parameters=parameters)


VP8 = CodecSpec(name="VP8", payload_type=96, clock_rate=90000)


@pytest.mark.parametrize(
    ("receiver", "sender", "fits"),
    [
        (VP8, VP8.model_copy(update={"payload_type": 120}), True),
        (VP8, h264(), False),
        (h264(), h264("42001f"), True),
        (h264("640c1f"), h264(), True),
        (h264(), h264("4d001f"), False),
        (h264("640c1f"), h264("4d001f"), True),
        (h264(), h264(mode=None), True),
        (h264(mode="0"), h264(), False),
        (h264(), h264("odd"), True),
        (h264(), h264("f4001f"), False),
        (CodecSpec(name="H261", payload_type=31, clock_rate=90000),) * 2 + (False,),
    ],
)
def test_same_codec_and_nothing_that_the_receiver_cannot_take(
    receiver: CodecSpec, sender: CodecSpec, fits: bool
) -> None:
    assert accepts(receiver, sender) is fits


def test_a_slot_carries_each_codec_under_the_payload_type_that_takes_most() -> None:
    baseline, high, old = h264(), h264("640c1f"), h264(mode=None)
    numbered = [one.model_copy(update={"payload_type": 100 + place}) for place, one in enumerate((old, baseline, high))]
    slot = VideoSpec(send_codec=VP8, receive_codecs=(VP8, *numbered), ssrc=1)
    assert {name: codec.payload_type for name, codec in carried(slot).items()} == {"VP8": 96, "H264": 102}
    assert can_carry(slot, VP8) and can_carry(slot, h264("4d001f"))
    assert not can_carry(VideoSpec(send_codec=VP8, receive_codecs=(VP8,), ssrc=1), baseline)


def test_what_is_shared_goes_as_it_is_to_who_has_a_place_and_the_rate_for_it() -> None:
    sharer, place = leg("ann", 1), video(7)
    viewer = leg("bob", 2, slots=0, forwarded=False).model_copy(update={"shared": place})
    assert can_get_shared(viewer, sharer, VP8)
    assert not can_get_shared(sharer.model_copy(update={"shared": place}), sharer, VP8)
    assert not can_get_shared(viewer, sharer, h264()) and not can_get_shared(viewer, sharer, None)
    for change in (
        {"shared": None}, {"held": True}, {"content_choice": "tile"}, {"picture_bitrate": SHARED_BITRATE - 1}
    ):  # fmt: skip
        assert not can_get_shared(viewer.model_copy(update=change), sharer, VP8)
    assert can_get_shared(viewer.model_copy(update={"picture_bitrate": SHARED_BITRATE}), sharer, VP8)
    in_sizes = sharer.model_copy(update={"content": video(9, rids=("s", "l"))})
    for rate, gets in ((SMALL_SHARED_BITRATE - 1, False), (SMALL_SHARED_BITRATE, True)):
        narrow = viewer.model_copy(update={"picture_bitrate": rate})
        assert can_get_shared(narrow, in_sizes, VP8) is gets and not can_get_shared(narrow, sharer, VP8)
