"""Key frames are spread over the time that the network needs for them; sound and usual pictures wait for nothing."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Sequence
from typing import cast

import pytest

from mcu.media.transport.media_pacer import BURST_SECONDS, LONGEST_WAIT, MAX_WAITING, PACE, MediaPacer


class Handle:
    def __init__(self) -> None:
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class World:
    """A clock, a loop, and a port that notes when what left."""

    def __init__(self) -> None:
        self.now = 100.0
        self.sent: list[tuple[float, bytes]] = []
        self.again: list[bytes] = []
        self.room: int | None = None
        self._calls: list[tuple[float, int, Handle, Callable[[], None]]] = []
        self.pacer = MediaPacer(self, 7, self.again.extend, lambda: self.now, self)

    def call_later(self, delay: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        handle = Handle()
        heapq.heappush(self._calls, (self.now + delay, len(self._calls), handle, callback))
        return cast("asyncio.TimerHandle", handle)

    def send_rtp(self, peer: int, packets: Sequence[bytes], now: float) -> list[bytes]:
        assert peer == 7 and now == self.now
        taken = packets if self.room is None else packets[: self.room]
        self.sent += [(now - 100, packet) for packet in taken]
        return list(packets[len(taken) :])

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self._calls and self._calls[0][0] <= end:
            self.now, _, handle, callback = heapq.heappop(self._calls)
            if not handle.cancelled:
                callback()
        self.now = end


@pytest.fixture
def world() -> World:
    return World()


def picture(octets: int, mark: int = 0) -> list[bytes]:
    return [bytes([mark]) * 1200 for _ in range(octets // 1200)]


def test_a_usual_picture_leaves_at_once_while_nothing_binds(world: World) -> None:
    world.pacer.send(picture(28_800))
    assert len(world.sent) == 24


def test_a_usual_picture_has_left_before_the_next_and_overruns_no_short_queue(world: World) -> None:
    """A link may drop what is beyond its rate at once: packets leave one by one, or a few milliseconds' worth."""
    for estimate, octets in ((600_000, 2_400), (1_000_000, 4_800), (4_000_000, 15_600)):
        world.sent.clear()
        world.pacer.follow(estimate)
        start = world.now
        world.pacer.send(picture(octets))
        world.run(1 / 30)
        assert len(world.sent) == octets // 1200
        times = [at + 100 for at, _ in world.sent]
        for begin in times:
            within = sum(1200 * 8 for at in times if begin <= at < begin + 0.01)
            assert within <= PACE * estimate * (0.01 + BURST_SECONDS) + 2 * 9600
        assert times[-1] - start >= 0.5 * (octets - 2400) * 8 / (PACE * estimate)
        world.run(1.0)


def test_a_key_frame_is_spread_in_order_and_what_follows_waits_for_it(world: World) -> None:
    world.pacer.follow(2_000_000)
    world.pacer.send(picture(60_000, 1))
    world.run(0.033)
    world.pacer.send(picture(8_400, 2))
    world.run(1.0)
    marks = [packet[0] for _, packet in world.sent]
    assert marks == [1] * 50 + [2] * 7
    last = world.sent[49][0]
    # 60 kB less the burst, at one and a half times 2 Mbit/s.
    assert last == pytest.approx((60_000 - PACE * 2e6 * BURST_SECONDS / 8) * 8 / (PACE * 2e6), abs=0.006)
    within = [at for at, _ in world.sent if 0.02 < at <= 0.08]
    assert sum(1200 * 8 for _ in within) / 0.06 == pytest.approx(PACE * 2e6, rel=0.15)


def test_while_nothing_binds_a_key_frame_takes_milliseconds(world: World) -> None:
    world.pacer.send(picture(120_000))
    assert len(world.sent) <= 25
    world.run(0.02)
    assert len(world.sent) == 100 and world.sent[-1][0] <= 0.01


def test_a_probe_leaves_at_its_own_rate_with_what_waits_and_then_the_usual_one_counts(world: World) -> None:
    world.pacer.follow(1_000_000)
    world.run(1.0)
    world.pacer.send(picture(6_000, 1))
    world.pacer.probe(picture(12_000, 2), 4_000_000)
    world.run(0.05)
    times = [at for at, _ in world.sent]
    assert [packet[0] for _, packet in world.sent] == [1] * 5 + [2] * 10
    assert (18_000 - 2_400) * 8 / (times[-1] - times[0]) == pytest.approx(4_000_000, rel=0.15)
    world.run(1.0)
    before = len(world.sent)
    world.pacer.send(picture(12_000))
    world.run(0.02)
    assert len(world.sent) - before <= 6


def test_sound_overtakes_pictures(world: World) -> None:
    world.pacer.follow(500_000)
    world.pacer.send(picture(60_000))
    before = len(world.sent)
    world.pacer.send([b"sound"], urgent=True)
    assert world.sent[before:] == [(0.0, b"sound")]


def test_what_is_sent_again_overtakes_pictures_that_wait(world: World) -> None:
    world.pacer.follow(500_000)
    world.pacer.send(picture(60_000))
    before = len(world.sent)
    world.pacer.send([b"again 1", b"again 2"], ahead=True)
    assert len(world.sent) == before
    world.run(0.05)
    assert [packet for _, packet in world.sent[before : before + 2]] == [b"again 1", b"again 2"]


def test_nothing_waits_too_long(world: World) -> None:
    world.pacer.follow(64_000)
    world.pacer.send(picture(120_000))
    world.run(2.0)
    assert len(world.sent) == 100 and world.sent[-1][0] <= 5 * LONGEST_WAIT


def test_what_is_too_much_is_dropped_and_counted(world: World) -> None:
    world.pacer.follow(64_000)
    world.pacer.send(picture(1200 * (MAX_WAITING + 50)))
    assert world.pacer.dropped == 50


def test_what_the_socket_has_no_room_for_is_sent_again(world: World) -> None:
    world.room = 2
    world.pacer.send([b"1", b"2", b"3"])
    assert world.again == [b"3"]


def test_a_closed_one_sends_no_more(world: World) -> None:
    world.pacer.follow(64_000)
    world.pacer.send(picture(60_000))
    sent = len(world.sent)
    world.pacer.close()
    world.run(1.0)
    assert len(world.sent) == sent
