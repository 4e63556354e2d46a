"""A room that speaks H.263 only meets one of today."""

from __future__ import annotations

import asyncio
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from PIL import Image

from layouts.geometry import Rect, fit
from tests.e2e.checks import LISTENED, UNLIKE, assert_hears, luma, tiles_of, until_holds
from tests.e2e.material import Source, likeness
from tests.peers.baresip import BaresipRoom, JackServer
from tests.peers.server import ServerProcess

# Small pictures, coded twice, one of them stretched: less alike than those of today's rooms, and still unmistakable.
ALIKE = 0.75
CIF = (352, 288)


async def test_a_room_with_h263_only_is_seen_and_sees(
    tmp_path: Path, server: ServerProcess, sources: list[Source]
) -> None:
    first, second = sources[:2]
    await server.login()
    stretched = await asyncio.to_thread(_in_cif, first, tmp_path / "cif.mp4")
    async with (
        JackServer(tmp_path, f"consilium{server.sip_port}") as jack,
        BaresipRoom(
            tmp_path / "first", jack, name="Old room", control_port=server.sip_port + 10, video=stretched,
            sound=first.sound, audio_codec="PCMA/8000/1", video_codec="h263", video_size="352x288",
        ) as old,
        BaresipRoom(
            tmp_path / "second", jack, name="Second room", control_port=server.sip_port + 11, video=second.video,
            sound=second.sound,
        ) as new,
    ):  # fmt: skip
        await old.dial(server.sip_uri("1000"))
        await new.dial(server.sip_uri("1000"))
        await _until_connected(server)

        async def all_is_seen_and_heard() -> None:
            for room, size in ((old, (704, 576)), (new, (1280, 720))):
                await room.snapshot(tmp_path / "seen.png")
                picture = luma(np.asarray(Image.open(tmp_path / "seen.png").convert("RGB")))
                assert (picture.shape[1], picture.shape[0]) == size
                old_tile, new_tile = tiles_of(*size, 2)
                for tile, aspect, source, other in (
                    (old_tile, 4 / 3, first, second),
                    (new_tile, 16 / 9, second, first),
                ):
                    shown = _crop(picture, tile, aspect)
                    assert likeness(shown, source) > ALIKE and likeness(shown, other) < UNLIKE, (room.name, source.name)
            # The noise of A-law is as loud as what a room must not hear of itself; other tests look for that.
            assert_hears(old.heard()[-LISTENED:], [second], own=None)
            assert_hears(new.heard()[-LISTENED:], [first], own=second)

        await until_holds(all_is_seen_and_heard)
    assert "Traceback" not in server.log()


def _crop(picture: npt.NDArray[np.uint8], tile: Rect, aspect: float) -> npt.NDArray[np.uint8]:
    """The part of a tile that a picture of this shape fills."""
    inner = fit(aspect * 1000, 1000, tile)
    return picture[inner.y : inner.y + inner.height, inner.x : inner.x + inner.width]


def _in_cif(source: Source, path: Path) -> Path:
    """The source's clip in the one size that its room can code."""
    with av.open(str(source.video)) as reader, av.open(str(path), "w") as writer:
        stream = writer.add_stream("libx264", rate=25, options={"preset": "ultrafast", "bf": "0"})
        stream.width, stream.height = CIF
        stream.pix_fmt = "yuv420p"
        for number, frame in enumerate(reader.decode(video=0)):
            scaled = frame.reformat(*CIF, format="yuv420p")
            scaled.pts, scaled.time_base = number, Fraction(1, 25)
            writer.mux(stream.encode(scaled))
            if number == 1000:
                break
        writer.mux(stream.encode(None))
    return path


async def _until_connected(server: ServerProcess) -> None:
    async with asyncio.timeout(20):
        while True:
            conference = await server.api("GET", "/conferences/1000")
            if [one["state"] for one in conference["participants"]] == ["connected"] * 2:
                break
            await asyncio.sleep(0.1)
