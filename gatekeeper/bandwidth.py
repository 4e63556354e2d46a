"""Counting calls against the bandwidth of their zone and of their device's class. All rates in bit/s, per direction."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gatekeeper.making_room import lowered_evenly
from gatekeeper.zones import Budget, DeviceClass, MakingRoom, OverBudget, Zone


@dataclass(frozen=True)
class Wish:
    """What a call would like. ``sound`` is not negotiable, ``picture`` may be lowered; 0: sound alone."""

    zone: Zone
    device_class: DeviceClass | None
    sound: int
    picture: int
    is_important: bool = False

    @property
    def total(self) -> int:
        """Sound and picture."""
        return self.sound + self.picture


@dataclass(frozen=True)
class Shortage:
    """Why a call got less, or nothing: the zone's or class's budget that was short, what of it was left, was asked."""

    kind: str
    """ "zone" or "class"."""
    name: str
    left: int
    wanted: int
    is_per_call: bool = False
    """The budget limits each call for itself: trying again later is of no use."""

    def __str__(self) -> str:
        has = f"a call in {self.kind} {self.name} may take" if self.is_per_call else f"{self.kind} {self.name} has left"
        return f"{has} {_kilobits(self.left)}, and {_kilobits(self.wanted)} are needed"


@dataclass(frozen=True)
class Granted:
    """The call may have so much picture; ``shortage`` says why it is less than it wished for.

    For an important call others may have to give way: those ``lowered`` to a new rate of picture (they are booked with
    it), and those that are to be ``ended`` (they are out of the books).
    """

    picture: int
    shortage: Shortage | None = None
    lowered: tuple[tuple[str, int], ...] = ()
    ended: tuple[str, ...] = ()


class Refusing(Exception):
    """The call may not be. The message is for people."""

    def __init__(self, shortage: Shortage) -> None:
        super().__init__(f"Not enough bandwidth: {shortage}")
        self.shortage = shortage


@dataclass(frozen=True)
class Usage:
    """What is counted against one budget now."""

    calls: int = 0
    rate: int = 0


class BandwidthLedger:
    """Who uses how much. A call is in the books from ``ask`` to ``release``, under any id that its owner chooses."""

    def __init__(self) -> None:
        # In the order in which the calls came. A call without a wish only keeps its place.
        self._calls: dict[str, Wish | None] = {}
        self._usage: dict[tuple[str, str], Usage] = {}

    def ask(self, call: str, wish: Wish) -> Granted:
        """Book the call, with what can be had of its wish. Asking again for the same call replaces what it had.

        An important call may make others give way, as their budget says. Raises Refusing, and everything is then as it
        was before.
        """
        before = self._calls.get(call)
        self._count(call, None)
        try:
            granted = self._judge_or_make_room(wish)
        except Refusing:
            if before is None:
                self.release(call)
            else:
                self._count(call, before)
            raise
        self._count(call, replace(wish, picture=granted.picture))
        return granted

    def book(self, call: str, wish: Wish) -> None:
        """Count a call that is there already, whatever is left."""
        self._count(call, wish)

    @property
    def calls(self) -> frozenset[str]:
        """All calls in the books."""
        return frozenset(self._calls)

    def picture_of(self, call: str) -> int:
        """The rate of picture that a call was granted last; 0 for one that is not in the books."""
        booked = self._calls.get(call)
        return 0 if booked is None else booked.picture

    def settle(self, call: str, sound: int, picture: int) -> None:
        """What offer and answer have come to: the rest is free for others. Nothing for a call that is not booked."""
        if (booked := self._calls.get(call)) is not None:
            self._count(call, replace(booked, sound=sound, picture=picture))

    def release(self, call: str) -> None:
        """The call is over. May be called again."""
        self._count(call, None)
        self._calls.pop(call, None)

    def of_zone(self, name: str) -> Usage:
        """What the calls of a zone use."""
        return self._usage.get(("zone", name), Usage())

    def of_class(self, name: str) -> Usage:
        """What the calls of a class use."""
        return self._usage.get(("class", name), Usage())

    def look(self, wish: Wish) -> Granted:
        """What ``ask`` would say, with nothing booked and nobody lowered. Raises Refusing."""
        trial = BandwidthLedger()
        trial._calls, trial._usage = dict(self._calls), dict(self._usage)
        return trial._judge_or_make_room(wish)

    def _count(self, call: str, wish: Wish | None) -> None:
        """Count a call with this from now on, or not at all; it keeps its place among the others."""
        booked = self._calls.get(call)
        if booked is not None:
            for key, _ in _budgets(booked):
                usage = self._usage[key]
                if usage.calls == 1:
                    del self._usage[key]
                else:
                    self._usage[key] = Usage(usage.calls - 1, usage.rate - booked.total)
        self._calls[call] = wish
        if wish is not None:
            for key, _ in _budgets(wish):
                usage = self._usage.get(key, Usage())
                self._usage[key] = Usage(usage.calls + 1, usage.rate + wish.total)

    # Important calls

    def _judge_or_make_room(self, wish: Wish) -> Granted:
        """What can be had, with others giving way where the call is important. Raises Refusing, nobody gave way then.

        Pictures of others are lowered for the whole wish; calls end only where this one could not be otherwise.
        """
        refusing: Refusing | None = None
        try:
            granted = self._judge(wish)
        except Refusing as found:
            refusing, granted = found, Granted(0, found.shortage)
        if not wish.is_important or granted.shortage is None or granted.shortage.is_per_call:
            if refusing is not None:
                raise refusing
            return granted
        before = dict(self._calls)
        lowered = self._lower_others(wish)
        try:
            granted, ended = self._judge_ending_others(wish)
        except Refusing:
            for call in lowered:
                self._count(call, before[call])
            raise
        return replace(granted, lowered=tuple(one for one in lowered.items() if one[0] not in ended), ended=ended)

    def _lower_others(self, wish: Wish) -> dict[str, int]:
        lowered: dict[str, int] = {}
        # No more than the call may have by itself.
        whole = min([wish.total, *(budget.each for _, budget in _budgets(wish) if budget.each is not None)])
        for key, budget in _budgets(wish):
            if budget.total is None or budget.making_room is MakingRoom.NEVER:
                continue
            needed = self._usage.get(key, Usage()).rate + whole - budget.total
            pictures = {call: other.picture for call, other in self._others(key)}
            found = lowered_evenly(pictures, budget.least, needed)
            for call, picture in found.items():
                if (other := self._calls[call]) is not None:
                    self._count(call, replace(other, picture=picture))
            lowered |= found
        return lowered

    def _judge_ending_others(self, wish: Wish) -> tuple[Granted, tuple[str, ...]]:
        """What can be had when the calls that came last end until it suffices. Raises Refusing, and none has ended."""
        before = dict(self._calls)
        ended: list[str] = []
        while True:
            try:
                return self._judge(wish), tuple(ended)
            except Refusing as refusing:
                shortage = refusing.shortage
                budget = next(budget for key, budget in _budgets(wish) if key == (shortage.kind, shortage.name))
                others = self._others((shortage.kind, shortage.name))
                if shortage.is_per_call or budget.making_room is not MakingRoom.END or not others:
                    for call in ended:
                        self._count(call, before[call])
                    self._calls = {call: self._calls[call] for call in before}
                    raise
                last, _ = others[-1]
                self.release(last)
                ended.append(last)

    def _others(self, key: tuple[str, str]) -> list[tuple[str, Wish]]:
        """Calls that count against this budget and are not important, in the order in which they came."""
        return [
            (call, wish)
            for call, wish in self._calls.items()
            if wish is not None and not wish.is_important and key in (one for one, _ in _budgets(wish))
        ]

    def _judge(self, wish: Wish) -> Granted:
        granted = Granted(wish.picture)
        for (kind, name), budget in _budgets(wish):
            for left, is_per_call in self._limits(kind, name, budget, wish.is_important):
                if wish.sound + granted.picture <= left:
                    continue
                shortage = Shortage(kind, name, max(0, left), wish.total, is_per_call)
                picture = left - wish.sound
                # The most for each call is always a lowering: no wish of a device can be against the rules.
                may_lower = is_per_call or budget.over is OverBudget.LOWER
                if not may_lower or wish.picture == 0 or picture < min(budget.least, wish.picture):
                    raise Refusing(shortage)
                granted = Granted(picture, shortage)
        return granted

    def _limits(self, kind: str, name: str, budget: Budget, is_important: bool) -> list[tuple[int, bool]]:
        """What is left for one more call, and whether that is a limit of the call for itself."""
        limits = []
        if budget.total is not None:
            free = budget.total - self._usage.get((kind, name), Usage()).rate
            limits.append((free if is_important else free - budget.reserved, False))
        if budget.each is not None:
            limits.append((budget.each, True))
        return limits


def _budgets(wish: Wish) -> list[tuple[tuple[str, str], Budget]]:
    found = [(("zone", wish.zone.name), wish.zone.budget)]
    if wish.device_class is not None:
        found.append((("class", wish.device_class.name), wish.device_class.budget))
    return found


def _kilobits(rate: int) -> str:
    return f"{rate // 1000} kbit/s"
