"""What an AAC stream is, as a description or its own packets say (ISO/IEC 14496-3 clauses 1.6.2.1, 1.7.3, 4.4.1)."""

from __future__ import annotations

from dataclasses import dataclass

LOW_COMPLEXITY, LOW_DELAY = 2, 23
"""Audio object types: AAC-LC, and AAC-LD as rooms have it."""

MAX_CONFIG = 64
"""Octets of a configuration; those of one or two channels have less than ten."""

_RATES = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350)
_DECODED_RATES = frozenset({48_000, 24_000, 16_000, 8_000})
_EXPLICIT_RATE = 15
_ESCAPE = 31


class AacError(Exception):
    """Not AAC as we can decode it; the message says why."""


class BitReader:
    """Bits from the front, the most significant first. Raises AacError past the end."""

    __slots__ = ("_bits", "_value", "position")

    def __init__(self, data: bytes) -> None:
        self._value, self._bits = int.from_bytes(data), 8 * len(data)
        self.position = 0

    @property
    def left(self) -> int:
        """Bits not read yet."""
        return self._bits - self.position

    def read(self, count: int) -> int:
        """The next so many bits as a number."""
        if count > self.left:
            raise AacError(f"AAC data end after {self._bits} bits")
        self.position += count
        return (self._value >> (self._bits - self.position)) & ((1 << count) - 1)

    def octets(self, count: int) -> bytes:
        """The next so many octets, wherever in an octet they begin."""
        return self.read(8 * count).to_bytes(count)

    def since(self, position: int) -> bytes:
        """What was read since then, filled up with zeros to whole octets."""
        count = self.position - position
        value = (self._value >> (self._bits - self.position)) & ((1 << count) - 1)
        return (value << (-count % 8)).to_bytes((count + 7) // 8)


@dataclass(frozen=True, slots=True)
class AacConfig:
    """An AudioSpecificConfig. ``samples`` is the length of a frame at ``rate`` Hz; ``data`` is what a decoder needs."""

    object_type: int
    rate: int
    channels: int
    samples: int
    data: bytes


@dataclass(frozen=True, slots=True)
class MuxConfig:
    """A StreamMuxConfig with one program and one layer: ``frames`` of ``audio`` in each element."""

    audio: AacConfig
    frames: int


def parse_audio_config(data: bytes) -> AacConfig:
    """Read an AudioSpecificConfig. Raises AacError."""
    _check_length(data)
    return _read_audio_config(BitReader(data))


def parse_mux_config(data: bytes) -> MuxConfig:
    """Read a StreamMuxConfig, as ``config`` of MP4A-LATM gives it (RFC 6416 section 7.3). Raises AacError."""
    _check_length(data)
    return read_mux_config(BitReader(data))


def _check_length(data: bytes) -> None:
    if not 0 < len(data) <= MAX_CONFIG:
        raise AacError(f"an AAC configuration of {len(data)} octets")


def _read_audio_config(bits: BitReader) -> AacConfig:
    begin = bits.position
    object_type = bits.read(5)
    if object_type == _ESCAPE:
        object_type = 32 + bits.read(6)
    if object_type not in (LOW_COMPLEXITY, LOW_DELAY):
        raise AacError(f"MPEG-4 audio object type {object_type}")
    index = bits.read(4)
    rate = bits.read(24) if index == _EXPLICIT_RATE else _RATES[index] if index < len(_RATES) else 0
    if rate not in _DECODED_RATES:
        raise AacError(f"AAC at {rate} Hz")
    channels = bits.read(4)
    if channels not in (1, 2):
        raise AacError(f"AAC channel configuration {channels}")
    short = bits.read(1)
    if bits.read(1):  # dependsOnCoreCoder
        raise AacError("AAC on top of another coder")
    if bits.read(1) and object_type == LOW_DELAY:  # extensionFlag
        bits.read(4)  # three kinds of resilience, and a flag for versions to come
    if object_type == LOW_DELAY and bits.read(2):  # epConfig
        raise AacError("AAC with error protection")
    if short:
        # FFmpeg takes them, but turns those of AAC-LD back into sound as if there were 512: a semitone off, and rough.
        raise AacError("AAC in frames of 480 or 960")
    samples = 512 if object_type == LOW_DELAY else 1024
    return AacConfig(object_type, rate, channels, samples, bits.since(begin))


def read_mux_config(bits: BitReader) -> MuxConfig:
    """Read a StreamMuxConfig from where the reader stands. Raises AacError."""
    if bits.read(1):
        raise AacError("LATM of a later version")
    bits.read(1)  # allStreamsSameTimeFraming says nothing about a single stream
    frames = bits.read(6) + 1
    if bits.read(4) or bits.read(3):
        raise AacError("LATM with several programs or layers")
    audio = _read_audio_config(bits)
    if bits.read(3):  # frameLengthType
        raise AacError("LATM with frames of fixed length")
    bits.read(8)  # latmBufferFullness
    if bits.read(1):  # otherDataPresent
        raise AacError("LATM with other data")
    if bits.read(1):  # crcCheckPresent
        bits.read(8)
    return MuxConfig(audio, frames)
