"""What a peer tells of one stream that it gets from us: loss, round trip, and how much it can take."""

from __future__ import annotations

from collections.abc import Iterable

from mcu.media.rtp import rtcp
from mcu.media.rtp.clock import NtpClock
from mcu.media.rtp.config import ReceiverFeedback, StreamConfig
from mcu.media.rtp.feedback import BitrateLimit
from mcu.media.rtp.sender import StreamSender

# A browser repeats its estimate every second or so while it has one.
ESTIMATE_LIFE = 10.0
# A round trip beyond this is a wrong echo of our report, not a path.
MAX_ROUND_TRIP = 10.0


class PeerReports:
    """Takes reports, and hands their loss on to what protects the stream: earlier frames of sound, repair packets."""

    def __init__(self, config: StreamConfig, ntp: NtpClock, sender: StreamSender) -> None:
        self._ssrc = config.ssrc
        self._ntp = ntp
        self._sender = sender
        self._skipped_to = config.beginning.sequence if config.beginning and config.beginning.resumed else None
        self._told = 0
        self._estimate: tuple[int, float] | None = None
        self._requested_maximum: int | None = None
        self.fraction_lost = 0.0
        self.round_trip: float | None = None

    def take_blocks(self, blocks: Iterable[rtcp.ReportBlock], now: float) -> list[float]:
        """Take those of our stream; give the round trips (seconds) that they tell."""
        mine = [block for block in blocks if block.ssrc == self._ssrc]
        for block in mine:
            if not self._is_of_the_skip(block):
                self._take_loss(block, now)
        round_trips = [seconds for block in mine if (seconds := self._round_trip_of(block, now)) is not None]
        if round_trips:
            self.round_trip = round_trips[-1]
        return round_trips

    def _take_loss(self, block: rtcp.ReportBlock, now: float) -> None:
        sender = self._sender
        self.fraction_lost = sender.fraction_lost = block.fraction_lost / 256
        self._told += 1
        sender.progress.reported(block.highest_sequence, block.packets_lost, now)
        if sender.redundancy is not None:
            sender.redundancy.reported(self.fraction_lost, now)
        if sender.repair is not None:
            progress = sender.progress.progress
            # The way that packets take shows a full queue before sender reports have come through it.
            newest = 0.0 if progress is None else progress.at_least
            sender.repair.policy.reported(self.fraction_lost, max(self.round_trip or 0.0, newest), now)

    def _round_trip_of(self, block: rtcp.ReportBlock, now: float) -> float | None:
        """RFC 3550 section 6.4.1, in the middle 32 bits of NTP time."""
        if not block.last_sender_report:
            return None
        elapsed: int = (self._ntp.middle(now) - block.last_sender_report - block.delay) & 0xFFFFFFFF
        return elapsed / 65536 if elapsed < MAX_ROUND_TRIP * 65536 else None

    def _is_of_the_skip(self, block: rtcp.ReportBlock) -> bool:
        """Where a stream goes on, numbers are left out. The first report beyond them counts them as lost, wrongly."""
        if self._skipped_to is None:
            return False
        if (block.highest_sequence - self._skipped_to) & 0xFFFF < 0x8000:
            self._skipped_to = None
        return True

    def take_estimate(self, packet: rtcp.ReceiverEstimatedMaximumBitrate, now: float) -> bool:
        """REMB. False when it is of other streams."""
        if self._ssrc not in packet.ssrcs:
            return False
        self._estimate = packet.bitrate, now
        self._told += 1
        return True

    def take_maximum(self, packet: rtcp.TemporaryMaximumBitrateRequest) -> tuple[BitrateLimit, ...]:
        """TMMBR: what it asks of our stream, which holds until changed (RFC 5104 section 4.2.1)."""
        mine = tuple(limit for limit in packet.limits if limit.ssrc == self._ssrc)
        if mine:
            self._requested_maximum = min(limit.bitrate for limit in mine)
            self._told += 1
        return mine

    def feedback(self, now: float) -> ReceiverFeedback:
        """All of it as of now."""
        return ReceiverFeedback(
            self._told, self.fraction_lost, self._estimated(now), self.round_trip, self._sender.progress.progress
        )

    def _estimated(self, now: float) -> int | None:
        """The least that the peer says it can get; an estimate that it does not repeat is forgotten."""
        said = [] if self._requested_maximum is None else [self._requested_maximum]
        if self._estimate is not None and now - self._estimate[1] < ESTIMATE_LIFE:
            said.append(self._estimate[0])
        return min(said, default=None)
