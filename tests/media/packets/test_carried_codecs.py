"""What a receiver agreed to, on packets that are forwarded: payload types by codec, and sound with earlier frames."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.media.packets.test_media_port import Client, Port, rtp, vp8

OPUS, RED = 111, 63
SPS = bytes.fromhex("6742c01f8c8d40501ed00f08846a")


@pytest.fixture
def port() -> Iterator[Port]:
    port = Port()
    yield port
    for client in port.clients:
        client.udp.close()
    port.udp.close()


def sound(sequence: int, payload: bytes, payload_type: int = OPUS, ssrc: int = 1) -> bytes:
    return struct.pack("!BBHII", 0x80, payload_type, sequence, sequence * 960, ssrc) + payload


def red(blocks: list[bytes], newest: bytes, payload_type: int = OPUS) -> bytes:
    """RFC 2198 section 3."""
    heads = [struct.pack("!BHB", 0x80 | payload_type, 960 << 2 | len(one) >> 8, len(one) & 0xFF) for one in blocks]
    return b"".join(heads) + bytes([payload_type]) + b"".join(blocks) + newest


def ends(port: Port) -> tuple[Client, Client]:
    """One who sends sound under SSRC 1, and one who gets it under 500 as payload type 100, with 101 for RED."""
    sender, receiver = port.client(1), port.client(3)
    port.media.open_source(sender.id, 1, "opus", 48_000, deliver=True)
    port.media.is_sound(sender.id, 1, OPUS, RED)
    port.media.open_outlet(receiver.id, 500, 100, 1000)
    port.media.route(receiver.id, 500, (sender.id, 1))
    return sender, receiver


def test_an_outlet_goes_over_between_codecs_under_its_payload_types(port: Port) -> None:
    sender, receiver = port.client(1), port.client(3)
    port.media.open_source(sender.id, 1, "VP8", 90_000, deliver=False)
    port.media.open_source(sender.id, 2, "H264", 90_000, deliver=False)
    port.media.open_outlet(receiver.id, 500, 100, 1000, 501, 101)
    port.media.carry(receiver.id, 500, "H264", 102, 103, 0)
    port.media.route(receiver.id, 500, (sender.id, 1))
    sender.send([vp8(1, 7, key=True)])
    port.receive()
    port.media.route(receiver.id, 500, (sender.id, 2))
    for packet in (
        rtp(9, ssrc=2, payload=b"\x41delta"), vp8(2, 8), rtp(10, ssrc=2, payload=b"\x65\x88key"), vp8(3, 9)
    ):  # fmt: skip
        sender.send([packet])
        port.receive()
    got = receiver.got(3)
    assert [packet[1] for packet in got] == [100, 100, 102]
    assert [struct.unpack_from("!H", packet, 2)[0] for packet in got] == [1000, 1001, 1002]
    assert port.media.resend(receiver.id, 500, [1002]) == 1
    (again,) = receiver.got(1)
    assert again[1] == 103 and again[12:] == struct.pack("!H", 1002) + b"\x65\x88key"
    with pytest.raises(ValueError, match="not forwarded"):
        port.media.carry(receiver.id, 500, "PCMA", 8, 0, 0)
    with pytest.raises(ValueError, match="below 128"):
        port.media.carry(receiver.id, 500, "VP8", 200, 0, 0)
    with pytest.raises(KeyError):
        port.media.carry(receiver.id, 7, "VP8", 96, 0, 0)


def test_sound_with_earlier_frames_goes_out_under_the_receivers_numbers(port: Port) -> None:
    sender, receiver = ends(port)
    port.media.carry(receiver.id, 500, "opus", 100, 0, 101)
    sender.send([sound(1, b"first"), sound(2, red([b"first"], b"second"), RED)])
    assert len(port.receive()) == 2  # the mix has it as well
    plain, redundant = receiver.got(2)
    assert plain[1] == 100 and plain[12:] == b"first"
    assert redundant[1] == 101 and redundant[12:] == red([b"first"], b"second", 100)
    assert port.media.resend(receiver.id, 500, [1000]) == 0  # it would come too late


def test_who_knows_no_earlier_frames_gets_the_newest(port: Port) -> None:
    sender, receiver = ends(port)
    sender.send([sound(1, red([b"zero", b""], b"first"), RED), sound(2, b"", OPUS)])
    port.receive()
    got = receiver.got(2)
    assert [packet[1] for packet in got] == [100, 100]
    assert [packet[12:] for packet in got] == [b"first", b""]


def test_what_is_no_sound_is_not_forwarded(port: Port) -> None:
    sender, receiver = ends(port)
    digit, torn, other = sound(1, b"\1\0\0\0", 110), sound(2, red([b"x" * 9], b"y")[:-8], RED), sound(3, b"?", 0)
    mixed = sound(4, bytes([0x80 | OPUS, 0, 0, 1, 13]) + b"ab", RED)
    sender.send([digit, torn, other, mixed])
    port.receive()
    assert receiver.got_nothing()
    sender.send([sound(5, b"voice")])
    port.receive()
    assert receiver.got(1)[0][12:] == b"voice"


@given(st.binary(max_size=60))
def test_any_redundant_payload_is_forwarded_whole_or_not_at_all(payload: bytes) -> None:
    port = Port()
    try:
        sender, receiver = ends(port)
        port.media.carry(receiver.id, 500, "opus", 100, 0, 101)
        sender.send([sound(1, payload, RED), sound(2, b"end")])
        port.receive()
        written = _renumbered(payload)
        got = receiver.got(1 if written is None else 2)
        assert got[-1][12:] == b"end"
        assert written is None or got[0][12:] == written
    finally:
        for client in port.clients:
            client.udp.close()
        port.udp.close()


def _renumbered(payload: bytes) -> bytes | None:
    """The reference: a payload of Opus blocks alone under payload type 100."""
    made, at, earlier = bytearray(payload), 0, 0
    while at < len(payload) and payload[at] & 0x80:
        if at + 4 > len(payload) or payload[at] & 0x7F != OPUS:
            return None
        earlier += (payload[at + 2] & 3) << 8 | payload[at + 3]
        made[at] = 0x80 | 100
        at += 4
    if at >= len(payload) or payload[at] != OPUS or at + 1 + earlier > len(payload):
        return None
    made[at] = 100
    return bytes(made)


def test_key_frames_tell_the_size_of_the_picture(port: Port) -> None:
    sender = port.client(1)
    port.media.open_source(sender.id, 1, "VP8", 90_000, deliver=False)
    port.media.open_source(sender.id, 2, "H264", 90_000, deliver=False)
    assert port.media.picture_head(sender.id, 1) == b""
    frame = bytes([0x10, 2, 0, 0x9D, 1, 0x2A]) + struct.pack("<HH", 640, 360)
    aggregate = b"\x78" + b"".join(struct.pack("!H", len(unit)) + unit for unit in (SPS, b"\x68pps"))
    sender.send([rtp(1, payload=b"\x90\x80\x05" + frame + bytes(90)), rtp(1, ssrc=2, payload=aggregate)])
    sender.send([rtp(2, payload=b"\x90\x80\x06\x01delta"), rtp(2, ssrc=2, payload=b"\x65\x88IDR alone")])
    port.receive()
    assert port.media.picture_head(sender.id, 1)[:10] == frame
    assert port.media.picture_head(sender.id, 2) == SPS
