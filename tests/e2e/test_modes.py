"""Every mode of the picture, driven over the API on a running conference of rooms, and seen in what they receive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from consilium.simulated_room.clip import Clip, load_clip
from layouts.automatic import automatic
from layouts.catalogue import CATALOGUE
from layouts.geometry import Rect
from mcu.media.sound.samples import RATE
from tests.e2e.checks import ALIKE
from tests.e2e.material import Source
from tests.e2e.test_sharing_rooms import FACE, PATIENCE, Screen, room
from tests.peers.server import ServerProcess

ONE = "/conferences/1000"
SECONDS = 10.0

# Letters are white on a dark bar; an empty part of the canvas is nearly black.
BRIGHT, DARK = 150, 70


# Small pictures: what is looked for is who is where, on a machine that plays all rooms as well.
SMALL = {"media.width": 1280, "media.height": 720, "media.frame_rate": 15}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    async with ServerProcess(tmp_path, SMALL) as process:
        yield process


@dataclass
class Meeting:
    """Three rooms in a conference: who they are, what each shows, and what each sees."""

    server: ServerProcess
    sources: list[Source]
    ids: list[str]
    screens: list[Screen]

    async def arrange(self, **change: Any) -> None:
        """Change the conference."""
        await self.server.api("PATCH", ONE, change)

    async def person(self, index: int, **change: Any) -> None:
        """Change a participant."""
        await self.server.api("PATCH", f"/participants/{self.ids[index]}", change)

    async def sees(self, viewer: int, layout: str, *shown: int) -> None:
        """Wait until a room sees these rooms in the tiles of a layout, in order."""
        for place, index in enumerate(shown):
            await self.screens[viewer].until_like(self.sources[index], tile(layout, place))

    async def sees_all(self, viewer: int, *shown: int) -> None:
        """Wait until a room sees these rooms in equal tiles, each once, wherever: who stays keeps its tile."""
        screen, places = self.screens[viewer], [tile(str(len(shown)), place) for place in range(len(shown))]

        def found() -> list[list[bool]]:
            return [[screen.likeness(self.sources[index], place) > ALIKE for place in places] for index in shown]

        try:
            async with asyncio.timeout(PATIENCE):
                while not all(sum(each) == 1 for each in found()):
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"room {viewer} should see {shown}: {found()}") from None

    async def speaks(self, index: int) -> None:
        """Wait until the conference says that this room speaks, and nobody else."""
        wanted = [one == index for one in range(len(self.ids))]
        speaking: list[bool] = []
        try:
            async with asyncio.timeout(2 * PATIENCE):  # real time counts for sound: a busy machine tears it
                while speaking != wanted:
                    await asyncio.sleep(0.2)
                    speaking = [one["speaking"] for one in (await self.server.api("GET", ONE))["participants"]]
        except TimeoutError:
            raise AssertionError(f"room {index} should speak: {speaking}") from None

    async def sees_alone(self, viewer: int, shown: int) -> None:
        """Wait until a room sees another one in all of its picture."""
        await self.screens[viewer].until_like(self.sources[shown])


def tile(layout: str, place: int) -> Callable[[int, int], Rect]:
    return lambda width, height: CATALOGUE[layout].tiles(width, height)[place]


def talk() -> np.ndarray[Any, np.dtype[np.int16]]:
    """What sounds like talking to a machine: a voice about 140 Hz with its harmonics, gliding, in syllables."""
    time = np.arange(round(SECONDS * RATE)) / RATE
    phase = 2 * np.pi * np.cumsum(140 * (1 + 0.08 * np.sin(2 * np.pi * 1.7 * time))) / RATE
    voice = sum(np.sin(number * phase) / number for number in range(1, 20))
    syllables = np.clip(np.sin(2 * np.pi * 3.5 * time) + 0.4, 0, 1)
    return (voice * syllables * 5000).astype(np.int16)


@asynccontextmanager
async def meeting(server: ServerProcess, sources: list[Source], *, talking: bool = False) -> AsyncIterator[Meeting]:
    await server.login()
    clips: list[Clip] = [await asyncio.to_thread(load_clip, source.video, FACE, SECONDS) for source in sources]
    if talking:
        clips = [replace(clip, sound=talk()[: len(clip.sound)]) for clip in clips]
    async with (
        room(server, "One", clips[0]) as (_one, first, _),
        room(server, "Two", clips[1]) as (_two, second, _),
        room(server, "Three", clips[2]) as (_three, third, _),
    ):
        people = (await server.api("GET", ONE))["participants"]
        made = Meeting(server, sources, [person["id"] for person in people], [first, second, third])
        await made.sees(0, automatic(3).name, 0, 1, 2)
        yield made


async def test_places_are_pinned_hidden_and_chosen(server: ServerProcess, sources: list[Source]) -> None:
    async with meeting(server, sources) as there:
        await there.person(2, pin=0)
        await there.sees(0, "3", 2)
        await there.sees(1, "3", 2)
        await there.person(0, pin=0)
        await there.sees(1, "3", 0)
        await there.person(0, pin=None)

        await there.person(1, hidden=True)
        await there.sees_all(0, 0, 2)
        await there.sees_all(1, 0, 2)
        await there.person(1, hidden=False)
        await there.sees_all(0, 0, 1, 2)

        await there.person(1, role="chair")
        await there.sees(2, "3", 1)
        await there.person(1, role="member")
        await there.person(0, role="expert")
        await there.sees(2, "3", 0)

        await there.person(0, hide_self=True)
        await there.sees_all(0, 1, 2)
        await there.sees_all(2, 0, 1, 2)  # nobody else's picture has changed
        await there.person(0, hide_self=False, watch=there.ids[1])
        await there.sees_alone(0, 1)
        await there.sees_all(2, 0, 1, 2)

        await there.arrange(broadcast=there.ids[2])
        await there.sees_alone(0, 2)
        await there.sees_alone(1, 2)
        await there.sees_all(2, 0, 1, 2)
        await there.arrange(broadcast=None)
        await there.sees_alone(0, 1)
        await there.person(0, watch=None)
        await there.sees_all(0, 0, 1, 2)


async def test_polling_and_lectures_go_round_by_themselves(server: ServerProcess, sources: list[Source]) -> None:
    async with meeting(server, sources) as there:
        await there.arrange(layout="1", seating={"mode": "polling", "interval": 2})
        for index in (0, 1, 2, 0):
            await there.sees_alone(1, index)
        await there.arrange(layout="auto", seating={"mode": "lecture", "lecturer": there.ids[1]})
        await there.sees_alone(0, 1)
        await there.sees_alone(2, 1)
        for index in (0, 2, 0):
            await there.sees_alone(1, index)
        await there.arrange(seating={"mode": "order"})
        await there.sees_all(0, 0, 1, 2)
        await there.sees_all(1, 0, 1, 2)


async def test_the_large_tile_follows_the_voice(server: ServerProcess, sources: list[Source]) -> None:
    async with meeting(server, sources, talking=True) as there:
        await there.person(0, microphone_muted=True)
        await there.person(2, microphone_muted=True)
        await there.arrange(layout="1+2", seating={"mode": "voice", "switch_after": 0.5, "hold": 1})
        await there.speaks(1)
        await there.sees(0, "1+2", 1)
        await there.sees(2, "1+2", 1)
        await there.sees(1, "1+2", 0)
        await there.person(2, microphone_muted=False)
        await there.person(1, microphone_muted=True)
        await there.speaks(2)
        await there.sees(0, "1+2", 2)
        await there.sees(2, "1+2", 1)  # who spoke before, and not itself


async def test_a_banner_and_a_layout_of_ones_own_are_seen(server: ServerProcess, sources: list[Source]) -> None:
    async with meeting(server, sources) as there:
        screen = there.screens[0]
        await there.arrange(layout="2")  # its uppermost quarter is empty
        await until_top(screen, lambda brightest: brightest < DARK)
        await there.arrange(decoration={"banner": "远程会诊 Consultation"})
        await until_top(screen, lambda brightest: brightest > BRIGHT)
        await there.arrange(decoration={"banner": ""})
        await until_top(screen, lambda brightest: brightest < DARK)

        cells = [
            {"left": 0.0, "top": 0.0, "width": 0.75, "height": 0.75},
            {"left": 0.5, "top": 0.5, "width": 0.5, "height": 0.5},
        ]
        await there.server.api("POST", "/layouts", {"name": "斜", "cells": cells, "overlap": True})
        await there.arrange(layout="斜", seating={"pins": {"0": there.ids[2], "1": there.ids[0]}})
        await screen.until_like(
            sources[0], lambda width, height: Rect(width // 2, height // 2, width // 2, height // 2)
        )
        await there.server.api("DELETE", "/layouts/%E6%96%9C", expect=(409,))


async def until_top(screen: Screen, condition: Callable[[int], bool]) -> None:
    """Wait for how bright the brightest point of the picture's upper edge is."""
    brightest = -1
    try:
        async with asyncio.timeout(PATIENCE):
            while brightest < 0 or not condition(brightest):
                await asyncio.sleep(0.1)
                if screen.frame is not None:
                    gray = screen.frame.reformat(format="gray").to_ndarray()
                    brightest = int(gray[: gray.shape[0] // 12].max())
    except TimeoutError:
        raise AssertionError(f"the brightest point of the upper edge is {brightest}") from None
