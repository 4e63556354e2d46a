"""DTLS keys that outlive the worker which shook hands for them: its successor goes on with them as if by SDES.

A room cannot be asked to shake hands anew without a new call. But all that media need of DTLS are the SRTP keys that
came out, so workers report those, and whoever takes a leg over is told them. Pure.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from mcu.media.facts import LegConnected
from mcu.media.spec import ConferenceSpec, DtlsKeys, LegSpec, Line, PlainTransport, SdesKeys, StreamSecurity

Worker = tuple[int, int]
"""Which process: its place, and the how many-eth it is there."""


def same_protection(mine: PlainTransport, theirs: PlainTransport) -> bool:
    """Whether keys and ICE go on. Without ICE a DTLS association belongs to its addresses (RFC 8842 section 3.1).

    No address at all is hold, and ends nothing.
    """
    moved = {
        line
        for line, before, after in (
            ("audio", mine.audio_remote, theirs.audio_remote),
            ("video", mine.video_remote, theirs.video_remote),
            ("content", mine.content_remote, theirs.content_remote),
            ("camera", mine.camera_remote, theirs.camera_remote),
        )
        if before is not None and after is not None and before != after and line not in theirs.ice
    }
    begins_anew = any(isinstance(keys, DtlsKeys) and line in moved for line, keys in theirs.security.items())
    return mine.security == theirs.security and mine.ice == theirs.ice and not begins_anew


@dataclass(frozen=True)
class _Secured:
    transport: PlainTransport
    worker: Worker
    keys: dict[Line, SdesKeys] = field(repr=False)


class SecuredLegs:
    """Remembers keys by leg."""

    def __init__(self) -> None:
        self._legs: dict[str, _Secured] = {}

    def note(self, fact: LegConnected, spec: ConferenceSpec, worker: Worker) -> None:
        """A leg of ``spec`` has got its keys in this worker."""
        leg = next((leg for leg in spec.legs if leg.id == fact.leg), None)
        if leg is not None and fact.keys and isinstance(leg.transport, PlainTransport):
            self._legs[leg.id] = _Secured(leg.transport, worker, fact.keys)

    def keep(self, legs: Collection[str]) -> None:
        """Forget all legs but these."""
        self._legs = {leg: secured for leg, secured in self._legs.items() if leg in legs}

    def told_to(self, worker: Worker, spec: ConferenceSpec) -> ConferenceSpec:
        """The description for this worker: with keys instead of handshakes where another has shaken hands already."""
        if not any(leg.id in self._legs for leg in spec.legs):
            return spec
        return spec.model_copy(update={"legs": tuple(self._carried(worker, leg) for leg in spec.legs)})

    def _carried(self, worker: Worker, leg: LegSpec) -> LegSpec:
        secured, transport = self._legs.get(leg.id), leg.transport
        if secured is None or secured.worker == worker or not isinstance(transport, PlainTransport):
            return leg
        if not same_protection(secured.transport, transport):
            return leg  # negotiated anew: there will be another handshake
        security: dict[Line, StreamSecurity] = {**transport.security, **secured.keys}
        return leg.model_copy(update={"transport": transport.model_copy(update={"security": security})})
