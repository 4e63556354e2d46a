"""Packets in compiled code, a batch at a time: SRTP, UDP, and the port that browsers share with what it forwards.

Also single RTP packets and the payloads of pictures, which are composed and decoded here: ``mcu.media.rtp`` decides.

The C sources are in ``native/``; the interpreter's lock is released while a batch is worked on.
"""

from enum import IntEnum

from mcu.media.packets._native import (
    FecReceiver,
    FecSender,
    H264Depacketizer,
    H264Packetizer,
    MediaPort,
    PacketJoiner,
    PayloadError,
    ReorderBuffer,
    RetransmissionCache,
    RtpError,
    SourceNumbers,
    Srtp,
    UdpSocket,
    Vp8Depacketizer,
    Vp8Packetizer,
    descriptor_size,
    nal_units,
    pack_extensions,
    pack_red,
    parse_header,
    parse_packet,
    read_extension,
    receive_run,
    repetition,
    unpack_red,
    write_packet,
    write_packets,
)

__all__ = [
    "FecReceiver",
    "FecSender",
    "H264Depacketizer",
    "H264Packetizer",
    "MediaPort",
    "PacketFate",
    "PacketJoiner",
    "PacketKind",
    "PayloadError",
    "ReorderBuffer",
    "RetransmissionCache",
    "RtpError",
    "SourceNumbers",
    "Srtp",
    "UdpSocket",
    "Vp8Depacketizer",
    "Vp8Packetizer",
    "descriptor_size",
    "nal_units",
    "pack_extensions",
    "pack_red",
    "parse_header",
    "parse_packet",
    "read_extension",
    "receive_run",
    "repetition",
    "unpack_red",
    "write_packet",
    "write_packets",
]


class PacketKind(IntEnum):
    """What ``MediaPort.receive`` hands up."""

    STUN = 0
    DTLS = 1
    RTP = 2
    RTCP = 3
    GAP = 4
    """No packet: those of a source that goes on to somebody, and nowhere else, are missing."""


class PacketFate(IntEnum):
    """What ``MediaPort.take_feedback`` tells of a packet.

    UNTOLD: the feedback that spoke of it has been lost. FOUND: it came, and had been said to be lost.
    """

    UNTOLD = 0
    LOST = 1
    CAME = 2
    FOUND = 3
