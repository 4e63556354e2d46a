"""The test card is a clip like any other: pictures of its format that decode, a tone that sounds and stops."""

from __future__ import annotations

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext

from consilium.simulated_room.clip import SAMPLE_RATE, ClipFormat
from consilium.simulated_room.test_card import SECONDS, make_test_card


def test_the_card_moves_and_sounds() -> None:
    clip = make_test_card(ClipFormat(320, 180, 10, 300_000))
    assert clip.seconds == SECONDS and clip.pictures[0].keyframe
    decoder = VideoCodecContext.create("h264", "r")
    frames = [frame for picture in clip.pictures for frame in decoder.decode(av.Packet(picture.data))]
    frames += decoder.decode(None)
    assert len(frames) == len(clip.pictures)
    first, middle = (frames[index].to_ndarray()[:180].astype(int) for index in (0, len(frames) // 2))
    assert np.abs(first - middle).max() > 40, "nothing moves"
    bars = first[10, 10:-10:40]
    assert bars[0] > bars[-1] + 80, "the bars go from bright to dark"
    assert np.abs(clip.sound[: SAMPLE_RATE // 10]).max() > 1000
    assert np.abs(clip.sound[SAMPLE_RATE:]).max() == 0
