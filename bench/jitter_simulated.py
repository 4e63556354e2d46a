"""Jitter of up to a second in simulated time: what of a room's pictures and sound is shown and heard, when, in step.

One room sends pictures and speech on one clock over a seeded path that keeps the order of datagrams (``bunched``, as
behind a queue that fills and empties) or does not (``scattered``); reports and requests come back over another. Our
side is what a worker has for a leg: packet layer, playout buffer, held pictures, decoder, canvas and lip sync. The
network is quiet at first, then there is jitter, then it is quiet again. ``frozen`` is the share of the time in which a
picture stood for more than 183 ms; delays are those from capture to canvas and mix.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from bench.loss_simulated import CLIP_SECONDS, DELAY, FEEDBACK, H264, OPUS, RTX, SENTENCE_SECONDS, SHAPE
from bench.loss_view import freeze_ratio, graded
from bench.network_path import Conditions, NetworkPath
from bench.report import Benchmark, Figures
from bench.speech import speech
from bench.time_code import time_coded_clip
from consilium.simulated_room.clip import Clip
from mcu.media.codec.audio_encoder import EncoderKey, make_encoder
from mcu.media.conference_sync import ConferenceSync
from mcu.media.leg import MediaLeg
from mcu.media.lip_sync import Holds
from mcu.media.picture.source import PictureSourceWorker
from mcu.media.picture_hold import PictureHold
from mcu.media.rtp.session import KeyFrameRequested, PictureReceived, RtpStream, SoundReceived, StreamConfig
from mcu.media.sound.playout import PlayoutBuffer
from mcu.media.sound.samples import RATE, TICK, TICK_SAMPLES, Sound, silence
from mcu.media.units import CodedPicture, CodedSound

STEP = 0.005
QUIET, ADAPTING, CALM = 4.0, 2.0, 20.0
"""Seconds before the jitter, those at its beginning in which buffers may still adapt, and those after its end."""

DECODING = 0.01
TILE = (160, 90)

NETWORKS = {
    "quiet": Conditions(delay=DELAY),
    "bunched_100": Conditions(delay=DELAY, jitter=0.1),
    "bunched_300": Conditions(delay=DELAY, jitter=0.3),
    "bunched_1000": Conditions(delay=DELAY, jitter=1.0),
    "scattered_30": Conditions(delay=DELAY, scatter=0.03),
    "scattered_300": Conditions(delay=DELAY, scatter=0.3),
    "scattered_1000": Conditions(delay=DELAY, scatter=1.0),
    "bunched_300_loss_5": Conditions(delay=DELAY, jitter=0.3, loss=0.05),
    "scattered_300_loss_5": Conditions(delay=DELAY, scatter=0.3, loss=0.05),
}


@dataclass(frozen=True)
class Shown:
    """A picture that came on the canvas, and how much later than its capture that was, and the mix's sound then."""

    at: float
    picture: float
    sound: float | None


@dataclass(frozen=True)
class _Leg:
    """What lip sync looks at of a leg."""

    id: str
    ends: Mapping[str, RtpStream]

    def streams(self) -> Iterator[tuple[str, RtpStream]]:
        yield from self.ends.items()


