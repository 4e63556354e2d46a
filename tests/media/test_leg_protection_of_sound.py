"""A leg protects its sound by what its pictures show of the network."""

from __future__ import annotations

import random
import socket

import pytest

from mcu.media.leg import MediaLeg
from mcu.media.rtp.packet import RtpPacket
from mcu.media.rtp.rtcp import GenericNack, serialise_compound
from mcu.media.spec import Address, AudioSpec, CodecSpec, LegSpec, PlainTransport, VideoSpec
from mcu.media.units import CodedPicture, CodedSound
from tests.media.test_leg_timers import Listener
from tests.peers.ports import port_block

H264 = CodecSpec(name="H264", payload_type=96, clock_rate=90_000, parameters={"packetization-mode": "1"})
OPUS = CodecSpec(name="opus", payload_type=111, clock_rate=48_000, channels=2)
RED = 63


@pytest.mark.parametrize("lost", [0, 5])
async def test_requests_for_pictures_have_earlier_frames_carried(lost: int) -> None:
    own = port_block(4)[0]
    peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    peer.bind(("127.0.0.1", 0))
    peer.settimeout(5.0)
    remote = Address(host="127.0.0.1", port=peer.getsockname()[1])
    spec = LegSpec(
        id="leg",
        name="leg",
        transport=PlainTransport(local_host="127.0.0.1", audio_port=own, video_port=own + 2, audio_remote=remote),
        audio=AudioSpec(ssrc=8, receive_codecs=(OPUS,), send_codec=OPUS, redundancy=RED),
        video=VideoSpec(ssrc=7, receive_codecs=(H264,), send_codec=H264, feedback=frozenset({"nack", "pli"})),
    )
    now = 100.0
    leg = MediaLeg(spec, Listener(), clock=lambda: now, rng=random.Random(1))
    await leg.open(None)
    video = dict(leg.streams())["video"]
    for number in range(30):
        now += 1 / 30
        leg.send_picture(CodedPicture(b"\0\0\0\1\x41" + bytes([7]) * 4000, False, now))
        leg.send_sound(CodedSound(bytes(60), 111, now, samples=1600))
        if lost and number % 2:
            wanted = tuple((video.next_sequence - back) & 0xFFFF for back in range(1, lost))
            leg._reception.receive_rtcp("video", serialise_compound((GenericNack(9, 7, wanted),)))
    types = [RtpPacket.parse(peer.recv(2000)).payload_type for _ in range(30)]
    assert types[0] == 111
    assert types[-1] == (RED if lost else 111)
    await leg.close()
    peer.close()
