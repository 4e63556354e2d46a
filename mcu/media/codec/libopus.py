"""The Opus library itself, as it comes with PyAV: FFmpeg's wrapper has neither repair by FEC nor concealment.

Only its stable C interface is used (``opus.h``), by ctypes. Decoding keeps the interpreter's lock: it takes less time
than to get that back where others want it. Encoders are run all at once, without it.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import logging
from collections.abc import Mapping, Sequence
from enum import IntEnum
from functools import cache
from pathlib import Path

import av
import numpy as np

from mcu.media.sound._native import encode_all as encode_unlocked
from mcu.media.sound.samples import RATE, Sound

log = logging.getLogger(__name__)

MAXIMUM_SAMPLES = 5760
"""120 ms, the longest packet (RFC 6716 section 3.2.5)."""

SHORTEST_SAMPLES = 120
"""2.5 ms: what is made up or repaired comes in multiples of this."""


class OpusError(Exception):
    """The library refused; the message is its own."""


@cache
def library() -> ctypes.PyDLL | None:
    """The shared library, or None where there is none; said once."""
    bundled = sorted((Path(av.__file__).parent.parent / "av.libs").glob("libopus*.so*"))
    installed = ctypes.util.find_library("opus")
    for name in [str(path) for path in bundled] + ([installed] if installed else []):
        try:
            return _declared(ctypes.PyDLL(name))
        except (OSError, AttributeError) as error:
            log.warning("Opus library %s cannot be used: %s", Path(name).name, error)
    log.warning("no Opus library was found: lost Opus frames are concealed without its help")
    return None


def _declared(found: ctypes.PyDLL) -> ctypes.PyDLL:
    handle, number = ctypes.c_void_p, ctypes.c_int
    found.opus_decoder_create.argtypes = [ctypes.c_int32, number, ctypes.POINTER(number)]
    found.opus_decoder_create.restype = handle
    found.opus_decoder_destroy.argtypes = [handle]
    found.opus_decoder_destroy.restype = None
    found.opus_decode_float.argtypes = [handle, ctypes.c_char_p, ctypes.c_int32, handle, number, number]
    found.opus_decode_float.restype = number
    found.opus_encoder_create.argtypes = [ctypes.c_int32, number, number, ctypes.POINTER(number)]
    found.opus_encoder_create.restype = handle
    found.opus_encoder_destroy.argtypes = [handle]
    found.opus_encoder_destroy.restype = None
    found.opus_encoder_ctl.argtypes = [handle, number]  # and what the request takes
    found.opus_encoder_ctl.restype = number
    found.opus_encode_float.restype = number
    found.opus_strerror.argtypes = [number]
    found.opus_strerror.restype = ctypes.c_char_p
    return found


class OpusState:
    """One decoder. ``channels`` is what comes out, whatever the packets hold."""

    def __init__(self, found: ctypes.PyDLL, channels: int) -> None:
        self._library, self.channels = found, channels
        error = ctypes.c_int()
        self._handle = found.opus_decoder_create(RATE, channels, ctypes.byref(error))
        if error.value or not self._handle:
            raise OpusError(_reason(found, error.value))
        self._buffer = np.empty((MAXIMUM_SAMPLES, channels), np.float32)
        self._address = self._buffer.ctypes.data

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            self._library.opus_decoder_destroy(self._handle)

    def decode(self, data: bytes) -> Sound:
        """A packet's sound. Raises OpusError."""
        return self._decode(data, MAXIMUM_SAMPLES, 0)

    def repair(self, following: bytes, samples: int) -> Sound:
        """The sound before ``following``, by the copy that this packet holds of it; made up where it holds none."""
        return self._decode(following, samples, 1)

    def conceal(self, samples: int) -> Sound:
        """Sound made up from what was decoded last."""
        return self._decode(None, samples, 0)

    def _decode(self, data: bytes | None, samples: int, repair: int) -> Sound:
        count = self._library.opus_decode_float(
            self._handle, data, len(data) if data is not None else 0, self._address, samples, repair
        )
        if count < 0:
            raise OpusError(_reason(self._library, count))
        made = self._buffer[:count]
        return made[:, 0].copy() if self.channels == 1 else np.ascontiguousarray(made.T)


class Application(IntEnum):
    """What an encoder is for (``opus_defines.h``)."""

    VOICE = 2048
    AUDIO = 2049


class Request(IntEnum):
    """What can be set of an encoder (``opus_defines.h``)."""

    BITRATE = 4002
    VARIABLE_BITRATE = 4006
    COMPLEXITY = 4010
    IN_BAND_REPAIR = 4012
    EXPECTED_LOSS = 4014
    CONSTRAINED = 4020


MOST_OCTETS = 1276
"""The longest packet of one frame (RFC 6716 section 3.2.1), with its first octet."""


class OpusWriter:
    """One encoder at 48 kHz; ``encode_all`` runs it."""

    def __init__(
        self, found: ctypes.PyDLL, channels: int, application: Application, settings: Mapping[Request, int]
    ) -> None:
        """Raises OpusError when the library refuses."""
        self._library, self.channels = found, channels
        error = ctypes.c_int()
        self.handle: int = found.opus_encoder_create(RATE, channels, application, ctypes.byref(error)) or 0
        if error.value or not self.handle:
            raise OpusError(_reason(found, error.value))
        for request, value in settings.items():
            code = found.opus_encoder_ctl(self.handle, request, ctypes.c_int32(value))
            if code:
                raise OpusError(f"{request.name}: {_reason(found, code)}")
        self.data = bytearray(MOST_OCTETS)

    def __del__(self) -> None:
        if getattr(self, "handle", 0):
            self._library.opus_encoder_destroy(self.handle)


def encode_all(jobs: Sequence[tuple[OpusWriter, Sound]]) -> list[bytes]:
    """The next frame of each; sound in as many channels as its encoder has. Raises OpusError."""
    found = library()
    if not jobs or found is None:
        return []
    address = ctypes.cast(found.opus_encode_float, ctypes.c_void_p).value or 0
    calls = [(writer.handle, writer.channels, _interleaved(sound), writer.data) for writer, sound in jobs]
    counts = encode_unlocked(address, calls)
    for count in counts:
        if count <= 0:
            raise OpusError(_reason(found, count))
    return [bytes(writer.data[:count]) for (writer, _), count in zip(jobs, counts, strict=True)]


def _interleaved(sound: Sound) -> Sound:
    """Left and right alternating, as the library takes them."""
    return np.ascontiguousarray(sound.T if sound.ndim == 2 else sound, np.float32)


def _reason(found: ctypes.PyDLL, code: int) -> str:
    return bytes(found.opus_strerror(code)).decode("ascii", "replace")
