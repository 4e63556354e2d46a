"""The G.729 encoder of Belledonne Communications' library, where the machine has it: FFmpeg only decodes.

Only its stable C interface is used (``bcg729/encoder.h``), by ctypes. Calls keep the interpreter's lock: they take less
time than to get that back where others want it.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import logging
from functools import cache

import numpy as np
from numpy.typing import NDArray

log = logging.getLogger(__name__)

FRAME_SAMPLES = 80
"""10 ms at 8 kHz (ITU-T G.729 clause 2)."""

FRAME_OCTETS = 10

LOOKAHEAD = 40
"""Samples of the next frame that the encoder looks at (clause 2.1)."""


@cache
def library() -> ctypes.PyDLL | None:
    """The shared library, or None where there is none that can be used."""
    name = ctypes.util.find_library("bcg729")
    if name is None:
        return None
    try:
        return _declared(ctypes.PyDLL(name))
    except (OSError, AttributeError) as error:
        log.warning("G.729 library %s cannot be used: %s", name, error)
        return None


def _declared(found: ctypes.PyDLL) -> ctypes.PyDLL:
    handle = ctypes.c_void_p
    found.initBcg729EncoderChannel.argtypes = [ctypes.c_uint8]
    found.initBcg729EncoderChannel.restype = handle
    found.closeBcg729EncoderChannel.argtypes = [handle]
    found.closeBcg729EncoderChannel.restype = None
    found.bcg729Encoder.argtypes = [handle, handle, ctypes.c_char_p, ctypes.POINTER(ctypes.c_uint8)]
    found.bcg729Encoder.restype = None
    return found


class FrameEncoder:
    """One encoder, without descriptions of silence (annex B)."""

    def __init__(self, found: ctypes.PyDLL) -> None:
        self._library = found
        self._handle = found.initBcg729EncoderChannel(0)
        if not self._handle:
            raise MemoryError("no G.729 encoder")
        self._frame = ctypes.create_string_buffer(FRAME_OCTETS)
        self._octets = ctypes.c_uint8(0)

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            self._library.closeBcg729EncoderChannel(self._handle)

    def encode(self, samples: NDArray[np.int16]) -> bytes:
        """The coded frames of whole frames of samples at 8 kHz."""
        coded = b""
        for start in range(0, samples.size, FRAME_SAMPLES):
            frame = np.ascontiguousarray(samples[start : start + FRAME_SAMPLES], np.int16)
            self._library.bcg729Encoder(self._handle, frame.ctypes.data, self._frame, ctypes.byref(self._octets))
            coded += self._frame.raw[: self._octets.value]
        return coded
