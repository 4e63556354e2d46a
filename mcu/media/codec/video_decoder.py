"""Received access units to pictures, whatever the network did to them."""

from __future__ import annotations

import logging
from fractions import Fraction

import av
from av.codec.context import Flags
from av.error import FFmpegError
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import Colorspace

from mcu.media.codec.colour_matrix import matrix_of
from mcu.media.picture.state import VideoCodec

logger = logging.getLogger(__name__)

_DECODERS = {"H264": "h264", "VP8": "vp8", "H263": "h263", "H261": "h261"}

# A stream that renews itself bit by bit (gradual decoder refresh) may never send a whole key frame. After so many
# pictures that decode without complaint it is shown anyway; by then intra blocks have been over the picture.
CLEAN_PICTURES = 60

# A stream of which so many units in a row fail under strict reading is not damaged but odd (extension data that breaks
# a rule, say). From then on it is read leniently: better shown with flaws than not at all.
STRICT_FAILURES = 90

# Larger pictures than 4K are refused: a few bytes of a forged parameter set must not cost gigabytes.
MAX_PIXELS = 3840 * 2160


# ITU-T H.261 section 3.1: its pictures are 4:3 whatever their size.
_CIF_PIXEL = Fraction(12, 11)


class VideoDecoder:
    """Decodes one stream of H.264 (Annex B), VP8, H.263 or H.261: a unit in, at most one picture out, without delay.

    Nothing a sender does raises: units that do not decode give None and set ``key_frame_wanted``, which stays set until
    the stream is whole again. In between no picture is given out: a picture that stands still misleads a physician less
    than one that smears. Only of a stream that comes damaged because its sender cannot repeat anything, and that would
    stand still nearly always, pictures are given out as the decoder mends them.
    """

    def __init__(self, codec: VideoCodec) -> None:
        self.codec = codec
        self._context = self._open(strict=True)
        self._mending = False
        self._clean = 0
        self._failed = 0
        self.key_frame_wanted = True
        self.broken = 0
        """How many units did not decode."""

    def _open(self, strict: bool) -> VideoCodecContext:
        context = av.CodecContext.create(_DECODERS[self.codec], "r")
        assert isinstance(context, VideoCodecContext)
        context.thread_count = 1  # frame threads would hold pictures back
        context.flags |= Flags.low_delay
        # "explode" makes the decoder say so when a picture is damaged, instead of painting over it.
        context.options = {"max_pixels": str(MAX_PIXELS)} | ({"err_detect": "explode"} if strict else {})
        return context

    @property
    def pixel_aspect(self) -> Fraction:
        """Width over height of one pixel as the stream declares it; 1 when it does not say or says nonsense."""
        if self.codec == "H261":
            return _CIF_PIXEL  # it knows no other, and the decoder does not say so
        aspect = self._context.sample_aspect_ratio
        return aspect if aspect and Fraction(1, 4) <= aspect <= 4 else Fraction(1)

    def matrix_of(self, frame: av.VideoFrame) -> Colorspace:
        """The colour matrix of a picture of this stream."""
        return matrix_of(self.codec, frame)

    def decode(self, data: bytes, damaged: bool = False) -> av.VideoFrame | None:
        """The picture of this access unit, or None: not decodable, or one that only smears.

        ``damaged`` see ``CodedPicture``. The first such unit has the stream mended from the next key frame on.
        """
        if damaged and not self._mending:
            self._mending = True
            self._context = self._open(strict=False)
            self.missed()
        try:
            frames = self._context.decode(av.Packet(data)) if data else []
        except (FFmpegError, ValueError) as error:
            self._lost(error)
            return None
        if not frames:
            # Normal for parameter sets alone; a slice that needs what is lost gives nothing either.
            self._clean = 0
            return None
        frame = frames[-1]
        if (frame.is_corrupt and not self._mending) or min(frame.width, frame.height) < 2:
            self._lost(None)
            return None
        self._clean += 1
        self._failed = 0
        if frame.key_frame or (self.codec == "H261" and _ends_freeze(data)) or self._clean >= CLEAN_PICTURES:
            self.key_frame_wanted = False
        return None if self.key_frame_wanted else frame

    def missed(self) -> None:
        """Units were left out on purpose: nothing is whole before the next key frame."""
        self.key_frame_wanted = True
        self._clean = 0

    def _lost(self, error: Exception | None) -> None:
        if not self.broken:
            logger.info("%s picture does not decode (%s); counted from now on", self.codec, error or "damaged")
        self.broken += 1
        self._failed += 1
        if self._mending:
            return
        if self._failed == STRICT_FAILURES:
            self._context = self._open(strict=False)
        self.missed()


def _ends_freeze(data: bytes) -> bool:
    """H.261 marks a picture without references only so (section 4.2.1, PTYPE bit 3), and the decoder not at all."""
    return len(data) > 3 and bool(data[3] & 0x10)
