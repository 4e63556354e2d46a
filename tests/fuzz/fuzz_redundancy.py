"""Fuzz target: sound with earlier frames (RFC 2198), and the numbers of repeated packets (RFC 4588)."""

from __future__ import annotations

from mcu.media.packets import pack_red, unpack_red
from mcu.media.rtp.errors import PayloadError
from mcu.media.rtp.redundancy import MAX_BLOCKS
from mcu.media.rtp.repetition import original_number


def fuzz_one(data: bytes) -> None:
    """What is read is written as it was; what is not is refused."""
    try:
        assert original_number(data) == int.from_bytes(data[:2], "big")
    except PayloadError:
        assert len(data) < 2
    try:
        blocks = unpack_red(data)
    except PayloadError:
        return
    assert 1 <= len(blocks) <= MAX_BLOCKS
    assert pack_red(blocks) == data
