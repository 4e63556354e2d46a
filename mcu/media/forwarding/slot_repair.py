"""Repair packets beside what one slot shows (forward error correction): how many, by what its receiver reports.

The packet layer makes them of what goes to this receiver, with its numbers (``MediaPort.protect_outlet``).
"""

from __future__ import annotations

from collections import deque

from mcu.media.packets import MediaPort
from mcu.media.rtp.fec_policy import RepairPolicy
from mcu.media.rtp.rtcp import ReportBlock, SenderReport
from mcu.media.spec import VideoSpec

# Reports of ours that a receiver may still answer: one or two a second, and an answer within some seconds.
_REMEMBERED = 8
# A longer round trip is a report of long ago.
_MAX_ROUND_TRIP = 5.0
# Octets of the stream over which the repair packets beside it are measured: some pictures.
_MEASURED = 10_000
# A report waits so long whether a queue turns out to have overflowed: what that lost, repair packets would not mend but
# make more of. Seconds.
_DOUBT = 1.0


class SlotRepair:
    """Of one outlet, which is open; ``spec`` is a line with ``repair`` agreed. Time in seconds."""

    def __init__(self, port: MediaPort, peer: int, spec: VideoSpec) -> None:
        """Raises ValueError where the packet layer has no room for it."""
        assert spec.repair is not None and spec.repair.ssrc is not None
        changing = tuple(filter(None, (spec.abs_send_time_id, spec.transport_sequence_id)))
        port.protect_outlet(peer, spec.ssrc, spec.repair.ssrc, spec.repair.payload_type, changing)
        self._port = port
        self._peer = peer
        self._ssrc = spec.ssrc
        self._policy = RepairPolicy("nack" in spec.feedback)
        self._told: deque[tuple[int, float]] = deque(maxlen=_REMEMBERED)
        self._round_trip = 0.0
        self._waiting: deque[tuple[float, float]] = deque(maxlen=_REMEMBERED)
        self._measured_from = (0, 0)
        self._measured = 0.0

    @property
    def octets_share(self) -> float:
        """Octets of repair packets for each of the stream: they are as long as the longest packet that they are of."""
        return max(self._policy.share, self._measured) if self._policy.share else 0.0

    def counted(self) -> tuple[int, int]:
        """Repair packets that went out, and octets of their payloads."""
        return self._port.repair_statistics(self._peer, self._ssrc)

    def told(self, report: SenderReport, now: float) -> None:
        """We have told the receiver this, which its next report will answer."""
        self._told.append(((report.ntp_time >> 16) & 0xFFFFFFFF, now))

    def reported(self, block: ReportBlock, octets: int, now: float) -> None:
        """The receiver's word on the stream, of which so many octets went out so far."""
        self.handle_timer(now)
        answered = next((sent for report, sent in self._told if report == block.last_sender_report), None)
        if answered is not None:
            passed = now - answered - block.delay / 65536
            self._round_trip = passed if 0 <= passed <= _MAX_ROUND_TRIP else self._round_trip
        self._waiting.append((now, block.fraction_lost / 256))
        self._measure(octets)

    def overloaded(self) -> None:
        """The network to the receiver is full now."""
        self._waiting.clear()

    def handle_timer(self, now: float) -> None:
        """Follow the reports that have waited; to be called every second or two."""
        before = self._policy.share
        while self._waiting and self._waiting[0][0] <= now - _DOUBT:
            self._policy.reported(self._waiting.popleft()[1], self._round_trip, now)
        if self._policy.share != before:
            self._port.set_repair_share(self._peer, self._ssrc, self._policy.share)

    def _measure(self, octets: int) -> None:
        stream, repairs = self._measured_from
        count = self.counted()[1]
        if not self._policy.share:
            self._measured, self._measured_from = 0.0, (octets, count)
        elif octets - stream >= _MEASURED:
            self._measured, self._measured_from = (count - repairs) / (octets - stream), (octets, count)


def protected(port: MediaPort, peer: int, spec: VideoSpec) -> SlotRepair | None:
    """For an outlet that was opened just now; None where nothing is agreed that it could have."""
    if spec.repair is None or spec.repair.form != "flexfec-03" or spec.repair.ssrc is None:
        return None
    return SlotRepair(port, peer, spec)
