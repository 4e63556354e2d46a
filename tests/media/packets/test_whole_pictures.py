"""Packets of a picture wait for the rest of it, so that they go out together; never for long, and not in vain twice."""

from __future__ import annotations

import contextlib
import struct
import threading
from collections.abc import Iterator

import pytest

from mcu.media.packets import MediaPort
from tests.media.packets.test_media_port import DELTA_VP8, KEY_VP8, Client, Port, forwarded, rtp

LONG, SHORT, SOME = 9.0, 0.003, 0.05
NOW = 100.0
STAMP = 3


def port_with(patience: float) -> Iterator[Port]:
    port = Port()
    port.media = MediaPort(port.udp.fileno(), patience)
    yield port
    for client in port.clients:
        client.udp.close()
    port.udp.close()


@pytest.fixture
def patient() -> Iterator[Port]:
    yield from port_with(LONG)


@pytest.fixture
def brief() -> Iterator[Port]:
    yield from port_with(SHORT)


@pytest.fixture
def some() -> Iterator[Port]:
    yield from port_with(SOME)


def part(sequence: int, *, first: bool = False, last: bool = False, key: bool = False) -> bytes:
    """A packet of a VP8 picture (RFC 7741)."""
    descriptor = bytes([0x10 if first else 0x00, KEY_VP8 if key else DELTA_VP8])
    return rtp(sequence, 0, 1, descriptor + b"picture", marker=last)


def pair(port: Port) -> tuple[Client, Client]:
    sender, receiver = port.client(1), port.client(3)
    forwarded(port, sender, receiver)
    port.media.stamp(receiver.id, 500, STAMP)
    sender.send([part(0, first=True, last=True, key=True)])
    port.media.receive(NOW)
    receiver.got(1)
    return sender, receiver


def left_at(packet: bytes) -> float:
    """When it went out, by its header extension abs-send-time."""
    (word,) = struct.unpack_from("!I", packet, 16)
    return float((word & 0xFFFFFF) / (1 << 18))


def test_the_rest_of_a_picture_is_waited_for(patient: Port) -> None:
    sender, receiver = pair(patient)
    sender.send([part(1, first=True)])
    rest = threading.Timer(0.01, sender.send, [[part(2), part(3, last=True)]])
    rest.start()

    patient.media.receive(NOW)

    rest.join()
    packets = receiver.got(3)
    assert [packet[3] for packet in packets] == [0xE9, 0xEA, 0xEB]  # 1000 was the first
    assert len({left_at(packet) for packet in packets}) == 1, "they leave together"
    assert left_at(packets[0]) > NOW % 64, "and that is told, not when the first came"


def test_a_whole_picture_waits_for_nothing(patient: Port) -> None:
    sender, receiver = pair(patient)
    sender.send([part(1, first=True), part(2, last=True)])

    patient.media.receive(NOW)

    assert [left_at(packet) for packet in receiver.got(2)] == [NOW % 64] * 2


def test_a_lost_packet_does_not_make_a_picture_wait(patient: Port) -> None:
    sender, receiver = pair(patient)
    sender.send([part(1, first=True), part(3, last=True)])

    patient.media.receive(NOW)

    assert [left_at(packet) for packet in receiver.got(2)] == [NOW % 64] * 2


def test_a_picture_that_a_network_spreads_is_waited_for_once(brief: Port) -> None:
    sender, receiver = pair(brief)
    waited = []
    for sequence in range(1, 5):
        sender.send([part(sequence, first=sequence in (1, 4), last=sequence == 3)])
        brief.media.receive(NOW)
        waited.append(left_at(receiver.got(1)[0]) > NOW % 64)
    assert waited == [True, False, False, True], "the next picture is another matter"


def test_many_pictures_that_are_spread_take_no_more_than_a_share_of_the_time(some: Port) -> None:
    sender, receiver = pair(some)

    def waited(picture: int, now: float) -> bool:
        sender.send([part(2 * picture + 1, first=True)])
        some.media.receive(now)
        sender.send([part(2 * picture + 2, last=True)])
        some.media.receive(now)
        return left_at(receiver.got(2)[0]) > now % 64

    spread = [waited(picture, NOW) for picture in range(30)]
    assert spread[0]
    assert not any(spread[20:]), "what was saved up is used"
    assert waited(30, NOW + 1.0), "time has gone by"


def test_a_picture_without_an_end_goes_on_when_the_patience_is_over() -> None:
    """Packets that come closer together than would end the wait: a batch of them would take ten seconds."""
    with contextlib.contextmanager(port_with)(0.6) as port:
        sender, receiver = pair(port)
        over = threading.Event()

        def trickle() -> None:
            for sequence in range(2, 200):
                if over.wait(0.15):
                    break
                sender.send([part(sequence)])

        sending = threading.Thread(target=trickle)
        sender.send([part(1, first=True)])
        sending.start()
        port.media.receive(NOW)
        over.set()
        sending.join()
        assert 0 < left_at(receiver.got(1)[0]) - NOW % 64 < 5.0


def test_sound_waits_for_nothing(patient: Port) -> None:
    sender, receiver = patient.client(1), patient.client(3)
    patient.media.open_source(sender.id, 1, "opus", 48_000, deliver=False)
    patient.media.is_sound(sender.id, 1, 96, 0)
    patient.media.open_outlet(receiver.id, 500, 100, 1000)
    patient.media.route(receiver.id, 500, (sender.id, 1))
    patient.media.stamp(receiver.id, 500, STAMP)
    sender.send([rtp(1, payload=b"frame")])

    patient.media.receive(NOW)

    assert left_at(receiver.got(1)[0]) == NOW % 64


def test_many_receivers_get_a_picture_in_order_each(patient: Port) -> None:
    """More packets than are sent at once."""
    sender = patient.client(1)
    patient.media.open_source(sender.id, 1, "VP8", 90_000, deliver=False)
    receivers = [patient.client(3 + 2 * number) for number in range(12)]
    for receiver in receivers:
        patient.media.open_outlet(receiver.id, 500, 100, 1000)
        patient.media.route(receiver.id, 500, (sender.id, 1))
    sender.send([part(0, first=True, key=True), *map(part, range(1, 9)), part(9, last=True)])

    patient.media.receive(NOW)

    for receiver in receivers:
        assert [packet[3] for packet in receiver.got(10)] == [*range(0xE8, 0xF2)]


@pytest.mark.parametrize("patience", [-1.0, 11.0, float("nan"), float("inf")])
def test_patience_has_bounds(patience: float) -> None:
    port = Port()
    with port.udp, pytest.raises(ValueError, match="patience"):
        MediaPort(port.udp.fileno(), patience)
