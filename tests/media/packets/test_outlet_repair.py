"""Repair packets of what is forwarded: of each receiver's own packets, as many as are wanted, under their own SSRC."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator

import pytest

from mcu.media.packets import FecReceiver
from tests.media.packets.fec_reference import Sender
from tests.media.packets.test_media_port import Client, Port, forwarded, rtp, vp8
from tests.media.packets.twcc_reference import number_of

TWCC = 5
OUTLET, REPAIR, FEC_TYPE = 500, 700, 118
WINDOW, CHUNK = 16, 8


@pytest.fixture
def port() -> Iterator[Port]:
    port = Port()
    yield port
    for client in port.clients:
        client.udp.close()
    port.udp.close()


def ends(port: Port, share: float, counted: bool = False) -> tuple[Client, Client]:
    sender, receiver = port.client(1), port.client(3)
    if counted:
        port.media.count_packets(receiver.id, TWCC, 0)
    forwarded(port, sender, receiver, rtx=True)
    port.media.protect_outlet(receiver.id, OUTLET, REPAIR, FEC_TYPE, [TWCC] if counted else [])
    port.media.set_repair_share(receiver.id, OUTLET, share)
    return sender, receiver


def picture(first: int, count: int, rng: random.Random, key: bool = False) -> list[bytes]:
    """One picture in so many packets; the last has the marker."""
    packets = [vp8(first, first, key=key, timestamp=first * 3000)]
    for place in range(1, count):
        body = bytes((0x80, 0x80)) + struct.pack("!H", 0x8000 | first) + rng.randbytes(rng.randrange(1, 1100))
        packets.append(rtp(first + place, first * 3000, payload=body))
    last = bytearray(packets[-1])
    last[1] |= 0x80
    return [*packets[:-1], bytes(last)]


def is_repair(packet: bytes) -> bool:
    return int.from_bytes(packet[8:12]) == REPAIR


@pytest.mark.parametrize("share", [0.125, 0.5, 1.0])
def test_repair_packets_are_those_of_the_reference(port: Port, share: float) -> None:
    rng = random.Random(3)
    sender, receiver = ends(port, share)
    reference, credit, first, sequence = Sender("flexfec-03", REPAIR), 0.0, 1, 1000
    for number in range(12):
        count = rng.choice((1, 2, 5, 20))
        sender.send(picture(first, count, rng, key=number == 0))
        port.receive()
        first += count
        expected = [(start, min(CHUNK, count - start)) for start in range(0, count, CHUNK)]
        for _, size in expected:
            own = receiver.got(size)
            assert not any(map(is_repair, own))
            credit += share * size
            payloads = reference.protect(own, int(credit), WINDOW)
            credit -= int(credit)
            repairs = receiver.got(len(payloads))
            assert [packet[12:] for packet in repairs] == payloads
            for packet in repairs:
                assert packet[:12] == struct.pack("!BBH", 0x80, FEC_TYPE, sequence) + own[-1][4:8] + struct.pack(
                    "!I", REPAIR
                )
                sequence += 1
    assert receiver.got_nothing() and sequence > 1000
    packets, octets = port.media.repair_statistics(receiver.id, OUTLET)
    assert packets == sequence - 1000 and octets > packets


def test_what_the_receiver_lost_comes_back_with_its_numbers(port: Port) -> None:
    """Also where each packet is counted on the way, which changes it behind what protects it."""
    rng = random.Random(4)
    sender, receiver = ends(port, 0.5, counted=True)
    receiving = FecReceiver("flexfec-03", (TWCC,))
    first, lost, found = 1, dict[int, bytes](), dict[int, bytes]()
    for number in range(30):
        sender.send(picture(first, 4, rng, key=number == 0))
        port.receive()
        first += 4
        for packet in receiver.got(6):
            sequence = struct.unpack_from("!H", packet, 2)[0]
            mended = []
            if is_repair(packet):
                end = 12 + 4 + 4 * struct.unpack_from("!H", packet, 14)[0]  # it is counted as well
                assert packet[0] & 0x10 and number_of(packet, TWCC)
                mended = receiving.repair(packet[end:])
            elif number > 3 and rng.random() < 0.1:
                lost[sequence] = packet
            else:
                mended = receiving.received(packet)
            found.update({struct.unpack_from("!H", one, 2)[0]: one for one in mended})
    assert len(lost) > 5 and len(found) >= 0.9 * len(lost)
    for sequence, packet in found.items():
        counted = struct.pack("!H", number_of(lost[sequence], TWCC) or 0)
        assert packet == lost[sequence].replace(counted, b"\0\0", 1)


def test_none_go_out_before_they_are_wanted_and_after(port: Port) -> None:
    sender, receiver = ends(port, 0.0)
    sender.send([*picture(1, 1, random.Random(1), key=True), *picture(2, 1, random.Random(1))])
    port.receive()
    receiver.got(2)
    port.media.set_repair_share(receiver.id, OUTLET, 1.0)
    sender.send(picture(3, 1, random.Random(1)))
    port.receive()
    assert [is_repair(packet) for packet in receiver.got(2)] == [False, True]
    port.media.set_repair_share(receiver.id, OUTLET, 0.0)
    sender.send(picture(4, 1, random.Random(1)))
    port.receive()
    receiver.got(1)
    assert receiver.got_nothing() and port.media.repair_statistics(receiver.id, OUTLET)[0] == 1


def test_an_outlet_that_is_opened_anew_goes_on_with_its_repair_numbers(port: Port) -> None:
    sender, receiver = ends(port, 1.0)
    sender.send(picture(1, 1, random.Random(1), key=True))
    port.receive()
    assert struct.unpack_from("!H", receiver.got(2)[1], 2)[0] == 1000
    port.media.close_outlet(receiver.id, OUTLET)
    port.media.open_outlet(receiver.id, OUTLET, 100, 7)
    port.media.protect_outlet(receiver.id, OUTLET, REPAIR, FEC_TYPE, [])
    port.media.set_repair_share(receiver.id, OUTLET, 1.0)
    port.media.route(receiver.id, OUTLET, (sender.id, 1))
    sender.send(picture(2, 1, random.Random(1), key=True))
    port.receive()
    assert [struct.unpack_from("!H", packet, 2)[0] for packet in receiver.got(2)] == [1001, 1001]


def test_packets_too_long_to_be_repaired_go_without(port: Port) -> None:
    sender, receiver = ends(port, 1.0)
    sender.send([vp8(1, 1, key=True)[:1] + bytes([96 | 0x80]) + vp8(1, 1, key=True)[2:] + bytes(1470)])
    port.receive()
    assert len(receiver.got(1)[0]) > 1470 and receiver.got_nothing()


def test_nonsense_is_refused(port: Port) -> None:
    sender, receiver = ends(port, 0.5)
    media = port.media
    with pytest.raises(ValueError, match="is protected"):
        media.protect_outlet(receiver.id, OUTLET, 701, FEC_TYPE, [])
    with pytest.raises(KeyError):
        media.protect_outlet(receiver.id, 9, 701, FEC_TYPE, [])
    with pytest.raises(KeyError):
        media.repair_statistics(sender.id, OUTLET)
    for share in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="share"):
            media.set_repair_share(receiver.id, OUTLET, share)
    media.open_outlet(receiver.id, 501, 100, 1)
    with pytest.raises(ValueError, match="below 128"):
        media.protect_outlet(receiver.id, 501, 701, 128, [])
    with pytest.raises(ValueError, match="header extensions"):
        media.protect_outlet(receiver.id, 501, 701, FEC_TYPE, [0])
    media.set_repair_share(receiver.id, 501, 1.0)  # nothing was agreed: nothing happens
    assert media.repair_statistics(receiver.id, 501) == (0, 0)
