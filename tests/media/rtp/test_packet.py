"""RTP packets: what is read is what was written, and what cannot be read is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.media.rtp.packet import (
    RtpError,
    RtpPacket,
    abs_send_time,
    is_rtcp,
    pack_extensions,
    parse_header,
    read_extension,
)

packets = st.builds(
    RtpPacket,
    payload_type=st.integers(0, 127),
    sequence=st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 0xFFFFFFFF),
    ssrc=st.integers(0, 0xFFFFFFFF),
    payload=st.binary(max_size=50),
    marker=st.booleans(),
    csrc=st.lists(st.integers(0, 0xFFFFFFFF), max_size=15).map(tuple),
    extensions=st.dictionaries(st.integers(1, 14), st.binary(min_size=1, max_size=16), max_size=4),
    padding=st.integers(0, 255),
)


@given(packets)
def test_packets_survive_a_round_trip(packet: RtpPacket) -> None:
    assert RtpPacket.parse(packet.serialise()) == packet


@given(packets, st.integers(1, 14))
def test_one_extension_is_read_without_the_rest_of_the_packet(packet: RtpPacket, number: int) -> None:
    assert read_extension(packet.serialise(), number) == packet.extensions.get(number)


def test_a_plain_packet_is_laid_out_as_rfc_3550_says() -> None:
    data = RtpPacket(96, 0x1234, 0x01020304, 0x0A0B0C0D, b"hi", marker=True).serialise()
    assert data.hex() == "80e01234010203040a0b0c0d6869"
    assert parse_header(data) == (True, 96, 0x1234, 0x01020304, 0x0A0B0C0D, 12, 14)


def test_two_byte_extensions_are_read() -> None:
    data = bytes.fromhex("906f00010000000200000003" + "10000002" + "0304aabbccdd0500") + b"p"
    packet = RtpPacket.parse(data)
    assert packet.extensions == {3: b"\xaa\xbb\xcc\xdd", 5: b""}
    assert packet.payload == b"p"


def test_extensions_of_unknown_profiles_are_passed_over() -> None:
    packet = RtpPacket.parse(bytes.fromhex("906f00010000000200000003" + "abcd0001" + "11223344") + b"p")
    assert (packet.extensions, packet.payload) == ({}, b"p")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80" * 11,
        bytes.fromhex("40600001000000020000000300"),  # version 1
        bytes.fromhex("8f6000010000000200000003"),  # 15 CSRCs announced, none there
        bytes.fromhex("906000010000000200000003bede"),  # extension header cut off
        bytes.fromhex("906000010000000200000003bede0002ffffffff"),  # extension cut off
        bytes.fromhex("a06000010000000200000003"),  # padding flag, nothing there
        bytes.fromhex("a0600001000000020000000300"),  # padding of 0
        bytes.fromhex("a0600001000000020000000309"),  # padding of 9 in 1
    ],
)
def test_malformed_packets_are_refused(data: bytes) -> None:
    with pytest.raises(RtpError):
        RtpPacket.parse(data)


def test_values_that_do_not_fit_are_refused() -> None:
    for packet in (
        RtpPacket(96, 0x10000, 0, 0),
        RtpPacket(96, 0, 0, 0, csrc=(1,) * 16),
        RtpPacket(96, 0, 0, 0, extensions={15: b"x"}),
        RtpPacket(96, 0, 0, 0, extensions={1: b""}),
    ):
        with pytest.raises(RtpError):
            packet.serialise()


def test_rtcp_is_told_from_rtp() -> None:
    assert is_rtcp(bytes([0x80, 200, 0, 0]))
    assert is_rtcp(bytes([0x81, 206, 0, 2]))
    assert not is_rtcp(bytes([0x80, 0x80 | 96, 0, 0]))
    assert not is_rtcp(b"\x80")


def test_send_time_is_in_18_bits_of_fraction_and_wraps_after_64_seconds() -> None:
    assert abs_send_time(1.5) == b"\x06\x00\x00"
    assert abs_send_time(65.5) == abs_send_time(1.5)
    assert pack_extensions([(3, b"\x06\x00\x00")]).hex() == "bede000132060000"
