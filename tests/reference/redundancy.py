"""Packets of sound with earlier frames (RED, RFC 2198), in plain Python."""

from __future__ import annotations

from mcu.media.rtp.errors import PayloadError
from mcu.media.rtp.redundancy import MAX_BLOCKS, MAX_LENGTH, MAX_OFFSET, Block


def pack(blocks: list[Block]) -> bytes:
    """As ``pack_red``."""
    headers = bytearray()
    if not 1 <= len(blocks) <= MAX_BLOCKS or any(not 0 <= payload_type <= 127 for payload_type, _, _ in blocks):
        raise ValueError("too many blocks, or a payload type that is none")
    for payload_type, offset, data in blocks[:-1]:
        if not 0 <= offset <= MAX_OFFSET or len(data) > MAX_LENGTH:
            raise ValueError("block is too old or too long")
        headers += ((0x80 | payload_type) << 24 | offset << 10 | len(data)).to_bytes(4, "big")
    headers.append(blocks[-1][0])
    return bytes(headers) + b"".join(data for _, _, data in blocks)


def unpack(payload: bytes) -> list[Block]:
    """As ``unpack_red``."""
    found: list[tuple[int, int, int]] = []
    position = 0
    while True:
        if position >= len(payload):
            raise PayloadError("RED header is cut off")
        first = payload[position]
        if not first & 0x80:
            position += 1
            break
        if position + 4 > len(payload):
            raise PayloadError("RED header is cut off")
        if len(found) >= MAX_BLOCKS - 1:
            raise PayloadError("RED packet of too many blocks")
        word = int.from_bytes(payload[position : position + 4], "big")
        found.append((first & 0x7F, word >> 10 & MAX_OFFSET, word & MAX_LENGTH))
        position += 4
    blocks: list[Block] = []
    for payload_type, offset, length in found:
        if position + length > len(payload):
            raise PayloadError("RED block runs past the end of the packet")
        blocks.append((payload_type, offset, payload[position : position + length]))
        position += length
    return [*blocks, (first, 0, payload[position:])]
