"""Fuzz target: payloads of H.261 and H.263 in both of its formats, and pictures cut into payloads."""

from __future__ import annotations

from mcu.media.rtp.errors import PayloadError
from mcu.media.rtp.h261 import H261Depacketizer, H261Packetizer
from mcu.media.rtp.h263 import H263Depacketizer, H263Packetizer, H263PlusPacketizer

SEEDS = (
    b"\x00\x13" + (bytes.fromhex("010000000001001e000113a2") + bytes(range(30)))[:40],
    b"\x01\x13" + (bytes.fromhex("00600000000080020c071ee1") + bytes(range(30)))[:40],
    b"\x02\x13" + (bytes.fromhex("040080020c071ee1") + bytes(range(30)))[:40],
    b"\x01\x0b" + bytes.fromhex("c01c0000000000000000000080020c"),
)


def fuzz_one(data: bytes) -> None:
    """The first octet picks the format, the second how long each payload is."""
    if len(data) < 3:
        return
    make = (H261Depacketizer, lambda: H263Depacketizer(plus=False), lambda: H263Depacketizer(plus=True))
    depacketizer = make[data[0] % 3]()
    size = 1 + data[1]
    for position in range(2, len(data), size):
        try:
            depacketizer.push(data[position : position + size])
        except PayloadError:
            assert not depacketizer.whole
        _ = depacketizer.keyframe
        if data[position] & 1:
            taken = depacketizer.take()
            assert taken is None or (taken[0] and depacketizer.empty)
    for packetizer in (H261Packetizer(64 + data[1]), H263Packetizer(64 + data[1]), H263PlusPacketizer(64 + data[1])):
        assert all(len(payload) <= packetizer.mtu for payload in packetizer.packetize(data[2:]))
