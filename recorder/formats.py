"""What a recording is made of, and the units that its times are in."""

from __future__ import annotations

from dataclasses import dataclass

VIDEO_TIMESCALE = 90_000
"""Ticks per second of picture times, and of every time in an index: the RTP clock of video (RFC 6184)."""

SOUND_SAMPLES = 1024
"""Samples of one AAC-LC access unit (ISO/IEC 14496-3)."""

SILENCE = {1: bytes.fromhex("01182007"), 2: bytes.fromhex("211004608c1c")}
"""An access unit of AAC-LC silence for one and two channels, as FFmpeg's encoder makes it of zeros."""


@dataclass(frozen=True, slots=True)
class VideoFormat:
    """Pictures to record. ``extradata``: SPS and PPS with start codes, for a stream whose key frames lack them.

    The size is what the caller expects; what the stream's SPS says is what gets written.
    """

    codec: str = "H264"
    width: int = 1920
    height: int = 1080
    extradata: bytes | None = None


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """AAC-LC sound to record. ``config`` is its AudioSpecificConfig (ISO/IEC 14496-3 clause 1.6.2.1)."""

    sample_rate: int = 48_000
    channels: int = 1
    config: bytes = b"\x11\x88"

    @property
    def codec(self) -> str:
        """The codec string of RFC 6381, as ``mp4a.40.2``."""
        return f"mp4a.40.{self.config[0] >> 3 if self.config else 2}"


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a part. ``time`` in ticks from the part's start; ``data`` is an MP4 sample (no start codes)."""

    time: int
    data: bytes
    key: bool


@dataclass(frozen=True, slots=True)
class Sound:
    """One AAC access unit. ``time`` in samples from the part's start."""

    time: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Fragment:
    """What goes to disk at once. ``end`` is where the last picture ends (ticks), so durations are exact.

    ``sound_end`` is where the last access unit ends, in samples.
    """

    pictures: tuple[Picture, ...]
    end: int
    sounds: tuple[Sound, ...]
    sound_end: int
