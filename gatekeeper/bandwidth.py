"""Counting calls against the bandwidth of their zone and of their device's class. All rates in bit/s, per direction."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gatekeeper.zones import Budget, DeviceClass, OverBudget, Zone


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
    """The call may have so much picture; ``shortage`` says why it is less than it wished for."""

    picture: int
    shortage: Shortage | None = None


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
        self._calls: dict[str, Wish] = {}
        self._usage: dict[tuple[str, str], Usage] = {}

    def ask(self, call: str, wish: Wish) -> Granted:
        """Book the call, with what can be had of its wish. Asking again for the same call replaces what it had.

        Raises Refusing, and what the call had before is then as it was.
        """
        before = self._calls.get(call)
        self.release(call)
        try:
            granted = self._judge(wish)
        except Refusing:
            if before is not None:
                self._book(call, before)
            raise
        self._book(call, replace(wish, picture=granted.picture))
        return granted

    def book(self, call: str, wish: Wish) -> None:
        """Count a call that is there already, whatever is left."""
        self.release(call)
        self._book(call, wish)

    @property
    def calls(self) -> frozenset[str]:
        """All calls in the books."""
        return frozenset(self._calls)

    def picture_of(self, call: str) -> int:
        """The rate of picture that a call was granted last; 0 for one that is not in the books."""
        return self._calls[call].picture if call in self._calls else 0

    def settle(self, call: str, sound: int, picture: int) -> None:
        """What offer and answer have come to: the rest is free for others. Nothing for a call that is not booked."""
        if (booked := self._calls.get(call)) is not None:
            self.release(call)
            self._book(call, replace(booked, sound=sound, picture=picture))

    def release(self, call: str) -> None:
        """The call is over. May be called again."""
        booked = self._calls.pop(call, None)
        if booked is None:
            return
        for key, _ in _budgets(booked):
            usage = self._usage[key]
            if usage.calls == 1:
                del self._usage[key]
            else:
                self._usage[key] = Usage(usage.calls - 1, usage.rate - booked.total)

    def of_zone(self, name: str) -> Usage:
        """What the calls of a zone use."""
        return self._usage.get(("zone", name), Usage())

    def of_class(self, name: str) -> Usage:
        """What the calls of a class use."""
        return self._usage.get(("class", name), Usage())

    def look(self, wish: Wish) -> Granted:
        """What ``ask`` would say, with nothing booked. Raises Refusing."""
        return self._judge(wish)

    def _book(self, call: str, wish: Wish) -> None:
        self._calls[call] = wish
        for key, _ in _budgets(wish):
            usage = self._usage.get(key, Usage())
            self._usage[key] = Usage(usage.calls + 1, usage.rate + wish.total)

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
