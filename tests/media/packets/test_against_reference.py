"""The compiled forwarding beside the one in plain Python, over random sequences of what networks and people do."""

from __future__ import annotations

import random
import socket
import struct
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.media.packets import MediaPort, PacketKind, Srtp
from tests.media.packets.reference import Outlet, Packet, Source

SUITE = "AEAD_AES_128_GCM"
SENDER_KEY, RECEIVER_KEY = bytes(range(28)), bytes(range(1, 29))
SSRC, RTX_SSRC, PAYLOAD_TYPE, RTX_PAYLOAD_TYPE = 500, 501, 100, 101

PAYLOADS = {
    "VP8": (
        b"\x10\x00key, without numbers",
        b"\x90\x80\x05\x00key, a short number",
        b"\x90\xe0\x80\x07\x09\x20\x00key, all numbers",
        b"\x90\xc0\xff\xfe\xff\x00key, before the wrap",
        b"\x90\xc0\x80\x09\x03\x01no key",
        b"\x80\xc0\x80\x09\x03\x00a later packet",
        b"\x90\x80\x7f\x01no key, a short number",
        b"\x10\x01no key",
    ),
    "H264": (b"\x67SPS", b"\x65\x88IDR", b"\x65\x20later slice", b"\x41\x9aP", b"\x7c\x85\x88start", b"\x7c\x05\x88on"),
    "opus": (b"sound", b"\x01", b""),
}
STEPS = st.one_of(
    st.tuples(st.just("packet"), st.sampled_from((0, 1)), st.integers(0, 7)),
    st.tuples(st.just("packet"), st.sampled_from((0, 1)), st.integers(0, 7)),
    st.tuples(st.just("late"), st.sampled_from((0, 1)), st.integers(1, 40)),
    st.tuples(st.just("gap"), st.sampled_from((0, 1)), st.integers(1, 40)),
    st.tuples(st.just("jump"), st.sampled_from((0, 1)), st.integers(3001, 20_000)),
    st.tuples(st.just("route"), st.sampled_from((0, 1, None)), st.just(0)),
    st.tuples(st.just("resend"), st.none(), st.integers(0, 30)),
    st.tuples(st.just("reopen"), st.sampled_from((0, 1)), st.just(0)),
    st.tuples(st.just("pause"), st.none(), st.integers(1, 10_000_000)),
)


