"""What is measured of a leg's streams, when, and what comes of it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import cast

import pytest

from mcu.media.conference_sync import ConferenceSync
from mcu.media.demultiplexer import Media
from mcu.media.leg import MediaLeg
from mcu.media.lip_sync import MAY_LAG, Delays, Holds
from mcu.media.picture_hold import SLEW, HeldPictures
from mcu.media.rtp.session import RtpStream, StreamConfig
from mcu.media.sound.playout_packet import PlayoutStatistics
from mcu.media.units import CodedPicture
from tests.media.senders import H264, PCMA, Medium, Room


@dataclass
class Leg:
    """A leg that is nothing but its streams."""

    id: str
    made: dict[Media, RtpStream] = field(default_factory=dict)

    def streams(self) -> Iterator[tuple[Media, RtpStream]]:
        yield from self.made.items()


@dataclass
class Stage:
    """A conference of one leg that has received a room for two seconds."""

    room: Room
    held: list[Holds] = field(default_factory=list)
    playing: PlayoutStatistics | None = None

    def __post_init__(self) -> None:
        self.leg = Leg("a")
        self.legs = {"a": cast(MediaLeg, self.leg)}
        self.sync = ConferenceSync(
            self.legs, lambda leg: self.playing, lambda leg, media: 0.03, lambda leg, holds: self.held.append(holds)
        )
        self.receive("audio", StreamConfig("audio", 1, "us", {8: PCMA}, None, PCMA))
        self.receive("video", StreamConfig("video", 2, "us", {99: H264}, None, H264))
        # Timestamp 7 is the first, of the instant 0: it is mixed 90 ms later.
        self.playing = PlayoutStatistics(0.05, 0, 0, 0, 0, origin=0.09 - 7 / 8000)

    def receive(self, medium: Medium, config: StreamConfig) -> None:
        stream = self.leg.made[medium] = RtpStream(config, random.Random(1), 0.0, 0.0)
        for arrival in self.room.arrivals(2.0):
            if arrival.medium == medium:
                (stream.receive_rtcp if arrival.is_rtcp else stream.receive_rtp)(arrival.data, arrival.at)

    def delays(self) -> Delays:
        return self.sync.delays(self.legs["a"], 2.0)


def room(reports: bool = True) -> Room:
    return Room(skews={"audio": 0.0, "video": 0.0}, delays={"audio": 0.02, "video": 0.1}, jitter=0.0, reports=reports)


def test_delays_are_counted_from_capture_by_the_room_s_one_clock() -> None:
    delays = Stage(room()).delays()
    assert delays.sound is not None and delays.picture is not None and delays.content is None
    assert delays.picture - delays.sound == pytest.approx(0.1 + 0.03 - 0.09, abs=0.002)


def test_without_reports_delays_are_counted_from_arrival() -> None:
    assert Stage(room(reports=False)).delays() == Delays(sound=0.05, picture=0.03)


def test_where_only_one_stream_tells_the_time_arrival_counts_for_both() -> None:
    stage, silent = Stage(room()), Stage(room(reports=False))
    stage.leg.made["audio"] = silent.leg.made["audio"]
    assert stage.delays() == Delays(sound=0.05, picture=0.03)


def test_sound_that_is_not_played_has_no_delay() -> None:
    stage = Stage(room())
    stage.playing = PlayoutStatistics(0.0, 0, 0, 0, 0)
    assert stage.delays().sound is None
    stage.playing = None
    assert stage.delays().sound is None


def test_a_leg_is_reviewed_once_a_second_and_forgotten_when_it_has_gone() -> None:
    stage = Stage(room())
    for tick in range(300):
        stage.sync.handle_timer(2.0 + tick / 100)
    assert len(stage.held) == 3
    stage.legs.clear()
    stage.sync.handle_timer(10.0)
    assert len(stage.held) == 3 and not stage.sync._syncs


def test_a_leg_whose_sound_a_network_makes_later_is_looked_at_four_times_a_second() -> None:
    stage = Stage(room())
    assert stage.playing is not None
    stage.playing = replace(stage.playing, origin=0.15 - 7 / 8000)
    for tick in range(300):
        assert stage.playing is not None and stage.playing.origin is not None
        if 100 <= tick < 200:
            stage.playing = replace(stage.playing, origin=stage.playing.origin + 0.001)
        stage.sync.handle_timer(2.0 + tick / 100)
    assert 3 + 3 <= len(stage.held) <= 3 + 4
    assert stage.held[-1].picture == pytest.approx(0.1 + 0.15 - 0.13 - MAY_LAG, abs=0.011)


# Pictures that wait


async def test_held_pictures_are_released_in_order_when_their_time_has_come() -> None:
    loop, left = asyncio.get_running_loop(), list[CodedPicture]()
    done = asyncio.Event()

    def release(unit: CodedPicture) -> None:
        left.append(unit)
        if len(left) == 6:
            done.set()

    began = loop.time()
    now = began
    held = HeldPictures(lambda: now, release)
    held.push(CodedPicture(b"0", True, now))
    assert [unit.data for unit in left] == [b"0"]
    held.hold.goal = 0.05
    now += 0.05 / SLEW  # the hold has been coming all that time
    for number in range(1, 6):
        held.push(CodedPicture(b"%d" % number, False, now))
    assert len(left) == 1
    now += 0.051
    async with asyncio.timeout(5.0):
        await done.wait()
    assert [unit.data for unit in left] == [b"%d" % number for number in range(6)]
    assert {round(unit.time - began, 3) for unit in left[1:]} == {round(0.05 / SLEW + 0.05, 3)}


async def test_pictures_of_a_leg_that_has_gone_are_dropped() -> None:
    now, left = 0.0, list[CodedPicture]()
    held = HeldPictures(lambda: now, left.append)
    held.push(CodedPicture(b"0", True, now))
    held.hold.goal = 0.05
    now = 1.0
    held.push(CodedPicture(b"1", False, now))
    held.close()
    now = 2.0
    await asyncio.sleep(0.06)
    assert len(left) == 1
