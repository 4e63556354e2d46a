"""Transport-wide numbers: everything to a peer is counted, what it tells of them is believed as far as it holds."""

from __future__ import annotations

import random
import select
import socket
import struct
import time
from collections.abc import Iterator

import pytest

from mcu.media.packets import PacketFate
from mcu.media.rtp.packet import pack_extensions
from mcu.media.transport.browser_port import SO_TIMESTAMPNS
from tests.media.packets.test_media_port import Client, Port, forwarded, rtp, vp8
from tests.media.packets.twcc_reference import TICK, Feedback, number_of

TWCC = 5


@pytest.fixture
def port() -> Iterator[Port]:
    port = Port()
    yield port
    for client in port.clients:
        client.udp.close()
    port.udp.close()


def extended(sequence: int, elements: dict[int, bytes], ssrc: int = 1) -> bytes:
    plain = rtp(sequence, ssrc=ssrc)
    return bytes([plain[0] | 0x10]) + plain[1:12] + pack_extensions(elements.items()) + plain[12:]


def counted_client(port: Port, first: int = 0) -> Client:
    client = port.client(1)
    port.media.count_packets(client.id, TWCC, first)
    return client


def test_all_that_goes_to_a_peer_has_one_row_of_numbers(port: Port) -> None:
    sender, receiver = port.client(1), port.client(3)
    port.media.count_packets(receiver.id, TWCC, 65534)
    forwarded(port, sender, receiver, rtx=True)
    assert port.media.send_rtp(receiver.id, [rtp(1, ssrc=7), rtp(1, ssrc=8)], 1.0) == []
    sender.send([vp8(1, 1, key=True), vp8(2, 2)])
    port.receive(2.0)
    assert port.media.resend(receiver.id, 500, [1000]) == 1
    got = receiver.got(5)
    assert [number_of(packet, TWCC) for packet in got] == [65534, 65535, 0, 1, 2]
    assert port.media.next_number(receiver.id) == 3
    assert got[0].endswith(b"?") and len(got[0]) == len(rtp(1)) + 8


@pytest.mark.parametrize(
    "elements",
    [
        {},
        {3: b"abc"},  # fills its word
        {3: b"ab"},  # leaves an octet
        {1: b"0", 3: b"\x01\x02\x03", 4: b"12345678"},
        {TWCC: b"\xff\xff"},  # a place for it
        {3: b"abc", TWCC: b"\xff\xff", 4: b"0"},
    ],
)
def test_a_number_joins_whatever_extensions_there_are(port: Port, elements: dict[int, bytes]) -> None:
    client = counted_client(port, 4711)
    port.media.send_rtp(client.id, [extended(1, elements) if elements else rtp(1)], 0.0)
    (packet,) = client.got(1)
    assert number_of(packet, TWCC) == 4711 and packet.endswith(b"?")
    for number, value in elements.items():
        if number != TWCC:
            assert value in packet
    assert (len(packet) - len(b"?")) % 4 == 0


def test_packets_that_cannot_carry_a_number_go_without(port: Port) -> None:
    client = counted_client(port)
    other = bytes([0x90]) + rtp(1)[1:12] + struct.pack("!HH", 0x1234, 1) + b"text?"
    port.media.send_rtp(client.id, [other], 0.0)
    assert client.got(1) == [other] and port.media.next_number(client.id) == 0


def test_streams_that_do_not_know_the_number_are_left_out(port: Port) -> None:
    sender, receiver = port.client(1), port.client(3)
    port.media.count_packets(receiver.id, TWCC, 0, [8, 500])
    forwarded(port, sender, receiver, rtx=False)
    port.media.send_rtp(receiver.id, [rtp(1, ssrc=8), rtp(1, ssrc=7)], 0.0)
    sender.send([vp8(1, 1, key=True)])
    port.receive()
    assert [number_of(packet, TWCC) for packet in receiver.got(3)] == [None, 0, None]
    assert port.media.resend(receiver.id, 500, [1000]) == 1  # the same to the octet
    with pytest.raises(ValueError, match="too many"):
        port.media.count_packets(receiver.id, TWCC, 0, range(33))


def test_a_counted_packet_is_never_sent_twice(port: Port) -> None:
    client = counted_client(port)
    port.media.send_rtp(client.id, [rtp(5), rtp(5), rtp(4), rtp(6)], 0.0)
    assert [packet[3] for packet in client.got(2)] == [5, 6] and client.got_nothing()


def test_an_outlet_without_rtx_repeats_nothing_that_was_counted(port: Port) -> None:
    sender, receiver = port.client(1), port.client(3)
    port.media.count_packets(receiver.id, TWCC, 0)
    forwarded(port, sender, receiver, rtx=False)
    sender.send([vp8(1, 1, key=True)])
    port.receive()
    assert port.media.resend(receiver.id, 500, [1000]) == 0