class Call:
    """A room, its network and our side of it. Times are in seconds from the call's beginning."""

    def __init__(self, clip: Clip, sentence: Sound, seed: int, repeats: bool = True) -> None:
        self._clip, self._sentence = clip, sentence
        self._origin = self._now = 100.0
        self.there: NetworkPath[tuple[str, bool]] = NetworkPath(Conditions(delay=DELAY), seed)
        self.back: NetworkPath[tuple[str, bool]] = NetworkPath(Conditions(delay=DELAY), seed + 100)
        self.room: dict[str, RtpStream] = {}
        self.ours: dict[str, RtpStream] = {}
        for number, (kind, codec) in enumerate((("audio", OPUS), ("video", H264))):
            for place, ends in enumerate((self.room, self.ours)):
                config = StreamConfig(
                    "video" if kind == "video" else "audio",
                    10 * (number + 1) + place,
                    "room",
                    {codec.payload_type: codec},
                    None,
                    codec,
                    FEEDBACK if kind == "video" and repeats else frozenset(),
                    repeats={H264.payload_type: RTX} if kind == "video" and repeats else {},
                    rtx_ssrc=10 * (number + 1) + place + 5,
                )
                ends[kind] = RtpStream(config, random.Random(seed + number + 7 * place), self._now, 1.7e9)
        self._encoder = make_encoder(EncoderKey.of(OPUS))
        self._first: dict[str, int] = {}
        self._pictures = self._frames = self._ticks = 0
        self._key_frame_asked = False
        self.playout, self.hold = PlayoutBuffer((OPUS,)), PictureHold()
        self._sync = ConferenceSync(
            {"room": cast(MediaLeg, _Leg("room", self.ours))},
            lambda _: self.playout.statistics(self._now),
            lambda _, media: DECODING + 0.5 / SHAPE.frame_rate + self.hold.margin,
            self._hold_back,
            lambda _, media: self.hold.origin,
        )
        self._source = PictureSourceWorker("room", "H264", lambda: self._now, lambda _: self._ask())
        self._source.show(frozenset({TILE}))
        self._serial = 0
        self._left: dict[float, CodedPicture] = {}
        self._canvas = 0
        self.shown: list[Shown] = []
        self.heard: list[Sound] = []
        self.delays: list[tuple[float, float]] = []

    @property
    def now(self) -> float:
        """Since the beginning."""
        return self._now - self._origin

    def change(self, conditions: Conditions) -> None:
        """Both ways are so from now on."""
        self.there.change(conditions, self._now)
        self.back.change(conditions, self._now)

    def run(self, until: float) -> None:
        """Let time pass."""
        while self.now < until:
            self._send()
            self._pass_on()
            self._take()
            self._now += STEP

    def _send(self) -> None:
        while self._frames * TICK <= self.now:
            samples = np.arange(self._frames * TICK_SAMPLES, (self._frames + 1) * TICK_SAMPLES)
            data = self._encoder.encode(self._sentence.take(samples, mode="wrap"))
            at = self._origin + self._frames * TICK
            self.room["audio"].send_sound(CodedSound(data, OPUS.payload_type, at, samples=RATE // 50), self._now)
            self._frames += 1
        while self._pictures / SHAPE.frame_rate <= self.now:
            picture = self._clip.pictures[self._pictures % len(self._clip.pictures)]
            at = self._origin + self._pictures / SHAPE.frame_rate
            self.room["video"].send_picture(CodedPicture(picture.data, picture.keyframe, at), self._now)
            if self._pictures % SHAPE.frame_rate == 0:  # what we send is reported on, and tells the round trip
                self.ours["video"].send_picture(CodedPicture(picture.data, picture.keyframe, self._now), self._now)
            self._pictures += 1

    def _pass_on(self) -> None:
        for ends, others, path in ((self.room, self.ours, self.there), (self.ours, self.room, self.back)):
            for kind, end in ends.items():
                deadline = end.next_deadline()
                if deadline is not None and deadline <= self._now:
                    end.handle_timer(self._now)
                for data in end.rtp_to_send():
                    if ends is self.room:
                        self._first.setdefault(kind, int.from_bytes(data[4:8], "big"))
                    path.push(data, (kind, True), self._now)
                for data in end.rtcp_to_send():
                    path.push(data, (kind, False), self._now)
            for data, (kind, is_rtp) in path.pop_due(self._now):
                (others[kind].receive_rtp if is_rtp else others[kind].receive_rtcp)(data, self._now)

    def _take(self) -> None:
        for event in self.ours["audio"].events():
            if isinstance(event, SoundReceived):
                self.playout.insert(event.unit)
        for event in self.ours["video"].events():
            if isinstance(event, PictureReceived):
                self.hold.push(event.unit, self._now)
        for event in self.room["video"].events():
            self._key_frame_asked = self._key_frame_asked or isinstance(event, KeyFrameRequested)
        while self._origin + self._ticks * TICK <= self._now:
            sound = self.playout.pull(self._origin + self._ticks * TICK)
            heard = silence() if sound is None else sound
            self.heard.append(heard if heard.ndim == 1 else heard.mean(0))
            self._ticks += 1
        for unit in self.hold.due(self._now - DECODING):
            self._left[unit.time] = unit
            self._source.push(unit)
        self._source.work()
        while self._canvas / SHAPE.frame_rate <= self.now:
            self._show()
            self._canvas += 1
        self._sync.handle_timer(self._now)

    def _show(self) -> None:
        newest = self._source.newest
        if newest is None or newest.serial == self._serial:
            return
        self._serial = newest.serial
        unit = self._left[newest.arrived]
        self._left.clear()
        played = self.playout.statistics(self._now)
        sound = None
        if played.origin is not None:
            sound = self.now - self._captured("audio", round((self._now - played.origin) * RATE), RATE)
        assert unit.timestamp is not None
        self.shown.append(Shown(self.now, self.now - self._captured("video", unit.timestamp, 90_000), sound))

    def _captured(self, kind: str, timestamp: int, clock_rate: int) -> float:
        return ((timestamp - self._first[kind] + 0x80000000) % 0x100000000 - 0x80000000) / clock_rate

    def _hold_back(self, _: str, holds: Holds) -> None:
        self.playout.hold_back(holds.sound)
        self.hold.goal = holds.picture

    def _ask(self) -> None:
        self.ours["video"].request_key_frame(self._now)

    # What came of it

    def frozen(self, start: float, end: float) -> float:
        """Share of the time."""
        return freeze_ratio([one.at for one in self.shown], start, end, 1 / SHAPE.frame_rate)

    def speech(self, start: float, end: float) -> float | None:
        """PESQ."""
        return graded(self._sentence, np.concatenate(self.heard[round(start / TICK) : round(end / TICK)]))

    def apart(self, start: float, end: float) -> list[float]:
        """By how much pictures came later than the sound that belongs to them, seconds."""
        return [one.picture - one.sound for one in self.shown if start <= one.at < end and one.sound is not None]

    def picture_delay(self, start: float, end: float) -> float:
        """Mean, seconds; not a number where no picture came."""
        return _mean([one.picture for one in self.shown if start <= one.at < end])

    def sound_delay(self, start: float, end: float) -> float:
        """Mean, seconds."""
        return _mean([one.sound for one in self.shown if start <= one.at < end and one.sound is not None])


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan


async def run(seconds: float, seeds: int = 2, only: str = "") -> Figures:
    """So many simulated seconds of jitter in each network, and each with so many ``seeds``."""
    return await asyncio.to_thread(_run, seconds, seeds, only)


def _run(seconds: float, seeds: int, only: str) -> Figures:
    clip, sentence = time_coded_clip(SHAPE, CLIP_SECONDS, 1, None), speech(SENTENCE_SECONDS)
    wanted = only.split(",") if only else list(NETWORKS)
    return {
        name: _combined([measured(clip, sentence, NETWORKS[name], seconds, seed) for seed in range(seeds)])
        for name in wanted
    }


def measured(clip: Clip, sentence: Sound, conditions: Conditions, seconds: float, seed: int) -> dict[str, float | None]:
    """The figures of one call."""
    call = Call(clip, sentence, seed)
    call.run(QUIET)
    call.change(conditions)
    call.run(QUIET + seconds)
    call.change(Conditions(delay=DELAY))
    call.run(QUIET + seconds + CALM)
    start, end = QUIET + ADAPTING, QUIET + seconds
    apart = np.array(call.apart(start, end)) * 1000
    repaired = call.ours["video"].repair_statistics()
    return {
        "frozen_beginning": call.frozen(QUIET, start),
        "frozen": call.frozen(start, end),
        "frozen_after": call.frozen(end, end + CALM),
        "pesq_whole": call.speech(QUIET, end),
        "pesq": call.speech(start, end),
        "lips_ms": float(np.median(apart)) if apart.size else None,
        "lips_ms_p95": float(np.percentile(np.abs(apart), 95)) if apart.size else None,
        "picture_ms_quiet": 1000 * call.picture_delay(QUIET / 2, QUIET),
        "picture_ms": 1000 * call.picture_delay(start, end),
        "picture_ms_after": 1000 * call.picture_delay(end + CALM - 2, end + CALM),
        "sound_ms_quiet": 1000 * call.sound_delay(QUIET / 2, QUIET),
        "sound_ms": 1000 * call.sound_delay(start, end),
        "sound_ms_after": 1000 * call.sound_delay(end + CALM - 2, end + CALM),
        "requested": float(repaired.packets_requested),
        "key_frames_asked": float(repaired.key_frame_requests),
        "pictures_dropped": float(repaired.pictures_dropped),
    }


def _combined(runs: Sequence[dict[str, float | None]]) -> Figures:
    found: Figures = {}
    for name in runs[0]:
        known = [value for one in runs if (value := one[name]) is not None]
        found[name] = round(sum(known) / len(known), 4 if name.startswith("frozen") else 2) if known else None
    return found


BENCHMARK = Benchmark(
    summary="jitter of up to a second in simulated time: freezes, speech, lips and delay",
    run=run,
    seconds=20.0,
    aims={
        "bunched_1000.frozen": "0.03 at most",
        "bunched_1000.pesq_whole": "2.8 or more",
        "bunched_1000.lips_ms": "within ±40",
        "scattered_1000.frozen": "0.03 at most",
        "scattered_1000.pesq_whole": "2.8 or more",
    },
    options=(("seeds", 2, "how often each is measured"), ("only", "", "names of networks between commas")),
)
