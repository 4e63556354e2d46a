"""Redundant sound (RED, RFC 2198): packets that carry frames of earlier ones as well, so that a loss costs nothing.

Pure. The blocks of a packet are the frames of as many packets in a row, the newest last, as browsers send them; so a
block's place tells the sequence number of the packet that it repeats, which the format does not.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from mcu.media.rtp.errors import PayloadError

MAX_BLOCKS = 8
"""Blocks read of one packet; browsers send two, at most."""

MAX_OFFSET = (1 << 14) - 1
"""Of a timestamp, in units of the RTP clock: a third of a second of Opus."""

MAX_LENGTH = (1 << 10) - 1
"""Bytes of a block that is not the last."""

SOME_LOSS, HEAVY_LOSS = 0.01, 0.12
"""Share of packets lost from which one frame is repeated, and from which two are: of a fifth lost at random one in a
hundred stays lost then."""

HOLD = 20.0
"""Seconds that repeating goes on after the last report of loss: it comes back, and repeating costs little."""


@dataclass(frozen=True, slots=True)
class Block:
    """One frame: its payload type, by how much its timestamp is before that of the packet, and its bytes."""

    payload_type: int
    offset: int
    data: bytes


def pack(blocks: list[Block]) -> bytes:
    """The payload of a packet; the last block is the newest, with an offset of 0.

    Raises ValueError for what the format cannot hold.
    """
    headers = bytearray()
    for block in blocks[:-1]:
        if not 0 <= block.offset <= MAX_OFFSET or len(block.data) > MAX_LENGTH:
            raise ValueError("block is too old or too long")
        headers += ((0x80 | block.payload_type) << 24 | block.offset << 10 | len(block.data)).to_bytes(4, "big")
    headers.append(blocks[-1].payload_type)
    return bytes(headers) + b"".join(block.data for block in blocks)


def unpack(payload: bytes) -> list[Block]:
    """The blocks of a packet, oldest first. Raises PayloadError."""
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
    blocks = []
    for payload_type, offset, length in found:
        if position + length > len(payload):
            raise PayloadError("RED block runs past the end of the packet")
        blocks.append(Block(payload_type, offset, payload[position : position + length]))
        position += length
    return [*blocks, Block(first, 0, payload[position:])]


class RedundancyWriter:
    """Remembers the last frames and decides by what the peer reports how many of them to repeat. Time in seconds."""

    def __init__(self, payload_type: int) -> None:
        self.payload_type = payload_type
        self._frames: deque[tuple[int, int, bytes]] = deque(maxlen=2)
        self._depth = 0
        self._until = float("-inf")

    def reported(self, fraction_lost: float, now: float) -> None:
        """The peer told what share of the packets it has lost."""
        depth = 2 if fraction_lost >= HEAVY_LOSS else 1 if fraction_lost >= SOME_LOSS else 0
        if depth >= self._depth or now >= self._until:
            self._depth = depth
            self._until = now + HOLD

    def write(self, payload_type: int, timestamp: int, data: bytes) -> bytes | None:
        """The payload with what is to be repeated; None when nothing is, and the frame goes out as it is."""
        blocks: list[Block] = []
        repeated = tuple(self._frames)[-self._depth :] if self._depth else ()
        for earlier_type, earlier, earlier_data in repeated:
            offset = (timestamp - earlier) & 0xFFFFFFFF
            if offset <= MAX_OFFSET and len(earlier_data) <= MAX_LENGTH:
                blocks.append(Block(earlier_type, offset, earlier_data))
            else:
                blocks.clear()  # places tell sequence numbers, so none may be left out in between
        self._frames.append((payload_type, timestamp, data))
        return pack([*blocks, Block(payload_type, 0, data)]) if blocks else None
