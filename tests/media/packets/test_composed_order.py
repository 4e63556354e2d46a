"""Compiled reordering, joining and repeating beside the same in plain Python, over random networks."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.media import packets as compiled
from mcu.media.rtp.errors import PayloadError
from mcu.media.rtp.h263 import H263Depacketizer
from mcu.media.rtp.video_assembler import VideoAssembler
from tests.reference import h264, history, joiner, packet, reorder, source, vp8


class Notes:
    """A sink that remembers everything it is told."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def push(self, timestamp: int, marker: bool, payload_type: int, payload: bytes, now: float) -> None:
        self.told.append((timestamp, marker, payload_type, payload, now))

    def gap(self, now: float) -> None:
        self.told.append(now)


MOVES = st.one_of(
    st.tuples(st.just("next"), st.integers(0, 3)),
    st.tuples(st.just("next"), st.integers(0, 3)),
    st.tuples(st.just("late"), st.integers(1, 30)),
    st.tuples(st.just("skip"), st.sampled_from((1, 2, 5, 100, 255, 256, 257, 300, 1023, 1024, 1025, 3000))),
    st.tuples(st.just("pause"), st.sampled_from((1, 9, 11, 30, 31, 100, 360, 1100))),
    st.tuples(st.just("path"), st.sampled_from((0, 10, 80, 400))),
    st.tuples(st.just("mend"), st.sampled_from((0, 20, 150))),
    st.tuples(st.just("again"), st.integers(1, 30)),
    st.tuples(st.just("apart"), st.integers(0, 1)),
)


@settings(max_examples=400, deadline=None)
@given(st.booleans(), st.sampled_from((-1500, 0, 65_530)), st.lists(MOVES, max_size=150))
def test_packets_are_put_in_order_as_by_the_reference(nack: bool, first: int, moves: list[tuple[str, int]]) -> None:
    got, expected = Notes(), Notes()
    one, other = compiled.ReorderBuffer(got, nack, first), reorder.ReorderBuffer(expected, nack, first)
    now, following = 0.0, first
    for move, value in moves:
        number = following
        if move == "pause":
            now += value / 1000
            one.handle_timer(now)
            other.handle_timer(now)
        elif move == "path":
            one.round_trip = other.round_trip = value / 1000
        elif move == "mend":
            one.request_wait = other.request_wait = value / 1000
            one.mend_wait = other.mend_wait = value / 500
        elif move == "apart":
            one.apart = other.apart = bool(value)
        else:
            number = following - value if move in ("late", "again") else following + (value if move == "skip" else 0)
            following = max(following, number + 1)
            parts = (number, number & 0xFFFF, value == 1, 96 + value % 2, b"x" * (value % 5), now)
            for buffer in (one, other):
                (buffer.receive_repeated if move == "again" else buffer.receive)(*parts)
        assert got.told == expected.told
        assert one.late == other.late
        assert (one.spread, one.repaired) == (other.spread, other.repaired)
        assert one.next_deadline() == other.next_deadline()
        assert [one.awaits(number - back) for back in range(40)] == [other.awaits(number - back) for back in range(40)]
        assert one.requests_to_send(now) == other.requests_to_send(now)
        assert one.next_request == other.next_request


def test_a_payload_is_a_part_of_its_packet() -> None:
    sink = Notes()
    buffer = compiled.ReorderBuffer(sink, False, 0)
    buffer.receive(0, 1, True, 96, b"headpayloadpad", 2.0, 4, 11)
    assert sink.told == [(1, True, 96, b"payload", 2.0)]
    for start, end in ((-1, 3), (3, 2), (0, 15)):
        with pytest.raises(ValueError, match="no part of the packet"):
            buffer.receive(1, 1, True, 96, b"headpayloadpad", 2.0, start, end)


def test_a_sink_that_fails_leaves_a_buffer_that_goes_on() -> None:
    class Failing(Notes):
        fails = True

        def push(self, timestamp: int, marker: bool, payload_type: int, payload: bytes, now: float) -> None:
            if self.fails:
                raise LookupError(payload)
            super().push(timestamp, marker, payload_type, payload, now)

    sink = Failing()
    buffer = compiled.ReorderBuffer(sink, True, 0)
    for number in (3, 1, 2, 5, 0, 400, 2000):
        try:
            buffer.receive(number, number, False, 96, b"x", 0.0)
        except LookupError as error:
            assert error.args == (b"x",)
    sink.fails = False
    buffer.receive(2001, 2001, False, 96, b"x", 0.0)
    buffer.handle_timer(10.0)
    assert sink.told[-1] == (2001, False, 96, b"x", 0.0)


