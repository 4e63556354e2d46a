"""Packets in compiled code, a batch at a time: SRTP, UDP, and the port that browsers share with what it forwards.

The C sources are in ``native/``; the interpreter's lock is released while a batch is worked on.
"""

from enum import IntEnum

from mcu.media.packets._native import MediaPort, Srtp, UdpSocket

__all__ = ["MediaPort", "PacketKind", "Srtp", "UdpSocket"]


class PacketKind(IntEnum):
    """What ``MediaPort.receive`` hands up."""

    STUN = 0
    DTLS = 1
    RTP = 2
    RTCP = 3
