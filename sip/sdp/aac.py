"""Which AAC in a description is one that can be taken in (RFC 6416 section 7.3, RFC 3640 section 4.1)."""

from __future__ import annotations

from collections.abc import Mapping

NAMES = ("MP4A-LATM", "mpeg4-generic")

CLOCKS = frozenset({90_000, 48_000, 24_000, 16_000, 8_000})
"""RTP clocks: the sampling rate, or for LATM also 90 kHz, which Cisco writes."""

_OBJECTS = (2, 23)  # AAC-LC, AAC-LD (ISO/IEC 14496-3 table 1.17)
_RATES = (3, 6, 8, 11)  # 48, 24, 16 and 8 kHz (table 1.18)
_MUX_BITS = 15  # of a StreamMuxConfig before its AudioSpecificConfig
_LONGEST = 64


def can_be_taken(name: str, parameters: Mapping[str, str]) -> bool:
    """Whether it is AAC-LC or AAC-LD of one or two channels, as far as the description says."""
    if name == "mpeg4-generic":
        sizes = [parameters.get(key) for key in ("sizelength", "indexlength", "indexdeltalength")]
        if parameters.get("mode", "").lower() != "aac-hbr" or sizes != ["13", "3", "3"]:
            return False
        return _is_known_config(parameters.get("config", ""), 0)
    if parameters.get("cpresent", "1") == "0":
        return _is_known_config(parameters.get("config", ""), _MUX_BITS)
    # The packets will say; AAC-LC is the default of no device that we know of, so it must be named.
    return parameters.get("object") in {str(known) for known in _OBJECTS}


def _is_known_config(text: str, offset: int) -> bool:
    """Whether the AudioSpecificConfig that begins after ``offset`` bits is of a kind that is decoded here.

    That is by object type, rate, channels and length of frames. Frames may be of 512 samples (AAC-LD) or
    1024, not of 480 or 960.
    """
    try:
        data = bytes.fromhex(text) if len(text) <= 2 * _LONGEST else b""
    except ValueError:
        return False
    rest = 8 * len(data) - offset - 14
    if rest < 0:
        return False
    bits = int.from_bytes(data) >> rest
    kind, rate, channels, short = (bits >> 9) & 31, (bits >> 5) & 15, (bits >> 1) & 15, bits & 1
    return kind in _OBJECTS and rate in _RATES and channels in (1, 2) and not short
