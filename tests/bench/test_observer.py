"""What a simulated room hears is found in sound of one channel and of two."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
from av.audio.codeccontext import AudioCodecContext

from bench.observer import SoundObserver
from bench.time_code import BEEP_FREQUENCY
from mcu.media.spec import CodecSpec
from mcu.media.units import CodedSound


@pytest.mark.parametrize("layout", ["mono", "stereo"])
def test_the_beginning_of_a_beep_is_found(layout: str) -> None:
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, layout, "flt"
    encoder.time_base, encoder.bit_rate = Fraction(1, 48_000), 64_000
    channels = 2 if layout == "stereo" else 1
    time = np.arange(48_000) / 48_000
    tone = 0.5 * np.sin(2 * np.pi * BEEP_FREQUENCY * time) * (time >= 0.5)
    observer = SoundObserver((CodecSpec(name="opus", payload_type=111, clock_rate=48_000, channels=2),))
    for start in range(0, 48_000, 960):
        block = np.repeat(tone[start : start + 960], channels).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(block[None, :], format="flt", layout=layout)
        frame.sample_rate, frame.pts = 48_000, start
        for packet in encoder.encode(frame):
            observer.push(CodedSound(bytes(packet), 111, start / 48_000, timestamp=start))
    ((stamp, _),) = observer.beeps
    assert abs(stamp - 24_000) < 1500
