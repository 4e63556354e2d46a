"""Fuzz target: H.264 payloads, access units and fmtp values, by compiled code and beside it by the reference."""

from __future__ import annotations

from mcu.media.rtp.h264 import H264Depacketizer, H264Packetizer, nal_units, parse_sprop_parameter_sets
from tests.fuzz.outcome import outcome
from tests.reference import h264

FLAGS = ("clean_start", "damaged", "recovery_point", "empty", "keyframe", "whole")


def fuzz_one(data: bytes) -> None:
    """Payloads, cut at the first byte's length, are taken or refused alike; what comes out can be cut again."""
    for unit in parse_sprop_parameter_sets(data.decode("latin-1")):
        assert unit
    assert nal_units(data) == list(h264.nal_units(data))
    for mode in (0, 1):
        assert H264Packetizer(mode, 64).packetize(data) == h264.H264Packetizer(mode, 64).packetize(data)
    depacketizer, reference = H264Depacketizer(), h264.H264Depacketizer()
    size = 1 + (data[0] if data else 0)
    for position in range(1, len(data), size):
        payload = data[position : position + size]
        taken = outcome(depacketizer.push, payload)
        assert taken == outcome(reference.push, payload)
        assert taken[0] == "value" or not depacketizer.whole
        assert [getattr(depacketizer, flag) for flag in FLAGS] == [getattr(reference, flag) for flag in FLAGS]
        if depacketizer.whole:
            unit_and_kind = depacketizer.take()
            assert unit_and_kind == reference.take()
            if unit_and_kind is not None:
                H264Packetizer(1).packetize(unit_and_kind[0])
        else:
            depacketizer.reset()
            reference.reset()
