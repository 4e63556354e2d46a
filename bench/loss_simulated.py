"""Bad networks in simulated time: our packet layer, decoders and buffers at both ends, without sockets and processes.

What ``bench.loss`` measures of a whole server depends on what else the machine does; this gives the same figures on
any machine. One stream of pictures with a key frame a second, and one sentence in Opus, over a seeded path, with
reports coming back over another like it.
"""

from __future__ import annotations

import asyncio
import random

import numpy as np

from bench.bottleneck import cap_figures
from bench.loss_view import Plane, compared, freeze_ratio, graded, played, similarity
from bench.narrow_room import room_figures
from bench.network_path import Conditions, NetworkPath
from bench.report import Benchmark, Figures
from bench.simulated_call import SimulatedCall
from bench.simulated_ends import Kind
from bench.speech import speech
from bench.time_code import time_coded_clip
from consilium.simulated_room.clip import Clip, ClipFormat
from layouts.geometry import Rect
from mcu.media.codec.audio_encoder import EncoderKey, make_encoder
from mcu.media.codec.video_decoder import VideoDecoder
from mcu.media.picture_hold import PictureHold
from mcu.media.rtp.session import PictureReceived, RtpStream, SoundReceived, StreamConfig
from mcu.media.sound.samples import RATE, TICK, TICK_SAMPLES, Sound
from mcu.media.spec import CodecSpec, RepairSpec
from mcu.media.units import CodedPicture, CodedSound

H264 = CodecSpec(name="H264", payload_type=99, clock_rate=90000, parameters={"packetization-mode": "1"})
OPUS = CodecSpec(name="opus", payload_type=111, clock_rate=48000, channels=2, parameters={"useinbandfec": "1"})
RED, RTX = 63, 100
SHAPE = ClipFormat(width=640, height=360, frame_rate=30, bitrate=700_000)
CLIP_SECONDS = 4.0
SENTENCE_SECONDS = 6.0
DELAY, BURST = 0.02, 4.0
STEP = 0.002
SETTLE_SECONDS = 4.0
FEEDBACK = frozenset({"nack", "pli"})
NONE = frozenset[str]()
# How a picture's packets are kept from loss: sent again, not at all, by repair packets as with rooms, as with browsers.
KINDS = (
    ("repeated", FEEDBACK, None),
    ("plain", NONE, None),
    ("repaired", NONE, RepairSpec(form="ulpfec", payload_type=49, red=48, single=True)),
    ("both", FEEDBACK, RepairSpec(form="flexfec-03", payload_type=49, ssrc=77, single=True)),
)
# Whole calls from their first moment on a bad network, by the same names.
CALLS = (
    ("call_5", Kind(), Conditions(loss=0.05, delay=DELAY)),
    ("call_20", Kind(), Conditions(loss=0.2, delay=DELAY)),
    ("call_burst_20", Kind(), Conditions(loss=0.2, burst=BURST, delay=DELAY)),
    ("call_plain_20", Kind(NONE, None, None), Conditions(loss=0.2, delay=DELAY)),
    ("call_repaired_20", Kind(NONE, KINDS[2][2]), Conditions(loss=0.2, delay=DELAY)),
)
CALL_SECONDS = 6.0


async def run(seconds: float, seeds: int = 2) -> Figures:
    """So many simulated seconds of each condition, and each with so many ``seeds``."""
    return await asyncio.to_thread(_run, seconds, seeds)


