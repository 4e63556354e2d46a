"""H.264 in RTP (RFC 6184): access units in Annex B byte-stream form to payloads and back, by compiled code."""

from __future__ import annotations

import base64
import binascii

from mcu.media.packets import H264Depacketizer, H264Packetizer, nal_units

__all__ = ["H264Depacketizer", "H264Packetizer", "nal_units", "parse_sprop_parameter_sets"]

_NAL_SPS, _NAL_PPS = 7, 8
# H.264 allows 32 and 256; a conferencing peer uses one or two of each. The depacketizer remembers as many.
MAX_PARAMETER_SETS = 16
MAX_PARAMETER_SET_SIZE = 1024


def parse_sprop_parameter_sets(value: str) -> tuple[bytes, ...]:
    """The NAL units of an fmtp ``sprop-parameter-sets`` (RFC 6184 section 8.1); what cannot be read is left out."""
    units = []
    for text in value.split(",")[: 2 * MAX_PARAMETER_SETS]:
        try:
            unit = base64.b64decode(text.strip() + "=" * (-len(text.strip()) % 4), validate=True)
        except (binascii.Error, ValueError):
            continue
        if 1 < len(unit) <= MAX_PARAMETER_SET_SIZE and unit[0] & 0x1F in (_NAL_SPS, _NAL_PPS):
            units.append(unit)
    return tuple(units)
