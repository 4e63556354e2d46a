"""One received source (SSRC): sequence numbers and jitter (RFC 3550 appendices A.1, A.8)."""

from __future__ import annotations

# A larger jump ahead than this is taken for a restarted sender, not for loss (RFC 3550 appendix A.1).
MAX_DROPOUT = 3000
# So far back a packet may come and still be late rather than of a restarted sender: a second of retransmissions.
MAX_MISORDER = 1000


class Source:
    """Extension of sequence numbers to unbounded integers, and jitter in units of the RTP clock."""

    def __init__(self, sequence: int, timestamp: int, clock_rate: int, now: float) -> None:
        self.clock_rate = clock_rate
        self.highest = self.base = sequence
        self.received = 0
        self.last_arrival = now
        self.restarted = False
        self.jitter = 0.0
        self._bad: int | None = None
        self._jitter_timestamp = timestamp
        self._jitter_arrival = now

    def receive(self, sequence: int, timestamp: int, now: float) -> int | None:
        """Count a packet; returns its extended sequence number.

        None for one that is out of all order. Two such in a row are a sender that started anew: the second one is
        taken and ``restarted`` set, for the receiver to start anew too.
        """
        delta = (sequence - self.highest) & 0xFFFF
        if delta < MAX_DROPOUT:
            self.highest = extended = self.highest + delta
        elif delta > 0x10000 - MAX_MISORDER:
            extended = self.highest + delta - 0x10000
        elif sequence == self._bad:
            self._restart(sequence)
            extended = sequence
        else:
            self._bad = (sequence + 1) & 0xFFFF
            return None
        self.received += 1
        self.last_arrival = now
        # Packets of one picture share a timestamp and leave in a burst, which says nothing about the network.
        if timestamp != self._jitter_timestamp and extended == self.highest:
            elapsed = (timestamp - self._jitter_timestamp) & 0xFFFFFFFF
            if elapsed >= 0x80000000:
                elapsed -= 0x100000000
            variation = abs((now - self._jitter_arrival) * self.clock_rate - elapsed)
            # A pause of the sender is no jitter of the network: leave steps of more than a second out.
            if variation < self.clock_rate:
                self.jitter += (variation - self.jitter) * 0.0625
            self._jitter_timestamp = timestamp
            self._jitter_arrival = now
        return extended

    def _restart(self, sequence: int) -> None:
        self.highest = self.base = sequence
        self.received = 0
        self._bad = None
        self.restarted = True
