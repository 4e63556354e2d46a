"""Speech of a real person, in wide band, and how good it still sounds afterwards (ITU-T P.862.2)."""

from __future__ import annotations

import importlib
from pathlib import Path

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext

from mcu.media.sound.resample import Downsampler, Upsampler
from mcu.media.sound.samples import Sound

# Debian's asterisk-core-sounds-en-g722: a professional speaker, 16 kHz.
FILE = Path("/usr/share/asterisk/sounds/en_US_f_Allison/demo-congrats.g722")
_WIDE = 16_000


class NoSpeech(Exception):
    """There is no recording of a person here; the message says where it comes from."""


def speech(seconds: float, start: float = 0.0, rms: float = 0.06) -> Sound:
    """So many seconds at 48 kHz, at about -24 dBFS. Raises NoSpeech."""
    if not FILE.exists():
        raise NoSpeech(f"{FILE} is missing: apt-get install asterisk-core-sounds-en-g722")
    return levelled(from_g722(FILE, seconds, start), rms)


def from_g722(file: Path, seconds: float, start: float) -> Sound:
    """So many seconds of a raw G.722 file at 48 kHz. Raises OSError."""
    decoder = av.CodecContext.create("g722", "r")
    assert isinstance(decoder, AudioCodecContext)
    decoder.sample_rate, decoder.layout = _WIDE, "mono"
    frames = decoder.decode(av.Packet(file.read_bytes()))
    wide: Sound = np.concatenate([frame.to_ndarray()[0] for frame in frames]).astype(np.float32) / np.float32(32768)
    return Upsampler(3).convert(wide[round(start * _WIDE) : round((start + seconds) * _WIDE)])


def levelled(sound: Sound, rms: float = 0.06) -> Sound:
    """The same at about -24 dBFS."""
    scaled: Sound = sound * np.float32(rms / max(1e-6, float(np.sqrt(np.mean(sound**2)))))
    return np.clip(scaled, -0.9, 0.9)


def quality(reference: Sound, heard: Sound, *, wide: bool) -> float | None:
    """PESQ of ``heard`` against ``reference``, both at 48 kHz; the delay between them is found.

    None where the package ``pesq``, a test tool that must be compiled, is not installed.
    """
    try:
        grade = importlib.import_module("pesq").pesq  # by name: it need not be there
    except ImportError:
        return None
    rate, factor = (_WIDE, 3) if wide else (8_000, 6)
    length = min(reference.size, heard.size) // (factor * 960) * factor * 960
    one, other = (Downsampler(factor).convert(sound[:length]) for sound in (reference, heard))
    return round(float(grade(rate, one, other, "wb" if wide else "nb")), 2)


def aligned(reference: Sound, heard: Sound) -> Sound:
    """The part of ``heard`` that fits ``reference`` best, and as long."""
    size = 1 << int(np.ceil(np.log2(reference.size + heard.size)))
    correlation = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(reference, size)), size)
    start = int(np.argmax(correlation[: max(1, heard.size - reference.size // 2)]))
    part = heard[start : start + reference.size]
    return np.concatenate((part, np.zeros(reference.size - part.size, np.float32)))
