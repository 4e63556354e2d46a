"""The port that browsers share: who is told apart how, and what is forwarded to whom under which numbers."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator, Sequence

import pytest

from mcu.media.packets import MediaPort, PacketKind, Srtp

SUITE = "AEAD_AES_128_GCM"
KEY_VP8, DELTA_VP8 = 0x00, 0x01


class Client:
    """A peer of the port, with keys of its own."""

    def __init__(self, port: Port, key: int, keyed: bool = True) -> None:
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.udp.settimeout(2)
        self.address: tuple[str, int] = self.udp.getsockname()
        self._port = port
        ours, theirs = bytes([key]) * 28, bytes([key + 1]) * 28
        self.outbound, self.inbound = Srtp(SUITE, ours, inbound=False), Srtp(SUITE, theirs, inbound=True)
        self.id = port.media.open_peer()
        if keyed:
            port.media.set_keys(self.id, SUITE, theirs, ours)
        port.media.set_addresses(self.id, [self.address], self.address)

    def send(self, packets: Sequence[bytes]) -> None:
        for packet in self.outbound.protect_rtp(packets):
            assert packet is not None
            self.udp.sendto(packet, self._port.address)

    def got(self, count: int) -> list[bytes]:
        """The next so many RTP packets, decrypted."""
        plain = self.inbound.unprotect_rtp([self.udp.recv(2048) for _ in range(count)])
        assert None not in plain
        return [packet for packet in plain if packet is not None]

    def got_nothing(self) -> bool:
        self.udp.setblocking(False)
        try:
            self.udp.recv(2048)
        except BlockingIOError:
            return True
        finally:
            self.udp.settimeout(2)
        return False


class Port:
    """A ``MediaPort`` on a socket of its own."""

    def __init__(self) -> None:
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.udp.setblocking(False)
        self.address: tuple[str, int] = self.udp.getsockname()
        self.media = MediaPort(self.udp.fileno())
        self.clients: list[Client] = []

    def client(self, key: int, keyed: bool = True) -> Client:
        self.clients.append(Client(self, key, keyed))
        return self.clients[-1]

    def receive(self, now: float = 0.0) -> list[tuple[int, int, bytes, tuple[str, int] | None]]:
        found = []
        while batch := self.media.receive(now):
            found += batch
        return found


@pytest.fixture
def port() -> Iterator[Port]:
    port = Port()
    yield port
    for client in port.clients:
        client.udp.close()
    port.udp.close()


def rtp(sequence: int, timestamp: int = 0, ssrc: int = 1, payload: bytes = b"?", marker: bool = False) -> bytes:
    return struct.pack("!BBHII", 0x80, 96 | marker << 7, sequence & 0xFFFF, timestamp, ssrc) + payload


def vp8(sequence: int, picture: int, key: bool = False, timestamp: int = 0, ssrc: int = 1) -> bytes:
    """A picture in one packet, with 15-bit picture id and TL0PICIDX (RFC 7741)."""
    descriptor = bytes((0x90, 0xC0)) + struct.pack("!HB", 0x8000 | picture, picture & 0xFF)
    return rtp(sequence, timestamp, ssrc, descriptor + bytes([KEY_VP8 if key else DELTA_VP8]) + b"picture")


def numbers(packet: bytes) -> tuple[int, int, int, int]:
    """SSRC, sequence number, timestamp, VP8 picture id."""
    _, _, sequence, timestamp, ssrc = struct.unpack_from("!BBHII", packet)
    return ssrc, sequence, timestamp, struct.unpack_from("!H", packet, 14)[0] & 0x7FFF


def forwarded(port: Port, sender: Client, receiver: Client, rtx: bool = False) -> None:
    port.media.open_source(sender.id, 1, "VP8", 90_000, deliver=False)
    port.media.open_outlet(receiver.id, 500, 100, 1000, *((501, 101) if rtx else ()))
    port.media.route(receiver.id, 500, (sender.id, 1))


def test_datagrams_are_told_apart(port: Port) -> None:
    known = port.client(1)
    stun = b"\x00\x01" + bytes(20)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for data in (stun, b"\x16dtls", rtp(1)):
            stranger.sendto(data, port.address)
        assert port.receive() == [(PacketKind.STUN, 0, stun, ("127.0.0.1", stranger.getsockname()[1]))]
    known.udp.sendto(b"\x16dtls", port.address)
    known.send([rtp(7)])
    known.udp.sendto(rtp(8), port.address)  # in the clear
    for packet in known.outbound.protect_rtcp([struct.pack("!BBHI", 0x80, 201, 1, 1)]):
        assert packet is not None
        known.udp.sendto(packet, port.address)
    got = port.receive()
    assert [(kind, peer) for kind, peer, _, _ in got] == [
        (PacketKind.DTLS, known.id),
        (PacketKind.RTP, known.id),
        (PacketKind.RTCP, known.id),
    ]
    assert got[1][2] == rtp(7)
    assert port.media.refused(known.id) == 1
    assert port.media.counters()[2] == 2  # STUN is for above to judge


def test_without_keys_nothing_comes_in_or_goes_out(port: Port) -> None:
    client = port.client(1, keyed=False)
    client.send([rtp(1)])
    assert port.receive() == [] and port.media.refused(client.id) == 1
    assert port.media.protect_rtp(client.id, [rtp(1)]) == port.media.protect_rtcp(client.id, [b""]) == []


def test_a_stream_begins_with_a_key_frame_under_numbers_of_its_own(port: Port) -> None:
    sender, receiver = port.client(1), port.client(3)
    forwarded(port, sender, receiver)
    assert port.media.outlet_statistics(receiver.id, 500)[6]  # waits for a key frame
    assert port.media.waits(receiver.id) and not port.media.waits(sender.id)
    sender.send([vp8(65_533, 8), vp8(65_534, 9, key=True, timestamp=90), vp8(65_535, 10, timestamp=180), vp8(0, 11)])
    assert port.receive() == []  # not delivered above
    got = receiver.got(3)
    assert [numbers(packet)[:2] for packet in got] == [(500, 1000), (500, 1001), (500, 1002)]
    assert [packet[1] for packet in got] == [100, 100, 100]
    assert [numbers(packet)[3] for packet in got] == [9, 10, 11]
    assert got[0][12:] == vp8(0, 9, key=True)[12:]
    assert not port.media.outlet_statistics(receiver.id, 500)[6]
    assert not port.media.waits(receiver.id)
    assert port.media.source_statistics(sender.id, 1)[:6] == (4, 4 * 13, 0, 0, 1, 0x10000)


def test_many_receivers_get_the_same_each_under_its_own_keys(port: Port) -> None:
    sender = port.client(1)
    receivers = [port.client(3 + 2 * index) for index in range(10)]
    port.media.open_source(sender.id, 1, "VP8", 90_000)
    for index, receiver in enumerate(receivers):
        port.media.open_outlet(receiver.id, 700 + index, 100, 50 * index)
        port.media.route(receiver.id, 700 + index, (sender.id, 1))
    packets = [vp8(1, 1, key=True), vp8(2, 2), vp8(3, 3)]
    sender.send(packets)
    assert [data for _, _, data, _ in port.receive()] == packets
    for index, receiver in enumerate(receivers):
        got = receiver.got(3)
        assert [numbers(packet)[:2] for packet in got] == [(700 + index, 50 * index + step) for step in range(3)]
    assert port.media.counters()[:2] == (30, 0)


def test_going_over_to_another_source_leaves_no_gap(port: Port) -> None:
    one, two, receiver = port.client(1), port.client(3), port.client(5)
    forwarded(port, one, receiver)
    port.media.open_source(two.id, 2, "VP8", 90_000, deliver=False)
    one.send([vp8(10, 100, key=True, timestamp=1000), vp8(11, 101, timestamp=4000)])
    port.receive(now=1.0)
    port.media.route(receiver.id, 500, (two.id, 2))
    two.send([vp8(60_000, 5, timestamp=77, ssrc=2)])  # no key frame yet
    one.send([vp8(12, 102, timestamp=7000)])
    port.receive(now=1.1)
    two.send([vp8(60_001, 6, key=True, timestamp=80, ssrc=2), vp8(60_002, 7, timestamp=3080, ssrc=2)])
    one.send([vp8(13, 103, timestamp=10_000)])
    port.receive(now=1.2)
    got = [numbers(packet) for packet in receiver.got(5)]
    assert [number[1] for number in got] == [1000, 1001, 1002, 1003, 1004]
    assert [number[3] for number in got] == [100, 101, 102, 103, 104]
    assert got[2][2] == 7000
    assert got[3][2] == 7000 + 9000 and got[4][2] - got[3][2] == 3000  # a tenth of a second on, then as sent
    assert receiver.got_nothing() and port.media.outlet_statistics(receiver.id, 500)[3] == 2


def test_what_is_late_from_before_the_change_is_nobodys(port: Port) -> None:
    sender, receiver = port.client(1), port.client(3)
    forwarded(port, sender, receiver)
    sender.send([vp8(20, 1, key=True), vp8(19, 0)])
    port.receive()
    assert numbers(receiver.got(1)[0])[1] == 1000 and receiver.got_nothing()


def test_disorder_and_loss_keep_their_places(port: Port) -> None:
    sender, receiver = port.client(1), port.client(3)
    forwarded(port, sender, receiver)
    sender.send([vp8(1, 1, key=True), vp8(4, 4), vp8(2, 2)])
    port.receive()
    assert [numbers(packet)[1] for packet in receiver.got(3)] == [1000, 1003, 1001]
    assert port.media.requests(sender.id, 1, 0.0, 0.1) == [3]
    assert port.media.requests(sender.id, 1, 0.05, 0.1) == []
    assert port.media.requests(sender.id, 1, 0.11, 0.1) == [3]
    sender.send([vp8(3, 3)])
    port.receive()
    assert numbers(receiver.got(1)[0])[1] == 1002
    assert port.media.requests(sender.id, 1, 9.0, 0.1) == []
    assert port.media.source_statistics(sender.id, 1)[2:4] == (2, 2)


def test_a_gap_is_told_where_nobody_else_would_see_it(port: Port) -> None:
    sender, receiver = port.client(1), port.client(3)
    forwarded(port, sender, receiver)
    sender.send([vp8(1, 1, key=True), vp8(2, 2), vp8(4, 4)])
    assert [(kind, peer, data) for kind, peer, data, _ in port.receive()] == [(PacketKind.GAP, sender.id, b"")]
    sender.send([vp8(3, 3), vp8(5, 5)])
    assert port.receive() == []  # it has come after all
    port.media.deliver(sender.id, 1, True)
    sender.send([vp8(7, 7)])
    assert [kind for kind, *_ in port.receive()] == [PacketKind.RTP]  # whoever decodes it sees to that
    port.media.deliver(sender.id, 1, False)
    port.media.route(receiver.id, 500, None)
    sender.send([vp8(9, 9)])
    assert port.receive() == []  # nobody gets it


def test_what_never_comes_is_given_up(port: Port) -> None:
    sender = port.client(1)
    port.media.open_source(sender.id, 1, "VP8", 90_000)
    sender.send([vp8(1, 1, key=True), vp8(3, 3)])
    port.receive()
    asked = [port.media.requests(sender.id, 1, float(second), 0.5) for second in range(12)]
    assert asked == [[2]] * 8 + [[]] * 4
    sender.send([vp8(1000, 3)])
    port.receive()
    assert len(port.media.requests(sender.id, 1, 20.0, 0.5)) == 128  # of what is missing, the newest


@pytest.mark.parametrize("rtx", [False, True])
def test_a_receiver_that_lost_packets_gets_them_again(port: Port, rtx: bool) -> None:
    sender, receiver = port.client(1), port.client(3)
    forwarded(port, sender, receiver, rtx)
    sender.send([vp8(index, index, key=index == 1) for index in range(1, 40)])
    port.receive()
    first = receiver.got(39)
    assert port.media.resend(receiver.id, 500, [1005, 1038, 2000, 4]) == 2
    again = receiver.got(2) if rtx else [receiver.udp.recv(2048) for _ in range(2)]
    if rtx:
        assert [(packet[1], numbers(packet)[0]) for packet in again] == [(101, 501), (101, 501)]
        assert [struct.unpack_from("!H", packet, 12)[0] for packet in again] == [1005, 1038]
        assert [packet[14:] for packet in again] == [first[5][12:], first[38][12:]]
    assert port.media.outlet_statistics(receiver.id, 500)[2] == 2


@pytest.mark.parametrize("known", [True, False])
def test_what_a_sender_repeats_by_rtx_fills_the_gap(port: Port, known: bool) -> None:
    sender, receiver = port.client(1), port.client(3)
    port.media.open_source(sender.id, 1, "VP8", 90_000, 9 if known else 0)
    if not known:
        port.media.repeat(sender.id, 1, 9)  # told later
    port.media.open_outlet(receiver.id, 500, 100, 0)
    port.media.route(receiver.id, 500, (sender.id, 1))
    sender.send([vp8(1, 1, key=True), vp8(3, 3)])
    lost = vp8(2, 2, timestamp=5)
    repeated = bytes([lost[0], 97]) + struct.pack("!HII", 77, 5, 9) + lost[2:4] + lost[12:]
    sender.send([repeated, struct.pack("!BBHII", 0x80, 97, 78, 0, 9)])  # and padding that probes
    assert [data for _, _, data, _ in port.receive()] == [vp8(1, 1, key=True), vp8(3, 3), lost]
    assert [numbers(packet)[1] for packet in receiver.got(3)] == [0, 2, 1]


@pytest.mark.parametrize(
    ("payload", "key"),
    [
        (b"\x65\x88IDR", True),
        (b"\x65\x40IDR, a later slice of the picture", False),
        (b"\x67SPS", True),
        (b"\x41P", False),
        (b"\x7c\x85\x88IDR begins", True),
        (b"\x7c\x85\x40IDR, a later slice begins", False),
        (b"\x7c\x05IDR goes on", False),
        (b"\x7c\x81P begins", False),
        (b"\x18\x00\x02\x67\x42\x00\x02\x68\x00", True),
        (b"\x18\x00\x02\x06\x42\x00\x02\x68\x00", False),
        (b"\x18\xff\xff\x67", False),
        (b"\x18", False),
        (b"", False),
    ],
)
def test_key_frames_of_h264_are_found(port: Port, payload: bytes, key: bool) -> None:
    sender, receiver = port.client(1), port.client(3)
    port.media.open_source(sender.id, 1, "H264", 90_000)
    port.media.open_outlet(receiver.id, 500, 100, 0)
    port.media.route(receiver.id, 500, (sender.id, 1))
    sender.send([rtp(1, payload=payload)])
    port.receive()
    assert port.media.source_statistics(sender.id, 1)[4] == key
    assert port.media.outlet_statistics(receiver.id, 500)[0] == key


def restarted(port: Port) -> tuple[Client, Client, list[bytes]]:
    """A source whose numbers jumped by 10000 after five packets, and what was sent on before."""
    sender, receiver = port.client(1), port.client(3)
    forwarded(port, sender, receiver)
    sender.send([vp8(20_000 + number, number, key=number == 0, timestamp=90 * number) for number in range(5)])
    port.receive(1.0)
    before = receiver.got(5)
    sender.send([vp8(30_000 + number, number, timestamp=7 + number) for number in range(3)])
    port.receive(2.0)
    return sender, receiver, before


def test_a_source_that_begins_anew_goes_on_at_its_next_key_frame(port: Port) -> None:
    sender, receiver, before = restarted(port)
    assert receiver.got_nothing()
    assert port.media.outlet_statistics(receiver.id, 500)[6]
    sender.send([vp8(30_003, 3, key=True, timestamp=10), vp8(30_004, 4, timestamp=11)])
    port.receive(3.0)
    got = receiver.got(2)
    assert [numbers(packet)[1] for packet in (*before, *got)] == list(range(1000, 1007))
    assert numbers(got[0])[2] == numbers(before[-1])[2] + 2 * 90_000
    assert not port.media.outlet_statistics(receiver.id, 500)[6]


def test_a_repetition_does_not_make_a_source_begin_anew(port: Port) -> None:
    sender, receiver = port.client(1), port.client(3)
    port.media.open_source(sender.id, 1, "VP8", 90_000, 9, deliver=False)
    port.media.open_outlet(receiver.id, 500, 100, 0)
    port.media.route(receiver.id, 500, (sender.id, 1))
    sender.send([vp8(20_000, 1, key=True)])
    forged = vp8(10_000, 1, key=True)
    sender.send([forged[:2] + struct.pack("!HII", 77, 5, 9) + forged[2:4] + forged[12:]])
    sender.send([vp8(20_001, 2)])
    port.receive()
    assert [numbers(packet)[1] for packet in receiver.got(2)] == [0, 1]
    assert receiver.got_nothing()


def test_what_went_out_before_a_source_began_anew_is_not_mixed_up(port: Port) -> None:
    _, receiver, _ = restarted(port)
    assert port.media.resend(receiver.id, 500, list(range(990, 1010))) == 0


def test_numbers_of_a_source_that_was_closed_are_not_answered_with_those_of_the_next(port: Port) -> None:
    sender, receiver = port.client(1), port.client(3)
    forwarded(port, sender, receiver)
    sender.send([vp8(7, 1, key=True)])
    port.receive()
    receiver.got(1)
    port.media.close_source(sender.id, 1)
    port.media.open_source(sender.id, 2, "VP8", 90_000)
    port.media.route(receiver.id, 500, (sender.id, 2))
    sender.send([vp8(7, 1, ssrc=2, key=True)])
    port.receive()
    assert [numbers(packet)[1] for packet in receiver.got(1)] == [1001]
    assert port.media.resend(receiver.id, 500, [1000]) == 0
    assert port.media.resend(receiver.id, 500, [1001]) == 1


@pytest.mark.parametrize("rtx", [False, True])
def test_an_outlet_that_is_opened_again_goes_on_behind_its_last_number(port: Port, rtx: bool) -> None:
    sender, receiver = port.client(1), port.client(3)
    forwarded(port, sender, receiver, rtx)
    sender.send([vp8(1, 1, key=True), vp8(2, 2)])
    port.receive()
    assert port.media.resend(receiver.id, 500, [1000]) == 1
    receiver.got(2)
    last = numbers(receiver.got(1)[0])[1] if rtx else len(receiver.udp.recv(2048))
    port.media.close_outlet(receiver.id, 500)
    port.media.open_outlet(receiver.id, 500, 100, 1000, *((501, 101) if rtx else ()))
    port.media.route(receiver.id, 500, (sender.id, 1))
    sender.send([vp8(3, 3, key=True)])
    port.receive()
    assert [numbers(packet)[1] for packet in receiver.got(1)] == [1002]
    assert port.media.resend(receiver.id, 500, [1002]) == 1
    if rtx:
        assert [numbers(packet)[:2] for packet in receiver.got(1)] == [(501, last + 1)]


def test_a_stamped_packet_is_sent_again_to_the_octet(port: Port) -> None:
    sender, receiver = port.client(1), port.client(3)
    forwarded(port, sender, receiver)
    port.media.stamp(receiver.id, 500, 3)
    sender.send([vp8(1, 1, key=True)])
    port.receive(1.5)
    first = receiver.udp.recv(2048)
    port.media.stamp(receiver.id, 500, 4)
    port.receive(2.5)
    assert port.media.resend(receiver.id, 500, [1000]) == 1
    # GCM gives its key away to who sees two packets under one number.
    assert receiver.udp.recv(2048) == first


def test_a_long_pause_moves_timestamps_on_by_an_hour_at_most(port: Port) -> None:
    sender, receiver = port.client(1), port.client(3)
    forwarded(port, sender, receiver)
    sender.send([vp8(1, 1, key=True, timestamp=5)])
    port.receive(0.0)
    port.media.open_source(sender.id, 2, "VP8", 90_000)
    port.media.route(receiver.id, 500, (sender.id, 2))
    sender.send([vp8(1, 1, ssrc=2, key=True)])
    port.receive(1e300)
    first, second = receiver.got(2)
    assert numbers(second)[2] - numbers(first)[2] == 3600 * 90_000


def test_a_large_gap_asks_for_the_newest_of_what_is_missing(port: Port) -> None:
    sender = port.client(1)
    port.media.open_source(sender.id, 1, "VP8", 90_000)
    sender.send([vp8(1, 1, key=True), vp8(5, 2), vp8(1005, 3), vp8(1010, 4)])
    port.receive()
    assert port.media.source_statistics(sender.id, 1)[2] == 3 + 999 + 4
    asked = port.media.requests(sender.id, 1, 0.0, 0.1)
    assert asked == [*range(881, 1005), *range(1006, 1010)]


def test_the_number_of_a_peer_that_left_is_not_given_to_the_next(port: Port) -> None:
    first = port.client(1)
    port.media.close_peer(first.id)
    assert port.client(3).id != first.id


def test_addresses_that_come_and_go_are_told_apart(port: Port) -> None:
    first, second = port.client(1), port.client(3)
    with pytest.raises(ValueError, match="another peer"):
        port.media.set_addresses(second.id, [second.address, first.address], second.address)
    port.media.set_addresses(first.id, [("127.0.0.9", 9)], None)
    port.media.set_addresses(second.id, [second.address, first.address], second.address)
    for client in (first, second):
        client.udp.sendto(b"\x16dtls", port.address)
    assert [peer for _, peer, _, _ in port.receive()] == [second.id, second.id]
    port.media.set_addresses(second.id, [first.address], None)
    second.udp.sendto(b"\x16dtls", port.address)
    assert port.receive() == [] and port.media.counters()[2] == 1


def test_a_receiver_that_cannot_be_reached_does_not_stop_the_others(port: Port) -> None:
    sender, one, lost, other = (port.client(key) for key in (1, 3, 5, 7))
    port.media.open_source(sender.id, 1, "VP8", 90_000, deliver=False)
    for receiver in (one, lost, other):
        port.media.open_outlet(receiver.id, 500, 100, 1000)
        port.media.route(receiver.id, 500, (sender.id, 1))
    # A broadcast address: the kernel refuses without SO_BROADCAST.
    port.media.set_addresses(lost.id, [lost.address], ("255.255.255.255", 9))
    sender.send([vp8(1, 1, key=True), vp8(2, 2), vp8(3, 3)])
    port.receive()
    assert [len(receiver.got(3)) for receiver in (one, other)] == [3, 3]
    assert port.media.counters()[1] == 3


def test_many_packets_at_once_are_all_sent_on(port: Port) -> None:
    sender, receiver = port.client(1), port.client(3)
    port.udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    forwarded(port, sender, receiver)
    sender.send([vp8(number, number, key=number == 0) for number in range(150)])
    assert port.media.receive(0.0) == []  # one call: more than a batch, none of it for above
    assert [numbers(packet)[1] for packet in receiver.got(150)] == [1000 + number for number in range(150)]


def test_header_extensions_and_padding_stay_with_the_sender(port: Port) -> None:
    sender, receiver = port.client(1), port.client(3)
    port.media.open_source(sender.id, 1, "opus", 48_000)
    port.media.open_outlet(receiver.id, 500, 111, 0)
    port.media.route(receiver.id, 500, (sender.id, 1))
    head = struct.pack("!BBHIII", 0xB1, 0x60, 1, 5, 1, 0xC5C5) + struct.pack("!HH", 0xBEDE, 1) + b"\x10x\0\0"
    sender.send([head + b"sound" + b"\0\0\3", head[:2] + b"\0\2" + head[4:] + b"bad padding\xff"])
    assert len(port.receive()) == 1
    (got,) = receiver.got(1)
    assert got == struct.pack("!BBHII", 0x80, 111, 0, 5, 500) + b"sound"


def test_packets_say_when_they_left(port: Port) -> None:
    sender, receiver = port.client(1), port.client(3)
    forwarded(port, sender, receiver, rtx=True)
    port.media.stamp(receiver.id, 500, 3)
    sender.send([vp8(1, 1, key=True), rtp(2, payload=b"p" * 1400)])
    port.receive(now=100.5)
    first, second = receiver.got(2)
    stamp = struct.pack("!HHB", 0xBEDE, 1, 0x32) + (int(100.5 * 2**18) & 0xFFFFFF).to_bytes(3, "big")
    assert first[0] == second[0] == 0x90 and first[12:20] == second[12:20] == stamp
    assert first[20:] == vp8(1, 1, key=True)[12:] and second[20:] == b"p" * 1400
    port.media.resend(receiver.id, 500, [1000])
    assert receiver.got(1)[0][0] == 0x80
    port.media.stamp(receiver.id, 500, 0)
    sender.send([rtp(3)])
    port.receive(now=101.0)
    assert receiver.got(1)[0][0] == 0x80
    with pytest.raises(ValueError, match="extension"):
        port.media.stamp(receiver.id, 500, 15)
    with pytest.raises(KeyError):
        port.media.stamp(receiver.id, 99, 1)


def test_whoever_leaves_takes_its_streams_along(port: Port) -> None:
    sender, receiver = port.client(1), port.client(3)
    forwarded(port, sender, receiver)
    sender.send([vp8(1, 1, key=True)])
    port.receive()
    receiver.got(1)
    port.media.close_peer(sender.id)
    assert port.media.resend(receiver.id, 500, [1000]) == 0
    port.media.close_peer(receiver.id)
    with pytest.raises(KeyError, match="peer"):
        port.media.route(receiver.id, 500, None)
    sender.send([vp8(2, 2)])
    assert port.receive() == [] and port.media.counters()[2] == 1


def test_wrong_calls_are_told(port: Port) -> None:
    client = port.client(1)
    media = port.media
    media.open_source(client.id, 1, "VP8", 90_000)
    media.open_outlet(client.id, 5, 100, 0)
    with pytest.raises(ValueError, match="open"):
        media.open_source(client.id, 1, "VP8", 90_000)
    with pytest.raises(ValueError, match="forwarded"):
        media.open_source(client.id, 2, "H261", 90_000)
    with pytest.raises(ValueError, match="open"):
        media.open_outlet(client.id, 5, 100, 0)
    with pytest.raises((ValueError, OverflowError)):
        media.open_outlet(client.id, 6, 200, 0)
    for call in (media.source_statistics, media.outlet_statistics, media.close_source, media.close_outlet):
        with pytest.raises(KeyError):
            call(client.id, 99)
    with pytest.raises(KeyError):
        media.route(client.id, 5, (client.id, 99))
    with pytest.raises(TypeError):
        media.route(client.id, 5, [1, 2])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="another peer"):
        media.set_addresses(media.open_peer(), [client.address], None)
    with pytest.raises(ValueError, match="too many"):
        media.set_addresses(client.id, [("127.0.0.1", number) for number in range(1, 10)], None)
    with pytest.raises(ValueError, match="octets"):
        media.set_keys(client.id, SUITE, b"short", b"short")
    for _ in range(31):
        media.open_outlet(client.id, 1000 + _, 100, 0)
    with pytest.raises(ValueError, match="too many"):
        media.open_outlet(client.id, 999, 100, 0)
