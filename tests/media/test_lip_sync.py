"""Lip sync through the composite, with senders whose clocks are skewed. Time jumps; the pure parts do the work."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import numpy as np
import pytest

from mcu.media.conference_sync import picture_delay, sound_delay
from mcu.media.lip_sync import MAX_PICTURE_HOLD, MAX_SOUND_HOLD, MAY_LAG, Delays, Holds, LipSync
from mcu.media.picture.frame_clock import FrameClock
from mcu.media.picture_hold import FAR, FAST_SLEW, MAX_HELD, SLEW, PictureHold
from mcu.media.rtp.session import PictureReceived, RtpStream, SoundReceived, StreamConfig
from mcu.media.sound.playout import PlayoutBuffer
from mcu.media.sound.samples import RATE, TICK
from mcu.media.units import CodedPicture
from tests.media.senders import H264, PCMA, SIGNAL_EVERY, Arrival, Medium, Room

DECODING = 0.012
"""Seconds from a unit's release to its picture on the slot."""
SETTLED = 30.0
PPM = 1e-6


@dataclass
class Shown:
    """When signals of one medium were captured and when they came out; seconds of true time."""

    captured: list[float] = field(default_factory=list)
    out: list[float] = field(default_factory=list)

    def delays(self) -> dict[int, float]:
        """Seconds from capture to output by the number of the signal, once all has settled."""
        found = {}
        for at in self.captured:
            out = next((out for out in self.out if out > at), None)
            if out is not None and at > SETTLED:
                found[round(at / SIGNAL_EVERY)] = out - at
        return found


class Composite:
    """What a worker does with one leg: streams, playout, holds and canvas, driven by a clock that jumps."""

    def __init__(self, room: Room, synchronised: bool = True) -> None:
        self.room = room
        self.synchronised = synchronised
        self.pictures = [medium for medium, _ in room.frame_rates]
        self.streams: dict[Medium, RtpStream] = {
            "audio": RtpStream(StreamConfig("audio", 1, "us", {8: PCMA}, None, PCMA), random.Random(1), 0.0, 0.0)
        }
        for number, medium in enumerate(self.pictures):
            config = StreamConfig("video", 2 + number, "us", {99: H264}, None, H264)
            self.streams[medium] = RtpStream(config, random.Random(2 + number), 0.0, 0.0)
        self.playout = PlayoutBuffer([PCMA])
        self.holds = {medium: PictureHold() for medium in self.pictures}
        self.released: dict[Medium, list[CodedPicture]] = {medium: [] for medium in self.pictures}
        self.sync = LipSync()
        self.frames = FrameClock(30, 0.0)
        self.shown: dict[Medium, Shown] = {medium: Shown() for medium in ("audio", *self.pictures)}
        self._was_loud = False
        self._was_on: dict[Medium, bool] = {}

    def run(self, seconds: float) -> None:
        arrivals = self.room.arrivals(seconds)
        arrival = next(arrivals, None)
        tick, review = 0.003, 0.5
        while arrival is not None:
            now = min(arrival.at, tick, review, self.frames.deadline)
            if now == arrival.at:
                self.arrive(arrival)
                arrival = next(arrivals, None)
            elif now == tick:
                self.mix(tick)
                tick += TICK
            elif now == review:
                self.review(review)
                review += 1.0
            else:
                self.compose(now)

    def arrive(self, arrival: Arrival) -> None:
        stream = self.streams[arrival.medium]
        if arrival.captured is not None:
            self.shown[arrival.medium].captured.append(arrival.captured)
        (stream.receive_rtcp if arrival.is_rtcp else stream.receive_rtp)(arrival.data, arrival.at)
        for event in stream.events():
            if isinstance(event, SoundReceived):
                self.playout.insert(event.unit)
            elif isinstance(event, PictureReceived):
                self.holds[arrival.medium].push(event.unit, arrival.at)

    def mix(self, now: float) -> None:
        sound = self.playout.pull(now)
        if sound is None:
            return
        loud = np.flatnonzero(np.abs(sound) > 0.2)
        if loud.size and not self._was_loud:
            self.shown["audio"].out.append(now + int(loud[0]) / RATE)
        self._was_loud = bool(loud.size)

    def compose(self, now: float) -> None:
        tick = self.frames.tick(now)
        assert tick is not None
        for medium in self.pictures:
            # A picture of so little light is on the canvas once it was released and decoded.
            released = self.released[medium]
            released += self.holds[medium].due(now - DECODING)
            if released:
                on = released[-1].data.endswith(b"\x02")
                if on and not self._was_on.get(medium, False):
                    self.shown[medium].out.append(tick.time)
                self._was_on[medium] = on
                del released[:-1]

    def review(self, now: float) -> None:
        told = all(stream.capture_offset is not None for stream in self.streams.values())
        delays: dict[Medium, float | None] = {
            medium: picture_delay(self.streams[medium], DECODING + 0.5 / 30, told) for medium in self.pictures
        }
        sound = sound_delay(self.streams["audio"], self.playout.statistics(now - now % TICK), told, now)
        holds = self.sync.review(Delays(sound, delays.get("video"), delays.get("content")))
        if self.synchronised:
            self.playout.hold_back(holds.sound)
            for medium in self.pictures:
                self.holds[medium].goal = holds.content if medium == "content" else holds.picture

    def apart(self, one: Medium, other: Medium) -> float:
        """By how much two media were apart at worst, seconds."""
        first, second = self.shown[one].delays(), self.shown[other].delays()
        common = first.keys() & second.keys()
        assert common, "no signal was seen in both"
        return max(abs(first[number] - second[number]) for number in common)


