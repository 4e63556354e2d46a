"""The little of H.264 that a recording needs: NAL units, parameter sets, the picture size."""

from __future__ import annotations

from dataclasses import dataclass

from recorder.errors import H264Error

NAL_IDR = 5
NAL_SPS = 7
NAL_PPS = 8
NAL_ACCESS_UNIT_DELIMITER = 9
NAL_FILLER = 12

# Parameter sets live in the sample description, delimiters and filler carry nothing (ISO/IEC 14496-15 clause 5.3).
_NOT_IN_SAMPLES = frozenset({NAL_SPS, NAL_PPS, NAL_ACCESS_UNIT_DELIMITER, NAL_FILLER})

# Profiles whose SPS tells chroma format and bit depth (H.264 clause 7.3.2.1.1).
_HIGH_PROFILES = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})

MAX_SPS = 1024
"""Bytes; a real SPS has fewer than a hundred."""


def split_nal_units(data: bytes) -> list[bytes]:
    """The NAL units of an Annex B byte stream, without start codes and trailing zero bytes."""
    units: list[bytes] = []
    start = data.find(b"\x00\x00\x01")
    while start >= 0:
        begin = start + 3
        start = data.find(b"\x00\x00\x01", begin)
        unit = (data[begin:start] if start >= 0 else data[begin:]).rstrip(b"\x00")
        if unit:
            units.append(unit)
    return units


@dataclass(frozen=True, slots=True)
class ParameterSets:
    """One SPS and one PPS as they stood in the stream, and what the SPS says."""

    sps: bytes
    pps: bytes
    width: int
    height: int
    chroma_format: int
    bit_depth_luma: int
    bit_depth_chroma: int

    @property
    def codec(self) -> str:
        """The codec string of RFC 6381, as ``avc1.42c01f``."""
        return "avc1." + self.sps[1:4].hex()


def parameter_sets(units: list[bytes]) -> ParameterSets | None:
    """Those among the units, None when SPS or PPS is missing. Raises H264Error for an SPS that cannot be read."""
    sps = next((unit for unit in units if unit[0] & 31 == NAL_SPS), None)
    pps = next((unit for unit in units if unit[0] & 31 == NAL_PPS), None)
    if sps is None or pps is None:
        return None
    return _read_sps(sps, pps)


def to_sample(units: list[bytes]) -> bytes:
    """The units as an MP4 sample: four bytes of length before each, without what the sample description holds."""
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in units if unit[0] & 31 not in _NOT_IN_SAMPLES)


class _Bits:
    """Reads an RBSP bit by bit (H.264 clause 7.2 and 9.1)."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = len(data) * 8

    def read(self, count: int) -> int:
        if count > self._left:
            raise H264Error("SPS ends too early")
        self._left -= count
        return (self._value >> self._left) & ((1 << count) - 1)

    def ue(self) -> int:
        zeros = 0
        while self.read(1) == 0:
            zeros += 1
            if zeros > 31:
                raise H264Error("SPS holds an Exp-Golomb code of more than 32 bits")
        return (1 << zeros) - 1 + self.read(zeros)

    def se(self) -> int:
        value = self.ue()
        return (value + 1) // 2 if value % 2 else -(value // 2)


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.se()) % 256
        last = following or last


def _read_sps(sps: bytes, pps: bytes) -> ParameterSets:
    if not 4 <= len(sps) <= MAX_SPS or len(pps) > 0xFFFF:
        raise H264Error(f"an SPS of {len(sps)} bytes")
    bits = _Bits(sps[1:].replace(b"\x00\x00\x03", b"\x00\x00"))
    profile = bits.read(8)
    bits.read(16)
    bits.ue()  # seq_parameter_set_id
    chroma, luma_depth, chroma_depth, separate_planes = 1, 8, 8, 0
    if profile in _HIGH_PROFILES:
        chroma = bits.ue()
        separate_planes = bits.read(1) if chroma == 3 else 0
        luma_depth, chroma_depth = 8 + bits.ue(), 8 + bits.ue()
        bits.read(1)
        if bits.read(1):
            for number in range(12 if chroma == 3 else 8):
                if bits.read(1):
                    _skip_scaling_list(bits, 16 if number < 6 else 64)
    if chroma > 3 or luma_depth > 14 or chroma_depth > 14:
        raise H264Error("SPS with an unknown chroma format or bit depth")
    bits.ue()  # log2_max_frame_num_minus4
    order = bits.ue()
    if order == 0:
        bits.ue()
    elif order == 1:
        bits.read(1)
        bits.se()
        bits.se()
        cycle = bits.ue()
        if cycle > 255:
            raise H264Error("SPS with an impossible picture order count")
        for _ in range(cycle):
            bits.se()
    bits.ue()  # max_num_ref_frames
    bits.read(1)
    width = 16 * (bits.ue() + 1)
    map_units = bits.ue() + 1
    frame_only = bits.read(1)
    if not frame_only:
        bits.read(1)
    height = 16 * map_units * (2 - frame_only)
    bits.read(1)  # direct_8x8_inference_flag
    if bits.read(1):
        left, right, top, bottom = bits.ue(), bits.ue(), bits.ue(), bits.ue()
        planes = 0 if separate_planes else chroma
        unit_x = 2 if planes in (1, 2) else 1
        unit_y = (2 if planes == 1 else 1) * (2 - frame_only)
        width -= unit_x * (left + right)
        height -= unit_y * (top + bottom)
    if not 0 < width <= 16384 or not 0 < height <= 16384:
        raise H264Error("SPS with an impossible picture size")
    return ParameterSets(sps, pps, width, height, chroma, luma_depth, chroma_depth)
