"""Tones: made, coded and sent as a leg would, and found again in what comes out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from mcu.media.codec.audio_encoder import EncoderKey, make_encoder, rtp_samples
from mcu.media.sound.samples import RATE, TICK, TICK_SAMPLES, Sound
from mcu.media.spec import CodecSpec
from mcu.media.units import CodedSound

OPUS = CodecSpec(
    name="opus", payload_type=111, clock_rate=48_000, channels=2, parameters={"useinbandfec": "1", "minptime": "10"}
)
G722 = CodecSpec(name="G722", payload_type=9, clock_rate=8_000)
PCMA = CodecSpec(name="PCMA", payload_type=8, clock_rate=8_000)
PCMU = CodecSpec(name="PCMU", payload_type=0, clock_rate=8_000)
CODECS = (OPUS, G722, PCMA, PCMU)


def tone(frequency: float, samples: int = TICK_SAMPLES, *, start: int = 0, amplitude: float = 0.25) -> Sound:
    """A sine at 48 kHz, continuous over frames when ``start`` is."""
    time = np.arange(start, start + samples) / RATE
    return (amplitude * np.sin(2 * np.pi * frequency * time)).astype(np.float32)


def amplitude_db(sound: Sound, frequency: float) -> float:
    """The amplitude of one frequency in dB (0 dB is a full-scale sine): a windowed Goertzel filter."""
    window = np.blackman(sound.size)
    time = np.arange(sound.size) / RATE
    line = np.sum(sound * window * np.exp(-2j * np.pi * frequency * time))
    return float(20 * np.log10(2 * abs(line) / window.sum() + 1e-9))


def steady_amplitude_db(sound: Sound, frequency: float) -> float:
    """The median over tenths of a second: for tones whose phase has been shifted where sound was left out."""
    tenth = RATE // 10
    parts = [amplitude_db(sound[at : at + tenth], frequency) for at in range(0, sound.size - tenth + 1, tenth)]
    return float(np.median(parts))


def loudest_frequency(sound: Sound) -> float:
    """The frequency of the strongest line, to about 1 Hz for a second of sound."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(sound.size), 4 * RATE))
    return float(np.argmax(spectrum)) / 4


@dataclass
class ToneSender:
    """A leg that sends a tone in 20 ms frames. ``first_timestamp`` is in units of its RTP clock."""

    codec: CodecSpec
    frequency: float = 440.0
    amplitude: float = 0.25
    first_timestamp: int = 1_000_000
    first_sequence: int = 100

    def units(self, count: int, start: float = 0.0) -> Iterator[CodedSound]:
        """Frame n leaves when its last sample was spoken: at ``start`` + (n + 1) ticks, which is its ``time`` here."""
        encoder = make_encoder(EncoderKey.of(self.codec))
        for n in range(count):
            sound = tone(self.frequency, start=n * TICK_SAMPLES, amplitude=self.amplitude)
            yield CodedSound(
                encoder.encode(sound),
                self.codec.payload_type,
                start + (n + 1) * TICK,
                timestamp=self.first_timestamp + n * rtp_samples(self.codec),
                sequence=self.first_sequence + n,
            )


def delayed(unit: CodedSound, seconds: float) -> CodedSound:
    """The frame after a trip through the network."""
    return replace(unit, time=unit.time + seconds)
