"""PNG files as they come from outside, checked to the last byte (ISO/IEC 15948), and cleaned."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

MEDIA_TYPE = "image/png"

MAXIMUM_BYTES = 100 * 1024
"""A logo is a few kilobytes; this is below what a body may have at all."""

MAXIMUM_WIDTH, MAXIMUM_HEIGHT = 1024, 512
"""Pixels: more than a corner of a 1080p picture holds, and two megabytes at most once it is unpacked."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEPT = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}


class PngError(ValueError):
    """The bytes are no PNG that we take; the message says why."""


@dataclass(frozen=True)
class Png:
    """A PNG file without anything but its picture (no texts, no places where it was taken). Sizes in pixels."""

    width: int
    height: int
    data: bytes


def read_png(data: bytes) -> Png:
    """Check and clean a PNG. Raises PngError."""
    if len(data) > MAXIMUM_BYTES:
        raise PngError(f"A logo has at most {MAXIMUM_BYTES // 1024} KiB.")
    if not data.startswith(_SIGNATURE):
        raise PngError("This is no PNG file.")
    chunks = _chunks(data)
    width, height, row_bytes = _header(chunks)
    if chunks[-1] != (b"IEND", b""):
        raise PngError("The PNG file has no end.")
    packed = b"".join(body for kind, body in chunks if kind == b"IDAT")
    _check_rows(packed, height, row_bytes)
    kept = [_chunk(kind, body) for kind, body in chunks if kind in _KEPT]
    return Png(width, height, _SIGNATURE + b"".join(kept))


def _chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    found = []
    position = len(_SIGNATURE)
    while position < len(data):
        if position + 12 > len(data):
            raise PngError("The PNG file is cut off.")
        length = int.from_bytes(data[position : position + 4])
        kind = data[position + 4 : position + 8]
        end = position + 12 + length
        if end > len(data):
            raise PngError("The PNG file is cut off.")
        body = data[position + 8 : end - 4]
        if zlib.crc32(kind + body) != int.from_bytes(data[end - 4 : end]):
            raise PngError("The PNG file is damaged: a checksum is wrong.")
        found.append((kind, body))
        position = end
        if kind == b"IEND":
            break
    if position != len(data) or not found:
        raise PngError("The PNG file does not end where it should.")
    return found


def _header(chunks: list[tuple[bytes, bytes]]) -> tuple[int, int, int]:
    """Width, height, and bytes of a row with its filter (section 11.2.2)."""
    kind, body = chunks[0]
    if kind != b"IHDR" or len(body) != 13 or [one for one, _ in chunks].count(b"IHDR") != 1:
        raise PngError("The PNG file has no proper header.")
    width, height, depth, colour, packing, filtering, interlaced = struct.unpack(">IIBBBBB", body)
    if not (0 < width <= MAXIMUM_WIDTH and 0 < height <= MAXIMUM_HEIGHT):
        raise PngError(f"A logo has at most {MAXIMUM_WIDTH}×{MAXIMUM_HEIGHT} pixels, not {width}×{height}.")
    if depth not in _DEPTHS.get(colour, ()) or packing or filtering:
        raise PngError("The PNG file has no proper header.")
    if interlaced:
        raise PngError("An interlaced PNG is not taken; save it without.")
    if colour == 3 and not any(one == b"PLTE" and 0 < len(part) <= 768 and not len(part) % 3 for one, part in chunks):
        raise PngError("The PNG file has no proper palette.")
    return width, height, 1 + -(-width * depth * _CHANNELS[colour] // 8)


def _check_rows(packed: bytes, height: int, row_bytes: int) -> None:
    wanted = height * row_bytes
    unpacking = zlib.decompressobj()
    try:
        rows = unpacking.decompress(packed, wanted + 1)
    except zlib.error as error:
        raise PngError("The PNG file is damaged: its picture cannot be unpacked.") from error
    if len(rows) != wanted or not unpacking.eof:
        raise PngError("The PNG file is damaged: its picture has not the size that it says.")
    if any(rows[start] > 4 for start in range(0, wanted, row_bytes)):
        raise PngError("The PNG file is damaged: a row is filtered in no known way.")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4) + kind + body + zlib.crc32(kind + body).to_bytes(4)
