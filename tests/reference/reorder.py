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
# Where others overtake packets it is measured how late they come: so much later others are asked for, and so much
# longer waited for, and a little more.
MAX_SPREAD = 1.0
MORE_SPREAD = 1.25
MAX_DISORDER_WAIT = 1.2
SPREAD_UP, SPREAD_DOWN, SPREAD_FADE = 1 / 8, 1 / 256, 1 / 2048
SPREAD_GUESS, SPREAD_STEP = 1.125, 0.001
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
# So many numbers are remembered with when they were overtaken.
PLACES = 2048


class Sink(Protocol):
    """Takes packets in sequence and is told of gaps."""

    def push(self, timestamp: int, marker: bool, payload_type: int, payload: bytes, now: float) -> None: ...
    def gap(self, now: float) -> None: ...


@dataclass(slots=True)
class _Missing:
    number: int
    since: float
    next_request: float
    requests: int = 0
    came: int = 0


class ReorderBuffer:
    """Delivers packets to ``sink`` in sequence. ``round_trip`` in seconds, once known, paces repeated requests.

    With ``apart`` all that is sent again comes by ``receive_repeated``.
    """

    __slots__ = (
        "_expected",
        "_given_up",
        "_held",
        "_highest",
        "_loss",
        "_missing",
        "_nack",
        "_overtaken",
        "_reorder_wait",
        "_sink",
        "apart",
        "late",
        "mend_wait",
        "next_request",
        "repaired",
        "request_wait",
        "round_trip",
        "spread",
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
        self._overtaken: dict[int, _Missing] = {}  # by number modulo PLACES, the last of each
        self.apart = self.repaired = False
        self.spread = 0.0
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
        self._receive(extended, (timestamp, marker, payload_type, payload), now, repeated=False)

    def receive_repeated(
        self, extended: int, timestamp: int, marker: bool, payload_type: int, payload: bytes, now: float
    ) -> None:
        """The same for one that was sent again for certain."""
        self._receive(extended, (timestamp, marker, payload_type, payload), now, repeated=True)

    def _receive(self, extended: int, packet: tuple[int, bool, int, bytes], now: float, *, repeated: bool) -> None:
        if extended == self._expected and not self._held:
            self._expected = extended + 1
            self._highest = extended
            self._loss -= self._loss / LOSS_WINDOW
            self.spread -= self.spread * SPREAD_FADE
            self._sink.push(*packet, now)
            return
        if extended < self._expected or extended in self._held:
            self.late += 1
            self._learn(extended, now, repeated=repeated)
            if extended in self._given_up and not self._nack:
                self._given_up.remove(extended)
                self._reorder_wait = MAX_REORDER_WAIT
            return
        ahead = extended > self._highest
        leap = ahead and (extended - self._expected > MAX_AHEAD or extended - self._highest > MAX_MISSING)
        if not ahead:
            self._learn(extended, now, repeated=repeated)
        self._held[extended] = packet
        if leap:
            self._flush(now)
            return
        if not (known := self._overtaken.get(extended % PLACES)) or known.number != extended:
            self._overtaken.pop(extended % PLACES, None)
        if ahead:
            wait = max(NACK_DELAY, MORE_SPREAD * self.spread)
            for number in range(self._highest + 1, extended):
                self._missing[number] = missing = _Missing(number, now, now + wait + self.request_wait)
                self._overtaken[number % PLACES] = missing
                if self._nack:
                    self.next_request = min(self.next_request, missing.next_request)
                self._loss += (1 - self._loss) / LOSS_WINDOW
            self._loss -= self._loss / LOSS_WINDOW
            self._highest = extended
            if len(self._missing) > MAX_MISSING and MORE_SPREAD * self.spread <= NACK_DELAY:
                self._flush(now)
                return
        else:
            self._missing.pop(extended, None)
        self._deliver(now)

    def _learn(self, extended: int, now: float, *, repeated: bool) -> None:
        """A packet came that others had overtaken: learn how late such ones are."""
        place = self._overtaken.get(extended % PLACES)
        if place is None or place.number != extended:
            return
        again = repeated or (place.requests > 0 and not self.apart)
        self.repaired = self.repaired or (again and extended in self._missing)
        if repeated:
            return
        place.came += 1
        late = now - place.since
        if not again:
            self.spread += (late - self.spread) * (SPREAD_UP if late > self.spread else SPREAD_DOWN)
        elif place.came <= place.requests:
            return  # late or sent again: another may tell
        else:
            self.spread = SPREAD_GUESS * self.spread + SPREAD_STEP
        self.spread = min(MAX_SPREAD, self.spread)
        del self._overtaken[extended % PLACES]

    def awaits(self, extended: int) -> bool:
        """Whether this packet is missing, and has not been given up."""
        return extended in self._missing

    @property
    def _wait(self) -> float:
        """How long a gap may hold up what lies behind it, in seconds."""
        late = MORE_SPREAD * self.spread
        if not self._nack:
            return max(self._reorder_wait, self.mend_wait, late)
        wait = min(MAX_NACK_WAIT, max(NACK_WAIT, NACK_DELAY + ROUNDS * _NACK_ROUND * self.round_trip))
        return min(MAX_DISORDER_WAIT, wait + late) if late > NACK_DELAY else wait

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
        self.repaired = True
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
        numbers: list[int] = []
        interval = self.round_trip * _NACK_ROUND * (0.5 if self._loss > HEAVY_LOSS else 1.0)
        interval = max(MIN_NACK_INTERVAL, interval)
        following = float("inf")
        for number, missing in self._missing.items():
            if missing.next_request <= now and len(numbers) < MAX_MISSING:
                missing.requests += 1
                missing.next_request = now + interval if missing.requests < MAX_NACKS else float("inf")
                numbers.append(number & 0xFFFF)
            following = min(following, missing.next_request)
        self.next_request = following
        return numbers
