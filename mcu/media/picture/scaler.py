"""Decoded pictures to the size of a tile.

Most are made smaller and nothing else; for that there is compiled code, which takes a third of FFmpeg's time.
"""

from __future__ import annotations

import logging

import av
from av.error import FFmpegError
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from mcu.media.picture._shrink import FAST, Shrinker
from mcu.media.picture.planes import Planes, Size

logger = logging.getLogger(__name__)

# "J" formats carry their full range in their name; as long as they do, the scaler would keep it.
_FULL_RANGE_FORMATS = frozenset({"yuvj420p", "yuvj422p", "yuvj444p"})


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
        width, height = size
        full_range = frame.format.name in _FULL_RANGE_FORMATS or frame.color_range == ColorRange.JPEG
        # Averaging whole areas is the cheapest way down that does not flicker; on the way up it would show blocks.
        smaller = width <= frame.width and height <= frame.height
        if smaller and frame.format.name == "yuv420p" and not full_range and matrix == Colorspace.ITU709:
            shrunk = self._shrink(frame, size)
            if shrunk is not None:
                return shrunk
        try:
            scaled = self._reformatter.reformat(
                frame,
                width,
                height,
                "yuv420p",
                src_colorspace=matrix,
                dst_colorspace=Colorspace.ITU709,
                interpolation=Interpolation.AREA if smaller else Interpolation.BICUBIC,
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

    def _shrink(self, frame: av.VideoFrame, size: Size) -> Planes | None:
        """The picture made smaller in compiled code; None where FFmpeg does it better or alone."""
        before = frame.width, frame.height
        if not FAST or before == size:
            return None
        if self._shrinking != (before, size):
            self._shrinking = before, size
            try:
                self._shrinker = Shrinker(*before, *size)
            except ValueError:  # odd sizes, and a picture made very small
                self._shrinker = None
        if self._shrinker is None:
            return None
        planes, samples = Planes.in_one(*size)
        y, u, v = frame.planes
        self._shrinker.shrink(y, y.line_size, u, u.line_size, v, v.line_size, samples.data)
        return planes
