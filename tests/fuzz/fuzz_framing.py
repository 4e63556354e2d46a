"""Fuzz target: what comes from a stranger's TCP connection, cut as the network likes."""

from __future__ import annotations

from mcu.media.transport.framing import LONGEST_FRAME, FrameReader, FramingError, framed
from mcu.media.transport.stream_queue import MAX_OTHERS, MAX_PICTURES, StreamQueue

SEEDS = [
    framed([b"\0\1\0\x08\x21\x12\xa4\x42" + bytes(20), b"\x16\xfe\xfd" + bytes(40), b"\x80\x60" + bytes(60)]),
    framed([b"\x80\x6f" + bytes(20)] * 10),
    b"\0\0" * 20 + framed([b"x" * LONGEST_FRAME]),
    (LONGEST_FRAME + 1).to_bytes(2) + bytes(10),
]


def fuzz_one(data: bytes) -> None:
    """The packets are the same however the stream is cut, little waits, and what is queued stays within its room."""
    step = 1 + (data[-1] if data else 0)
    pieces = [data[at : at + step] for at in range(0, len(data), step)]
    whole, cut = _read([data]), _read(pieces)
    assert whole == cut
    packets, _ = whole
    queue = StreamQueue({111})
    for _ in range(3):
        for packet in packets:
            queue.put(packet)
    sent = b""
    while more := queue.take(step):
        sent += more
    found, _ = _read([sent])
    assert len(found) + queue.dropped == 3 * len(packets)
    assert len(sent) <= MAX_PICTURES + MAX_OTHERS + 2 * len(found)


def _read(pieces: list[bytes]) -> tuple[list[bytes], bool]:
    """The packets, and whether the stream ended in something absurd. What came before that counts only as far as it
    came in an earlier piece, so nothing is said of it."""
    reader, found = FrameReader(), []
    for piece in pieces:
        try:
            packets = reader.feed(piece)
        except FramingError:
            return [], True
        assert all(0 < len(packet) <= LONGEST_FRAME for packet in packets)
        assert reader.waiting <= LONGEST_FRAME + 1
        found += packets
    return found, False