PAYLOADS = {
    99: [
        b"\x67\x42\xc0\x1f\xda", b"\x68\xce\x3c", b"\x65\x88\x84", b"\x41\x9a\x01", b"\x41\x1a", b"\x7c\x85\x88\x11",
        b"\x7c\x05\x22", b"\x7c\x45\x33", b"\x06\x06\x01", b"\x79\x00", b"\x01", b"", b"\x78\x00\x02\x65\x88",
    ],
    96: [b"\x10\x00key", b"\x10\x01no key", b"\x00on", b"\x90", b"\x90\x80\x07\x01more", b""],
    34: [b"\x00\x50\x00\x00\x00\x00\x81" + bytes(8), b"\x00\x50\x00\x00on", b"\x00"],
    77: [b"unknown"],
}  # fmt: skip
PACKETS = st.one_of(
    st.tuples(st.sampled_from(sorted(PAYLOADS)), st.integers(0, 12), st.booleans(), st.sampled_from((0, 0, 1))),
    st.tuples(st.just(99), st.integers(0, 12), st.booleans(), st.sampled_from((0, 0, 1))),
    st.just(None),
)


class Recording:
    """What a subclass of both joiners notes of each picture."""

    told: list[Any]
    depacketizer: Any

    def finish(self, now: float) -> None:
        picture = self.depacketizer
        flags = (picture.whole, picture.keyframe, picture.recovery_point, picture.clean_start, picture.damaged)
        self.told.append((now, *flags, picture.take()))
        picture.reset()


class Compiled(Recording, compiled.PacketJoiner):
    pass


class Readable(Recording, joiner.PacketJoiner):
    pass


@settings(max_examples=600, deadline=None)
@given(st.lists(PACKETS, max_size=60))
def test_packets_are_joined_as_by_the_reference(packets: list[Any]) -> None:
    errors: tuple[list[str], list[str]] = ([], [])

    def noted(into: list[str]) -> Any:
        return lambda error: into.append(f"{type(error).__name__}: {error}")

    one: Any = Compiled(
        {99: compiled.H264Depacketizer(), 96: compiled.Vp8Depacketizer(), 34: H263Depacketizer(plus=False)},
        noted(errors[0]),
    )
    other: Any = Readable(
        {99: h264.H264Depacketizer(), 96: vp8.Vp8Depacketizer(), 34: H263Depacketizer(plus=False)}, noted(errors[1])
    )
    one.told, other.told = [], []
    timestamp = 0
    for index, step in enumerate(packets):
        for joined in (one, other):
            if step is None:
                joined.after_gap = True
                joined.depacketizer.cut()
        if step is not None:
            payload_type, choice, marker, passed = step
            timestamp += passed * 3000
            payload = PAYLOADS[payload_type][choice % len(PAYLOADS[payload_type])]
            one.push(timestamp, marker, payload_type, payload, float(index))
            other.push(timestamp, marker, payload_type, payload, float(index))
        assert one.told == other.told
        assert errors[0] == errors[1]
        state = ("timestamp", "payload_type", "after_gap")
        assert [getattr(one, name) for name in state] == [getattr(other, name) for name in state]


def test_an_error_that_is_no_malformed_payload_comes_through() -> None:
    class Broken(H263Depacketizer):
        def push(self, payload: bytes) -> None:
            raise LookupError("broken")

    assembler = VideoAssembler({34: Broken(plus=False)}, lambda error: None, 0.0)
    with pytest.raises(LookupError, match="broken"):
        assembler.push(1, True, 34, b"payload", 0.0)

    def upset(error: PayloadError) -> None:
        raise KeyError(str(error))

    assembler = VideoAssembler({99: compiled.H264Depacketizer()}, upset, 0.0)
    with pytest.raises(KeyError, match="less than two bytes"):
        assembler.push(1, True, 99, b"x", 0.0)
    with pytest.raises(ValueError, match="no payload type"):
        compiled.PacketJoiner({}, upset)


def test_packets_are_kept_and_repeated_as_by_the_reference() -> None:
    rng = random.Random(1)
    one, other = compiled.RetransmissionCache(), history.RetransmissionCache()
    sequence, now = 65_000, 0.0
    for _ in range(3000):
        now += rng.choice((0.0, 0.001, 0.015, 0.02))
        run = [(sequence + at & 0xFFFF).to_bytes(4, "big") + bytes(rng.randrange(5)) for at in range(rng.randrange(4))]
        if rng.random() < 0.5:
            run = [kept[: rng.randrange(1, 9)] for kept in run]
        one.store_run(sequence, run)
        for at, kept in enumerate(run):
            other.store(sequence + at & 0xFFFF, kept)
        sequence += len(run)
        asked = sequence - rng.randrange(700) & 0xFFFF
        assert one.resend(asked, now) == other.resend(asked, now)
    one.store(7, b"\x80\x60\x00\x07")
    assert one.resend(7, 1e9) == b"\x80\x60\x00\x07" and one.resend(7, 1e9) is None


NUMBERS = st.lists(
    st.tuples(
        st.sampled_from((1, 1, 1, 1, 2, 0, -1, -5, -999, -1000, -1001, 2999, 3000, 3001, 30_000)),
        st.sampled_from((0, 0, 3000, 3000, -3000, 90_000, 1 << 31)),
        st.sampled_from((0.0, 0.001, 0.033, 1.5)),
    ),
    max_size=60,
)
SOURCE_STATE = ("highest", "base", "received", "last_arrival", "restarted", "jitter")


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF), NUMBERS)
def test_sources_are_counted_as_by_the_reference(
    first: int, timestamp: int, steps: list[tuple[int, int, float]]
) -> None:
    one, other = compiled.SourceNumbers(first, timestamp, 90_000, 0.0), source.Source(first, timestamp, 90_000, 0.0)
    sequence, now = first - 1, 0.0
    for ahead, passed, pause in steps:
        sequence, timestamp, now = sequence + ahead & 0xFFFF, timestamp + passed & 0xFFFFFFFF, now + pause
        assert one.receive(sequence, timestamp, now) == other.receive(sequence, timestamp, now)
        assert [getattr(one, name) for name in SOURCE_STATE] == [getattr(other, name) for name in SOURCE_STATE]
        one.restarted = other.restarted = False


