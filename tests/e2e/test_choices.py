"""What a participant chooses, and what a chair sets, seen and heard by rooms: shared pictures, cropping, loudness."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from consilium.simulated_room.clip import Clip, load_clip
from consilium.simulated_room.room import RoomSettings, SimulatedRoom
from layouts.automatic import automatic
from layouts.catalogue import CATALOGUE
from layouts.geometry import Rect
from mcu.media.codec.audio_decoder import make_decoder
from mcu.media.sound.samples import RATE
from mcu.media.units import CodedSound
from sip.bfcp.client import FloorState
from sip.sdp.capabilities import LocalCapabilities
from tests.e2e.material import Source, tone_level
from tests.e2e.test_modes import BRIGHT, DARK, SMALL, until_top
from tests.e2e.test_sharing_rooms import FACE, PATIENCE, SLIDES, Screen, room
from tests.peers.server import ServerProcess

ONE = "/conferences/1000"
SECONDS = 10.0
TONE, LEVEL = 620.0, 4000


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    async with ServerProcess(tmp_path, SMALL) as process:
        await process.login()
        yield process


async def ids(server: ServerProcess) -> list[str]:
    return [one["id"] for one in (await server.api("GET", ONE))["participants"]]


def place(layout: str, index: int) -> Callable[[int, int], Rect]:
    return lambda width, height: CATALOGUE[layout].tiles(width, height)[index]


async def until_seen(screen: Screen, source: Source, layout: str) -> None:
    """Wait until a source is in some tile of a layout."""
    places = [place(layout, index) for index in range(len(CATALOGUE[layout].cells))]
    found: list[float] = []
    try:
        async with asyncio.timeout(PATIENCE):
            while max(found, default=0.0) < 0.85:
                await asyncio.sleep(0.1)
                found = [screen.likeness(source, one) for one in places]
    except TimeoutError:
        raise AssertionError(f"{source.name} is in no tile: {found}") from None


async def test_what_is_shared_comes_as_each_has_chosen(small: ServerProcess, sources: list[Source]) -> None:
    bunny, carphone, bikes = sources
    faces = [await asyncio.to_thread(load_clip, one.video, FACE, SECONDS) for one in (bunny, bikes)]
    slides = await asyncio.to_thread(load_clip, carphone.video, SLIDES, SECONDS)
    async with (
        room(small, "Sharer", faces[0], dual_stream=True) as (sharer, _main, _content),
        room(small, "Chooser", faces[1], dual_stream=True) as (_, main, content),
    ):
        assert sharer.sharing is not None
        sharer.sharing.ask(slides)
        await sharer.sharing.until(FloorState.GRANTED)
        await content.until_like(carphone)
        await until_seen(main, bunny, automatic(2).name)

        chooser = f"/participants/{(await ids(small))[1]}"
        await small.api("PATCH", chooser, {"content_choice": "swap"})
        await main.until_like(carphone)
        await until_seen(content, bikes, automatic(2).name)

        await small.api("PATCH", chooser, {"content_choice": "tile"})
        for source in (bunny, bikes, carphone):
            await until_seen(main, source, automatic(3).name)

        await small.api("PATCH", chooser, {"content_choice": "auto"})
        await content.until_like(carphone)
        await until_seen(main, bikes, automatic(2).name)


async def test_pictures_are_shown_whole_or_cropped_to_fill_their_tiles(
    small: ServerProcess, sources: list[Source]
) -> None:
    clips = [await asyncio.to_thread(load_clip, source.video, FACE, SECONDS) for source in sources[:2]]
    cells = [{"left": left, "top": 0.0, "width": 0.5, "height": 1.0} for left in (0.0, 0.5)]
    async with room(small, "One", clips[0]) as (_, screen, _content), room(small, "Two", clips[1]):
        await small.api("POST", "/layouts", {"name": "halves", "cells": cells})
        await small.api("PATCH", ONE, {"layout": "halves", "decoration": {"names": False, "speaker_frame": False}})
        await until_top(screen, lambda brightest: brightest < DARK)
        await small.api("PATCH", ONE, {"decoration": {"fill": "crop"}})
        await until_top(screen, lambda brightest: brightest > BRIGHT)
        await small.api("PATCH", ONE, {"decoration": {"fill": "fit"}})
        await until_top(screen, lambda brightest: brightest < DARK)


class Ear:
    """What a room hears of one tone, in dB, over the last second."""

    def __init__(self) -> None:
        self.hears = -200.0
        self._room: SimulatedRoom | None = None
        self._decode: Callable[[bytes], object] | None = None
        self._samples: list[npt.NDArray[np.float64]] = []

    def listen(self, unit: CodedSound) -> None:
        if self._decode is None:
            assert self._room is not None and self._room.leg is not None and self._room.leg.spec.audio is not None
            codecs = {one.payload_type: one for one in self._room.leg.spec.audio.receive_codecs}
            self._decode = make_decoder(codecs[unit.payload_type]).decode
        decoded = np.asarray(self._decode(unit.data), np.float64)
        self._samples.append(decoded.reshape(len(decoded), -1)[:, 0])
        self._samples = self._samples[-50:]

    def level(self) -> float:
        return tone_level(np.concatenate(self._samples), TONE) if self._samples else -200.0

    async def until(self, condition: Callable[[float], bool], what: str) -> float:
        try:
            async with asyncio.timeout(PATIENCE):
                while len(self._samples) < 50 or not condition(self.level()):
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"{what}: the tone is at {self.level():.1f} dB") from None
        return self.level()

    async def steady(self) -> float:
        """The level once it stays the same for a second, all old sound gone."""
        before = -1000.0
        async with asyncio.timeout(PATIENCE):
            while abs(self.level() - before) > 0.3 or len(self._samples) < 50:
                before = self.level()
                await asyncio.sleep(1.5)
        return self.level()

    def of(self, heard: SimulatedRoom) -> None:
        self._room = heard


async def test_gains_are_heard_as_many_decibels(small: ServerProcess, sources: list[Source]) -> None:
    clip: Clip = await asyncio.to_thread(load_clip, sources[0].video, FACE, SECONDS)
    time = np.arange(len(clip.sound)) / RATE
    tone = (LEVEL * np.sin(2 * np.pi * TONE * time)).astype(np.int16)
    ears = [Ear(), Ear()]
    capabilities = LocalCapabilities(audio=("PCMA",))
    speaker = SimulatedRoom(
        RoomSettings(name="Speaker", user="s", capabilities=capabilities), replace(clip, sound=tone)
    )
    silent = replace(clip, sound=np.zeros_like(tone))
    hearers = [
        SimulatedRoom(
            RoomSettings(name=f"H{index}", user=f"h{index}", capabilities=capabilities), silent, on_sound=ear.listen
        )
        for index, ear in enumerate(ears)
    ]
    everyone = (speaker, *hearers)
    for ear, hearer in zip(ears, hearers, strict=True):
        ear.of(hearer)
    try:
        for one in everyone:
            await one.call(small.sip_uri("1000"))
        first, second, _third = await ids(small)
        usual = await ears[0].steady()
        assert usual > -40
        await small.api("PATCH", f"/participants/{first}", {"gain": 6})
        louder = await ears[0].until(lambda level: level > usual + 4, "6 dB more for all")
        assert (await ears[0].steady()) - usual == pytest.approx(6, abs=1.0), louder
        await small.api("PATCH", f"/participants/{first}", {"gain": 0})
        await small.api("PATCH", f"/participants/{second}", {"listen_gain": -12})
        await ears[0].until(lambda level: level < usual - 9, "12 dB less for one")
        assert (await ears[0].steady()) - usual == pytest.approx(-12, abs=1.0)
        assert (await ears[1].steady()) - usual == pytest.approx(0, abs=1.0), "the other hears it as before"
    finally:
        for one in everyone:
            await one.hang_up()
