"""Plays a clip into a leg, in step with the clock, again and again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

import numpy as np

from consilium.simulated_room.clip import SAMPLE_RATE, Clip
from mcu.media.codec.audio_encoder import EncoderKey, make_encoder, rtp_samples
from mcu.media.spec import CodecSpec
from mcu.media.units import CodedPicture, CodedSound

TICK = 0.02
_TICK_SAMPLES = round(SAMPLE_RATE * TICK)

# After a pause longer than this (a suspended machine) the clip goes on from now instead of racing to catch up.
MAX_LAG = 0.5


class Sink(Protocol):
    """Where the clip goes (``mcu.media.leg.MediaLeg``)."""

    def send_picture(self, unit: CodedPicture) -> None: ...
    def send_sound(self, unit: CodedSound) -> None: ...


class ClipPlayer:
    """``on_picture_sent(index, time)`` is told of each picture by its place in the clip: benchmarks measure with it."""

    def __init__(
        self,
        clip: Clip,
        sink: Sink,
        sound_codec: CodecSpec | None,
        on_picture_sent: Callable[[int, float], None] | None = None,
    ) -> None:
        self._clip = clip
        self._sink = sink
        self._sound_codec = sound_codec
        self._encoder = make_encoder(EncoderKey.of(sound_codec)) if sound_codec is not None else None
        self._on_picture_sent = on_picture_sent

    async def run(self) -> None:
        """Play until cancelled."""
        start = time.monotonic() + TICK
        async with asyncio.TaskGroup() as group:
            group.create_task(self._play_pictures(start))
            if self._encoder is not None:
                group.create_task(self._play_sound(start))

    async def _play_pictures(self, start: float) -> None:
        interval = 1 / self._clip.format.frame_rate
        number = 0
        while True:
            due = start + number * interval
            await _sleep_until(due)
            index = number % len(self._clip.pictures)
            picture = self._clip.pictures[index]
            self._sink.send_picture(CodedPicture(picture.data, picture.keyframe, due))
            if self._on_picture_sent is not None:
                self._on_picture_sent(index, time.monotonic())
            number = _next(number, start, interval)

    async def _play_sound(self, start: float) -> None:
        assert self._encoder is not None and self._sound_codec is not None
        samples = rtp_samples(self._sound_codec)
        number = 0
        while True:
            due = start + number * TICK
            await _sleep_until(due)
            at = number * _TICK_SAMPLES
            block = self._clip.sound.take(np.arange(at, at + _TICK_SAMPLES), mode="wrap")
            coded = self._encoder.encode(block.astype(np.float32) / np.float32(32768))
            self._sink.send_sound(
                CodedSound(coded, self._sound_codec.payload_type, due - self._encoder.delay, samples=samples)
            )
            number = _next(number, start, TICK)


async def _sleep_until(due: float) -> None:
    delay = due - time.monotonic()
    if delay > 0:
        await asyncio.sleep(delay)


def _next(number: int, start: float, interval: float) -> int:
    """The next step, or after too long a pause the one that is due now."""
    late = time.monotonic() - (start + (number + 1) * interval)
    return number + 1 + (int(late / interval) if late > MAX_LAG else 0)