@dataclass
class Both:
    """The same streams twice: on a compiled port, and in Python."""

    codecs: tuple[str, str]
    carried: dict[str, tuple[int, int]]
    rtx: bool
    first_sequence: int
    starts: tuple[int, int]

    def __post_init__(self) -> None:
        self.udp, self.client = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        for one in (self.udp, self.client):
            one.bind(("127.0.0.1", 0))
            one.setblocking(False)
        self.media = MediaPort(self.udp.fileno())
        self.peer = self.media.open_peer()
        self.media.set_keys(self.peer, SUITE, RECEIVER_KEY, SENDER_KEY)
        self.media.set_addresses(self.peer, [self.client.getsockname()], self.client.getsockname())
        self.outbound, self.inbound = Srtp(SUITE, SENDER_KEY, inbound=False), Srtp(SUITE, RECEIVER_KEY, inbound=True)
        self.sources = [Source(codec) for codec in self.codecs]
        self.next = list(self.starts)
        self.taken: tuple[set[int], set[int]] = (set(), set())
        for ssrc in (0, 1):
            self.media.open_source(self.peer, ssrc, self.codecs[ssrc], 90_000, deliver=False)
        rtx = (RTX_SSRC, RTX_PAYLOAD_TYPE) if self.rtx else None
        self.outlet = Outlet(SSRC, PAYLOAD_TYPE, self.first_sequence + 0xFFFF, rtx, self.first_sequence)
        self.media.open_outlet(self.peer, SSRC, PAYLOAD_TYPE, self.first_sequence, *(rtx or ()))
        for codec, types in self.carried.items():
            self.outlet.carried[codec] = types
            self.media.carry(self.peer, SSRC, codec, *types, 0)
        self.now = 1.0
        self.rng = random.Random(1)

    def close(self) -> None:
        self.udp.close()
        self.client.close()

    def packet(self, source: int, sequence: int, payload: bytes) -> bytes:
        first, extra = 0x80, b""
        if self.rng.random() < 0.3:
            first, extra = 0x91, b"\0\0\0\1\xbe\xde\0\1\x10\0\0\0"
        if self.rng.random() < 0.2:
            first, payload = first | 0x20, payload + b"\0\0\3"
        head = struct.pack(
            "!BBHII", first, 96 | self.rng.getrandbits(1) << 7, sequence & 0xFFFF, self.rng.getrandbits(32), source
        )
        return head + extra + payload

    def send(self, source: int, sequence: int, choice: int) -> None:
        payloads = PAYLOADS[self.codecs[source]]
        data = self.packet(source, sequence, payloads[choice % len(payloads)])
        (protected,) = self.outbound.protect_rtp([data])
        assert protected is not None
        self.client.sendto(protected, self.udp.getsockname())
        self.now += 0.01
        # Nothing is wanted above but the word that something is missing.
        assert {kind for kind, *_ in self.media.receive(self.now)} <= {PacketKind.GAP}
        if sequence in self.taken[source]:
            assert self.got() == []  # a replay, which SRTP refuses
            return
        self.taken[source].add(sequence)
        packet = Packet.parse(data)
        number = self.sources[source].receive(packet)
        written = None if number is None else self.outlet.write(self.sources[source], number, packet, self.now)
        assert self.got() == ([] if written is None else [written])

    def got(self) -> list[bytes | None]:
        found = []
        while True:
            try:
                found.append(self.client.recv(2048))
            except BlockingIOError:
                return self.inbound.unprotect_rtp(found)

    def step(self, kind: str, source: int | None, value: int) -> None:
        if kind == "pause":
            self.now += value / 1000
        elif kind == "resend":
            outgoing = self.outlet.highest - value
            again = self.outlet.resend(outgoing)
            count = self.media.resend(self.peer, SSRC, [outgoing % 0x10000])
            assert count == (again is not None)
            # Without RTX it comes as it came before, which the receiver takes for a replay.
            plain = not self.rtx or not self.outlet.rtx_payload_type
            assert self.got() == ([] if again is None else [None if plain else again])
        elif kind == "route":
            self.outlet.route(None if source is None else self.sources[source])
            self.media.route(self.peer, SSRC, None if source is None else (self.peer, source))
        elif source is not None and kind == "reopen":
            self.media.close_source(self.peer, source)
            self.media.open_source(self.peer, source, self.codecs[source], 90_000, deliver=False)
            if self.outlet.source is self.sources[source]:
                self.outlet.source = None
            if self.outlet.wanted is self.sources[source]:
                self.outlet.wanted = None
            self.sources[source] = Source(self.codecs[source])
        elif source is not None and kind == "late":
            # What SRTP begins with is the lowest number that it knows.
            if self.taken[source] and self.next[source] - value >= min(self.taken[source]):
                self.send(source, self.next[source] - value, value)
        elif source is not None:
            self.next[source] += value if kind in ("gap", "jump") else 0
            self.send(source, self.next[source], value)
            self.next[source] += 1
        assert self.media.outlet_statistics(self.peer, SSRC)[6] == self.outlet.waits


@settings(max_examples=150, deadline=None)
@given(
    st.tuples(st.sampled_from(sorted(PAYLOADS)), st.sampled_from(sorted(PAYLOADS))),
    st.dictionaries(st.sampled_from(sorted(PAYLOADS)), st.tuples(st.integers(1, 127), st.sampled_from((0, 99)))),
    st.booleans(),
    st.one_of(st.integers(0, 0xFFFF), st.integers(0xFFF0, 0xFFFF)),
    st.tuples(st.integers(0, 0xFFFF), st.integers(0xFFE0, 0xFFFF)),
    st.lists(STEPS, max_size=80),
)
def test_compiled_forwarding_is_that_of_the_reference(
    codecs: tuple[str, str],
    carried: dict[str, tuple[int, int]],
    rtx: bool,
    first_sequence: int,
    starts: tuple[int, int],
    steps: list[tuple[str, int | None, int]],
) -> None:
    both = Both(codecs, carried, rtx, first_sequence, starts)
    try:
        for kind, source, value in [("route", 0, 0), ("packet", 0, 0), *steps]:
            both.step(kind, source, value)
        for source in (0, 1):
            if both.sources[source].run:
                missing = sorted(both.sources[source].missing)[-128:]
                assert both.media.requests(both.peer, source, 1e9, 0.1) == [number % 0x10000 for number in missing]
    finally:
        both.close()