def _run(seconds: float, seeds: int) -> Figures:
    clip = time_coded_clip(SHAPE, CLIP_SECONDS, 1, None)
    clean, sentence = _clean(clip), speech(SENTENCE_SECONDS)
    figures: Figures = {}
    for burst in (1.0, BURST):
        for percent in (0, 5, 10, 20):
            conditions = Conditions(loss=percent / 100, burst=burst, delay=DELAY)
            found: Figures = {}
            for kind, feedback, repair in KINDS:
                runs = [_pictures(clip, clean, conditions, feedback, repair, seconds, seed) for seed in range(seeds)]
                found[f"freeze_ratio_{kind}"] = round(float(np.mean([freeze for freeze, _ in runs])), 4)
                found[f"ssim_{kind}"] = round(float(np.mean([likeness for _, likeness in runs])), 3)
            for kind, redundancy in (("opus", None), ("red", RED)):
                grades = [_sound(sentence, conditions, redundancy, seconds, seed) for seed in range(seeds)]
                known = [grade for grade in grades if grade is not None]
                found[f"pesq_{kind}"] = round(float(np.mean(known)), 2) if known else None
            figures[f"{'random' if burst == 1 else 'burst'}_{percent}"] = found
            if burst == 1 and percent == 0:
                found.pop("ssim_plain")
    figures |= _calls(sentence, seeds)
    figures["cap"] = {
        name: cap_figures(demand, loss, seed=1)
        for name, demand, loss in (("full", 1.0, 0.0), ("easy", 0.6, 0.0), ("loss_5", 1.0, 0.05))
    }
    figures["cap_room"] = {
        name: room_figures(camera, loss, seeds=8)
        for name, camera, loss in (("usual", 0.0, 0.0), ("reports_lost", 2.5e6, 0.0), ("loss_5", 0.0, 0.05))
    }
    return figures


def _calls(sentence: Sound, seeds: int) -> Figures:
    clip = time_coded_clip(SHAPE, SENTENCE_SECONDS, 1, None)
    found: Figures = {}
    for name, kind, conditions in CALLS:
        runs = []
        for seed in range(seeds):
            call = SimulatedCall(clip, sentence, kind, conditions, seed)
            call.run(CALL_SECONDS)
            runs.append(call.figures())
        known = {key: [value for one in runs if (value := one[key]) is not None] for key in runs[0]}
        found[name] = {key: round(float(np.mean(values)), 4) if values else None for key, values in known.items()}
    return found


def _clean(clip: Clip) -> list[Plane]:
    decoder = VideoDecoder("H264")
    frames = [decoder.decode(picture.data) for picture in clip.pictures]
    return [_plane(frame.to_ndarray()) for frame in frames if frame is not None]


def _plane(planes: np.ndarray) -> Plane:
    luma = np.ascontiguousarray(planes[: SHAPE.height], np.uint8)
    return compared(luma, Rect(0, 0, SHAPE.width, SHAPE.height))


class _Call:
    """Two ends of a stream and the paths between them. ``now`` begins at 100 s."""

    def __init__(self, sender: StreamConfig, receiver: StreamConfig, conditions: Conditions, seed: int) -> None:
        self.now = 100.0
        self.sender = RtpStream(sender, random.Random(seed), self.now, 1.7e9)
        self.receiver = RtpStream(receiver, random.Random(seed + 1), self.now, 1.7e9)
        self.first_timestamp: int | None = None  # of what was sent first, whether it came or not
        self._there: NetworkPath[bool] = NetworkPath(conditions, seed)
        self._back: NetworkPath[bool] = NetworkPath(conditions, seed + 100)

    def pass_on(self) -> None:
        """Both ends send what they have, get what has come, and have their timers."""
        for end, other, path in (
            (self.sender, self.receiver, self._there),
            (self.receiver, self.sender, self._back),
        ):
            for data in end.rtp_to_send():
                if self.first_timestamp is None:
                    self.first_timestamp = int.from_bytes(data[4:8], "big")
                path.push(data, True, self.now)
            for data in end.rtcp_to_send():
                path.push(data, False, self.now)
            for data, is_rtp in path.pop_due(self.now):
                (other.receive_rtp if is_rtp else other.receive_rtcp)(data, self.now)
        for end in (self.sender, self.receiver):
            deadline = end.next_deadline()
            if deadline is not None and deadline <= self.now:
                end.handle_timer(self.now)
        self.now += STEP