def test_sound_and_picture_stay_together_for_ten_minutes_though_no_two_clocks_agree() -> None:
    """Sound runs 100 ppm fast, the picture as slow, the wall clock fast; the picture takes 150 ms longer."""
    room = Room(
        skews={"audio": 100 * PPM, "video": -100 * PPM, "content": 100 * PPM},
        delays={"audio": 0.03, "video": 0.18, "content": 0.24},
        wall_skew=100 * PPM,
        frame_rates=(("video", 30), ("content", 30)),
    )
    composite = Composite(room)
    composite.run(600.0)
    assert len(composite.shown["audio"].delays()) == len(composite.shown["video"].delays()) > 110
    assert composite.apart("audio", "video") <= 0.040
    assert composite.apart("video", "content") <= 0.080


@pytest.mark.parametrize(
    ("audio", "video"), [(0.02, 0.17), (0.02, 0.02), (0.20, 0.05)], ids=["slow picture", "alike", "slow sound"]
)
def test_whoever_is_faster_waits(audio: float, video: float) -> None:
    room = Room(skews={"audio": -100 * PPM, "video": 100 * PPM}, delays={"audio": audio, "video": video})
    composite = Composite(room)
    composite.run(80.0)
    assert composite.apart("audio", "video") <= 0.040


def test_without_lip_sync_they_would_be_apart() -> None:
    """The measurement finds what it is to find."""
    room = Room(skews={"audio": 0.0, "video": 0.0}, delays={"audio": 0.02, "video": 0.22})
    composite = Composite(room, synchronised=False)
    composite.run(50.0)
    assert composite.apart("audio", "video") > 0.1


def test_a_room_that_sends_no_reports_is_served_by_arrival() -> None:
    room = Room(skews={"audio": 0.0, "video": 0.0}, delays={"audio": 0.02, "video": 0.02}, reports=False)
    composite = Composite(room)
    composite.run(60.0)
    assert composite.apart("audio", "video") <= 0.060  # sound's packets are 20 ms long, which arrival does not tell


# What to hold back


def settle(sync: LipSync, natural: Delays, reviews: int = 40) -> Holds:
    """Reviews of a leg whose sound does as it is told at once."""
    holds = Holds()
    for _ in range(reviews):
        assert natural.sound is not None
        holds = sync.review(Delays(natural.sound + holds.sound, natural.picture, natural.content))
    return holds


def test_holds_are_bounded() -> None:
    assert settle(LipSync(), Delays(sound=0.0, picture=2.0)).sound == MAX_SOUND_HOLD
    assert settle(LipSync(), Delays(sound=2.0, picture=0.0)).picture == MAX_PICTURE_HOLD


def test_slides_that_are_faster_wait_and_slower_ones_are_waited_for_within_reason() -> None:
    faster = settle(LipSync(), Delays(sound=0.1, picture=0.1, content=0.05))
    assert faster.content == pytest.approx(0.05)
    slower = settle(LipSync(), Delays(sound=0.1, picture=0.1, content=0.20))
    assert slower.picture == pytest.approx(0.07)
    assert slower.sound == pytest.approx(0.07, abs=0.011)
    assert slower.content == 0.0
    assert settle(LipSync(), Delays(sound=0.1, picture=0.1, content=1.0)).picture == pytest.approx(0.1)


def test_a_leg_without_picture_or_without_sound_is_held_back_in_nothing() -> None:
    sync = LipSync()
    settle(sync, Delays(sound=0.0, picture=0.2))
    assert sync.review(Delays(sound=0.2)) == Holds()
    assert sync.review(Delays(picture=0.2)) == Holds()


