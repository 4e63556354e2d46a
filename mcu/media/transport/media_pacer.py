"""What one browser is sent, at a pace that its network can follow: counted and encrypted as it leaves, sound first."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

PAUSE = 0.002
"""Seconds between two parts of what waits."""

PACE = 1.5
"""Times the estimate. A key frame, some six times as large as other pictures, waits here for a tenth of a second rather
than in the network's queue, where sound would wait behind it and the delay would be taken for another's traffic."""

UNBOUND = 100e6
"""bit/s, while nothing is known to bind: a receiver's socket, or a switch on the way, has room for so much."""

BURST_SECONDS = 0.005
"""So much may leave at once after a pause: a link that drops what is beyond its rate has room for as much. What a
picture usually takes has left before the next one comes."""

LEAST_BURST, LARGEST_BURST = 1_200, 28_800
"""Octets; the same for slow networks, one packet, and for all others: hundreds at once overrun a receiver's socket."""

LONGEST_WAIT = 0.25
"""Seconds. Rather faster than the pace than later than this: what comes later is of no use in a conversation."""

MAX_WAITING = 1000
"""Packets; two large key frames. What is beyond is dropped, as a router would drop it."""

LARGEST_PART = 64
"""Packets handed to the compiled port at once."""


class PeerPort(Protocol):
    """What it needs of ``MediaPort``."""

    def send_rtp(self, peer: int, packets: Sequence[bytes], now: float, /) -> list[bytes]: ...


class CallLater(Protocol):
    """What it needs of an event loop."""

    def call_later(self, delay: float, callback: Callable[[], None], /) -> asyncio.TimerHandle: ...


class MediaPacer:
    """``send_again`` takes what the socket had no room for, which is encrypted already. Needs a running loop.

    ``dropped`` counts packets not sent since too many were waiting.
    """

    def __init__(
        self,
        port: PeerPort,
        peer: int,
        send_again: Callable[[Sequence[bytes]], None],
        clock: Callable[[], float] = time.monotonic,
        loop: CallLater | None = None,
    ) -> None:
        self._port = port
        self._peer = peer
        self._send_again = send_again
        self._clock = clock
        self._loop = loop or asyncio.get_running_loop()
        self._rate = UNBOUND
        self._allowance = self._burst
        self._filled = clock()
        self._waiting: deque[bytes] = deque()
        self._octets = 0
        self._timer: asyncio.TimerHandle | None = None
        self._probe_rate, self._probe_end = 0.0, float("-inf")
        self.dropped = 0

    def follow(self, estimate: float | None) -> None:
        """The network carries so many bit/s; None: nothing is known to bind."""
        self._rate = UNBOUND if estimate is None else min(UNBOUND, PACE * estimate)

    def send(self, packets: Sequence[bytes], *, urgent: bool = False, ahead: bool = False) -> None:
        """Send RTP packets in order. ``urgent`` ones, those of sound, wait for nothing; those sent again go ``ahead``
        of what waits, for somebody's picture stands still until they come.
        """
        if not packets:
            return
        if urgent:
            self._hand_over(packets)
            return
        room = MAX_WAITING - len(self._waiting)
        self.dropped += max(0, len(packets) - room)
        taken = packets[:room]
        if ahead:
            self._waiting.extendleft(reversed(taken))
        else:
            self._waiting.extend(taken)
        self._octets += sum(map(len, taken))
        if self._timer is None:
            self._send_part()

    def probe(self, packets: Sequence[bytes], rate: float) -> None:
        """Send these behind all that waits, and all of it at this rate, bit/s."""
        octets = self._octets + sum(map(len, packets))
        self._probe_rate, self._probe_end = rate, self._clock() + octets * 8 / rate
        self.send(packets)

    def close(self) -> None:
        """Send no more; what waits is dropped."""
        self._waiting.clear()
        self._octets = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @property
    def _burst(self) -> float:
        return min(LARGEST_BURST, max(LEAST_BURST, self._rate * BURST_SECONDS / 8))

    def _send_part(self) -> None:
        self._timer = None
        now = self._clock()
        pace = max(self._rate / 8, self._octets / LONGEST_WAIT)
        if now < self._probe_end:
            pace = max(pace, self._probe_rate / 8)
        self._allowance = min(self._burst, self._allowance + pace * max(0.0, now - self._filled))
        self._filled = now
        part: list[bytes] = []
        while self._waiting and self._allowance > 0 and len(part) < LARGEST_PART:
            packet = self._waiting.popleft()
            self._allowance -= len(packet)
            self._octets -= len(packet)
            part.append(packet)
        if part:
            self._hand_over(part)
        if self._waiting:
            self._timer = self._loop.call_later(PAUSE, self._send_part)

    def _hand_over(self, packets: Sequence[bytes]) -> None:
        left = self._port.send_rtp(self._peer, packets, self._clock())
        if left:
            self._send_again(left)