def _pictures(
    clip: Clip,
    clean: list[Plane],
    conditions: Conditions,
    feedback: frozenset[str],
    repair: RepairSpec | None,
    seconds: float,
    seed: int,
) -> tuple[float, float]:
    """Share of the time in which the picture stood still, and mean likeness of what was shown to what was sent."""
    repeats = {H264.payload_type: RTX} if feedback else {}

    def config(ssrc: int) -> StreamConfig:
        return StreamConfig(
            "video", ssrc, "end", {99: H264}, None, H264, feedback, repeats=repeats, rtx_ssrc=ssrc + 10, repair=repair
        )

    call = _Call(config(1), config(2), conditions, seed)
    hold, decoder = PictureHold(), VideoDecoder("H264")
    start, number = call.now, 0
    shown: list[float] = []
    likeness: list[float] = []
    while call.now < start + SETTLE_SECONDS + seconds:
        if call.now >= start + number / SHAPE.frame_rate:
            picture = clip.pictures[number % len(clip.pictures)]
            call.sender.send_picture(CodedPicture(picture.data, picture.keyframe, call.now), call.now)
            number += 1
        call.pass_on()
        for event in call.receiver.events():
            if isinstance(event, PictureReceived):
                hold.push(event.unit, call.now)
        for unit in hold.due(call.now):
            frame = decoder.decode(unit.data, unit.damaged)
            if frame is None:
                continue
            assert unit.timestamp is not None and call.first_timestamp is not None
            shown.append(unit.time)
            behind = (unit.timestamp - call.first_timestamp) & 0xFFFFFFFF
            place = round(behind * SHAPE.frame_rate / 90_000) % len(clean)
            if len(shown) % 3 == 0 and call.now > start + SETTLE_SECONDS:
                likeness.append(similarity(clean[place], _plane(frame.to_ndarray())))
    frozen = freeze_ratio(shown, start + SETTLE_SECONDS, call.now, 1 / SHAPE.frame_rate)
    return frozen, float(np.mean(likeness)) if likeness else 0.0


def _sound(sentence: Sound, conditions: Conditions, redundancy: int | None, seconds: float, seed: int) -> float | None:
    def config(ssrc: int) -> StreamConfig:
        return StreamConfig("audio", ssrc, "end", {111: OPUS}, None, OPUS, redundancy=redundancy)

    call = _Call(config(1), config(2), conditions, seed)
    encoder = make_encoder(EncoderKey.of(OPUS))
    received: list[CodedSound] = []
    start, number = call.now, 0
    while call.now < start + SETTLE_SECONDS + seconds:
        if call.now >= start + number * TICK:
            samples = np.arange(number * TICK_SAMPLES, (number + 1) * TICK_SAMPLES)
            data = encoder.encode(sentence.take(samples, mode="wrap"))
            at = start + number * TICK
            call.sender.send_sound(CodedSound(data, 111, at, samples=RATE // 50), call.now)
            number += 1
        call.pass_on()
        received += [event.unit for event in call.receiver.events() if isinstance(event, SoundReceived)]
    return graded(sentence, played(received, (OPUS,), start + SETTLE_SECONDS, call.now))


BENCHMARK = Benchmark(
    summary="bad networks in simulated time: freezes, likeness and speech, whatever else the machine does",
    run=run,
    seconds=12.0,
    aims={
        "random_5.freeze_ratio_repeated": "0.005 at most",
        "random_20.freeze_ratio_repeated": "0.03 at most",
        "random_20.pesq_opus": "2.8 or more",
        "call_5.freeze_ratio_up": "0.005 at most",
        "call_20.freeze_ratio_up": "0.03 at most",
        "call_20.freeze_ratio_down": "0.03 at most",
        "call_20.pesq_up": "2.8 or more",
        "call_20.pesq_down": "2.8 or more",
        "cap.full.follow_s": "2 at most",
        "cap.full.recover_s": "15 at most",
        "cap_room.usual.recover_s": "15 at most",
        "cap_room.usual.narrow_mbit_s": "0.6 or more, beside sound",
    },
    options=(("seeds", 2, "how often each is measured"),),
)
