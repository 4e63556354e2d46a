"""Sixty pictures a second for who takes them: from the offer to the time stamps of what comes."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

from consilium.simulated_room.clip import ClipFormat, load_clip
from consilium.simulated_room.room import RoomSettings, SimulatedRoom
from mcu.media.units import CodedPicture
from sip.sdp.capabilities import LocalCapabilities
from tests.e2e.material import Source
from tests.peers.server import ServerProcess

SETTINGS = {"media.width": 1280, "media.height": 720, "media.frame_rate": 60, "media.bitrate": 3_000_000}
FAST = ClipFormat(width=1280, height=720, frame_rate=60, bitrate=1_500_000)
SHORT = 1.0
CLOCK_RATE = 90_000
PICTURES = 60
PATIENCE = 20.0


class Receiver:
    """How far apart the pictures are that come, in steps of the RTP clock."""

    def __init__(self) -> None:
        self.steps: Counter[int] = Counter()
        self._last: int | None = None

    def push(self, unit: CodedPicture) -> None:
        assert unit.timestamp is not None
        if self._last is not None:
            self.steps[(unit.timestamp - self._last) & 0xFFFFFFFF] += 1
        self._last = unit.timestamp

    @property
    def usual(self) -> int:
        """The commonest step, rounded to whole milliseconds. A busy machine leaves pictures out, but moves none."""
        return round(self.steps.most_common(1)[0][0] * 1000 / CLOCK_RATE)


async def test_a_room_of_level_4_2_gets_and_sends_sixty_pictures_a_second_and_one_of_3_1_thirty(
    tmp_path: Path, sources: list[Source]
) -> None:
    clip = await asyncio.to_thread(load_clip, sources[0].video, FAST, SHORT)
    receivers = {42: Receiver(), 31: Receiver()}
    async with ServerProcess(tmp_path, SETTINGS) as server:
        await server.login()
        rooms = [
            SimulatedRoom(
                RoomSettings(
                    name=f"Level {level}",
                    user=f"room{level}",
                    capabilities=LocalCapabilities(video=("H264",), level=level, frame_rate=60),
                ),
                clip if level == 42 else None,
                on_picture=receiver.push,
            )
            for level, receiver in receivers.items()
        ]
        try:
            for room in rooms:
                await room.call(server.sip_uri("1000"))
            async with asyncio.timeout(PATIENCE):
                while any(sum(receiver.steps.values()) < PICTURES for receiver in receivers.values()):
                    await asyncio.sleep(0.05)
        finally:
            for room in rooms:
                await room.hang_up()
    assert {level: receiver.usual for level, receiver in receivers.items()} == {42: 17, 31: 33}
