"""A conference serves a room from a lower rung when the room's reports tell of loss, without a pause."""

from __future__ import annotations

import asyncio
import itertools
import socket
import time
from typing import cast

import av

from mcu.media.conference_media import ConferenceMedia
from mcu.media.leg_transport import BrowserAccess
from mcu.media.rtp.h264 import H264Depacketizer
from mcu.media.rtp.packet import RtpPacket
from mcu.media.rtp.rtcp import ReceiverReport, ReportBlock, serialise_compound
from mcu.media.spec import Address, CodecSpec, ConferenceSpec, LegSpec, PlainTransport, VideoSpec
from tests.media.picture.material import FONT
from tests.peers.ports import port_block

H264 = CodecSpec(name="H264", payload_type=96, clock_rate=90000, parameters={"packetization-mode": "1"})
HEAVY_LOSS = ReportBlock(1002, 200, 10, 10, 0, 0, 0)


class Watcher:
    """A room's socket; ``sizes`` are the heights of the pictures decoded, ``numbers`` of all packets."""

    def __init__(self, port: int) -> None:
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", port))
        self.udp.setblocking(False)
        self.numbers: list[int] = []
        self.times: list[int] = []
        self.heights: list[int] = []
        self._depacketizer = H264Depacketizer()
        self._decoder = av.CodecContext.create("h264", "r")

    async def watch(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                data = self.udp.recv(2048)
            except BlockingIOError:
                await asyncio.sleep(0.01)
                continue
            if 192 <= data[1] <= 223:
                continue
            packet = RtpPacket.parse(data)
            self.numbers.append(packet.sequence)
            self._depacketizer.push(packet.payload)
            if packet.marker and (unit := self._depacketizer.take()) is not None:
                self.times.append(packet.timestamp)
                frames = self._decoder.decode(av.Packet(unit[0]))
                self.heights += [cast(av.VideoFrame, frame).height for frame in frames]


async def test_a_room_that_loses_packets_moves_to_a_lower_rung_without_a_pause() -> None:
    ports = port_block(12)
    leg = LegSpec(
        id="leg",
        name="Ward 7",
        transport=PlainTransport(
            local_host="127.0.0.1", video_port=ports[2], video_remote=Address(host="127.0.0.1", port=ports[6])
        ),
        video=VideoSpec(send_codec=H264, receive_codecs=(H264,), ssrc=1002, feedback=frozenset({"pli"})),
    )
    conference = ConferenceMedia("meeting", FONT, cast(BrowserAccess, None), lambda fact: None)
    watcher = Watcher(ports[6])
    report = serialise_compound([ReceiverReport(5, (HEAVY_LOSS,))])
    spec = ConferenceSpec(id="meeting", revision=1, width=640, height=360, bitrate=256_000, legs=(leg,))
    try:
        assert await conference.apply(spec) == {}
        await watcher.watch(0.8)
        assert set(watcher.heights) == {360}
        watcher.udp.sendto(report, ("127.0.0.1", ports[3]))
        await watcher.watch(1.5)
        assert watcher.heights[-1] == 234
        assert all((b - a) & 0xFFFF == 1 for a, b in itertools.pairwise(watcher.numbers))
        assert all(0 < (b - a) & 0xFFFFFFFF < 90_000 for a, b in itertools.pairwise(watcher.times)), "no pause"
    finally:
        watcher.udp.close()
        await conference.close()
