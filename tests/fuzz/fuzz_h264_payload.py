"""Fuzz target: H.264 payloads, parameter sets and fmtp values."""

from __future__ import annotations

from mcu.media.rtp.errors import PayloadError
from mcu.media.rtp.h264 import H264Depacketizer, H264Packetizer, parse_sprop_parameter_sets


def fuzz_one(data: bytes) -> None:
    """Payloads, cut at the first byte's length, are taken or refused; what comes out can be cut again."""
    for unit in parse_sprop_parameter_sets(data.decode("latin-1")):
        assert unit
    depacketizer = H264Depacketizer()
    size = 1 + (data[0] if data else 0)
    for position in range(1, len(data), size):
        try:
            depacketizer.push(data[position : position + size])
        except PayloadError:
            assert not depacketizer.whole
        if depacketizer.whole:
            taken = depacketizer.take()
            if taken is not None:
                H264Packetizer(1).packetize(taken[0])
        else:
            depacketizer.reset()
