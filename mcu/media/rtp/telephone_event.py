"""Telephone events: DTMF digits as RTP payloads (RFC 4733)."""

from __future__ import annotations

import struct
from collections import deque
from dataclasses import dataclass

from mcu.media.rtp.errors import PayloadError

DIGITS = "0123456789*#ABCD"

_FORMAT = struct.Struct("!BBH")
# An end packet is sent three times (section 2.5.1.4); when all are lost the digit counts after this silence.
END_TIMEOUT = 0.25
# A tone of 100 ms and a gap of 60 ms are well above the minimum of ITU-T Q.24 that receivers must detect.
TONE_SECONDS = 0.1
GAP_SECONDS = 0.06
PACKET_SECONDS = 0.02
END_PACKETS = 3
VOLUME_DBM0 = 10
# More digits than a room number, a PIN and separators have, waiting at 6 digits a second.
MAX_QUEUED_DIGITS = 64


@dataclass(frozen=True, slots=True)
class TelephoneEvent:
    """One payload (section 2.3). ``duration`` is in units of the RTP clock; ``volume`` in dBm0, its sign dropped."""

    event: int
    end: bool
    volume: int
    duration: int

    @classmethod
    def parse(cls, payload: bytes) -> TelephoneEvent:
        """Read a payload; events packed behind the first one are not looked at. Raises PayloadError."""
        if len(payload) < 4:
            raise PayloadError(f"telephone-event payload of {len(payload)} bytes, expected 4")
        event, flags, duration = _FORMAT.unpack_from(payload)
        return cls(event, flags > 127, flags & 0x3F, duration)

    def serialise(self) -> bytes:
        """The payload's four bytes."""
        return _FORMAT.pack(self.event, (self.end << 7) | (self.volume & 0x3F), self.duration)


class DigitReceiver:
    """Turns telephone-event packets into digits, each reported once, at its end."""

    __slots__ = ("_current", "_heard", "_reported")

    def __init__(self) -> None:
        self._current: tuple[int, int] | None = None  # (timestamp, event) of a tone that goes on
        self._heard = 0.0
        self._reported: tuple[int, int] | None = None

    def receive(self, payload: bytes, timestamp: int, now: float) -> str:
        """Take a packet; returns the digits that ended with it (none, one, or two). Raises PayloadError."""
        event = TelephoneEvent.parse(payload)
        if event.event >= len(DIGITS):
            return ""
        key = (timestamp, event.event)
        if key == self._reported or self._is_old(timestamp):
            return ""
        digits = ""
        if self._current is not None and self._current != key:
            # A new tone began: the end of the one before was lost.
            digits = self._report()
        self._current = key
        self._heard = now
        if event.end:
            digits += self._report()
        return digits

    def _is_old(self, timestamp: int) -> bool:
        """A straggler of a tone before the one that we last heard of."""
        last = self._current or self._reported
        return last is not None and (timestamp - last[0]) & 0xFFFFFFFF >= 0x80000000

    def handle_timer(self, now: float) -> str:
        """The digit whose end never came, when it is due; else nothing."""
        deadline = self.next_deadline()
        return self._report() if deadline is not None and now >= deadline else ""

    def next_deadline(self) -> float | None:
        """When ``handle_timer`` has something to do."""
        return None if self._current is None else self._heard + END_TIMEOUT

    def _report(self) -> str:
        assert self._current is not None
        self._reported, self._current = self._current, None
        return DIGITS[self._reported[1]]


@dataclass(frozen=True, slots=True)
class EventPacket:
    """What a ``DigitSender`` wants sent. ``started`` is when the tone began: the RTP timestamp is that of this time."""

    payload: bytes
    started: float
    marker: bool


class DigitSender:
    """Plays digits one after the other as telephone events at ``clock_rate`` Hz."""

    __slots__ = ("_clock_rate", "_end_packets", "_event", "_next", "_queue", "_started")

    def __init__(self, clock_rate: int) -> None:
        self._clock_rate = clock_rate
        self._queue: deque[int] = deque()
        self._event: int | None = None
        self._started = 0.0
        self._next = 0.0
        self._end_packets = 0

    @property
    def active(self) -> bool:
        """A tone is being sent: sound pauses meanwhile."""
        return self._event is not None

    def send(self, digit: str, now: float) -> None:
        """Queue a digit. Raises ValueError when it is none or the queue is full."""
        event = DIGITS.find(digit.upper()) if len(digit) == 1 else -1
        if event < 0:
            raise ValueError(f"{digit!r} is no DTMF digit")
        if len(self._queue) >= MAX_QUEUED_DIGITS:
            raise ValueError("too many digits are waiting to be sent")
        if self._event is None and not self._queue:
            self._next = max(self._next, now)
        self._queue.append(event)

    def next_deadline(self) -> float | None:
        """When the next packet is due."""
        return self._next if self._event is not None or self._queue else None

    def packets_to_send(self, now: float) -> list[EventPacket]:
        """The packets due by ``now``."""
        packets: list[EventPacket] = []
        while (self._event is not None or self._queue) and self._next <= now:
            if self._event is None:
                self._event = self._queue.popleft()
                # A caller that comes late must not find the whole tone due at once.
                self._started = self._next if now - self._next < PACKET_SECONDS else now
                self._next = self._started
                self._end_packets = 0
            packets.append(self._packet())
        return packets

    def _packet(self) -> EventPacket:
        assert self._event is not None
        elapsed = min(self._next - self._started + PACKET_SECONDS, TONE_SECONDS)
        end = elapsed >= TONE_SECONDS - PACKET_SECONDS / 4
        first = self._next == self._started
        event = TelephoneEvent(self._event, end, VOLUME_DBM0, round(elapsed * self._clock_rate))
        if end:
            self._end_packets += 1
        if self._end_packets == END_PACKETS:
            self._event = None
            self._next += GAP_SECONDS
        else:
            self._next += PACKET_SECONDS
        return EventPacket(event.serialise(), self._started, first)
