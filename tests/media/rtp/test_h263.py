"""H.263 payloads by RFC 4629 and RFC 2190: cut before groups, put together again, and broken ones refused."""

from __future__ import annotations

import pytest

from mcu.media.rtp.errors import PayloadError
from mcu.media.rtp.h263 import (
    H263Depacketizer,
    H263Packetizer,
    H263PlusPacketizer,
    has_start,
    is_key_frame,
)
from tests.media.rtp.old_pictures import coded_pictures

INTRA_CIF = bytes.fromhex("000080020c071ee155")
PICTURES = coded_pictures("H263")


@pytest.mark.parametrize("plus", [False, True])
@pytest.mark.parametrize("mtu", [200, 600, 1200, 100_000])
def test_pictures_survive_the_trip(plus: bool, mtu: int) -> None:
    packetizer = H263PlusPacketizer(mtu) if plus else H263Packetizer(mtu)
    depacketizer = H263Depacketizer(plus)
    for number, picture in enumerate(PICTURES):
        payloads = packetizer.packetize(picture)
        assert all(len(payload) <= mtu for payload in payloads)
        for payload in payloads:
            depacketizer.push(payload)
        assert depacketizer.clean_start and depacketizer.whole and depacketizer.keyframe == (number == 0)
        assert depacketizer.take() == (picture, number == 0)
        assert depacketizer.empty


def test_packets_begin_with_groups_where_those_fit() -> None:
    payloads = H263PlusPacketizer(1200).packetize(PICTURES[0])
    assert len(payloads) > 2 and all(payload[0] == 0x04 for payload in payloads)
    old = H263Packetizer(1200).packetize(PICTURES[0])
    assert all(payload[4:6] == b"\0\0" and payload[6] & 0x80 for payload in old)
    assert all(payload[1] >> 5 == 3 and not payload[1] & 0x10 for payload in old)  # CIF, INTRA


def test_a_picture_whose_beginning_is_lost_is_damaged() -> None:
    depacketizer = H263Depacketizer(plus=True)
    depacketizer.push(H263PlusPacketizer(600).packetize(PICTURES[0])[1])
    assert not depacketizer.clean_start and not depacketizer.whole and not depacketizer.keyframe


@pytest.mark.parametrize("shift", range(1, 8))
def test_old_payloads_may_meet_between_bits(shift: int) -> None:
    picture = INTRA_CIF + bytes(range(20))
    depacketizer = H263Depacketizer(plus=False)
    depacketizer.push(bytes((8 - shift, 0, 0, 0)) + picture[:10] + bytes((picture[10] | 0xFF >> shift,)))
    depacketizer.push(
        bytes((0x80 | shift << 3, *bytes(7))) + bytes((picture[10] | 0xFF << 8 - shift & 0xFF,)) + picture[11:]
    )
    assert depacketizer.take() == (picture, True)


def test_redundant_headers_and_video_redundancy_are_left_out() -> None:
    depacketizer = H263Depacketizer(plus=True)
    depacketizer.push(bytes((0x04, 0x00)) + INTRA_CIF[2:])
    depacketizer.push(bytes((0x02, 3 << 3)) + b"V" + b"abc" + b"data")
    assert depacketizer.take() == (INTRA_CIF + b"data", True)


@pytest.mark.parametrize(
    ("plus", "payload"),
    [
        (True, b""), (True, b"\x04"), (True, b"\x04\x00"), (True, b"\x00\x50abc"), (False, b""), (False, bytes(4)),
        (False, b"\x80" + bytes(7)), (False, b"\xc0" + bytes(11)), (False, b"\x24\0\0\0\xff"),
    ],
)  # fmt: skip
def test_what_is_cut_off_is_refused(plus: bool, payload: bytes) -> None:
    depacketizer = H263Depacketizer(plus)
    with pytest.raises(PayloadError):
        depacketizer.push(payload)
    assert depacketizer.damaged and not depacketizer.whole and not depacketizer.empty


def test_parts_that_do_not_meet_are_refused() -> None:
    depacketizer = H263Depacketizer(plus=False)
    depacketizer.push(bytes((3, 0, 0, 0)) + INTRA_CIF)
    with pytest.raises(PayloadError, match="do not meet"):
        depacketizer.push(bytes((2 << 3, 0, 0, 0)) + b"abc")


def test_picture_types_are_told_in_both_forms_of_the_header() -> None:
    assert has_start(INTRA_CIF) and is_key_frame(INTRA_CIF)
    inter = bytes((*INTRA_CIF[:4], INTRA_CIF[4] | 0x02, *INTRA_CIF[5:]))
    assert not is_key_frame(inter)
    plus = int("0" * 16 + "100000" + "00000000" + "10" + "000" + "111" + "001" + "0" * 18, 2)
    for kind, expected in ((0, True), (1, False)):
        bits = plus << 3 | kind
        assert is_key_frame((bits << 96 - 62).to_bytes(12)) is expected
    assert not is_key_frame(b"\0\0\x80") and not is_key_frame(b"")
