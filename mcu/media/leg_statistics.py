"""What is reported of one medium of a leg every few seconds."""

from __future__ import annotations

from mcu.media.demultiplexer import Media
from mcu.media.facts import LegStatistics
from mcu.media.leg import MediaLeg
from mcu.media.rtp.session import RtpStream
from mcu.media.sound.playout_packet import PlayoutStatistics


def leg_statistics(
    conference: str, leg: MediaLeg, media: Media, stream: RtpStream, playout: PlayoutStatistics | None, now: float
) -> LegStatistics:
    """Counters since the beginning. A picture's count all its encodings; what goes to the leg counts with what is
    forwarded to it: faces with the main picture, what is shared with the second one, voices with the sound.
    """
    counters, repairs = stream.statistics(now), stream.repair_statistics()
    received = counters.packets_received, counters.bytes_received, counters.packets_lost
    sent_packets, sent_bytes = counters.packets_sent, counters.bytes_sent
    if media != "audio" and leg.sources is not None:
        received = leg.sources.received(media) or received
    packets, octets = _forwarded(leg, media)
    sent_packets, sent_bytes = sent_packets + packets, sent_bytes + octets
    return LegStatistics(
        conference=conference,
        leg=leg.id,
        media=media,
        packets_received=received[0],
        packets_lost=received[2],
        bytes_received=received[1],
        packets_sent=sent_packets,
        bytes_sent=sent_bytes,
        jitter_ms=counters.jitter_ms,
        round_trip_ms=counters.round_trip_ms,
        remote_fraction_lost=counters.remote_fraction_lost,
        malformed=counters.malformed,
        packets_recovered=repairs.packets_recovered,
        repair_packets_sent=repairs.repair_packets_sent + _repairs_forwarded(leg, media),
        playout_ms=playout.delay * 1000 if playout is not None else 0.0,
        concealed_ms=playout.concealed * 1000 if playout is not None else 0.0,
    )


def _forwarded(leg: MediaLeg, media: Media) -> tuple[int, int]:
    """Packets and octets that went to a leg as they came from others."""
    if leg.outlets is None or leg.voices is None:
        return 0, 0
    if media == "audio":
        return leg.voices.statistics()
    return leg.outlets.statistics(_slots(leg, media))


def _repairs_forwarded(leg: MediaLeg, media: Media) -> int:
    """Repair packets beside them."""
    return 0 if leg.outlets is None or media == "audio" else leg.outlets.repair_packets(_slots(leg, media))


def _slots(leg: MediaLeg, media: Media) -> set[int]:
    """SSRCs of the slots that count with this medium."""
    shared = set() if leg.spec.shared is None else {leg.spec.shared.ssrc}
    return shared if media == "content" else {slot.ssrc for slot in leg.spec.slots}
