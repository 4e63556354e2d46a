"""One call of ``bench.loss``: a room behind a relay and one on a clean network, which see and hear each other."""

from __future__ import annotations

import asyncio
import math
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import numpy as np

from bench.loss_view import COMPARED, Plane, Seen, Viewer, freeze_ratio, graded, in_sequence, phase, played, shown_at
from bench.network_path import Conditions
from bench.relay import HOST, Relay
from bench.report import Figures
from consilium.simulated_room.clip import Clip
from consilium.simulated_room.room import Lost, RoomSettings, SimulatedRoom
from mcu.media.sound.samples import RATE, Sound
from mcu.media.spec import Address, LegSpec, PlainTransport
from mcu.media.units import CodedSound
from tests.peers.server import ServerProcess

# A player's own buffer: what comes within it is shown in time.
PLAYER_BUFFER = 0.2
# After joining, on a clean network: key frames have come and encoders have settled.
SETTLE_SECONDS = 2.0
# What the change of the network does in its first moment is not counted.
SKIP_SECONDS = 1.0
_LAST_SECONDS = 1.2
_VIDEO_CLOCK = 90_000


@dataclass
class References:
    """Pictures to compare with, by number in the clip, for each direction; there before others are looked at."""

    up: dict[int, Plane] = field(default_factory=dict)
    down: dict[int, Plane] = field(default_factory=dict)


@dataclass(frozen=True)
class Subject:
    """What both rooms play: pictures with time codes, and a sentence as long as they are."""

    clip: Clip
    sentence: Sound


@dataclass(frozen=True)
class Way:
    """What came in one direction."""

    seen: Sequence[Seen]
    received: Sequence[tuple[float, int]]
    sound: Sequence[CodedSound]
    spec: LegSpec


