"""One stream of pictures over a narrow link, in simulated time: ladder, pacer, estimator, receiver."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.network_path import Conditions, NetworkPath
from bench.report import Figures
from mcu.media.congestion import probing
from mcu.media.congestion.estimator import TransportEstimator
from mcu.media.congestion.probing import Probing
from mcu.media.congestion.values import CAME, LOST
from mcu.media.leg_congestion import USEFUL
from mcu.media.picture.rungs import RATES
from mcu.media.receiver_network import ReceiverNetwork
from mcu.media.transport.media_pacer import BURST_SECONDS, LEAST_BURST, PACE, UNBOUND

STEP = 0.002
FRAME_RATE = 30
PACKET = 1200
KEY_FRAME = 6
"""Times an average picture."""
FEEDBACK_INTERVAL = 0.1
RECEIVERS_CLOCK = 5000.0


@dataclass(frozen=True)
class Instant:
    """What is so every half second. ``queue`` is that of the link, seconds; rates in bit/s."""

    at: float
    estimate: float | None
    rung: int
    queue: float
    loss: float


@dataclass(frozen=True)
class Change:
    """From ``at`` on the link has this rate."""

    at: float
    rate: float


class Bottleneck:
    """``demand`` is the share of a rung's rate that its pictures need; ``cross`` the rate of somebody else's packets.

    Without ``ladder`` the stream has the estimate's rate to the bit.
    """

    def __init__(
        self,
        changes: Sequence[Change],
        *,
        most: int = 4_000_000,
        loss: float = 0.0,
        queue: float = 0.5,
        cross: float = 0.0,
        demand: float = 1.0,
        ladder: bool = True,
        feedback_loss: float = 0.0,
        probes: bool = True,
        jitter: float = 0.0,
        seed: int = 1,
    ) -> None:
        self._changes = deque(changes)
        self._conditions = Conditions(
            rate=self._changes.popleft().rate, queue=queue, delay=0.02, loss=loss, jitter=jitter
        )
        self._path: NetworkPath[int] = NetworkPath(self._conditions, seed)
        self._back: NetworkPath[list[tuple[float, float, int, int]]] = NetworkPath(
            Conditions(delay=0.02, loss=feedback_loss), seed + 1
        )
        self.estimator = TransportEstimator()
        self.network = ReceiverNetwork()
        self._probing = Probing() if probes else None
        self._probe_rate, self._probe_end = 0.0, 0.0
        self._most, self._demand, self._ladder, self._cross = most, demand, ladder, cross
        self._now = 100.0
        self._start = self._now
        self._waiting: deque[int] = deque()
        self._sent: dict[int, tuple[float, int]] = {}
        self._arrived: dict[int, float] = {}
        self._told_to = self._number = 0
        self._budget = 0.0
        self._key_frame = True
        self._rung = self._chosen()
        self.instants: list[Instant] = []
        self.octets_through = 0

    def run(self, seconds: float) -> list[Instant]:
        """Let so many seconds pass; all instants so far."""
        steps = round(seconds / STEP)
        for _ in range(steps):
            self._now += STEP
            self._step(round((self._now - self._start) / STEP))
        return self.instants

    @property
    def _elapsed(self) -> float:
        return self._now - self._start

    def _chosen(self) -> int:
        rate = min(self._most, self.network.rate or self._most)
        if not self._ladder:
            return rate
        return next((one for one in RATES if one <= rate), RATES[-1])

    def _step(self, step: int) -> None:
        if self._changes and self._elapsed >= self._changes[0].at:
            self._conditions = replace(self._conditions, rate=self._changes.popleft().rate)
            self._path.change(self._conditions, self._now)
        if step % round(1 / FRAME_RATE / STEP) == 0:
            self._take_picture()
        self._send()
        if self._cross and step % max(1, round(PACKET * 8 / self._cross / STEP)) == 0:
            self._path.push(bytes(PACKET), -1, self._now)
        for data, number in self._path.pop_due(self._now):
            if number >= 0:
                self._arrived[number] = self._now
                self.octets_through += len(data)
        if step % round(FEEDBACK_INTERVAL / STEP) == 0:
            self._tell()
        for _, packets in self._back.pop_due(self._now):
            self._listen(packets)
        if step % round(0.5 / STEP) == 0:
            state = self.estimator.state()
            queue = max(0.0, self._path._link_free - self._now)
            self.instants.append(Instant(round(self._elapsed, 1), self.estimator.rate, self._rung, queue, state.loss))

    def _take_picture(self) -> None:
        size = int(self._rung * self._demand / FRAME_RATE / 8)
        if self._key_frame:
            size, self._key_frame = size * KEY_FRAME, False
        while size > 0:
            self._waiting.append(min(PACKET, size))
            size -= PACKET

    def _send(self) -> None:
        estimate = self.estimator.rate
        pace = (UNBOUND if estimate is None else PACE * estimate) / 8
        if self._now < self._probe_end:
            pace = max(pace, self._probe_rate / 8)
        self._budget = min(self._budget + pace * STEP, max(LEAST_BURST, pace * BURST_SECONDS))
        while self._waiting and self._budget > 0:
            size = self._waiting.popleft()
            self._budget -= size
            self._sent[self._number] = self._now, size
            self._path.push(bytes(size), self._number, self._now)
            self._number += 1

    def _tell(self) -> None:
        if not self._arrived:
            return
        last = max(self._arrived)
        told = []
        for number in range(self._told_to, last + 1):
            sent, size = self._sent.pop(number)
            arrival = self._arrived.get(number)
            told.append((sent, (arrival or 0.0) + RECEIVERS_CLOCK, size, LOST if arrival is None else CAME))
        self._told_to = last + 1
        self._arrived.clear()
        self._back.push(b"", told, self._now)

    def _listen(self, packets: list[tuple[float, float, int, int]]) -> None:
        self.estimator.told(packets, self._now)
        if self._probing is not None:
            self._probe(self._probing)
        if self.network.estimated(self.estimator.state(), self._rung, self._most, self._now):
            before, self._rung = self._rung, self._chosen()
            self._key_frame = self._key_frame or (self._rung != before and self._ladder)

    def _probe(self, probes: Probing) -> None:
        estimator = self.estimator
        if estimator.rate is None or estimator.rate >= USEFUL * estimator.sent_rate:
            return
        rate = probes.due(estimator.rate, estimator.fell, estimator.is_calm, self._now)
        if rate is not None:
            self._probe_rate, self._probe_end = rate, self._now + (probing.OCTETS + sum(self._waiting)) * 8 / rate
            self._waiting.extend([PACKET] * (probing.OCTETS // PACKET))


WIDE, NARROW = 6e6, 1e6
_NARROW_AT, _WIDE_AT, _END = 4.0, 12.0, 30.0
# A queue that delays a conversation, seconds.
_STANDING = 0.1


def cap_figures(demand: float, loss: float, seed: int) -> Figures:
    """A link of 6, 1 and again 6 Mbit/s whose buffer holds half a second: seconds until the stream is below what it
    carries, for which its queue stands, and until three quarters of the former rate have come back.
    """
    changes = (Change(0, WIDE), Change(_NARROW_AT, NARROW), Change(_WIDE_AT, WIDE))
    instants = Bottleneck(changes, demand=demand, loss=loss, seed=seed).run(_END)
    narrow = [one for one in instants if _NARROW_AT < one.at <= _WIDE_AT]
    above = [one.at for one in narrow if one.rung * demand > NARROW]
    before = max(one.rung for one in instants if one.at <= _NARROW_AT)
    back = next((one.at for one in instants if one.at > _WIDE_AT and one.rung >= 0.75 * before), None)
    return {
        "follow_s": round(max(above, default=_NARROW_AT) - _NARROW_AT, 1),
        "queue_s": round(sum(one.queue > _STANDING for one in narrow) / 2, 1),
        "narrow_mbit_s": round(sum(one.rung for one in narrow[8:]) / len(narrow[8:]) / 1e6, 2),
        "recover_s": None if back is None else round(back - _WIDE_AT, 1),
    }
