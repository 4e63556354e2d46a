"""Fuzz target: RTP packets, by compiled code and beside it by the reference, and a whole stream fed with them."""

from __future__ import annotations

import random

from mcu.media.rtp.packet import RtpPacket, parse_header, read_extension
from mcu.media.rtp.session import RtpStream, StreamConfig
from mcu.media.spec import CodecSpec
from tests.fuzz.outcome import outcome
from tests.reference import packet as reference

CODECS = {
    99: CodecSpec(name="H264", payload_type=99, clock_rate=90000),
    96: CodecSpec(name="VP8", payload_type=96, clock_rate=90000),
}
FIELDS = RtpPacket.__slots__
SOUND = {8: CodecSpec(name="PCMA", payload_type=8, clock_rate=8000)}


def fuzz_one(data: bytes) -> None:
    """A packet is read or refused alike; a stream swallows it, cut into datagrams of the first byte's length.

    Another stream gets the datagrams of a moment together, and comes to the same.
    """
    kind, packet = outcome(RtpPacket.parse, data)
    expected = outcome(reference.RtpPacket.parse, data)
    assert outcome(parse_header, data) == outcome(reference.parse_header, data)
    assert kind == expected[0]
    if kind == "value":
        assert [getattr(packet, name) for name in FIELDS] == [getattr(expected[1], name) for name in FIELDS]
        for number in (1, 2):
            assert read_extension(data, number) == packet.extensions.get(number)
    else:
        assert packet == expected[1]
    size = 12 + (data[0] if data else 0) % 64
    for config in (
        # Without requests: what has been asked for between two packets of a run is known to the one, not to the other.
        StreamConfig("video", 1, "c", CODECS, None, None, frozenset()),
        StreamConfig("audio", 1, "c", SOUND, 101, level_id=1),
    ):
        stream, together = (RtpStream(config, random.Random(1), 0.0, 0.0) for _ in range(2))
        now, chunks = 0.0, [data[position : position + size] for position in range(1, len(data), size)]
        for first in range(0, len(chunks), 3):
            now += 0.05
            run = [_datagram(chunk, config.kind) for chunk in chunks[first : first + 3]]
            for datagram in run:
                stream.receive_rtp(datagram, now)
            together.receive_rtp_run(run, now)
            for one in (stream, together):
                one.handle_timer(now)
            assert stream.events() == together.events()
            for one in (stream, together):
                one.rtcp_to_send()  # what it reports depends on when
            assert stream.statistics(now) == together.statistics(now)


def _datagram(chunk: bytes, kind: str) -> bytes:
    """Half of the datagrams get a header that lets their payload through."""
    if not chunk[0] & 1:
        return chunk
    payload_type = 99 if kind == "video" else 101
    number = (chunk[0] >> 1).to_bytes(2, "big")
    return bytes((0x80, payload_type | (chunk[-1] & 0x80))) + number + bytes(4) + b"\0\0\0\5" + chunk
