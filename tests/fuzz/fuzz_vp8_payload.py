"""Fuzz target: VP8 payloads and frames, by compiled code and beside it by the reference."""

from __future__ import annotations

from mcu.media.rtp.vp8 import Vp8Depacketizer, Vp8Packetizer, descriptor_size
from tests.fuzz.outcome import outcome
from tests.reference import vp8


def fuzz_one(data: bytes) -> None:
    """Payloads, cut at the first byte's length, are taken or refused alike."""
    assert outcome(descriptor_size, data) == outcome(vp8.descriptor_size, data)
    assert Vp8Packetizer(64, 0x7FFF).packetize(data) == vp8.Vp8Packetizer(64, 0x7FFF).packetize(data)
    depacketizer, reference = Vp8Depacketizer(), vp8.Vp8Depacketizer()
    size = 1 + (data[0] if data else 0)
    for position in range(1, len(data), size):
        payload = data[position : position + size]
        taken = outcome(depacketizer.push, payload)
        assert taken == outcome(reference.push, payload)
        assert taken[0] == "value" or not depacketizer.whole
        assert (depacketizer.keyframe, depacketizer.whole) == (reference.keyframe, reference.whole)
        if data[position] & 1:
            assert depacketizer.take() == reference.take()