def test_clocks_that_have_nothing_to_do_with_each_other_are_not_believed() -> None:
    """Some rooms count the wall clock of each medium from its own beginning."""
    assert settle(LipSync(), Delays(sound=0.1, picture=900.0)) == Holds()
    assert settle(LipSync(), Delays(sound=0.1, picture=0.1, content=-50.0)) == Holds()


# Pictures held back


def picture(time: float) -> CodedPicture:
    return CodedPicture(b"picture", False, time)


def test_a_hold_comes_by_and_by_and_pictures_leave_in_order() -> None:
    hold = PictureHold()
    hold.goal = 0.05
    left: list[CodedPicture] = []
    for number in range(300):
        now = number / 30
        hold.push(picture(now), now)
        left += hold.due(now)
        if number == 60:
            hold.goal = 0.1
        if number == 180:
            hold.goal = 0.05
    times = [unit.time for unit in left]
    steps = np.diff(times)
    assert max(unit.time - number / 30 for number, unit in enumerate(left)) == pytest.approx(0.1, abs=0.01)
    assert steps.min() > 1 / 30 * (1 - 1.1 * SLEW)
    assert steps.max() < 1 / 30 * (1 + 1.1 * SLEW)


def test_a_hold_that_is_far_off_comes_faster() -> None:
    hold = PictureHold()
    hold.push(picture(0.0), 0.0)
    hold.goal = 0.5
    for number in range(1, 61):
        hold.push(picture(number / 30), number / 30)
        if number == 30:
            assert hold.held == pytest.approx(FAST_SLEW, abs=0.01)
    assert hold.held > 0.5 - FAR
    steps = np.diff([unit.time for unit in hold.due(9.0)])
    assert steps.max() < 1 / 30 * (1 + 1.1 * FAST_SLEW)


def test_without_a_hold_a_picture_passes_at_once() -> None:
    hold = PictureHold()
    hold.push(picture(5.0), 5.0)
    assert hold.due(5.0) == [picture(5.0)]
    assert hold.next_deadline() is None


def test_too_many_held_pictures_leave_early() -> None:
    hold = PictureHold()
    hold.goal = 1.0
    hold.push(picture(0.0), 0.0)
    hold.push(picture(100.0), 100.0)
    assert len(hold.due(100.0)) == 1
    for _ in range(MAX_HELD + 5):
        hold.push(picture(100.0), 100.0)
    assert len(hold.due(100.0)) == 6


@pytest.mark.parametrize(
    ("sound", "picture", "waits"),
    [(0.06, 0.05, 0.0), (0.06, 0.04, 0.0), (0.10, 0.04, 0.06 - MAY_LAG), (0.04, 0.05, 0.0), (0.04, 0.10, 0.0)],
)
def test_pictures_wait_only_for_sound_that_lags_noticeably(sound: float, picture: float, waits: float) -> None:
    held = settle(LipSync(), Delays(sound=sound, picture=picture))
    assert held.picture == pytest.approx(waits, abs=1e-6)


def test_pictures_that_have_waited_leave_earlier_once_sound_is_faster() -> None:
    sync = LipSync()
    assert settle(sync, Delays(sound=0.14, picture=0.04)).picture == pytest.approx(0.1 - MAY_LAG)
    assert settle(sync, Delays(sound=0.09, picture=0.04)).picture == pytest.approx(0.05 - MAY_LAG)
    assert settle(sync, Delays(sound=0.05, picture=0.04)).picture == 0.0


def test_between_reviews_pictures_follow_sound_and_sound_that_waits_is_left_alone() -> None:
    sync = LipSync()
    assert settle(sync, Delays(sound=0.1, picture=0.05)).picture == pytest.approx(0.05 - MAY_LAG)
    assert sync.follow(Delays(sound=0.9, picture=0.05)).picture == pytest.approx(0.85 - MAY_LAG)
    assert sync.follow(Delays(sound=0.3, picture=0.05)).picture == pytest.approx(0.25 - MAY_LAG)
    held = settle(sync, Delays(sound=0.05, picture=0.2))
    assert held.sound == pytest.approx(0.15, abs=0.011)
    assert sync.follow(Delays(sound=0.08, picture=0.2)) == held


def test_pictures_that_have_become_slower_than_sound_wait_no_longer_whatever_sound_does() -> None:
    sync = LipSync()
    assert settle(sync, Delays(sound=0.6, picture=0.1)).picture > 0.4
    assert sync.follow(Delays(sound=0.65, picture=0.9)) == Holds()
    assert sync.review(Delays(sound=0.7, picture=0.9)).picture == 0.0
