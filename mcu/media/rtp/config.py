"""What an ``RtpStream`` is told at its start, and what it tells: configuration, events, statistics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from mcu.media.rtp.beginning import Beginning
from mcu.media.rtp.sent_progress import Progress
from mcu.media.spec import CodecSpec, RepairSpec
from mcu.media.units import CodedPicture, CodedSound


@dataclass(frozen=True, slots=True)
class StreamConfig:
    """One m-line both ways, as negotiated.

    ``ssrc`` and ``cname`` are ours; sound and picture of a leg share the ``cname`` (RFC 3550 section 6.5.1).
    ``receive`` maps payload types to codecs. ``feedback`` holds "nack", "pli", "fir", "remb" as agreed (RFC 4585); when
    empty the peer is a plain RTP/AVP room. ``mtu`` is the largest payload of a packet that we send, in bytes, before
    12 bytes of header, the extensions and SRTP. ``abs_send_time_id`` and ``mid_id`` are the ids of these header
    extensions (RFC 8285, RFC 9143) when agreed, ``level_id`` that of the sender's sound level (RFC 6464). ``label``
    names the leg in log lines. With ``reduced_size_rtcp`` feedback goes out alone, without a report before it (RFC
    5506). ``repeats``, ``rtx_ssrc`` and ``repair``: see ``VideoSpec``; ``redundancy``, ``transport_sequence_id``: see
    ``AudioSpec``. What we send starts at ``beginning``; without it anywhere.
    """

    kind: Literal["audio", "video"]
    ssrc: int
    cname: str
    receive: Mapping[int, CodecSpec] = field(default_factory=dict)
    dtmf_payload_type: int | None = None
    send_codec: CodecSpec | None = None
    feedback: frozenset[str] = frozenset()
    mtu: int = 1200
    abs_send_time_id: int | None = None
    mid_id: int | None = None
    mid: str | None = None
    dtmf_clock_rate: int = 8000
    label: str = ""
    reduced_size_rtcp: bool = False
    repeats: Mapping[int, int] = field(default_factory=dict)
    rtx_ssrc: int | None = None
    beginning: Beginning | None = None
    level_id: int | None = None
    redundancy: int | None = None
    repair: RepairSpec | None = None
    transport_sequence_id: int | None = None


@dataclass(frozen=True, slots=True)
class FirstPacket:
    """The first packet of a source came in: at the start, after a change of SSRC, or after a silence."""

    ssrc: int


@dataclass(frozen=True, slots=True)
class PictureReceived:
    """A whole picture came in, and the decoder can use it: none is missing since the key frame before it."""

    unit: CodedPicture


@dataclass(frozen=True, slots=True)
class SoundReceived:
    """A sound frame came in; in the order of arrival, never twice."""

    unit: CodedSound


@dataclass(frozen=True, slots=True)
class DigitReceived:
    """A digit was pressed and let go (RFC 4733)."""

    digit: str


@dataclass(frozen=True, slots=True)
class KeyFrameRequested:
    """The peer needs a key frame of what we send (PLI or FIR)."""


@dataclass(frozen=True, slots=True)
class KeyFrameOverdue:
    """We have asked for a key frame for more than a second in vain: signalling may try (RFC 5168)."""


@dataclass(frozen=True, slots=True)
class BitrateEstimated:
    """The peer believes that this many bit/s get through to it (REMB)."""

    bitrate: int


@dataclass(frozen=True, slots=True)
class ByeReceived:
    """The source that we receive said goodbye."""

    reason: str = ""


StreamEvent = (
    FirstPacket
    | PictureReceived
    | SoundReceived
    | DigitReceived
    | KeyFrameRequested
    | KeyFrameOverdue
    | BitrateEstimated
    | ByeReceived
)


@dataclass(frozen=True, slots=True)
class StreamStatistics:
    """Counters of an m-line since it began; the same fields as in ``mcu.media.facts.LegStatistics``.

    ``packets_lost`` counts what never came, also by retransmission. ``jitter_ms`` is that of RFC 3550 section 6.4.1;
    ``remote_fraction_lost`` what the peer last reported, 0 to 1; ``malformed`` counts RTP and RTCP together.
    """

    packets_received: int = 0
    packets_lost: int = 0
    bytes_received: int = 0
    packets_sent: int = 0
    bytes_sent: int = 0
    jitter_ms: float = 0.0
    round_trip_ms: float | None = None
    remote_fraction_lost: float = 0.0
    malformed: int = 0


@dataclass(frozen=True, slots=True)
class ReceiverFeedback:
    """What the peer tells of the stream that it gets from us.

    ``reports`` counts how often it did; ``fraction_lost`` is of the last report, 0 to 1. ``estimated_bitrate`` is the
    most that it says it can get, bit/s; None when it has not said so lately. ``round_trip`` is of the last report,
    seconds; None where it told nothing of it. ``progress`` is how much came of what was sent; None where that is not
    known.
    """

    reports: int = 0
    fraction_lost: float = 0.0
    estimated_bitrate: int | None = None
    round_trip: float | None = None
    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class RepairStatistics:
    """What loss and disorder did to a stream, and what was done about it.

    ``late`` packets came after they were given up, or twice; ``duplicates`` are those of sound; ``unknown_payload``
    counts packets of payload types that were not agreed, ``looped`` our own packets that came back. Recovered packets
    are those that came of repair packets (forward error correction) after they were lost.
    """

    late: int = 0
    duplicates: int = 0
    pictures_dropped: int = 0
    unknown_payload: int = 0
    looped: int = 0
    packets_resent: int = 0
    packets_requested: int = 0
    key_frame_requests: int = 0
    packets_recovered: int = 0
    repair_packets_sent: int = 0
    repair_packets_received: int = 0
