"""Repair packets: the compiled ones beside those in plain Python, and what lossy networks leave."""

from __future__ import annotations

import random
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.media.packets import FecReceiver, FecSender
from tests.media.packets.fec_reference import Sender, number_of, solve

FORMS = ("flexfec-03", "ulpfec")
SSRC = 0x1234


def packet(number: int, payload: bytes, *, marker: bool = False, extension: bytes = b"", ssrc: int = SSRC) -> bytes:
    first = 0x90 if extension else 0x80
    return struct.pack("!BBHII", first, 96 | marker << 7, number & 0xFFFF, 3000 * number & 0xFFFFFFFF, ssrc) + (
        extension + payload
    )


def stream(count: int, first: int, rng: random.Random) -> list[bytes]:
    return [
        packet(first + place, rng.randbytes(rng.choice((1, 40, 700, 1200))), marker=rng.random() < 0.3)
        for place in range(count)
    ]


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(FORMS),
    st.integers(0, (1 << 64) - 1),
    st.integers(0, 65535),
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 4), st.integers(1, 60), st.integers(0, 2)), max_size=12),
)
def test_repair_packets_are_those_of_the_reference(
    form: str, seed: int, first: int, batches: list[tuple[int, int, int, int]]
) -> None:
    sender, reference, rng = FecSender(form, seed), Sender(form, seed), random.Random(seed)
    for count, repairs, window, gap in batches:
        packets = stream(count, first, rng)
        first += count + gap * 20
        assert sender.protect(packets, repairs, window) == reference.protect(packets, repairs, window)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(FORMS),
    st.integers(0, 65535),
    st.integers(0, (1 << 32) - 1),
    st.integers(1, 100),
    st.floats(0.0, 0.6),
    st.integers(1, 46),
)
def test_what_is_recovered_is_what_the_equations_tell(
    form: str, first: int, seed: int, count: int, loss: float, window: int
) -> None:
    rng = random.Random(seed)
    packets = stream(count, first, rng)
    sender, receiver = FecSender(form, seed), FecReceiver(form)
    known, payloads = {number_of(packets[0]): packets[0]}, []
    found: dict[int, bytes] = {}
    receiver.received(packets[0])
    arriving: list[tuple[bytes, bool]] = []
    for one in packets[1:]:
        arriving += [(one, False), *((payload, True) for payload in sender.protect([one], rng.random() < 0.4, window))]
    kept = [item for item in arriving if rng.random() >= loss]
    for place in range(len(kept) - 1):  # some change places
        if rng.random() < 0.1:
            kept[place], kept[place + 1] = kept[place + 1], kept[place]
    for data, is_repair in kept:
        if is_repair and len(payloads) < 40:
            payloads.append(data)
            new = receiver.repair(data)
        elif not is_repair:
            known[number_of(data)] = data
            new = receiver.received(data)
        else:
            continue
        for one in new:
            found[number_of(one)] = one
    expected = solve(form, known, payloads, SSRC)
    originals = {number_of(one): one for one in packets}
    assert {number: originals[number] for number in found} == found
    assert {number: one for number, one in found.items() if number not in known} == expected


