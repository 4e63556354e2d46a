"""G.711 A-law and µ-law (ITU-T G.711) by table: no state, no delay, no loss across frames."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mcu.media.sound.samples import Sound

Law = Literal["PCMA", "PCMU"]


def _decode_a_law() -> NDArray[np.int32]:
    code = np.arange(256, dtype=np.int32) ^ 0x55  # even bits are inverted on the line
    exponent, mantissa = (code >> 4) & 7, code & 15
    magnitude = np.where(exponent == 0, (mantissa << 4) + 8, ((mantissa << 4) + 0x108) << np.maximum(exponent - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int32)


def _decode_mu_law() -> NDArray[np.int32]:
    code = ~np.arange(256, dtype=np.int32) & 0xFF  # all bits are inverted on the line
    exponent, mantissa = (code >> 4) & 7, code & 15
    magnitude = (((mantissa << 3) + 0x84) << exponent) - 0x84
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int32)


def _nearest_codes(values: NDArray[np.int32]) -> NDArray[np.uint8]:
    """For every 16-bit sample, offset by 32768, the code whose value lies nearest."""
    order = np.argsort(values, kind="stable")
    edges = (values[order][1:] + values[order][:-1]) / 2
    return order[np.searchsorted(edges, np.arange(-32768, 32768))].astype(np.uint8)


_VALUES = {"PCMA": _decode_a_law(), "PCMU": _decode_mu_law()}
_TO_SOUND = {law: (values / 32768).astype(np.float32) for law, values in _VALUES.items()}
_TO_CODE = {law: _nearest_codes(values) for law, values in _VALUES.items()}


QUIET = 24
"""Steps of 16 bits that make no sound: -62.7 dBFS if every sample were so large, less than any gate lets through."""

_QUIET_CODES = {law: bytes(np.flatnonzero(np.abs(values) <= QUIET).tolist()) for law, values in _VALUES.items()}


def is_quiet(law: Law, data: bytes) -> bool:
    """Whether there is nothing in it that could be heard."""
    return not data.translate(None, _QUIET_CODES[law])


def decode(law: Law, data: bytes) -> Sound:
    """One sample at 8 kHz per byte; any bytes are valid."""
    return _TO_SOUND[law][np.frombuffer(data, np.uint8)]


def encode(law: Law, sound: Sound) -> bytes:
    """One byte per sample at 8 kHz; samples beyond full scale are clipped."""
    index = np.clip(np.rint(sound * 32768), -32768, 32767).astype(np.int32) + 32768
    return _TO_CODE[law][index].tobytes()
