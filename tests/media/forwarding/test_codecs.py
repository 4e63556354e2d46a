"""Whose stream can go to whom as it is."""

from __future__ import annotations

import pytest

from mcu.media.forwarding.codecs import accepts
from mcu.media.spec import CodecSpec


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
