"""Sound that is forwarded carries earlier frames as its receiver's losses ask for, whatever its sender sends along."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.media.packets import pack_red
from tests.media.packets.test_carried_codecs import OPUS, RED, ends, sound
from tests.media.packets.test_media_port import Client, Port

FRAME = 960
OURS, OUR_RED = 100, 101


@pytest.fixture
def port() -> Iterator[Port]:
    port = Port()
    yield port
    close(port)


def close(port: Port) -> None:
    for client in port.clients:
        client.udp.close()
    port.udp.close()


def frame(number: int) -> bytes:
    return b"%d" % number * (1 + number % 3)


def as_browsers_do(number: int) -> bytes:
    """A packet with the frame before."""
    return sound(number, pack_red([(OPUS, FRAME, frame(number - 1)), (OPUS, 0, frame(number))]), RED)


def agreed(port: Port, ages: bytes) -> tuple[Client, Client]:
    sender, receiver = ends(port)
    port.media.carry(receiver.id, 500, "opus", OURS, 0, OUR_RED)
    port.media.repeat_sound(receiver.id, 500, ages)
    return sender, receiver


def expected(number: int, ages: bytes, known: set[int]) -> tuple[int, bytes]:
    """The reference: what goes out of a packet when these frames have come; nothing before a gap."""
    blocks: list[tuple[int, int, bytes]] = []
    for age in ages:
        if number - age in known:
            blocks.append((OURS, age * FRAME, frame(number - age)))
        else:
            blocks.clear()
    if not blocks:
        return OURS, frame(number)
    return OUR_RED, pack_red([*blocks, (OURS, 0, frame(number))])


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([b"\1", b"\3\1", b"\5\3\1"]),
    st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=25),
)
def test_what_goes_along_is_what_has_come(ages: bytes, stream: list[tuple[bool, bool]]) -> None:
    """Each packet may be lost on the way from its sender, and may have the frame before with it."""
    port = Port()
    try:
        sender, receiver = agreed(port, ages)
        came: set[int] = set()
        for number, (lost, redundant) in enumerate(stream, start=10):
            if lost:
                continue
            sender.send([as_browsers_do(number) if redundant else sound(number, frame(number))])
            port.receive()
            (packet,) = receiver.got(1)
            known = came | ({number - 1} if redundant else set())
            assert (packet[1] & 0x7F, packet[12:]) == expected(number, ages, known)
            came.add(number)
    finally:
        close(port)


def test_without_losses_what_the_sender_sends_along_goes_along(port: Port) -> None:
    sender, receiver = agreed(port, b"\1")
    port.media.repeat_sound(receiver.id, 500, b"")
    sender.send([as_browsers_do(7), sound(8, frame(8))])
    port.receive()
    first, second = receiver.got(2)
    assert first[1] == OUR_RED and first[12:] == pack_red([(OURS, FRAME, frame(6)), (OURS, 0, frame(7))])
    assert second[1] == OURS and second[12:] == frame(8)


def test_who_has_not_agreed_gets_the_newest_frame_alone(port: Port) -> None:
    sender, receiver = ends(port)
    port.media.repeat_sound(receiver.id, 500, b"\3\1")
    sender.send([sound(7, frame(7)), as_browsers_do(8)])
    port.receive()
    assert [packet[12:] for packet in receiver.got(2)] == [frame(7), frame(8)]


def test_nothing_goes_along_that_was_before_the_voice_was_heard_here(port: Port) -> None:
    """Its timestamps would be those of the voice before."""
    sender, receiver = agreed(port, b"\3\1")
    port.media.open_source(sender.id, 2, "opus", 48_000, deliver=False)
    port.media.is_sound(sender.id, 2, OPUS, RED)
    other = port.client(7)
    port.media.open_outlet(other.id, 501, OURS, 1)
    port.media.route(other.id, 501, (sender.id, 2))
    sender.send([sound(number, frame(number)) for number in (1, 2)])
    sender.send([sound(number, frame(number), ssrc=2) for number in (1, 2, 3)])
    port.receive()
    assert len(receiver.got(2)) == 2 and len(other.got(3)) == 3
    port.media.route(receiver.id, 500, (sender.id, 2))
    sender.send([sound(number, frame(number), ssrc=2) for number in (4, 5)])
    port.receive()
    first, second = receiver.got(2)
    assert first[1] & 0x7F == OURS and first[12:] == frame(4)
    assert second[12:] == pack_red([(OURS, FRAME, frame(4)), (OURS, 0, frame(5))])


def test_frames_too_large_or_too_old_stay_behind(port: Port) -> None:
    sender, receiver = agreed(port, b"\1")
    large = bytes(1100)
    sender.send([sound(1, large), sound(2, b"next"), struct.pack("!BBHII", 0x80, OPUS, 3, 100_000, 1) + b"late"])
    port.receive()
    assert [packet[12:] for packet in receiver.got(3)] == [large, b"next", b"late"]
    port.media.repeat_sound(receiver.id, 500, b"\2\1")
    sender.send([sound(200 + number, bytes(700)) for number in range(3)])
    port.receive()
    sizes = [len(packet) for packet in receiver.got(3)]
    assert sizes[1] == 12 + 5 + 1400 and sizes[2] == sizes[1]  # of three only two fit


def test_nonsense_is_refused(port: Port) -> None:
    _, receiver = agreed(port, b"\1")
    for ages in (b"\1\3", b"\1\1", b"\0", b"\7\5\3\1"):
        with pytest.raises(ValueError, match="the oldest first"):
            port.media.repeat_sound(receiver.id, 500, ages)
    with pytest.raises(KeyError):
        port.media.repeat_sound(receiver.id, 9, b"\1")
