"""What can be wrong with bytes from the network.

``RtpError``
    ``PayloadError``   the payload of one codec (RFC 6184, RFC 7741, RFC 4733)
``RtcpError``

Parsers raise these and nothing else; ``RtpStream`` catches and counts them.
"""

from __future__ import annotations


class RtpError(ValueError):
    """Not a usable RTP packet (RFC 3550 section 5.1)."""


class PayloadError(RtpError):
    """The RTP packet was sound but its payload breaks the rules of its format."""


class RtcpError(ValueError):
    """Not a usable RTCP packet (RFC 3550 section 6)."""
