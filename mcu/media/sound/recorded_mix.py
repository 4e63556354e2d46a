"""What is recorded of a conference's sound: the full mix as AAC, with the times at which it was heard."""

from __future__ import annotations

from functools import cache

from mcu.media.codec.audio_encoder import AAC_FRAME, AacEncoder
from mcu.media.sound.samples import RATE, Sound
from mcu.media.sound.state import RecordedSound

RECORDING_SLIP = 0.010
"""Seconds by which recorded time may differ from the ticks before it is set right (ticks were skipped)."""


class RecordedMix:
    """The full mix as AAC, with times that stay true when ticks were skipped."""

    def __init__(self, now: float, channels: int) -> None:
        self.channels = channels
        self._encoder = AacEncoder(channels)
        self._anchor = now
        self._samples = 0

    def encode(self, sound: Sound, now: float) -> list[RecordedSound]:
        slip = now - (self._anchor + self._samples / RATE)
        if abs(slip) > RECORDING_SLIP:
            self._anchor += slip
        self._samples += sound.shape[-1]
        return [
            RecordedSound(data, self._anchor + position / RATE, AAC_FRAME)
            for data, position in self._encoder.encode(sound)
        ]


@cache
def aac_config(channels: int) -> bytes:
    """The AudioSpecificConfig of recorded sound (ISO/IEC 14496-3 clause 1.6.2.1), for the muxer: AAC-LC, 48 kHz."""
    return AacEncoder(channels).config
