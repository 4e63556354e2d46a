"""What goes out of a socket, at a pace that receivers can follow."""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from mcu.media.transport.sockets import NetworkAddress

logger = logging.getLogger(__name__)

# A picture that takes more datagrams than this, mostly a key frame, goes out in parts so large with a pause after each:
# a burst of hundreds overruns a receiver's socket, or a switch on the way. 24 datagrams every 2 ms are some 100 Mbit/s,
# so that even a large key frame is on its way within a frame's time.
BURST = 24
PAUSE = 0.002

# Where it is known what the network carries, parts of so many datagrams leave at one and a half times that, the first
# one as large as would leave in 20 ms: a key frame then waits here and not in the network's queue.
LEAST_PART, _PACE, _FIRST_PART = 1, 1.5, 0.02
_DATAGRAM_BITS = 1250 * 8
# Rather faster than the pace than later than so many seconds: what comes later is of no use in a conversation.
LONGEST_WAIT = 0.25

# Datagrams that may wait for one receiver, two large key frames; what is beyond is dropped, as a router would drop it.
MAX_WAITING = 1000


class Timer(Protocol):
    """What it needs of what ``call_later`` gives."""

    def cancel(self) -> None: ...


class CallLater(Protocol):
    """What it needs of an event loop."""

    def call_later(self, delay: float, callback: Callable[[], None], /) -> Timer: ...


class Pacer:
    """Sends by ``send``, which says how many the kernel took; each receiver has its own pace. Needs a running loop, or
    another that calls later.

    ``dropped`` counts datagrams not sent since too many were waiting.
    """

    def __init__(self, send: Callable[[Sequence[bytes], NetworkAddress], int], loop: CallLater | None = None) -> None:
        self._loop = loop or asyncio.get_running_loop()
        self._send_batch = send
        self._waiting: dict[NetworkAddress, deque[bytes]] = {}
        self._timer: Timer | None = None
        self._part, self._pause = BURST, PAUSE
        self.dropped = 0

    def follow(self, rate: float | None) -> None:
        """The network carries so many bit/s; None: nothing is known to bind."""
        self._part, self._pause = BURST, PAUSE
        if rate is not None:
            pace = rate * _PACE / _DATAGRAM_BITS
            self._part = min(BURST, max(LEAST_PART, int(pace * _FIRST_PART)))
            self._pause = min(_FIRST_PART, max(PAUSE, self._part / pace))

    def wait(self, address: NetworkAddress) -> float:
        """Seconds that a datagram would wait here now."""
        waiting = len(self._waiting.get(address, ()))
        return min(LONGEST_WAIT, waiting / self._part * self._pause)

    def send(self, datagrams: Sequence[bytes], address: NetworkAddress) -> None:
        """Send to an IP address, in order."""
        if not datagrams:
            return
        waiting = self._waiting.get(address)
        sent = 0 if waiting else self._send_now(datagrams[: self._part], address)
        if sent == len(datagrams):
            return
        if waiting is None:
            waiting = self._waiting[address] = deque()
        room = MAX_WAITING - len(waiting)
        self.dropped += max(0, len(datagrams) - sent - room)
        waiting.extend(datagrams[sent : sent + room])
        if self._timer is None:
            self._timer = self._loop.call_later(self._pause, self._send_waiting)

    def send_ahead(self, datagrams: Sequence[bytes], address: NetworkAddress) -> None:
        """Send again what was lost: before all that waits, and as much as is sound to send at once without regard to
        pace. Somebody's picture stands still until it has come, and the pace is that of what is sent first.
        """
        sent = self._send_now(datagrams[:BURST], address) if datagrams else 0
        if sent < len(datagrams):
            self._put_ahead(datagrams[sent:], address)

    def _put_ahead(self, datagrams: Sequence[bytes], address: NetworkAddress) -> None:
        waiting = self._waiting.get(address)
        if waiting is None:
            waiting = self._waiting[address] = deque()
        room = MAX_WAITING - len(waiting)
        self.dropped += max(0, len(datagrams) - room)
        waiting.extendleft(reversed(datagrams[:room]))
        if self._timer is None:
            self._timer = self._loop.call_later(self._pause, self._send_waiting)

    def send_at_once(self, datagrams: Sequence[bytes], address: NetworkAddress) -> None:
        """Send without regard to pace and to what waits: reports and requests, which are few and tell the time."""
        sent = self._send_now(datagrams, address) if datagrams else 0
        if sent < len(datagrams):  # the kernel has no room
            self._put_ahead(datagrams[sent:], address)

    def close(self) -> None:
        """Send no more; what waits is dropped."""
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _send_now(self, datagrams: Sequence[bytes], address: NetworkAddress) -> int:
        """How many are dealt with: sent, or given up since the way there is closed."""
        try:
            return self._send_batch(datagrams, address)
        except (OSError, ValueError) as error:
            # No route, or an address of the other family: as good as lost on the way. Silence detection sees to it.
            logger.debug("media socket: %s", error)
            return len(datagrams)

    def _send_waiting(self) -> None:
        """The next part for each receiver; also when the kernel had no room for all of the last."""
        for address, waiting in list(self._waiting.items()):
            least = math.ceil(len(waiting) * self._pause / LONGEST_WAIT)
            part = list(itertools.islice(waiting, max(self._part, least)))
            for _ in range(self._send_now(part, address)):
                waiting.popleft()
            if not waiting:
                del self._waiting[address]
        self._timer = self._loop.call_later(self._pause, self._send_waiting) if self._waiting else None
