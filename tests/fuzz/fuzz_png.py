"""Fuzz target: PNG files that are uploaded as logos."""

from __future__ import annotations

import io
import zlib

from PIL import Image

from mcu.control.png import MAXIMUM_HEIGHT, MAXIMUM_WIDTH, PngError, read_png

SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEADER = 13


def chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4) + kind + body + zlib.crc32(kind + body).to_bytes(4)


def wrapped(data: bytes) -> bytes:
    """The bytes as header, palette and rows of a file with proper checksums, so that they get past those."""
    header, rest = data[:HEADER].ljust(HEADER, b"\0"), data[HEADER:]
    palette, rows = rest[:6], rest[6:]
    return SIGNATURE + b"".join(
        (chunk(b"IHDR", header), chunk(b"PLTE", palette), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    )


SEEDS = (
    b"\0\0\0\2\0\0\0\2\x08\6\0\0\0" + bytes(6 + 18),
    b"\0\0\0\2\0\0\0\2\x08\3\0\0\0" + bytes(6 + 6),
    b"\0\0\0\x09\0\0\0\1\1\0\0\0\0" + bytes(6 + 3),
    b"\0\0\0\1\0\0\0\1\x10\2\0\0\0" + bytes(6) + b"\4" + bytes(6),
)


def fuzz_one(data: bytes) -> None:
    """Any bytes are a picture that Pillow opens in the size that was read, or PngError."""
    for candidate in (data, SIGNATURE + data, wrapped(data)):
        try:
            png = read_png(candidate)
        except PngError:
            continue
        assert 0 < png.width <= MAXIMUM_WIDTH and 0 < png.height <= MAXIMUM_HEIGHT
        assert read_png(png.data) == png
        with Image.open(io.BytesIO(png.data)) as picture:
            picture.load()
            assert picture.size == (png.width, png.height)
