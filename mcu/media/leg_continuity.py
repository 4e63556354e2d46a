"""What outlives the worker that has a leg: its successor goes on with the same keys, behind the same numbers.

The control side remembers what workers report, and adds to the descriptions for others what they need. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from mcu.media.facts import LegConnected, NumbersReached
from mcu.media.secured_legs import SecuredLegs, Worker
from mcu.media.spec import ConferenceSpec, Continuation, LegNumbers, LegSpec, SdesKeys, WebRtcTransport


@dataclass
class _Record:
    """``told``: the workers that were told of the leg; the numbers are those of the first, of later ones none came."""

    seed: int = field(repr=False)
    numbers: LegNumbers | None = None
    told: list[Worker] = field(default_factory=list)
    bundled: tuple[WebRtcTransport, Worker, SdesKeys] | None = field(default=None, repr=False)


class LegContinuity:
    """Remembers seeds, keys and numbers by leg. ``seeds`` gives what nobody can guess."""

    def __init__(self, seeds: Callable[[], int]) -> None:
        self._seeds = seeds
        self._secured = SecuredLegs()
        self._records: dict[str, _Record] = {}

    def connected(self, fact: LegConnected, spec: ConferenceSpec, worker: Worker) -> None:
        """A leg of ``spec`` has got its keys in this worker."""
        self._secured.note(fact, spec, worker)
        leg = next((leg for leg in spec.legs if leg.id == fact.leg), None)
        record = self._records.get(fact.leg)
        if leg is None or record is None or fact.bundled is None or not isinstance(leg.transport, WebRtcTransport):
            return
        record.bundled = leg.transport, worker, fact.bundled

    def reached(self, fact: NumbersReached, worker: Worker) -> None:
        """A worker has come so far. What one says that has been replaced already is of no use."""
        for leg_id, numbers in fact.legs.items():
            record = self._records.get(leg_id)
            if record is not None and record.told and record.told[-1] == worker:
                record.numbers, record.told = numbers, [worker]

    def keep(self, legs: Collection[str]) -> None:
        """Forget all legs but these."""
        self._secured.keep(legs)
        self._records = {leg: record for leg, record in self._records.items() if leg in legs}

    def told_to(self, worker: Worker, spec: ConferenceSpec) -> ConferenceSpec:
        """The description for this worker, which is told it now.

        Keys and numbers of a browser, and numbers of a room, are told once: a worker that knows a leg knows better how
        far it has come, and a second beginning at the same numbers would use a key stream twice.
        """
        secured = self._secured.told_to(worker, spec)
        legs = tuple(
            told.model_copy(update={"continuation": self._continued(worker, leg)})
            for told, leg in zip(secured.legs, spec.legs, strict=True)
        )
        return secured.model_copy(update={"legs": legs})

    def _continued(self, worker: Worker, leg: LegSpec) -> Continuation:
        record = self._records.get(leg.id)
        if record is None:
            record = self._records[leg.id] = _Record(self._seeds())
        if worker in record.told:
            return Continuation(seed=record.seed)
        record.told.append(worker)
        ahead = len(record.told) - 1
        keys = None
        if record.bundled is not None:
            transport, origin, bundled = record.bundled
            # Another place has another port, where the browser does not look.
            if transport == leg.transport and origin[0] == worker[0] and origin != worker:
                keys = bundled
        return Continuation(seed=record.seed, ahead=ahead, numbers=record.numbers if ahead else None, keys=keys)
