"""Whether a larger layer gets through, tried before it is shown: packets that have come are repeated, some at once.

Repeated packets are nothing to a receiver that has them (RTX, RFC 4588), but it tells when they came, and a train of
them tells what the network carries (``mcu.media.congestion.trains``). Without it an estimate that nothing tests takes
many seconds to reach a layer of four times the rate; with it a layer that does not fit costs some packets, and not a
second of everything. Pure, but for ``ProbeTrain``, which sends.
"""

from __future__ import annotations

import math

from mcu.media.congestion.values import LossAndDelay
from mcu.media.packets import MediaPort

# After a fall the queue is to empty first; then this is how long it takes to see what a train has shown. Seconds.
_CALM, _EFFECT = 1.5, 1.5
# Between trains: doubled with each that has shown nothing or was too much.
_FIRST_PATIENCE, _LONGEST_PATIENCE = 2.0, 32.0
# A queue of this many seconds is no time to add to it.
_QUEUE = 0.05
# A train counts as a success when so much more is known to get through.
_GROWTH = 1.3

# A train is of so many bursts, as far apart as timers can be: it has to last longer than what the network itself
# bunches, and to be of some packets (``LEAST_PACKETS``, ``LEAST_OCTETS``, ``LEAST_SPAN`` in trains.py).
BURSTS, INTERVAL = 4, 0.01
_BURST_OCTETS, _BURST_PACKETS, _MOST_PACKETS = 2_600, 3, 12


class Prober:
    """Says when a train is worth it, for one receiver. Time in seconds."""

    def __init__(self) -> None:
        self._patience = _FIRST_PATIENCE
        self._next = float("-inf")
        self._falls = 0
        self._tried: tuple[float, float] | None = None

    def look(self, held_back: bool, network: LossAndDelay, now: float) -> bool:
        """Whether to send a train now. ``held_back``: something is shown smaller than it is wanted, for the network's
        sake."""
        fell, self._falls = network.falls != self._falls, network.falls
        if self._tried is not None:
            self._judge(network, fell, now)
        if fell:
            self._next = max(self._next, now + _CALM)
        if not held_back or network.rate is None:
            return False
        if now < self._next or (network.queueing or 0.0) > _QUEUE:
            return False
        self._tried = now, network.rate
        self._next = now + self._patience
        return True

    def _judge(self, network: LossAndDelay, fell: bool, now: float) -> None:
        assert self._tried is not None
        since, before = self._tried
        if fell or now - since > _EFFECT:
            self._tried = None
            self._patience = min(self._patience * 2, _LONGEST_PATIENCE)
            self._next = max(self._next, now + self._patience)
        elif network.rate is None or network.rate > before * _GROWTH:
            self._tried = None
            self._patience = _FIRST_PATIENCE


class ProbeTrain:
    """Sends the bursts of a train to one receiver, over some runs of its timer."""

    def __init__(self, port: MediaPort, peer: int) -> None:
        self._port = port
        self._peer = peer
        self._ssrc = self._number = self._count = self._left = 0
        self._due = float("inf")

    def begin(self, ssrc: int, highest: int, mean_octets: float, now: float) -> None:
        """Repeat what went out under ``ssrc`` up to this number, in packets of ``mean_octets``."""
        wanted = math.ceil(_BURST_OCTETS / max(1.0, mean_octets))
        self._count = min(_MOST_PACKETS, max(_BURST_PACKETS, wanted))
        self._ssrc, self._number, self._left, self._due = ssrc, highest, BURSTS, now

    def next_deadline(self) -> float:
        """When ``handle_timer`` has something to do; infinity while there is no train."""
        return self._due

    def handle_timer(self, now: float) -> None:
        """Send the burst that is due."""
        if now < self._due:
            return
        numbers = [(self._number - place) & 0xFFFF for place in range(self._count)]
        self._port.resend(self._peer, self._ssrc, numbers)
        self._number -= self._count
        self._left -= 1
        self._due = now + INTERVAL if self._left else float("inf")
