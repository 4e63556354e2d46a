"""AAC as a room sends it: coded by FFmpeg's encoder (AAC-LC), packed as RTP payloads, with its description."""

from __future__ import annotations

from collections.abc import Sequence

from mcu.media.codec.audio_encoder import AacEncoder
from mcu.media.sound.samples import TICK_SAMPLES
from tests.fakes.tones import tone

LC_CONFIG = "1188"
LD_CONFIG, SHORT_LD_CONFIG = "b98800", "b98c00"
"""AAC-LD, 48 kHz, one channel, without tools of resilience: object 23, 512 and 480 samples in a frame."""


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


LD_LINE = 21
"""The line of the spectrum in which ``ld_tone`` sounds, the second of the four of its band."""

_LD_BAND = 5
"""Lines 20 to 23, with 512 samples in a frame (ISO/IEC 14496-3 table 4.132)."""

_LD_UP, _LD_DOWN = "10011", "10111"
"""Four lines of which only the second is 1 or -1, in spectral codebook 1 (ISO/IEC 14496-3 annex 4.A)."""


LD_FREQUENCY = (LD_LINE + 0.5) * 24_000 / 512
"""Hz of that line at 48 kHz: lines lie in the middle of their share."""


def ld_tone(frames: int, gain: int = 180) -> list[bytes]:
    """AAC-LD frames that hold a steady tone, written bit by bit (er_raw_data_block with one channel element).

    Only one line of the spectrum is not nought. From frame to frame a tone in the middle of its line turns by three
    quarters, so that the line's sign changes with every other one. ``gain`` is in steps of 1.5 dB.
    """
    found = []
    for number in range(frames):
        element = "0000"  # element_instance_tag
        element += f"{gain:08b}"  # global_gain
        element += "0" + "00" + "0" + f"{_LD_BAND + 1:06b}" + "0"  # ics_info: only long windows, sine; no prediction
        element += "0000" + f"{_LD_BAND:05b}" + "0001" + "00001"  # section_data: nothing, then codebook 1 for one band
        element += "0"  # scale_factor_data: as global_gain says
        element += "0" + "0" + "0"  # no pulses, no noise shaping, no gain control
        element += _LD_UP if number % 4 < 2 else _LD_DOWN
        found.append(joined(element))
    return found