def test_feedback_tells_when_each_packet_came(port: Port) -> None:
    client = counted_client(port, 100)
    for index in range(6):
        port.media.send_rtp(client.id, [rtp(index)], 10 + index * 0.01)
    told = Feedback(9, 1, 100, 0, (4000, None, 4080, 4060, None, 14000)).serialise()
    found = port.media.take_feedback(client.id, told)
    assert found is not None
    assert [fate for _, _, _, fate in found] == [2, 1, 2, 2, 1, 2]
    assert [sent for sent, _, _, _ in found] == pytest.approx([10 + index * 0.01 for index in range(6)])
    assert found[0][2] == len(rtp(0)) + 8
    came = [arrival for _, arrival, _, fate in found if fate == PacketFate.CAME]
    assert came == pytest.approx([arrival * TICK for arrival in (4000, 4080, 4060, 14000)])
    assert port.media.take_feedback(client.id, told) == []  # nothing new in it


def test_what_was_lost_may_yet_come_and_lost_feedback_is_no_loss(port: Port) -> None:
    client = counted_client(port)
    port.media.send_rtp(client.id, [rtp(index) for index in range(8)], 1.0)
    fates = [
        [fate for _, _, _, fate in port.media.take_feedback(client.id, feedback.serialise()) or ()]
        for feedback in (
            Feedback(9, 1, 0, 0, (1000, None)),
            Feedback(9, 1, 1, 1, (1010,)),
            Feedback(9, 1, 5, 3, (1040, 1050)),
        )
    ]
    assert fates == [[PacketFate.CAME, PacketFate.LOST], [PacketFate.FOUND], [PacketFate.UNTOLD] * 3 + [2, 2]]


def test_the_reference_goes_round(port: Port) -> None:
    client = counted_client(port)
    port.media.send_rtp(client.id, [rtp(0), rtp(1)], 1.0)
    ticks = (1 << 24) * 256
    (one,) = port.media.take_feedback(client.id, Feedback(9, 1, 0, 0, (ticks - 300,)).serialise()) or ()
    (other,) = port.media.take_feedback(client.id, Feedback(9, 1, 1, 1, (ticks + 300,)).serialise()) or ()
    assert other[1] - one[1] == pytest.approx(600 * TICK)


def test_feedback_beside_other_reports_is_found(port: Port) -> None:
    client = counted_client(port)
    port.media.send_rtp(client.id, [rtp(0)], 1.0)
    report = struct.pack("!BBHI", 0x80, 201, 1, 9)
    compound = report + Feedback(9, 1, 0, 0, (1000,)).serialise() + report
    assert len(port.media.take_feedback(client.id, compound) or ()) == 1
    assert port.media.take_feedback(client.id, report) == []


@pytest.mark.parametrize(
    "damaged",
    [
        b"\x8f\xcd\x00",
        b"\x0f\xcd\x00\x00",
        struct.pack("!BBH", 0x8F, 205, 9) + bytes(8),  # shorter than it says
        struct.pack("!BBHIIHH4sH2x", 0x8F, 205, 5, 9, 1, 0, 0, bytes(4), 0x2001),  # of nothing
        struct.pack("!BBHIIHH4sHH", 0x8F, 205, 5, 9, 1, 0, 40000, bytes(4), 0x1FFF, 0),  # of too many
        struct.pack("!BBHIIHH4sHH", 0x8F, 205, 5, 9, 1, 0, 9, bytes(4), 0x2009, 0),  # without its times
        struct.pack("!BBHIIHH4sHH", 0x8F, 205, 5, 9, 1, 0, 1, bytes(4), 0x6001, 0),  # a status that is none
        struct.pack("!BBHIIHH4sHH", 0x8F, 205, 5, 9, 1, 0, 1, bytes(4), 0x0000, 0),  # a run of none
        struct.pack("!BBHIIHH4sHH", 0x8F, 205, 5, 9, 1, 0, 90, bytes(4), 0xC000, 0xC000),  # too few statuses
        struct.pack("!BBHIIHH4sHBB", 0xAF, 205, 5, 9, 1, 0, 1, bytes(4), 0x2001, 0, 25),  # padding beyond it
    ],
)
def test_malformed_feedback_is_not_taken(port: Port, damaged: bytes) -> None:
    client = counted_client(port)
    port.media.send_rtp(client.id, [rtp(0)], 1.0)
    assert port.media.take_feedback(client.id, damaged) is None
    assert len(port.media.take_feedback(client.id, Feedback(9, 1, 0, 0, (1000,)).serialise()) or ()) == 1


def test_a_peer_without_the_extension_is_not_counted(port: Port) -> None:
    client = port.client(1)
    assert port.media.next_number(client.id) is None
    assert port.media.send_rtp(client.id, [rtp(1)], 0.0) == [] and client.got(1) == [rtp(1)]
    assert port.media.take_feedback(client.id, Feedback(9, 1, 0, 0, (1000,)).serialise()) == []
    assert port.media.feedback(client.id, 9) == []


def hear(port: Port, client: Client, numbers: dict[int, float], sequence: int = 0) -> None:
    for index, (number, at) in enumerate(numbers.items()):
        client.send([extended(sequence + index, {TWCC: struct.pack("!H", number & 0xFFFF)}, ssrc=44)])
        port.receive(at)


