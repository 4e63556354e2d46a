"""Which YUV a coded picture is in. Inside, pictures are in ITU-R BT.709; this is for the way in and the way out.

The two matrices in use give visibly different reds and greens, and skin is what physicians look at.
"""

from __future__ import annotations

from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace

from mcu.media.picture.state import VideoCodec

# Pictures with fewer lines are standard definition; untagged, they are taken for ITU-R BT.601 by all decoders.
_HIGH_DEFINITION_LINES = 720

# matrix_coefficients of ITU-T H.264 table E-5.
_BT709 = {1}
_BT601 = {4, 5, 6, 7}


def usual_matrix(codec: VideoCodec, height: int) -> Colorspace:
    """What everybody takes an untagged picture for. VP8 knows but one matrix (RFC 6386 section 9.2)."""
    if codec == "H264" and height >= _HIGH_DEFINITION_LINES:
        return Colorspace.ITU709
    return Colorspace.ITU601


def matrix_of(codec: VideoCodec, frame: VideoFrame) -> Colorspace:
    """The matrix of a decoded picture, as tagged or else as usual."""
    if codec == "H264" and frame.colorspace in _BT709:
        return Colorspace.ITU709
    if codec == "H264" and frame.colorspace in _BT601:
        return Colorspace.ITU601
    return usual_matrix(codec, frame.height)
