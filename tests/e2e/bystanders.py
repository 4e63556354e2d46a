"""Rooms that are only there to see and hear while something else goes on, with their media on a wire that is tapped."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.relay import HOST, Address, Relay
from consilium.simulated_room.clip import Clip, ClipFormat, load_clip
from consilium.simulated_room.room import RoomSettings, SimulatedRoom
from mcu.media import spec as media_spec
from mcu.media.units import CodedPicture
from tests.e2e.material import Source, pulses

SOUNDS_PER_SECOND = 50

_FORMAT = ClipFormat(320, 180, 15, 200_000)
_SECONDS = 2.0


@dataclass(frozen=True)
class Got:
    """What somebody got while it was looked at: pictures and sounds by the second, key frames in all."""

    pictures: float
    sounds: float
    keyframes: int


class Bystander:
    """A room behind a relay; ``ports`` are the server's, by m-line."""

    def __init__(self, settings: RoomSettings, clip: Clip, relay: Relay) -> None:
        self.keyframes = 0
        self.ports: dict[str, Address] = {}
        self._relay = relay
        self.room = SimulatedRoom(settings, clip, on_picture=self._look, reroute=self._on_the_wire)

    @property
    def counts(self) -> tuple[int, int, int]:
        return self.room.pictures_received, self.room.sounds_received, self.keyframes

    def _look(self, unit: CodedPicture) -> None:
        self.keyframes += unit.keyframe

    def _on_the_wire(self, leg: media_spec.LegSpec) -> media_spec.LegSpec:
        assert isinstance(leg.transport, media_spec.PlainTransport)
        changed: dict[str, object] = {"symmetric": False}
        for name, remote in (("audio", leg.transport.audio_remote), ("video", leg.transport.video_remote)):
            assert remote is not None
            self.ports[name] = (remote.host, remote.port)
            port = self._relay.add_pair(self.ports[name])
            changed[f"{name}_remote"] = media_spec.Address(host=HOST, port=port)
        return leg.model_copy(update={"transport": leg.transport.model_copy(update=changed)})


def small_clip(source: Source) -> Clip:
    """A source in a small picture, with its tone."""
    loaded = load_clip(source.clip, _FORMAT, _SECONDS)
    return replace(loaded, sound=(pulses(source.frequency, loaded.seconds) * 32767).astype(np.int16))


async def got(bystanders: Sequence[Bystander], seconds: float) -> list[Got]:
    """What each gets while so much time goes by."""
    began, before = time.monotonic(), [one.counts for one in bystanders]
    await asyncio.sleep(seconds)
    passed, after = time.monotonic() - began, [one.counts for one in bystanders]
    changes = [[now - was for now, was in zip(*pair, strict=True)] for pair in zip(after, before, strict=True)]
    return [Got(pictures / passed, sounds / passed, keyframes) for pictures, sounds, keyframes in changes]
