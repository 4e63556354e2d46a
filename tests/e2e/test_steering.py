"""Rooms choose what they see by keys, the chair broadcasts one to all, and rooms move each other's cameras."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from consilium.simulated_room.clip import load_clip
from consilium.simulated_room.room import SimulatedRoom
from layouts.automatic import automatic
from layouts.geometry import Rect
from mcu.media.spec import CameraRequest
from tests.e2e.material import Source
from tests.e2e.test_sharing_rooms import FACE, PATIENCE, Screen, room
from tests.peers.server import ServerProcess


async def until(condition: Callable[[], bool], what: str) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(what) from None


def press(simulated: SimulatedRoom, digits: str) -> None:
    assert simulated.leg is not None
    simulated.leg.send_digits(digits)


def move(simulated: SimulatedRoom, request: CameraRequest) -> None:
    assert simulated.leg is not None
    simulated.leg.control_camera(request)


def tile(place: int) -> Callable[[int, int], Rect]:
    """A tile of the automatic layout for three."""
    return lambda width, height: automatic(3).tiles(width, height)[place]


async def sees_all(screen: Screen, sources: list[Source]) -> None:
    for place, source in enumerate(sources):
        await screen.until_like(source, tile(place))


async def test_rooms_steer_what_they_see_and_each_others_cameras(server: ServerProcess, sources: list[Source]) -> None:
    await server.login()
    clips = [await asyncio.to_thread(load_clip, source.video, FACE, 10.0) for source in sources]
    async with (
        room(server, "One", clips[0]) as (one, first, _),
        room(server, "Two", clips[1]) as (two, second, _),
        room(server, "Three", clips[2]) as (_three, third, _),
    ):
        await sees_all(first, sources)
        await sees_all(second, sources)

        press(one, "6")
        await first.until_like(sources[1])
        press(one, "6")
        await first.until_like(sources[2])
        await sees_all(second, sources)  # nobody else's picture has changed
        people = (await server.api("GET", "/conferences/1000"))["participants"]
        assert [person["watch"] for person in people] == [people[2]["id"], None, None]

        await server.api("PATCH", "/conferences/1000", {"broadcast": people[1]["id"]})
        await first.until_like(sources[1])
        await third.until_like(sources[1])
        await sees_all(second, sources)
        await server.api("PATCH", "/conferences/1000", {"broadcast": None})
        await first.until_like(sources[2])
        press(one, "0")
        await sees_all(first, sources)
        await sees_all(third, sources)

        # Cameras: only of whom one sees alone; presets; by the API as well.
        move(one, CameraRequest(action="move", pan=1))
        await asyncio.sleep(1)
        assert two.camera.heard == []
        move(one, CameraRequest(action="stop"))
        press(one, "6")
        await first.until_like(sources[1])
        move(one, CameraRequest(action="move", pan=1))
        await until(lambda: two.camera.is_moving, "the camera does not move")
        move(one, CameraRequest(action="stop"))
        await until(lambda: not two.camera.is_moving, "the camera does not stop")
        assert two.camera.aim(time.monotonic()).pan > 0
        move(one, CameraRequest(action="store_preset", preset=2))
        await until(lambda: 2 in two.camera.presets, "no preset was stored")
        await server.api("POST", f"/participants/{people[1]['id']}/camera", {"tilt": 1, "seconds": 0.5})
        await until(lambda: two.camera.aim(time.monotonic()).tilt > 3, "the API moves no camera")
        await until(lambda: not two.camera.is_moving, "the camera goes on")
        await server.api("POST", f"/participants/{people[1]['id']}/camera", {"action": "activate_preset", "preset": 2})
        await until(lambda: two.camera.aim(time.monotonic()) == two.camera.presets[2], "the preset is not found")
        assert (await server.api("GET", "/conferences/1000"))["participants"][1]["camera_presets"] == 15

        await server.api("POST", f"/participants/{people[1]['id']}/digits", {"digits": "47*#"})
        await until(lambda: two.digits == "47*#", "the digits did not arrive")
    assert await server.stop() == 0
    assert "Traceback" not in server.log()
