"""Rooms share in turn, by BFCP over UDP and TCP, in the clear and encrypted; one sees it in its only picture."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import av
import numpy as np

from consilium.simulated_room.clip import Clip, ClipFormat, load_clip
from consilium.simulated_room.room import RoomSettings, SimulatedRoom
from layouts.geometry import Rect
from layouts.sharing import beside_content
from mcu.media.codec.video_decoder import VideoDecoder
from mcu.media.units import CodedPicture
from sip.bfcp.client import FloorState
from sip.bfcp.message import RequestStatus
from tests.e2e.checks import ALIKE
from tests.e2e.material import Source, likeness
from tests.peers.server import ServerProcess

FACE = ClipFormat(640, 360, 15, 500_000)
SLIDES = ClipFormat(1280, 720, 15, 1_500_000)
PATIENCE = 20.0


class Screen:
    """What a room sees: decoded, and compared with what it should show."""

    def __init__(self) -> None:
        self._decoder = VideoDecoder("H264")
        self.frame: av.VideoFrame | None = None

    def show(self, unit: CodedPicture) -> None:
        self.frame = self._decoder.decode(unit.data) or self.frame

    def likeness(self, source: Source, tile: Callable[[int, int], Rect] | None = None) -> float:
        """How much a part of the picture, or all of it, is like a source."""
        if self.frame is None:
            return 0.0
        gray = self.frame.reformat(format="gray").to_ndarray()
        rect = tile(gray.shape[1], gray.shape[0]) if tile is not None else Rect(0, 0, gray.shape[1], gray.shape[0])
        return likeness(np.ascontiguousarray(gray[rect.y : rect.bottom, rect.x : rect.right]), source)

    async def until_like(self, source: Source, tile: Callable[[int, int], Rect] | None = None) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                while self.likeness(source, tile) < ALIKE:
                    await asyncio.sleep(0.1)
        except TimeoutError:
            size = None if self.frame is None else (self.frame.width, self.frame.height)
            raise AssertionError(f"{source.name} is not seen: {self.likeness(source, tile):.3f} in {size}") from None


@asynccontextmanager
async def room(
    server: ServerProcess, name: str, clip: Clip, **settings: object
) -> AsyncIterator[tuple[SimulatedRoom, Screen, Screen]]:
    """A room in a call, what its main picture shows, and what its second does."""
    main, content = Screen(), Screen()
    described = RoomSettings(name=name, user=name.lower(), **settings)  # type: ignore[arg-type]
    simulated = SimulatedRoom(described, clip, on_picture=main.show, on_content=content.show)
    await simulated.call(server.sip_uri("1000"))
    try:
        yield simulated, main, content
    finally:
        await simulated.hang_up()


def largest(people: int) -> Callable[[int, int], Rect]:
    """The tile of what is shared, beside so many people."""
    return lambda width, height: beside_content(people).tiles(width, height)[0]


async def test_rooms_share_in_turn(server: ServerProcess, sources: list[Source]) -> None:
    bunny, carphone, bikes = sources
    await server.login()
    face = await asyncio.to_thread(load_clip, bunny.video, FACE, 10.0)
    first_slides = await asyncio.to_thread(load_clip, carphone.video, SLIDES, 10.0)
    second_slides = await asyncio.to_thread(load_clip, bikes.video, SLIDES, 10.0)
    async with (
        room(server, "Udp", face, dual_stream=True) as (udp, _face, udp_content),
        room(
            server,
            "Tls",
            face,
            dual_stream=True,
            encryption="sdes",
        ) as (tls, tls_main, tls_content),
        room(server, "Plain", face) as (_, plain_main, _nothing),
    ):
        assert udp.sharing is not None and tls.sharing is not None
        udp.sharing.ask(first_slides)
        await udp.sharing.until(FloorState.GRANTED)
        await tls_content.until_like(carphone)
        await plain_main.until_like(carphone, largest(3))
        await tls_main.until_like(bunny, lambda width, height: Rect(0, 0, width // 2, height // 2))
        assert udp_content.frame is None, "who shares is not sent its own slides"

        tls.sharing.ask(second_slides)
        await tls.sharing.until(FloorState.QUEUED)
        view = await server.api("GET", "/conferences/1000")
        assert len(view["floor"]["queue"]) == 1

        udp.sharing.give_back()
        await tls.sharing.until(FloorState.GRANTED)
        await udp.sharing.until(FloorState.IDLE)
        await udp_content.until_like(bikes)
        await plain_main.until_like(bikes, largest(3))

        await server.api("DELETE", "/conferences/1000/floor")
        await tls.sharing.until(FloorState.IDLE)
        assert tls.sharing.history[-1].status is RequestStatus.REVOKED
        await plain_main.until_like(bunny, lambda width, height: Rect(0, 0, width // 2, height // 2))
        assert udp.sharing.seen == ()
    assert await server.stop() == 0
    assert "Traceback" not in server.log()