def test_the_peer_is_told_when_its_packets_came(port: Port) -> None:
    client = counted_client(port)
    hear(port, client, {65533: 10.0, 65535: 10.01, 1: 10.25, 0: 10.26})
    (told,) = (Feedback.parse(data) for data in port.media.feedback(client.id, 9))
    assert (told.sender, told.media, told.first, told.number) == (9, 44, 65533, 0)
    assert told.arrivals == (40000, None, 40040, 41040, 41000)
    assert port.media.feedback(client.id, 9) == []
    hear(port, client, {2: 10.3}, 10)
    (told,) = (Feedback.parse(data) for data in port.media.feedback(client.id, 9))
    assert (told.first, told.number, told.arrivals) == (2, 1, (41200,))


def test_what_has_waited_in_the_socket_came_when_it_came(port: Port) -> None:
    """By the kernel's clock, so some time has to pass between the two."""
    client = counted_client(port)
    port.udp.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    before = [time.monotonic()]
    client.send([extended(1, {TWCC: b"\0\1"})])
    before.append(time.monotonic())
    select.select([], [], [], 0.02)
    after = [time.monotonic()]
    client.send([extended(2, {TWCC: b"\0\2"})])
    after.append(time.monotonic())
    port.receive(100.0)
    (told,) = (Feedback.parse(data) for data in port.media.feedback(client.id, 9))
    first, second = (arrival * TICK for arrival in told.arrivals if arrival is not None)
    assert after[0] - before[1] - 2 * TICK <= second - first <= after[1] - before[0] + 2 * TICK


def test_a_late_packet_is_told_of_once_more(port: Port) -> None:
    client = counted_client(port)
    hear(port, client, {1: 1.0, 3: 1.0})
    port.media.feedback(client.id, 9)
    hear(port, client, {4: 1.1, 2: 1.2}, 10)
    (told,) = (Feedback.parse(data) for data in port.media.feedback(client.id, 9))
    assert (told.first, told.arrivals) == (2, (4800, 4000, 4400))


def test_many_packets_and_long_pauses_take_several_feedbacks(port: Port) -> None:
    client = counted_client(port)
    hear(port, client, {number: 5 + number * 0.0005 for number in range(900)})
    hear(port, client, {900: 40.0, 901: 40.001}, 2000)
    feedback = port.media.feedback(client.id, 9)
    assert max(map(len, feedback)) <= 1200
    told = [Feedback.parse(data) for data in feedback]
    arrivals = [arrival for one in told for arrival in one.arrivals]
    assert arrivals == [int((5 + number * 0.0005) * 4000) for number in range(900)] + [160000, 160004]


def test_written_and_taken_feedback_agree_with_the_reference(port: Port) -> None:
    """What arrives at random is told, read by the reference, told back, and read by the compiled code."""
    rng = random.Random(4)
    client = counted_client(port, 3)
    at, heard = 100.0, dict[int, float]()
    for number in range(3, 400):
        at += rng.choice((0.0002, 0.001, 0.03, 0.5))
        if rng.random() < 0.8:
            heard[number] = at + rng.random() * 0.02
    port.media.send_rtp(client.id, [rtp(number) for number in range(3, 400)], 1.0)
    hear(port, client, heard)
    told = [Feedback.parse(data) for data in port.media.feedback(client.id, 9)]
    arrivals = {
        one.first + place: arrival for one in told for place, arrival in enumerate(one.arrivals) if arrival is not None
    }
    assert arrivals == {number: int(at * 4000) for number, at in heard.items()}
    taken = [found for one in told for found in port.media.take_feedback(client.id, one.serialise()) or ()]
    last = max(heard)
    assert [fate == PacketFate.CAME for _, _, _, fate in taken] == [n in heard for n in range(3, last + 1)]
    came = [arrival for _, arrival, _, fate in taken if fate == PacketFate.CAME]
    assert came == pytest.approx([arrivals[number] * TICK for number in sorted(arrivals)])


def test_an_extension_has_a_number_of_its_kind(port: Port) -> None:
    client = port.client(1)
    for number in (0, 15):
        with pytest.raises(ValueError, match="1 to 14"):
            port.media.count_packets(client.id, number, 0)


def test_what_one_compound_says_of_packets_that_nobody_remembers_costs_little(port: Port) -> None:
    client = counted_client(port)
    # 16 runs of 2048 packets each that have not come, in 52 octets: as many as half the circle has.
    head = struct.pack("!BBHIIHHI", 0x80 | 15, 205, 12, 9, 1, 0, 32_768, 1)
    compound = (head + struct.pack("!H", 2048) * 16) * 36
    costs = []
    for _ in range(10):
        before = time.thread_time()
        assert port.media.take_feedback(client.id, compound) == []
        costs.append(time.thread_time() - before)
    assert min(costs) < 0.0005


def test_a_compound_has_so_many_feedbacks_and_no_more(port: Port) -> None:
    client = counted_client(port)
    assert port.media.send_rtp(client.id, [rtp(number) for number in range(12)], 1.0) == []
    told = [Feedback(9, 1, number, number, (1000 + number,)).serialise() for number in range(12)]
    assert len(port.media.take_feedback(client.id, b"".join(told)) or ()) == 8
