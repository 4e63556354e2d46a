"""What can be wrong with bytes from the network.

``RtpError``
    ``PayloadError``   the payload of one codec (RFC 6184, RFC 7741, RFC 4733)
``RtcpError``

Parsers raise these and nothing else; ``RtpStream`` catches and counts them. The first two are those of compiled code.
"""

from __future__ import annotations

from mcu.media.packets import PayloadError, RtpError

__all__ = ["PayloadError", "RtcpError", "RtpError"]


class RtcpError(ValueError):
    """Not a usable RTCP packet (RFC 3550 section 6)."""
