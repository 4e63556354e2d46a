"""Fuzz target: RTP packets, and a whole stream fed with them."""

from __future__ import annotations

import random

from mcu.media.rtp.packet import RtpError, RtpPacket, read_extension
from mcu.media.rtp.session import RtpStream, StreamConfig
from mcu.media.spec import CodecSpec

CODECS = {
    99: CodecSpec(name="H264", payload_type=99, clock_rate=90000),
    96: CodecSpec(name="VP8", payload_type=96, clock_rate=90000),
}
SOUND = {8: CodecSpec(name="PCMA", payload_type=8, clock_rate=8000)}


def fuzz_one(data: bytes) -> None:
    """A packet is read or refused; a stream swallows it, cut into datagrams of the first byte's length."""
    try:
        packet = RtpPacket.parse(data)
    except RtpError:
        pass
    else:
        assert len(packet.payload) <= len(data)
        for number in (1, 2):
            assert read_extension(data, number) == packet.extensions.get(number)
    size = 12 + (data[0] if data else 0) % 64
    for config in (
        StreamConfig("video", 1, "c", CODECS, None, None, frozenset({"nack"})),
        StreamConfig("audio", 1, "c", SOUND, 101, level_id=1),
    ):
        stream = RtpStream(config, random.Random(1), 0.0, 0.0)
        now = 0.0
        for position in range(1, len(data), size):
            now += 0.05
            # Half of the datagrams get a header that lets their payload through.
            chunk = data[position : position + size]
            if chunk[0] & 1:
                payload_type = 99 if config.kind == "video" else 101
                number = (chunk[0] >> 1).to_bytes(2, "big")
                chunk = bytes((0x80, payload_type | (chunk[-1] & 0x80))) + number + bytes(4) + b"\0\0\0\5" + chunk
            stream.receive_rtp(chunk, now)
            stream.handle_timer(now)
            stream.events()
            stream.rtcp_to_send()
