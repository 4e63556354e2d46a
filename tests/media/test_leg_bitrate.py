"""How much a browser's leg is told to send at most (REMB)."""

from __future__ import annotations

import asyncio
import random
import struct
from collections.abc import Callable

from mcu.gateway.rtp_ports import RtpPorts
from mcu.media.leg import MediaLeg
from mcu.media.leg_rates import receive_bitrate
from mcu.media.rtp.feedback import ReceiverEstimatedMaximumBitrate
from mcu.media.rtp.rtcp import parse_compound
from mcu.media.spec import Address, CodecSpec, LegSpec, PlainTransport, VideoSpec
from tests.media.transport.sockets import PATIENCE


class Listener:
    """LegListener that wants to know nothing."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *arguments: None


class Peer(asyncio.DatagramProtocol):
    """Sends pictures and reads what it is told of its rate."""

    def __init__(self) -> None:
        self.told: list[int] = []

    def datagram_received(self, data: bytes, address: object) -> None:
        for packet in parse_compound(data):
            if isinstance(packet, ReceiverEstimatedMaximumBitrate):
                self.told.append(packet.bitrate)


async def test_a_browser_is_told_at_once_that_it_may_send_less() -> None:
    loop = asyncio.get_running_loop()
    sender, peer = await loop.create_datagram_endpoint(Peer, local_addr=("127.0.0.1", 0))
    host, port = sender.get_extra_info("sockname")
    own = RtpPorts("127.0.0.1", 43000, 43999).take()
    codec = CodecSpec(name="VP8", payload_type=96, clock_rate=90_000)
    video = VideoSpec(send_codec=codec, receive_codecs=(codec,), ssrc=7, feedback=frozenset({"remb"}))
    remote = Address(host=host, port=port)
    transport = PlainTransport(local_host="127.0.0.1", video_port=own, video_remote=remote, rtcp_mux=True)
    spec = LegSpec(id="a", name="a", transport=transport, video=video, receive_bitrate=512_000)
    now = [1000.0]
    leg = MediaLeg(spec, Listener(), clock=lambda: now[0])  # type: ignore[arg-type]
    await leg.open(None)

    async def told(bitrate: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while bitrate not in peer.told:
                now[0] += 0.02
                header = struct.pack("!BBHII", 0x80, 0x80 | 96, random.getrandbits(15), 0, 9)
                sender.sendto(header + b"\x10\x00\x00", ("127.0.0.1", own))
                await asyncio.sleep(0.001)
                leg.handle_timer(now[0])

    await told(512_000)
    assert set(peer.told) == {512_000}
    leg.update(spec.model_copy(update={"receive_bitrate": 256_000}))
    await told(256_000)
    leg.update(spec.model_copy(update={"receive_bitrate": None}))
    peer.told.clear()
    await told(receive_bitrate(leg.spec))
    await leg.close()
    sender.close()
