"""What an H.264 sequence parameter set says about the picture's size (ITU-T H.264 sections 7.3.2.1 and 7.4.2.1)."""

from __future__ import annotations

from dataclasses import dataclass

from mcu.media.rtp.errors import PayloadError

# Profiles whose sets carry chroma format and scaling lists (section 7.3.2.1.1).
_HIGH_PROFILES = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
# No Exp-Golomb number of a parameter set needs more leading zeros than this (ue(v) up to 2**32 - 2).
_MAX_LEADING_ZEROS = 31
# Level 6.2 allows 16 384 luma samples a side; beyond it the set is damaged.
_MAX_SIDE = 16_384
_MAX_CYCLE = 255


@dataclass(frozen=True, slots=True)
class SequenceParameterSet:
    """``width`` and ``height`` in luma samples after cropping; profile, constraint flags and level as coded bytes."""

    profile: int
    constraints: int
    level: int
    identifier: int
    width: int
    height: int


class _BitReader:
    """Reads a raw byte sequence payload, already freed of emulation prevention bytes."""

    __slots__ = ("_bits", "_left")

    def __init__(self, data: bytes) -> None:
        self._bits = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def bits(self, count: int) -> int:
        if count > self._left:
            raise PayloadError("H.264 sequence parameter set is cut off")
        self._left -= count
        return (self._bits >> self._left) & ((1 << count) - 1)

    def ue(self) -> int:
        zeros = 0
        while not self.bits(1):
            zeros += 1
            if zeros > _MAX_LEADING_ZEROS:
                raise PayloadError("H.264 sequence parameter set holds an impossible number")
        return (1 << zeros) - 1 + self.bits(zeros)

    def se(self) -> int:
        value = self.ue()
        return (value + 1) // 2 if value & 1 else -(value // 2)


def parse_sps(unit: bytes) -> SequenceParameterSet:
    """Read a sequence parameter set NAL unit, header byte included, without a start code. Raises PayloadError."""
    if len(unit) < 5 or unit[0] & 0x1F != 7:
        raise PayloadError("not an H.264 sequence parameter set")
    # Real sets have tens of bytes; what is behind the first KB is not needed for the size.
    reader = _BitReader(unit[1:1024].replace(b"\x00\x00\x03", b"\x00\x00"))
    profile, constraints, level = reader.bits(8), reader.bits(8), reader.bits(8)
    identifier = reader.ue()
    chroma_format, separate_planes = _chroma(reader) if profile in _HIGH_PROFILES else (1, False)
    reader.ue()  # log2_max_frame_num_minus4
    _skip_picture_order(reader)
    reader.ue()  # max_num_ref_frames
    reader.bits(1)  # gaps_in_frame_num_value_allowed_flag
    width = 16 * (reader.ue() + 1)
    map_height = reader.ue() + 1
    frames_only = reader.bits(1)
    height = 16 * map_height * (2 - frames_only)
    if not frames_only:
        reader.bits(1)  # mb_adaptive_frame_field_flag
    reader.bits(1)  # direct_8x8_inference_flag
    if reader.bits(1):
        left, right, top, bottom = (reader.ue() for _ in range(4))
        sampled = chroma_format in (1, 2) and not separate_planes
        width -= (left + right) * (2 if sampled else 1)
        height -= (top + bottom) * (2 if chroma_format == 1 and not separate_planes else 1) * (2 - frames_only)
    if not 0 < width <= _MAX_SIDE or not 0 < height <= _MAX_SIDE:
        raise PayloadError(f"H.264 picture of {width}×{height}")
    return SequenceParameterSet(profile, constraints, level, identifier, width, height)


def _chroma(reader: _BitReader) -> tuple[int, bool]:
    """chroma_format_idc and separate_colour_plane_flag; scaling lists are read past."""
    chroma_format = reader.ue()
    separate_planes = chroma_format == 3 and bool(reader.bits(1))
    reader.ue()  # bit_depth_luma_minus8
    reader.ue()  # bit_depth_chroma_minus8
    reader.bits(1)  # qpprime_y_zero_transform_bypass_flag
    if reader.bits(1):
        for index in range(12 if chroma_format == 3 else 8):
            if reader.bits(1):
                _skip_scaling_list(reader, 16 if index < 6 else 64)
    return chroma_format, separate_planes


def _skip_scaling_list(reader: _BitReader, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + reader.se()) & 0xFF
        last = following or last


def _skip_picture_order(reader: _BitReader) -> None:
    kind = reader.ue()
    if kind == 0:
        reader.ue()  # log2_max_pic_order_cnt_lsb_minus4
    elif kind == 1:
        reader.bits(1)
        reader.se()
        reader.se()
        cycle = reader.ue()
        if cycle > _MAX_CYCLE:
            raise PayloadError("H.264 sequence parameter set holds an impossible number")
        for _ in range(cycle):
            reader.se()
