"""Fuzz target: RTCP datagrams."""

from __future__ import annotations

import random

from mcu.media.rtp.rtcp import RtcpError, parse_compound, serialise_compound
from mcu.media.rtp.session import RtpStream, StreamConfig


def fuzz_one(data: bytes) -> None:
    """A datagram is read or refused; what is read can be written and read again; a stream swallows it."""
    try:
        packets = parse_compound(data)
    except RtcpError:
        pass
    else:
        assert len(parse_compound(serialise_compound(packets) or b"\x80\xcb\x00\x00")) >= len(packets)
    stream = RtpStream(StreamConfig("video", 1, "c", {}, feedback=frozenset({"nack"})), random.Random(1), 0.0, 0.0)
    stream.receive_rtcp(data, 1.0)
    stream.handle_timer(1.0)
    stream.events()
