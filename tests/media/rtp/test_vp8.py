"""VP8 payloads (RFC 7741)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.media.rtp.errors import PayloadError
from mcu.media.rtp.vp8 import Vp8Depacketizer, Vp8Packetizer, descriptor_size
from tests.reference.vp8 import MAX_FRAME


@given(st.binary(min_size=1, max_size=5000), st.integers(64, 1400))
def test_any_frame_survives_a_round_trip(data: bytes, mtu: int) -> None:
    payloads = Vp8Packetizer(mtu).packetize(data)
    assert max(map(len, payloads)) <= mtu
    depacketizer = Vp8Depacketizer()
    for payload in payloads:
        depacketizer.push(payload)
    assert depacketizer.whole
    assert depacketizer.take() == (data, data[0] & 1 == 0)
    assert depacketizer.empty


def test_picture_ids_grow_by_one_per_frame_and_wrap() -> None:
    packetizer = Vp8Packetizer(picture_id=0x7FFF)
    first, second = packetizer.packetize(b"\x00a"), packetizer.packetize(b"\x01b")
    assert first == (b"\x90\x80\xff\xff\x00a",)
    assert second == (b"\x90\x80\x80\x00\x01b",)
    assert packetizer.packetize(b"") == ()


@pytest.mark.parametrize(
    ("descriptor", "size"),
    [
        ("10", 1),
        ("9080" + "11", 3),
        ("9080" + "8111", 4),
        ("90f0" + "8111" + "05" + "20", 6),
        ("9020" + "20", 3),
        ("9000", 2),
    ],
)
def test_descriptors_of_all_shapes_are_read(descriptor: str, size: int) -> None:
    assert descriptor_size(bytes.fromhex(descriptor) + b"xy") == size


@pytest.mark.parametrize("payload", ["", "10", "90", "9080", "908081", "90800111"[:6], "90f0811105"])
def test_payloads_without_data_are_refused(payload: str) -> None:
    with pytest.raises(PayloadError):
        Vp8Depacketizer().push(bytes.fromhex(payload))


def test_a_frame_without_its_beginning_is_damaged() -> None:
    _, second = Vp8Packetizer(64).packetize(bytes(100))
    depacketizer = Vp8Depacketizer()
    depacketizer.push(second)
    assert not depacketizer.whole
    assert not depacketizer.keyframe


def test_an_endless_frame_is_refused() -> None:
    depacketizer = Vp8Depacketizer()
    with pytest.raises(PayloadError):
        for _ in range(MAX_FRAME // 1000 + 2):
            depacketizer.push(b"\x10" + bytes(1000))
