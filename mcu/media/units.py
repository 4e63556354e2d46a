"""Access units: what crosses the seam between packets and pictures or sound.

An access unit is one coded picture or one coded sound frame. Nothing above the packet layer ever sees a packet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

VideoFormat = Literal["H264", "VP8", "H263", "H261"]
"""What a decoder has to know of a coded picture; "H263" stands for all payload formats of H.263."""


@dataclass(frozen=True, slots=True)
class CodedPicture:
    """One coded picture.

    ``data`` is an H.264 byte stream with start codes (ITU-T H.264 Annex B, parameter sets in front of every IDR
    picture), or one VP8 frame (RFC 6386). ``time`` is in seconds on the worker's monotonic clock: for a received
    picture when its last packet arrived, for one that we encoded the instant its canvas shows. ``timestamp`` is the
    sender's RTP timestamp unwrapped to an unbounded integer (90 kHz), or None for a picture that we encoded. ``codec``
    is that of the packets that a picture came in: a sender may change it among those agreed on from one picture to the
    next; None for what we encoded. With ``damaged`` parts are missing, of the picture or of those that it refers to: a
    decoder may mend it from what is around. One that is ``repaired`` has waited for packets that were lost: its
    ``time`` says nothing of how even the network is.
    """

    data: bytes
    keyframe: bool
    time: float
    timestamp: int | None = None
    codec: VideoFormat | None = None
    damaged: bool = False
    repaired: bool = False


@dataclass(frozen=True, slots=True)
class CodedSound:
    """One coded sound frame.

    ``payload_type`` tells which of the leg's negotiated codecs ``data`` is in. ``timestamp`` is the RTP timestamp
    unwrapped to an unbounded integer in units of the codec's RTP clock, and ``sequence`` the unwrapped sequence
    number, so that the playout buffer sees loss; both are None for sound that we encoded. ``time`` is in seconds on
    the worker's monotonic clock: arrival for received sound, the mixer's tick for ours. ``samples`` is the duration in
    units of the codec's RTP clock, and only set for sound that we encoded. ``level`` is how loud it is as its sender
    says, in dB below full scale from 0 to 127 (RFC 6464); None where it does not say.
    """

    data: bytes
    payload_type: int
    time: float
    timestamp: int | None = None
    sequence: int | None = None
    samples: int | None = None
    level: int | None = None
