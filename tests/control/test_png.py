"""PNG files that are taken as logos, and those that are not."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from mcu.conference.picture.logos import LogoRefused
from mcu.control.logo_files import LogoFiles
from mcu.control.png import MAXIMUM_BYTES, PngError, read_png


def png(width: int = 40, height: int = 20, mode: str = "RGBA", **save: object) -> bytes:
    """A PNG as an ordinary program writes it."""
    buffer = io.BytesIO()
    Image.new(mode, (width, height), 1).save(buffer, "PNG", **save)
    return buffer.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4) + kind + body + zlib.crc32(kind + body).to_bytes(4)


def handmade(width: int, height: int, rows: bytes, *, interlaced: int = 0, depth: int = 8) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, 6, 0, 0, interlaced)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA"])
def test_what_programs_write_is_taken_and_opens_again(mode: str) -> None:
    read = read_png(png(mode=mode))
    assert (read.width, read.height) == (40, 20)
    with Image.open(io.BytesIO(read.data)) as picture:
        picture.load()
        assert (picture.size, picture.mode) == ((40, 20), mode)


def test_nothing_but_the_picture_is_kept() -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "Mr. Wang, bed 4")
    assert b"bed 4" not in read_png(png(pnginfo=text)).data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a" + bytes(30),
        png()[:-1],
        png()[:40],
        png() + b"<script>",
        png().replace(b"IDAT", b"IDAD"),
        png(1025, 1),
        png(1, 513),
        handmade(2, 2, bytes(18), interlaced=1),
        handmade(2, 2, bytes(17)),
        handmade(2, 2, bytes(19)),
        handmade(1024, 512, bytes(50_000_000)),
        handmade(2, 2, b"\x05" + bytes(17)),
        handmade(2, 2, bytes(18), depth=3),
        png()[:-12] + chunk(b"tEXt", bytes(MAXIMUM_BYTES)) + png()[-12:],
    ],
)
def test_everything_else_is_refused_with_a_reason(data: bytes) -> None:
    with pytest.raises(PngError, match=r"\."):
        read_png(data)


@given(st.binary(max_size=200), st.integers(0, 80))
def test_damage_never_gets_through(noise: bytes, at: int) -> None:
    whole = png()
    damaged = whole[:at] + noise + whole[at + len(noise) :]
    try:
        read = read_png(damaged)
    except PngError:
        return
    with Image.open(io.BytesIO(read.data)) as picture:
        picture.load()


async def test_logos_are_kept_by_their_content(tmp_path: Path) -> None:
    logos = LogoFiles(tmp_path / "logos")
    assert await logos.all() == []
    first, again = await logos.keep(png()), await logos.keep(png())
    assert first == again and await logos.all() == [first]
    assert await logos.read(first.id) == read_png(png()).data
    (tmp_path / "logos" / "foreign.png").write_bytes(b"no picture")
    (tmp_path / "secret.png").write_bytes(png())
    assert await logos.all() == [first]
    for strange in ("../secret", "foreign", "", first.id.upper(), f"{first.id}\n"):
        assert await logos.read(strange) is None and not await logos.remove(strange)
    assert await logos.remove(first.id) and not await logos.remove(first.id)
    with pytest.raises(LogoRefused):
        await logos.keep(b"no picture")
