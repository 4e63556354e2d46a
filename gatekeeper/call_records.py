"""Call records: who called what, when and for how long, what was sent and how much of it got lost, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from gatekeeper.normalisation import Value

Medium = Literal["audio", "video", "content"]


class StreamRecord(Value):
    """One stream of a call, both ways. Rates in bit/s on average, jitter and round trip in ms, ``lost`` in packets.

    ``jitter_ms`` is the mean of what was reported, ``worst_jitter_ms`` the greatest.
    """

    codec_sent: str = ""
    codec_received: str = ""
    negotiated_bitrate: int | None = None
    packets_received: int = 0
    packets_lost: int = 0
    packets_sent: int = 0
    bytes_received: int = 0
    bytes_sent: int = 0
    rate_received: int = 0
    rate_sent: int = 0
    jitter_ms: float = 0.0
    worst_jitter_ms: float = 0.0
    round_trip_ms: float | None = None
    remote_loss: float = 0.0

    @property
    def loss(self) -> float:
        """The share of packets that did not arrive."""
        total = self.packets_received + self.packets_lost
        return self.packets_lost / total if total else 0.0


class CallRecord(Value):
    """A call, from its INVITE on. ``ended_at`` None: it is going on.

    ``kind`` is how the endpoint takes part; of browsers the ``endpoint`` is ``browser@`` and their address: what people
    call themselves on a page says nothing of the device. ``dialled`` is what was dialled without a PIN, ``destination``
    where that led. ``reason`` is a word for programs why it ended, ``detail`` a sentence where there is more to say,
    ``status`` the SIP status of a refusal or failure.
    ``room`` is the number of the conference that it came into, whichever way, "" while it is in none. ``lowered``: why
    the picture is smaller than it might be, "" when it is not.
    """

    id: str
    endpoint: str
    kind: Literal["sip", "browser"] = "sip"
    direction: Literal["in", "out"] = "in"
    name: str = ""
    dialled: str = ""
    destination: str = ""
    room: str = ""
    zone: str = ""
    device_class: str = ""
    address: str = ""
    user_agent: str = ""
    began_at: datetime
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    reason: str = ""
    detail: str = ""
    status: int | None = None
    important: bool = False
    lowered: str = ""
    audio: StreamRecord | None = None
    video: StreamRecord | None = None
    content: StreamRecord | None = None

    @property
    def seconds(self) -> float:
        """How long it was answered; 0 for one that was not, or is going on."""
        if self.answered_at is None or self.ended_at is None:
            return 0.0
        return max(0.0, (self.ended_at - self.answered_at).total_seconds())

    @property
    def streams(self) -> tuple[StreamRecord, ...]:
        """Those that it has."""
        return tuple(stream for stream in (self.audio, self.video, self.content) if stream is not None)


FAILURES = frozenset({"failed", "media_failed", "refused", "server_stopped", "silent"})
"""Reasons of ends that nobody wished for."""


class DeviceUse(Value):
    """How much one endpoint was used in a span of time. ``loss`` is the share of packets of all its calls.

    ``failed`` are the calls that came to nothing or broke, whatever of the FAILURES it was.
    """

    endpoint: str
    calls: int
    answered: int
    failed: int = 0
    seconds: float
    packets: int
    lost: int

    @property
    def loss(self) -> float:
        """The share of packets that did not arrive."""
        return self.lost / (self.packets + self.lost) if self.packets + self.lost else 0.0


@dataclass(frozen=True)
class Figures:
    """What a media worker counted for one stream since the call began."""

    packets_received: int
    packets_lost: int
    packets_sent: int
    bytes_received: int
    bytes_sent: int
    jitter_ms: float
    round_trip_ms: float | None
    remote_loss: float


@dataclass(frozen=True)
class Codecs:
    """What was negotiated for one stream; ``bitrate`` in bit/s where there is a limit."""

    sent: str
    received: str
    bitrate: int | None = None


class RunningCall:
    """A call that goes on: its record, kept up to date. ``is_held``: silence is no fault then."""

    def __init__(self, record: CallRecord) -> None:
        self.record = record
        self.is_held = False
        self._codecs: dict[Medium, Codecs] = {}
        self._figures: dict[Medium, Figures] = {}
        # Counters begin anew with a leg that was put into another worker: what the ended ones had come to.
        self._before: dict[Medium, Figures] = {}
        self._jitter: dict[Medium, tuple[int, float, float]] = {}

    def negotiated(self, codecs: dict[Medium, Codecs]) -> None:
        """What offer and answer came to; a stream that is off for a while stays in the record."""
        self._codecs |= codecs

    def count(self, medium: Medium, figures: Figures) -> tuple[int, int]:
        """Take new counters; returns packets received and lost since the last ones."""
        last = self._figures.get(medium)
        if last is not None and figures.packets_received < last.packets_received:
            self._before[medium] = _sum(self._before.get(medium), last)
            last = None
        self._figures[medium] = figures
        reports, total, worst = self._jitter.get(medium, (0, 0.0, 0.0))
        self._jitter[medium] = (reports + 1, total + figures.jitter_ms, max(worst, figures.jitter_ms))
        if last is None:
            return figures.packets_received, max(0, figures.packets_lost)
        # Late packets may lower the count of lost ones.
        return (
            figures.packets_received - last.packets_received,
            max(0, figures.packets_lost - last.packets_lost),
        )

    def snapshot(self, now: datetime) -> CallRecord:
        """The record with the figures so far."""
        began = self.record.answered_at or self.record.began_at
        seconds = max(1.0, (now - began).total_seconds())
        return self.record.model_copy(
            update={
                "audio": self._stream("audio", seconds),
                "video": self._stream("video", seconds),
                "content": self._stream("content", seconds),
            }
        )

    def end(self, now: datetime, reason: str, status: int | None) -> CallRecord:
        """The record of the call that has just ended."""
        return self.snapshot(now).model_copy(update={"ended_at": now, "reason": reason, "status": status})

    def _stream(self, medium: Medium, seconds: float) -> StreamRecord | None:
        codecs = self._codecs.get(medium)
        figures = self._figures.get(medium)
        if codecs is None and figures is None:
            return None
        if figures is None:
            figures = Figures(0, 0, 0, 0, 0, 0.0, None, 0.0)
        whole = _sum(self._before.get(medium), figures)
        reports, total, worst = self._jitter.get(medium, (0, 0.0, 0.0))
        return StreamRecord(
            codec_sent=codecs.sent if codecs else "",
            codec_received=codecs.received if codecs else "",
            negotiated_bitrate=codecs.bitrate if codecs else None,
            packets_received=whole.packets_received,
            packets_lost=max(0, whole.packets_lost),
            packets_sent=whole.packets_sent,
            bytes_received=whole.bytes_received,
            bytes_sent=whole.bytes_sent,
            rate_received=round(8 * whole.bytes_received / seconds),
            rate_sent=round(8 * whole.bytes_sent / seconds),
            jitter_ms=round(total / reports, 2) if reports else 0.0,
            worst_jitter_ms=round(worst, 2),
            round_trip_ms=whole.round_trip_ms,
            remote_loss=round(whole.remote_loss, 4),
        )


def _sum(one: Figures | None, other: Figures) -> Figures:
    """Both together; of what is no count, the later."""
    if one is None:
        return other
    return Figures(
        one.packets_received + other.packets_received,
        one.packets_lost + other.packets_lost,
        one.packets_sent + other.packets_sent,
        one.bytes_received + other.bytes_received,
        one.bytes_sent + other.bytes_sent,
        other.jitter_ms,
        other.round_trip_ms,
        other.remote_loss,
    )
