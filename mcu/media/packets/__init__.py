"""Packets in compiled code, a batch at a time: SRTP, UDP, and the port that browsers share with what it forwards.

The C sources are in ``native/``; the interpreter's lock is released while a batch is worked on.
"""

from enum import IntEnum

from mcu.media.packets._native import FecReceiver, FecSender, MediaPort, Srtp, UdpSocket

__all__ = ["FecReceiver", "FecSender", "MediaPort", "PacketFate", "PacketKind", "Srtp", "UdpSocket"]


class PacketKind(IntEnum):
    """What ``MediaPort.receive`` hands up."""

    STUN = 0
    DTLS = 1
    RTP = 2
    RTCP = 3


class PacketFate(IntEnum):
    """What ``MediaPort.take_feedback`` tells of a packet. UNTOLD: the feedback that spoke of it has been lost."""

    UNTOLD = 0
    LOST = 1
    CAME = 2
