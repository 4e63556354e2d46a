"""One stream that goes to a browser as it came: an outlet of the packet layer, and our reports on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mcu.media.packets import MediaPort
from mcu.media.rtp.clock import NtpClock
from mcu.media.rtp.rtcp import Goodbye, ReceiverReport, RtcpPacket, SenderReport, SourceDescription, serialise_compound

REPORT_INTERVAL = 1.0
# A stream is a sender while something was sent within this time.
SENDER_TIMEOUT = 4.0

Route = tuple[int, int, int]
"""Peer, SSRC and epoch of what feeds an outlet: the last tells one opening of the two from the next."""


@dataclass(frozen=True, slots=True)
class OutletCounters:
    """``MediaPort.outlet_statistics`` with names."""

    packets: int
    octets: int
    resent: int
    switches: int
    timestamp: int
    sent: float
    waits: bool

    def is_sender(self, now: float) -> bool:
        """Whether there is something to report on."""
        return bool(self.packets) and now - self.sent < SENDER_TIMEOUT


class Outlet:
    """An outlet that is open. It is fed by one source at a time."""

    __slots__ = ("_peer", "_port", "_route", "ssrc")

    def __init__(self, port: MediaPort, peer: int, ssrc: int) -> None:
        self._port = port
        self._peer = peer
        self._route: Route | None = None
        self.ssrc = ssrc

    def feed(self, route: Route | None) -> None:
        """From this source, from its next key frame on; from nothing, at once."""
        if route != self._route:
            self._route = route
            self._port.route(self._peer, self.ssrc, None if route is None else route[:2])

    def counters(self) -> OutletCounters:
        """What has gone out."""
        return OutletCounters(*self._port.outlet_statistics(self._peer, self.ssrc))

    def report(self, counters: OutletCounters, clock: NtpClock, at: float | None) -> SenderReport:
        """RFC 3550 section 6.4.1. ``at`` is when its last packet belongs to our output; None: when it was sent."""
        time = clock.ntp(counters.sent if at is None else at)
        return SenderReport(self.ssrc, time, counters.timestamp, counters.packets, counters.octets)


def reports_of(reports: Sequence[SenderReport], ssrcs: Sequence[int], cname: str) -> bytes:
    """The compound with these reports on streams of ours, of which we name all."""
    chunks = tuple((ssrc, cname) for ssrc in ssrcs)
    packets: list[RtcpPacket] = [*reports, SourceDescription(chunks)]
    return serialise_compound(packets)


def goodbye_of(ssrcs: Sequence[int]) -> bytes:
    """The compound that ends these streams."""
    return serialise_compound([ReceiverReport(ssrcs[0], ()), Goodbye(tuple(ssrcs))])
