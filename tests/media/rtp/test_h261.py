"""H.261 payloads (RFC 4587): cut before groups of blocks at any bit, put together again."""

from __future__ import annotations

import pytest

from mcu.media.rtp.errors import PayloadError
from mcu.media.rtp.h261 import H261Depacketizer, H261Packetizer, has_start, is_key_frame
from tests.media.rtp.old_pictures import coded_pictures

PICTURES = coded_pictures("H261")
GROUP_START = "0000000000000001"


@pytest.mark.parametrize("mtu", [200, 600, 1200, 100_000])
def test_pictures_survive_the_trip(mtu: int) -> None:
    packetizer, depacketizer = H261Packetizer(mtu), H261Depacketizer()
    for number, picture in enumerate(PICTURES):
        payloads = packetizer.packetize(picture)
        assert all(len(payload) <= mtu for payload in payloads)
        for payload in payloads:
            depacketizer.push(payload)
        assert depacketizer.clean_start and depacketizer.whole and depacketizer.keyframe == (number == 0)
        assert depacketizer.take() == (picture, number == 0)
        assert depacketizer.empty


def test_each_packet_begins_with_a_group_of_blocks() -> None:
    payloads = H261Packetizer(1200).packetize(PICTURES[0])
    assert len(payloads) > 2
    for payload in payloads:
        skipped = payload[0] >> 5
        assert f"{int.from_bytes(payload[4:12]):064b}"[skipped:].startswith(GROUP_START)


def test_a_picture_whose_beginning_is_lost_is_damaged() -> None:
    depacketizer = H261Depacketizer()
    depacketizer.push(H261Packetizer(600).packetize(PICTURES[0])[1])
    assert not depacketizer.clean_start and not depacketizer.whole


@pytest.mark.parametrize("payload", [b"", bytes(4), b"\xff\0\0\0\x01"])
def test_what_is_cut_off_is_refused(payload: bytes) -> None:
    depacketizer = H261Depacketizer()
    with pytest.raises(PayloadError):
        depacketizer.push(payload)
    assert depacketizer.damaged and not depacketizer.empty


def test_a_key_frame_is_one_that_ends_a_freeze() -> None:
    assert has_start(PICTURES[0]) and is_key_frame(PICTURES[0]) and not is_key_frame(PICTURES[1])
    assert not is_key_frame(b"\x00\x01") and not is_key_frame(b"")