class LossCall:
    """``async with`` joins and hangs up. ``near`` is the room behind the relay."""

    def __init__(
        self,
        server: ServerProcess,
        subject: Subject,
        references: References | None,
        *,
        lost: Lost,
        number: str,
        seed: int,
        compared: tuple[int, int] = COMPARED,
    ) -> None:
        self._server = server
        self._subject = subject
        self._number = number
        self._relay = Relay(seed)
        self.is_compared = references is not None
        self._stack = AsyncExitStack()
        self._stack.callback(self._relay.close)
        self.viewers = {
            "up": Viewer(0, 2, references.up if references else None, compared),
            "down": Viewer(1, 2, references.down if references else None, compared),
        }
        self._sounds: dict[str, list[CodedSound]] = {"up": [], "down": []}
        self._near = self._room("near", "down", lost, self._rerouted)
        self._far = self._room("far", "up", "repeat", None)
        self._leg_specs: dict[str, LegSpec] = {}
        self.start = self.end = 0.0

    def _room(
        self,
        name: str,
        way: str,
        lost: Lost,
        reroute: Callable[[LegSpec], LegSpec] | None,
    ) -> SimulatedRoom:
        return SimulatedRoom(
            RoomSettings(name=name, user=name, lost=lost),
            self._subject.clip,
            on_picture=self.viewers[way].push,
            on_sound=self._sounds[way].append,
            reroute=reroute,
        )

    def _rerouted(self, spec: LegSpec) -> LegSpec:
        """The room sends to the relay, and hears nothing but the relay."""
        transport = spec.transport
        assert isinstance(transport, PlainTransport)
        changed: dict[str, object] = {"symmetric": False}
        for line in ("audio", "video"):
            address = getattr(transport, f"{line}_remote")
            changed[f"{line}_remote"] = Address(host=HOST, port=self._relay.add_pair((address.host, address.port)))
        return spec.model_copy(update={"transport": transport.model_copy(update=changed)})

    async def __aenter__(self) -> LossCall:
        for room in (self._near, self._far):
            self._stack.push_async_callback(room.hang_up)
            await room.call(self._server.sip_uri(self._number))
        await asyncio.sleep(SETTLE_SECONDS)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def look(self) -> None:
        """Decode what both have seen; after the call, for it takes all of a processor."""
        for viewer in self.viewers.values():
            viewer.look()

    def change(self, conditions: Conditions) -> None:
        """The relay's network is so from now on."""
        self._relay.change(conditions)

    async def measure(self, seconds: float) -> None:
        """Let so many seconds pass that count."""
        await asyncio.sleep(SKIP_SECONDS)
        self.start = time.monotonic()
        await asyncio.sleep(seconds)
        self.end = time.monotonic()
        await asyncio.sleep(_LAST_SECONDS)  # what was sent until then has come
        for way, room in (("up", self._far), ("down", self._near)):
            assert room.leg is not None
            self._leg_specs[way] = room.leg.spec
        assert self._far.leg is not None
        self._capture = {media: stream.capture_time for media, stream in self._far.leg.streams()}

    def figures(self, buffer: float = PLAYER_BUFFER) -> Figures:
        """Both directions, after ``look``."""
        found: Figures = {}
        for way, viewer in self.viewers.items():
            shown = shown_at(viewer.seen, buffer)
            # With a buffer everything is shown so much later, and not later than that.
            start = max(self.start, shown[0]) if shown else self.start
            likeness = [
                one.likeness for one in viewer.seen if one.likeness is not None and self.start <= one.at < self.end
            ]
            pictures = sum(self.start <= one.at < self.end for one in viewer.seen)
            audio = self._leg_specs[way].audio
            assert audio is not None
            heard = played(self._sounds[way], audio.receive_codecs, self.start, self.end)
            arrived = sum(size for at, size in viewer.received if self.start <= at < self.end)
            found |= {
                f"freeze_ratio_{way}": freeze_ratio(shown, start, self.end, 1 / self._subject.clip.format.frame_rate),
                f"fps_{way}": round(pictures / (self.end - self.start), 1),
                f"ssim_{way}": round(statistics.mean(likeness), 4) if likeness else None,
                f"pesq_{way}": graded(self._subject.sentence, heard),
                f"mbit_s_{way}": round(arrived * 8 / (self.end - self.start) / 1e6, 2),
            }
        return found | {"av_offset_up_ms": self._lip_sync()}

    def _lip_sync(self) -> float | None:
        """By how much the far room's sound of the near one is later than its picture, by the sender reports' clocks."""
        audio = self._leg_specs["up"].audio
        assert audio is not None
        window = [unit for unit in self._sounds["up"] if self.start <= unit.time < self.end]
        seen = [one for one in self.viewers["up"].seen if self.start <= one.at < self.end]
        if not window or not seen:
            return None
        codec = next(one for one in audio.receive_codecs if one.payload_type == window[0].payload_type)
        sound, first = in_sequence(window, codec)
        sound_at = self._capture["audio"](round(first))
        if sound_at is None or sound.size < RATE:
            return None
        seconds = self._subject.clip.seconds
        spoken = sound_at - phase(self._subject.sentence, sound) / RATE
        offsets = []
        for one in seen:
            if one.number is None:
                continue
            shown_at_instant = self._capture["video"](one.timestamp)
            if shown_at_instant is not None:
                drawn = shown_at_instant - one.number / self._subject.clip.format.frame_rate
                offsets.append((spoken - drawn + seconds / 2) % seconds - seconds / 2)
        return round(float(np.median(offsets)) * 1000, 1) if offsets else None


def recover_seconds(
    seen: Sequence[Seen], rate: int, before: tuple[float, float], freed: float, end: float
) -> float | None:
    """From ``freed``, the end of a shortage, to 90 % of the quality that was there in the time ``before`` it.

    Quality is likeness in decibels times the share of the pictures that came, over a second. None: not until ``end``.
    """
    wanted = 0.9 * quality_of(seen, rate, *before)
    at = freed
    while at + 1 <= end:
        if quality_of(seen, rate, at, at + 1) >= wanted:
            return round(at - freed, 1)
        at += 0.1
    return None


def quality_of(seen: Sequence[Seen], rate: int, start: float, end: float) -> float:
    """Of the pictures that were seen in this time, ``rate`` of which were sent a second."""
    there = [one for one in seen if start <= one.at < end]
    likeness = [one.likeness for one in there if one.likeness is not None]
    if not likeness:
        return 0.0
    # SSIM is near 1 for whatever is not ruined; the distance from 1 is what is seen.
    decibels = -10 * math.log10(max(1e-4, 1 - statistics.mean(likeness)))
    return decibels * min(1.0, len(there) / ((end - start) * rate))
