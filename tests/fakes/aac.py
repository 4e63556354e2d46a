"""AAC as a room sends it: coded by FFmpeg's encoder (AAC-LC), packed as RTP payloads, with its description."""

from __future__ import annotations

from collections.abc import Sequence

from mcu.media.codec.audio_encoder import AacEncoder
from mcu.media.sound.samples import TICK_SAMPLES
from tests.fakes.tones import tone

LC_CONFIG = "1188"
LD_CONFIGS = {512: "b98800", 480: "b98c00"}
"""AAC-LD, 48 kHz, one channel, without tools of resilience: object 23, by samples in a frame."""


def joined(bits: str) -> bytes:
    """Bits as octets, filled up with zeros."""
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8)


def binary(data: bytes) -> str:
    return "".join(f"{octet:08b}" for octet in data)


def audio_bits(object_type: int = 2, rate: int = 3, channels: int = 1, flags: str = "000") -> str:
    """An AudioSpecificConfig; for AAC-LD ``epConfig`` 0 is appended."""
    tail = "00" if object_type == 23 else ""
    return f"{object_type:05b}{rate:04b}{channels:04b}{flags}{tail}"


def mux_bits(audio: str, frames: int = 1) -> str:
    """A StreamMuxConfig with one program and one layer."""
    return "01" + f"{frames - 1:06b}" + "0000" + "000" + audio + "000" + "1" * 8 + "00"


def length_bits(size: int) -> str:
    return "1" * 8 * (size // 255) + f"{size % 255:08b}"


def latm(frames: Sequence[bytes], before: str = "") -> bytes:
    """An AudioMuxElement; ``before`` are the bits that a self-describing one begins with."""
    return joined(before + "".join(length_bits(len(frame)) + binary(frame) for frame in frames))


def generic(frames: Sequence[bytes]) -> bytes:
    """RFC 3640, AAC-hbr."""
    headers = b"".join((len(frame) << 3).to_bytes(2) for frame in frames)
    return (16 * len(frames)).to_bytes(2) + headers + b"".join(frames)


def coded_tone(frequency: float, ticks: int) -> list[bytes]:
    """Frames of 1024 samples."""
    encoder = AacEncoder()
    return [data for number in range(ticks) for data, _ in encoder.encode(tone(frequency, start=number * TICK_SAMPLES))]
