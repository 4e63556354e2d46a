"""Fuzz target: splitting a byte stream never fails, reading parameter sets gives values or H264Error."""

from __future__ import annotations

from contextlib import suppress

from recorder.errors import H264Error
from recorder.h264 import parameter_sets, split_nal_units, to_sample


def fuzz_one(data: bytes) -> None:
    units = split_nal_units(data)
    assert all(unit and b"\0\0\1" not in unit for unit in units)
    sample, position = to_sample(units), 0
    while position < len(sample):
        position += 4 + int.from_bytes(sample[position : position + 4], "big")
    assert position == len(sample)
    for candidate in (units, [b"\x67" + data, b"\x68\xce"]):
        with suppress(H264Error):
            sets = parameter_sets(candidate)
            assert sets is None or (0 < sets.width <= 16384 and 0 < sets.height <= 16384)