WANTED = bytes(number in (96, 99) for number in range(128))


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 0xFFFF), NUMBERS, st.lists(st.integers(0, 40), max_size=60), st.integers(0, 3))
def test_runs_stop_where_something_is_to_be_decided(
    first: int, steps: list[tuple[int, int, float]], kinds: list[int], begin: int
) -> None:
    packets, sequence = [], first - 1
    for (ahead, passed, _), kind in zip(steps, kinds, strict=False):
        sequence = sequence + ahead & 0xFFFF
        payload_type, ssrc = {0: (97, 7), 1: (99, 8)}.get(kind, (99, 7))
        data = packet.write_packets([bytes(kind)], kind % 2 == 0, payload_type, sequence, passed % 9, ssrc, b"")[0]
        packets.append(data[: 5 + kind] if kind == 3 else data)
    got, expected = Notes(), Notes()
    one, other = compiled.ReorderBuffer(got, True, first), reorder.ReorderBuffer(expected, True, first)
    numbers, counted = compiled.SourceNumbers(first, 0, 90_000, 0.0), source.Source(first, 0, 90_000, 0.0)
    taken, octets = compiled.receive_run(packets, begin, numbers, 7, one, WANTED, 1.0, 2.0)
    for data in packets[begin : begin + taken]:
        marker, payload_type, number, timestamp, _, start, end = packet.parse_header(data)
        extended = counted.receive(number, timestamp, 1.0)
        assert extended is not None
        other.receive(extended, timestamp, marker, payload_type, data[start:end], 1.0)
    assert octets == sum(map(len, packets[begin : begin + taken]))
    assert got.told == expected.told and one.late == other.late
    assert [getattr(numbers, name) for name in SOURCE_STATE] == [getattr(counted, name) for name in SOURCE_STATE]
    if begin + taken < len(packets):
        data = packets[begin + taken]
        odd = len(data) < 12 or data[8:12] != b"\0\0\0\7" or data[1] & 0x7F != 99
        assert odd or 3000 <= int.from_bytes(data[2:4]) - counted.highest & 0xFFFF <= 0x10000 - 1000


def test_a_run_does_not_begin_after_a_silence() -> None:
    data = packet.write_packets([b"x"], False, 99, 5, 0, 7, b"")
    buffer, numbers = compiled.ReorderBuffer(Notes(), False, 5), compiled.SourceNumbers(5, 0, 90_000, 0.0)
    assert compiled.receive_run(data, 0, numbers, 7, buffer, WANTED, 2.1, 2.0) == (0, 0)
    assert compiled.receive_run(data, 0, numbers, 7, buffer, WANTED, 2.0, 2.0) == (1, 13)
    assert compiled.receive_run(data, 1, numbers, 7, buffer, WANTED, 2.0, 2.0) == (0, 0)
    for broken in (
        (data, -1, numbers, 7, buffer, WANTED),
        (data, 0, numbers, 7, buffer, b"\1"),
        (data, 0, numbers, 7, 5, WANTED),
    ):
        with pytest.raises(TypeError):
            compiled.receive_run(*broken, 2.0, 2.0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "extensions", [b"", b"\xbe\xde\x00\x01\x10\xaa\x00\x00", b"\xbe\xde\x00\x09" + bytes(36)], ids=len
)
@pytest.mark.parametrize("make", [compiled.H264Packetizer, compiled.Vp8Packetizer])
def test_packets_that_share_a_picture_come_again_as_they_were(make: Any, extensions: bytes) -> None:
    rng, cache, packetizer, sent = random.Random(3), compiled.RetransmissionCache(), make(mtu=200), {}
    sequence = 65_400
    for number in range(120):
        large = b"\0\0\1\x65" + bytes(rng.choices(range(1, 256), k=rng.randrange(1500)))
        data = (b"\0\0\1\x67\x42\0\0\1\x68\xce" if number % 9 == 0 else b"") + large
        run = packetizer.packets(data, 96, sequence, number, 5, extensions, cache if number != 60 else None)
        if number == 60:
            cache.store_run(sequence, run)
        sent.update({sequence + at: made for at, made in enumerate(run)})
        sequence += len(run)
    assert sequence > 65_536 + 100
    for asked in range(sequence - 600, sequence):
        assert cache.resend(asked & 0xFFFF, 1.0) == (sent[asked] if asked >= sequence - 512 else None)
    with pytest.raises(TypeError, match="RetransmissionCache"):
        packetizer.packets(b"\0\0\1\x65abc", 96, 1, 1, 5, b"", "cache")
