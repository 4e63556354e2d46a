"""How far a leg has come, for whoever goes on with it, and what of that has been told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from mcu.media.forwarding.sources import LegSources
from mcu.media.leg_beginnings import leg_numbers
from mcu.media.leg_transport import BrowserLegTransport, LegTransport
from mcu.media.numbering import REPORT_AFTER
from mcu.media.spec import LegNumbers, Line, SentNumbers


class CountedStream(Protocol):
    """A stream that numbers what it sends. ``next_sequence`` is that of the next packet, with the roll-overs before."""

    @property
    def ssrc(self) -> int: ...
    @property
    def next_sequence(self) -> int: ...
    def numbers(self) -> SentNumbers: ...


class LegCount:
    """Of an open leg: its path, its streams by line, and the pictures that a browser sends."""

    def __init__(
        self, transport: LegTransport, streams: Mapping[Line, CountedStream], sources: LegSources | None
    ) -> None:
        self._transport = transport
        self._streams = dict(streams)
        self._sources = sources
        self._told: dict[Line, int] = {}
        self._told_state: tuple[object, ...] = ()

    def numbers(self) -> LegNumbers:
        """How far it has come."""
        counted = {line: (stream.ssrc, stream.numbers()) for line, stream in self._streams.items()}
        pictures = () if self._sources is None else self._sources.heard()
        return leg_numbers(self._transport, counted).model_copy(update={"pictures": pictures})

    def numbers_to_report(self) -> LegNumbers:
        """The same, for a report that is sent now."""
        self._told = {line: stream.next_sequence for line, stream in self._streams.items()}
        self._told_state = self._state()
        return self.numbers()

    @property
    def has_gone_far(self) -> bool:
        """Whether so much was sent since the last report, or something else changed, that the next one is due.

        To be asked often.
        """
        if self._state() != self._told_state:
            return True
        if isinstance(self._transport, BrowserLegTransport):
            return self._transport.has_gone_far(REPORT_AFTER)
        return any(
            stream.next_sequence - self._told.get(line, 0) >= REPORT_AFTER for line, stream in self._streams.items()
        )

    def _state(self) -> tuple[object, ...]:
        """What a successor has to know beside numbers."""
        found = 0 if self._sources is None else self._sources.changes
        return self._transport.is_connected, self._transport.ways, found