def through(rng: random.Random, form: str, share: float, loss: float, burst: float, window: int) -> tuple[int, int]:
    """Of 2000 packets in pictures of three: lost, and still lost afterwards."""
    sender, receiver = FecSender(form, 1), FecReceiver(form)
    losing, credit, lost = False, 0.0, set()
    originals: dict[int, bytes] = {}

    def passes() -> bool:
        nonlocal losing
        leave = 1 / burst
        enter = loss * leave / (1 - loss)
        losing = rng.random() < (1 - leave if losing else enter) if burst > 1 else rng.random() < loss
        return not losing

    for picture in range(667):
        packets = stream(3, 65000 + 3 * picture, rng)
        originals |= {number_of(one): one for one in packets}
        credit += 3 * share
        payloads = sender.protect(packets, int(credit), window)
        credit -= int(credit)
        for one in packets:
            if passes():
                recovered = receiver.received(one)
                lost -= {number_of(other) for other in recovered}
            else:
                lost.add(number_of(one))
        for payload in payloads:
            if passes():
                for one in receiver.repair(payload):
                    assert one == originals[number_of(one)]
                    lost.discard(number_of(one))
    return int(667 * 3 * loss), len(lost)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("share", "loss", "burst", "most"),
    [(0.4, 0.05, 1.0, 0.12), (0.6, 0.1, 1.0, 0.1), (1.0, 0.2, 1.0, 0.08), (1.0, 0.2, 4.0, 0.25)],
)
def test_most_of_what_is_lost_is_mended(form: str, share: float, loss: float, burst: float, most: float) -> None:
    lost, left = through(random.Random(3), form, share, loss, burst, 16)
    assert left <= most * lost


def test_a_packet_that_came_late_helps_another() -> None:
    packets = stream(3, 65534, random.Random(1))
    payload = solve_able(packets)
    receiver = FecReceiver("flexfec-03")
    assert receiver.received(packets[0]) == [] and receiver.repair(payload) == []
    assert receiver.received(packets[2]) == [packets[1]]
    assert receiver.received(packets[1]) == []
    assert receiver.counters() == (1, 1, 0, 0)


def solve_able(packets: list[bytes]) -> bytes:
    """A repair packet for all of three packets."""
    for seed in range(200):
        (payload,) = FecSender("flexfec-03", seed).protect(packets, 1, 3)
        if payload[18:20] == b"\xf0\0":
            return payload
    raise AssertionError("no such mask")


def test_extensions_that_change_on_the_way_count_as_zero() -> None:
    def sent(time: bytes) -> list[bytes]:
        return [packet(7 + place, b"abc", extension=b"\xbe\xde\0\2\x10M\x32" + time + b"\0\0") for place in range(3)]

    sender = FecSender("flexfec-03", 5, mutable=(3,))
    payload = sender.protect(sent(b"\0\0\1"), 1, 3)[0]
    receiver = FecReceiver("flexfec-03", mutable=(3,))
    came = sent(b"\7\7\7")
    for seed in range(200):
        payload = FecSender("flexfec-03", seed, mutable=(3,)).protect(sent(b"\0\0\1"), 1, 3)[0]
        if payload[18:20] == b"\xf0\0":
            break
    receiver.received(came[0])
    receiver.received(came[2])
    assert receiver.repair(payload) == [sent(b"\0\0\0")[1]]


def test_another_source_begins_anew() -> None:
    packets = stream(3, 10, random.Random(1))
    receiver = FecReceiver("flexfec-03")
    receiver.received(packets[0])
    receiver.received(packet(10, b"other", ssrc=9))
    receiver.received(packets[2][:8] + b"\0\0\0\x09" + packets[2][12:])
    assert receiver.repair(solve_able(packets)) == []
    assert receiver.counters() == (1, 0, 1, 0)


@pytest.mark.parametrize("form", FORMS)
def test_nonsense_is_counted(form: str) -> None:
    receiver = FecReceiver(form)
    receiver.received(packet(1, b"x"))
    for payload in (b"", b"\0", b"\xff" * 40, b"\0" * 40, bytes(2000)):
        assert receiver.repair(payload) == []
    repairs, recovered, useless, malformed = receiver.counters()
    assert (repairs, recovered) == (5, 0) and useless + malformed == 5
    with pytest.raises(TypeError):
        receiver.repair("text")  # type: ignore[arg-type]


def test_values_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="no form"):
        FecSender("raptor", 1)
    with pytest.raises(ValueError, match="extensions"):
        FecReceiver("ulpfec", mutable=(0,))
    with pytest.raises(ValueError, match="repair packets"):
        FecSender("ulpfec", 1).protect([], 47, 1)
    sender = FecSender("ulpfec", 1)
    assert sender.protect([b"short"], 1, 4) == [] and sender.unprotected == 1
