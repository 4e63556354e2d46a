"""A leg that moves from one conference to another keeps its sockets and its streams."""

from __future__ import annotations

import asyncio
import datetime
import itertools
import socket
import struct
from pathlib import Path
from typing import cast

from consilium.certificates import ensure_identity
from mcu.media.conference_media import ConferenceMedia
from mcu.media.leg import MediaLeg
from mcu.media.leg_transport import BrowserAccess
from mcu.media.pool import WorkerPool
from mcu.media.spec import (
    Address,
    AudioSpec,
    CodecSpec,
    ConferenceSpec,
    LegSpec,
    PageSpec,
    PlainTransport,
    VideoSpec,
)
from tests.media.picture.material import FONT
from tests.media.workers import worker_settings
from tests.peers.ports import port_block

NO_BROWSERS = cast(BrowserAccess, None)
PCMA = CodecSpec(name="PCMA", payload_type=8, clock_rate=8000)
H264 = CodecSpec(name="H264", payload_type=96, clock_rate=90000)


class Peer:
    """A room's two sockets, and the headers of the packets that came: (SSRC, sequence number)."""

    def __init__(self, ports: list[int]) -> None:
        self.sockets: dict[str, socket.socket] = {}
        for name, port in zip(("audio", "video"), ports, strict=True):
            self.sockets[name] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.sockets[name].bind(("127.0.0.1", port))
            self.sockets[name].setblocking(False)

    async def packets(self, name: str, seconds: float) -> list[tuple[int, int]]:
        await asyncio.sleep(seconds)
        found = []
        while True:
            try:
                data = self.sockets[name].recv(2048)
            except BlockingIOError:
                return found
            if not 192 <= data[1] <= 223:
                sequence, _, ssrc = struct.unpack(">HII", data[2:12])
                found.append((ssrc, sequence))

    def close(self) -> None:
        for one in self.sockets.values():
            one.close()


def in_one_stream(packets: list[tuple[int, int]]) -> bool:
    """Whether all have one SSRC, and numbers without a gap or a jump."""
    numbers = [number for _, number in packets]
    steps = {(after - before) & 0xFFFF for before, after in itertools.pairwise(numbers)}
    return len({ssrc for ssrc, _ in packets}) == 1 and steps == {1}


async def test_a_leg_moves_without_a_seam() -> None:
    ports = port_block(12)
    leg = LegSpec(
        id="leg",
        name="Ward 7",
        transport=PlainTransport(
            local_host="127.0.0.1",
            audio_port=ports[0],
            video_port=ports[2],
            audio_remote=Address(host="127.0.0.1", port=ports[4]),
            video_remote=Address(host="127.0.0.1", port=ports[6]),
        ),
        audio=AudioSpec(send_codec=PCMA, receive_codecs=(PCMA,), ssrc=1001),
        video=VideoSpec(send_codec=H264, receive_codecs=(H264,), ssrc=1002),
    )
    places: list[ConferenceMedia] = []

    def take(leg_id: str) -> MediaLeg | None:
        return next((found for place in places if (found := place.give_up_leg(leg_id)) is not None), None)

    menu, conference = (
        ConferenceMedia(name, FONT, NO_BROWSERS, lambda fact: None, take) for name in ("menu", "meeting")
    )
    peer = Peer([ports[4], ports[6]])
    try:
        places.append(menu)
        menu_spec = ConferenceSpec(
            id="menu", revision=1, width=320, height=180, frame_rate=10, legs=(leg,), page=PageSpec(title="请输入")
        )
        assert await menu.apply(menu_spec) == {}
        sound = await peer.packets("audio", 0.6)
        picture = await peer.packets("video", 0.0)
        assert sound and picture

        meeting = ConferenceSpec(id="meeting", revision=1, width=640, height=360, frame_rate=10, legs=(leg,))
        assert await conference.apply(meeting) == {}
        await menu.close()
        sound += await peer.packets("audio", 0.8)
        picture += await peer.packets("video", 0.0)
        assert in_one_stream(sound), sound
        assert in_one_stream(picture), picture
        assert len(sound) > 50
    finally:
        peer.close()
        await menu.close()
        await conference.close()


async def test_a_leg_that_is_described_otherwise_is_opened_anew_on_its_ports() -> None:
    ports = port_block(8)
    transport = PlainTransport(local_host="127.0.0.1", audio_port=ports[0])
    leg = LegSpec(
        id="leg", name="x", transport=transport, audio=AudioSpec(send_codec=PCMA, receive_codecs=(PCMA,), ssrc=5)
    )
    menu = ConferenceMedia("menu", FONT, NO_BROWSERS, lambda fact: None)
    conference = ConferenceMedia("meeting", FONT, NO_BROWSERS, lambda fact: None, menu.give_up_leg)
    try:
        assert await menu.apply(ConferenceSpec(id="menu", revision=1, legs=(leg,))) == {}
        other = leg.model_copy(update={"audio": AudioSpec(send_codec=PCMA, receive_codecs=(PCMA,), ssrc=6)})
        assert await conference.apply(ConferenceSpec(id="meeting", revision=1, legs=(other,))) == {}
    finally:
        await menu.close()
        await conference.close()


async def test_a_leg_moves_between_workers(tmp_path: Path) -> None:
    """Conferences spread over workers; the ports are free in the one before they are bound in the other."""
    identity = ensure_identity(tmp_path, [], datetime.datetime.now(datetime.UTC))
    ports = port_block(8)
    settings = [worker_settings(identity, ports[index]).model_copy(update={"index": index}) for index in range(2)]
    leg = LegSpec(
        id="leg",
        name="x",
        transport=PlainTransport(local_host="127.0.0.1", audio_port=ports[4]),
        audio=AudioSpec(send_codec=PCMA, receive_codecs=(PCMA,), ssrc=5),
    )
    pool = WorkerPool(settings)
    await pool.start()
    try:
        await pool.apply(ConferenceSpec(id="menu", revision=1, width=320, height=180, legs=(leg,)))
        assert pool.browser_port("menu") != pool.browser_port("meeting")
        await pool.apply(ConferenceSpec(id="meeting", revision=1, width=320, height=180, legs=(leg,)))
        # And back, as after a conference that would not have it.
        await pool.apply(ConferenceSpec(id="menu", revision=2, width=320, height=180, legs=(leg,)))
        await pool.remove("menu")
        await pool.apply(ConferenceSpec(id="meeting", revision=2, width=320, height=180, legs=(leg,)))
    finally:
        await pool.stop()
