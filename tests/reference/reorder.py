"""Puts packets back into sequence, has lost ones sent again, and gives up in time (RFC 4585 section 6.2.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

# How long a gap may hold up what lies behind it. Without retransmission only reordering can fill it, and each moment
# of waiting delays the request for a key frame: begin low, and rise when packets are seen to come later than that.
MIN_REORDER_WAIT = 0.03
MAX_REORDER_WAIT = 0.1
# With retransmission there is time for several requests on a path of 100 ms, and on a longer one for ROUNDS of them.
NACK_WAIT = 0.35
MAX_NACK_WAIT = 1.0
ROUNDS = 4
# Packets swapped on the way differ by a few ms: asking at once would have them sent twice.
NACK_DELAY = 0.01
# A request is repeated after a round trip and a bit, but never faster than this.
_NACK_ROUND = 1.2
MIN_NACK_INTERVAL = 0.025
MAX_NACKS = 10
# Where much is lost, requests and repetitions are lost as well: beyond this share of the last so many packets requests
# are repeated twice as fast. A sender that has a packet on its way already leaves the second one out.
HEAVY_LOSS = 0.08
LOSS_WINDOW = 256
# A second of 1080p at 12 Mbit/s.
MAX_AHEAD = 1024
# More than this missing at once is an outage: a key frame is cheaper than retransmission.
MAX_MISSING = 256


class Sink(Protocol):
    """Takes packets in sequence and is told of gaps."""

    def push(self, timestamp: int, marker: bool, payload_type: int, payload: bytes, now: float) -> None: ...
    def gap(self, now: float) -> None: ...


@dataclass(slots=True)
class _Missing:
    since: float
    next_request: float
    requests: int = 0


class ReorderBuffer:
    """Delivers packets to ``sink`` in sequence. ``round_trip`` in seconds, once known, paces repeated requests."""

    __slots__ = (
        "_expected",
        "_given_up",
        "_held",
        "_highest",
        "_loss",
        "_missing",
        "_nack",
        "_reorder_wait",
        "_sink",
        "late",
        "mend_wait",
        "next_request",
        "request_wait",
        "round_trip",
    )

    def __init__(self, sink: Sink, nack: bool, first: int) -> None:
        """``first`` is the extended sequence number to begin with."""
        self._sink = sink
        self._nack = nack
        self._reorder_wait = MIN_REORDER_WAIT
        self._loss = 0.0
        self._expected = first
        self._highest = first - 1
        self._held: dict[int, tuple[int, bool, int, bytes]] = {}
        self._missing: dict[int, _Missing] = {}
        self._given_up: set[int] = set()  # of the last gap
        self.late = 0
        self.round_trip = 0.0
        self.request_wait = 0.0
        self.mend_wait = 0.0
        self.next_request = float("inf")
        """When the next request for a missing packet is due, at the earliest."""

    def receive(
        self, extended: int, timestamp: int, marker: bool, payload_type: int, payload: bytes, now: float
    ) -> None:
        """Take a packet as it came in."""
        if extended == self._expected and not self._held:
            self._expected = extended + 1
            self._highest = extended
            self._loss -= self._loss / LOSS_WINDOW
            self._sink.push(timestamp, marker, payload_type, payload, now)
            return
        if extended < self._expected or extended in self._held:
            self.late += 1
            if extended in self._given_up and not self._nack:
                self._given_up.remove(extended)
                self._reorder_wait = MAX_REORDER_WAIT
            return
        self._held[extended] = (timestamp, marker, payload_type, payload)
        if extended > self._highest:
            if extended - self._expected > MAX_AHEAD or extended - self._highest > MAX_MISSING:
                self._flush(now)
                return
            for number in range(self._highest + 1, extended):
                self._missing[number] = missing = _Missing(now, now + NACK_DELAY + self.request_wait)
                if self._nack:
                    self.next_request = min(self.next_request, missing.next_request)
                self._loss += (1 - self._loss) / LOSS_WINDOW
            self._loss -= self._loss / LOSS_WINDOW
            self._highest = extended
            if len(self._missing) > MAX_MISSING:
                self._flush(now)
                return
        else:
            self._missing.pop(extended, None)
        self._deliver(now)

    def awaits(self, extended: int) -> bool:
        """Whether this packet is missing, and has not been given up."""
        return extended in self._missing

    @property
    def _wait(self) -> float:
        """How long a gap may hold up what lies behind it, in seconds."""
        if not self._nack:
            return max(self._reorder_wait, self.mend_wait)
        return min(MAX_NACK_WAIT, max(NACK_WAIT, NACK_DELAY + ROUNDS * _NACK_ROUND * self.round_trip))

    def _deliver(self, now: float) -> None:
        """Pass on what is in sequence, and over gaps that have waited long enough."""
        held = self._held
        while held:
            packet = held.pop(self._expected, None)
            if packet is not None:
                self._expected += 1
                self._sink.push(*packet, now)
                continue
            if now < self._missing[self._expected].since + self._wait:
                return
            self._skip(now)

    def _skip(self, now: float) -> None:
        """Give the gap at the head up."""
        self._given_up.clear()
        while self._expected not in self._held:
            self._missing.pop(self._expected, None)
            self._given_up.add(self._expected)
            self._expected += 1
        self._sink.gap(now)

    def _flush(self, now: float) -> None:
        """Give everything up that is missing and pass the rest on."""
        self._missing.clear()
        self._highest = max(self._held)
        for number in sorted(self._held):
            if number != self._expected:
                self._sink.gap(now)
            self._sink.push(*self._held[number], now)
            self._expected = number + 1
        self._held.clear()

    def next_deadline(self) -> float | None:
        """When ``handle_timer`` or ``requests_to_send`` has something to do."""
        if not self._missing:
            return None
        deadline = self._missing[self._expected].since + self._wait
        return min(deadline, self.next_request)

    def handle_timer(self, now: float) -> None:
        """Give up what has waited too long."""
        if self._missing:
            self._deliver(now)

    def requests_to_send(self, now: float) -> list[int]:
        """The 16-bit sequence numbers to ask for now, in order."""
        if now < self.next_request:
            return []
        numbers = []
        interval = self.round_trip * _NACK_ROUND * (0.5 if self._loss > HEAVY_LOSS else 1.0)
        interval = max(MIN_NACK_INTERVAL, interval)
        following = float("inf")
        for number, missing in self._missing.items():
            if missing.next_request <= now:
                missing.requests += 1
                missing.next_request = now + interval if missing.requests < MAX_NACKS else float("inf")
                numbers.append(number & 0xFFFF)
            following = min(following, missing.next_request)
        self.next_request = following
        return numbers
