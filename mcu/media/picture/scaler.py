"""Decoded pictures to the size of a tile.

Most are made smaller and nothing else; for that there is compiled code, which takes a third of FFmpeg's time.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

import av
from av.error import FFmpegError
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from mcu.media.picture._shrink import FAST, Shrinker, shrink
from mcu.media.picture.planes import Planes, Size

logger = logging.getLogger(__name__)

# "J" formats carry their full range in their name; as long as they do, the scaler would keep it.
_FULL_RANGE_FORMATS = frozenset({"yuvj420p", "yuvj422p", "yuvj444p"})

# Sizes that compiled code makes in one passage.
_AT_ONCE = 64


class Scaler:
    """Scales the pictures of one source to one size, as yuv420p in BT.709, studio range; keeps its tables between."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()
        self._shrinking: tuple[Size, Size] | None = None
        self._shrinker: Shrinker | None = None
        self._complained = False

    def scale(self, frame: av.VideoFrame, size: Size, matrix: Colorspace = Colorspace.ITU709) -> Planes | None:
        """The picture at this size (even numbers), or None when its pixel format cannot be converted.

        ``matrix`` is the one that the picture comes in.
        """
        return scale_all({size: self}, frame, matrix).get(size)

    def convert(self, frame: av.VideoFrame, size: Size, matrix: Colorspace) -> Planes | None:
        """The same by FFmpeg, whatever there is to be done."""
        width, height = size
        full_range = _is_full_range(frame)
        try:
            scaled = self._reformatter.reformat(
                frame,
                width,
                height,
                "yuv420p",
                src_colorspace=matrix,
                dst_colorspace=Colorspace.ITU709,
                interpolation=_interpolation(size, frame),
                src_color_range=ColorRange.JPEG if full_range else ColorRange.MPEG,
                dst_color_range=ColorRange.MPEG,
                threads=1,
            )
            return Planes.of(scaled)
        except (FFmpegError, ValueError, MemoryError) as error:
            if not self._complained:
                self._complained = True
                logger.warning("cannot scale %s pictures: %s", frame.format.name, error)
            return None

    def shrinker(self, frame: av.VideoFrame, size: Size, matrix: Colorspace) -> Shrinker | None:
        """What makes this picture smaller in compiled code; None where FFmpeg does it better or alone."""
        before = frame.width, frame.height
        plain = frame.format.name == "yuv420p" and matrix == Colorspace.ITU709 and not _is_full_range(frame)
        if not FAST or not plain or before == size or not _is_smaller(size, frame):
            return None
        if self._shrinking != (before, size):
            self._shrinking = before, size
            try:
                self._shrinker = Shrinker(*before, *size)
            except ValueError:  # odd sizes, and a picture made very small
                self._shrinker = None
        return self._shrinker


def scale_all(
    scalers: Mapping[Size, Scaler], frame: av.VideoFrame, matrix: Colorspace = Colorspace.ITU709
) -> dict[Size, Planes]:
    """The picture at all these sizes at once; those that its pixel format cannot be converted to are left out."""
    made: dict[Size, Planes] = {}
    wanted: list[tuple[Shrinker, memoryview]] = []
    for size, scaler in scalers.items():
        shrinker = scaler.shrinker(frame, size, matrix)
        if shrinker is not None:
            made[size], samples = Planes.in_one(*size)
            wanted.append((shrinker, samples.data))
        elif (planes := scaler.convert(frame, size, matrix)) is not None:
            made[size] = planes
    y, u, v = frame.planes if wanted else (None, None, None)
    for first in range(0, len(wanted), _AT_ONCE):
        assert y is not None and u is not None and v is not None
        shrink(y, y.line_size, u, u.line_size, v, v.line_size, tuple(wanted[first : first + _AT_ONCE]))
    return made


def _is_full_range(frame: av.VideoFrame) -> bool:
    return frame.format.name in _FULL_RANGE_FORMATS or frame.color_range == ColorRange.JPEG


def _interpolation(size: Size, frame: av.VideoFrame) -> Interpolation:
    """Averaging whole areas is the cheapest way down that does not flicker; on the way up it would show blocks."""
    return Interpolation.AREA if _is_smaller(size, frame) else Interpolation.BICUBIC


def _is_smaller(size: Size, frame: av.VideoFrame) -> bool:
    return size[0] <= frame.width and size[1] <= frame.height
