"""How large a picture is, by what its key frames begin with. Pure."""

from __future__ import annotations

from mcu.media.forwarding.parameter_sets import parse_sps
from mcu.media.rtp.errors import PayloadError

_VP8_START_CODE = b"\x9d\x01\x2a"


def picture_size(codec: str, head: bytes) -> tuple[int, int] | None:
    """Width and height in pixels; None where the head (``MediaPort.picture_head``) does not tell them."""
    if codec == "VP8":
        # RFC 6386 section 9.1: a start code after three octets, then 14 bits each with two of scaling above.
        if len(head) < 10 or head[3:6] != _VP8_START_CODE:
            return None
        width, height = (int.from_bytes(head[at : at + 2], "little") & 0x3FFF for at in (6, 8))
    else:
        try:
            parameters = parse_sps(head)
        except PayloadError:
            return None
        width, height = parameters.width, parameters.height
    return (width, height) if width and height else None
