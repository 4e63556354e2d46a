"""Decoded pictures to the size of a tile."""

from __future__ import annotations

import logging

import av
from av.error import FFmpegError
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from mcu.media.picture.planes import Planes, Size

logger = logging.getLogger(__name__)

# "J" formats carry their full range in their name; as long as they do, the scaler would keep it.
_FULL_RANGE_FORMATS = frozenset({"yuvj420p", "yuvj422p", "yuvj444p"})


class Scaler:
    """Scales the pictures of one source to one size, as yuv420p in BT.709, studio range; keeps its tables between."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()
        self._complained = False

    def scale(self, frame: av.VideoFrame, size: Size, matrix: Colorspace = Colorspace.ITU709) -> Planes | None:
        """The picture at this size (even numbers), or None when its pixel format cannot be converted.

        ``matrix`` is the one that the picture comes in.
        """
        width, height = size
        full_range = frame.format.name in _FULL_RANGE_FORMATS or frame.color_range == ColorRange.JPEG
        # Averaging whole areas is the cheapest way down that does not flicker; on the way up it would show blocks.
        smaller = width <= frame.width and height <= frame.height
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
