"""Where a call goes, and why: from the dialled address through zone, spelling, number plan and registrations.

The same function serves calls and the dry run: what it tells step by step is what happens.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from gatekeeper.dialing import (
    PIN_SEPARATOR,
    AliasDestination,
    DialSettings,
    MenuDestination,
    Refused,
    Routed,
    room_destination,
)
from gatekeeper.normalisation import MAX_DIALLED, normalise
from gatekeeper.number_plan import Match, NumberPlan, TargetKind
from gatekeeper.zones import Zone
from sip.errors import SipParseError
from sip.uri import OtherUri, SipUri, parse_uri

MAX_REWRITES: Final = 8
"""Rules that lead to other rules, in one call: more are a ring."""

MAX_TOLD: Final = 5
"""Of rules that fit as well but were not taken, this many are told."""


class StepKind(StrEnum):
    """What one step of finding a destination was. Each has its sentence in ``gatekeeper.explanation``."""

    DIALLED = "dialled"
    ZONE = "zone"
    PIN = "pin"
    SPELLING = "spelling"
    RULE_OFF = "rule_off"
    RULE_ELSEWHERE = "rule_elsewhere"
    RULE = "rule"
    RULE_BEHIND = "rule_behind"
    NO_RULE = "no_rule"
    REGISTERED = "registered"
    REWRITTEN = "rewritten"
    BARE = "bare"
    IMPORTANT = "important"
    ROOM = "room"
    ACCESS = "access"
    PERSON = "person"
    ENDPOINT = "endpoint"
    REFUSED = "refused"


@dataclass(frozen=True)
class Step:
    """One step, with the words that its sentence is made with. A PIN is never among them."""

    kind: StepKind
    values: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Routing:
    """Where a call goes. ``rule``: the id of the last rule that was followed, None when the plan said nothing."""

    destination: Routed = field(repr=False)  # may hold a PIN
    steps: tuple[Step, ...]
    is_important: bool = False
    rule: str | None = None


@dataclass(frozen=True)
class Router:
    """All that decides where a call goes. ``is_registered`` tells whether an address is registered now: a SIP URI, or
    the bare name of an account."""

    plan: NumberPlan
    dialing: DialSettings
    is_registered: Callable[[str], bool] = lambda alias: False

    def route(self, request_uri: str, zone: Zone) -> Routing:
        """Where this address leads a caller of the zone. Never raises."""
        return _Walk(self, zone).start(request_uri)


class _Walk:
    """The way of one call; collects its steps."""

    def __init__(self, router: Router, zone: Zone) -> None:
        self._router = router
        self._zone = zone
        self._steps: list[Step] = []
        self._is_important = False
        self._rule: str | None = None

    def start(self, request_uri: str) -> Routing:
        try:
            uri = parse_uri(request_uri)
        except SipParseError as error:
            return self._refuse(error.status, f"The address cannot be read: {error}")
        if isinstance(uri, OtherUri):
            user, _, _ = uri.rest.partition(";")
            host = ""
            if uri.scheme != "tel":
                return self._refuse(416, "Only sip, sips and tel addresses lead anywhere")
        else:
            user, host = _user_of(uri), uri.host.lower()
        if len(user) > MAX_DIALLED:
            return self._refuse(414, "The dialled address is too long")
        number, separator, pin = user.partition(PIN_SEPARATOR)
        if user:
            self._tell(StepKind.DIALLED, address=f"{number}{separator}{'…' if pin else ''}", host=host)
        self._tell(StepKind.ZONE, zone=self._zone.name, title=self._zone.title)
        if not user:
            return self._bare()
        domains = self._router.dialing.domains
        is_ours = not host or not domains or host in domains
        return self._look_up(user, host, is_ours, MAX_REWRITES)

    def _look_up(self, user: str, host: str, is_ours: bool, rewrites_left: int) -> Routing:
        """Follow the plan for a user part; ``host`` is where it was dialled, if there."""
        whole = normalise(user, self._zone.habits)
        number, separator, pin = user.partition(PIN_SEPARATOR)
        spelled = normalise(number, self._zone.habits)
        if spelled != number:
            self._tell(StepKind.SPELLING, before=number, after=spelled)
        # Services may be dialled with a star (*88), so the whole is looked up too, last: else a prefix took the PIN.
        spellings = [spelled] if is_ours and spelled else []
        if host and "@" not in spelled:
            spellings.append(f"{spelled}@{host}")
        if is_ours and separator:
            spellings.append(whole)
        match = self._best(spellings)
        if match is not None:
            # What a rule took whole holds no PIN.
            return self._follow(match, "" if match.spelling == whole else pin, rewrites_left)
        self._tell(StepKind.NO_RULE)
        if not is_ours:
            return self._refuse(404, "This server does not answer for that domain")
        if self._router.dialing.menu and spelled in self._router.dialing.access_numbers:
            return self._arrive(MenuDestination(), StepKind.ACCESS)
        for alias in ([f"{spelled}@{host}"] if host and "@" not in spelled else []) + [spelled]:
            if self._router.is_registered(_address(alias)):
                self._tell(StepKind.REGISTERED, alias=alias)
                return self._arrive(AliasDestination(_address(alias)), StepKind.ENDPOINT, value=alias)
        return self._room(spelled.removeprefix("+"), separator, pin)

    def _best(self, spellings: list[str]) -> Match | None:
        """The rule that holds, with what is to be said of the others that fit."""
        best: Match | None = None
        behind = 0
        for match in self._router.plan.matches(spellings):
            rule = match.rule
            words = {"rule": rule.id, "match": rule.match, "kind": rule.kind.value}
            if best is not None:
                behind += 1
                if behind <= MAX_TOLD:
                    self._tell(StepKind.RULE_BEHIND, **words)
            elif not rule.enabled:
                self._tell(StepKind.RULE_OFF, **words)
            elif rule.zones and self._zone.name not in rule.zones:
                self._tell(StepKind.RULE_ELSEWHERE, **words, zones=", ".join(rule.zones))
            else:
                best = match
                self._tell(StepKind.RULE, **words, priority=str(rule.priority))
        return best

    def _follow(self, match: Match, pin: str, rewrites_left: int) -> Routing:
        rule, value = match.rule, match.value
        self._rule = rule.id
        self._is_important = self._is_important or rule.important
        if rule.target is TargetKind.REFUSE:
            return self._refuse(403, value or "Calls to this address are not allowed")
        if rule.target is TargetKind.ACCESS:
            return self._arrive(MenuDestination(), StepKind.ACCESS)
        if rule.target is TargetKind.PERSON:
            return self._arrive(AliasDestination(_address(value), is_person=True), StepKind.PERSON, value=value)
        if rule.target is TargetKind.ENDPOINT:
            return self._arrive(AliasDestination(_address(value)), StepKind.ENDPOINT, value=value)
        if rule.target is TargetKind.ROOM:
            number, separator, given = value.partition(PIN_SEPARATOR)
            return self._room(number, separator or (PIN_SEPARATOR if pin else ""), given or pin)
        self._tell(StepKind.REWRITTEN, value=value.partition(PIN_SEPARATOR)[0])
        if rewrites_left == 0:
            return self._refuse(482, "The number plan leads in a circle")
        user, _, host = value.rpartition("@") if "@" in value else (value, "", "")
        domains = self._router.dialing.domains
        again = user if PIN_SEPARATOR in user or not pin else f"{user}{PIN_SEPARATOR}{pin}"
        return self._look_up(again[:MAX_DIALLED], host, not host or host in domains or not domains, rewrites_left - 1)

    def _bare(self) -> Routing:
        """The server's own address: the room that the settings name, or the menu."""
        self._tell(StepKind.BARE)
        settings = self._router.dialing
        if settings.default_room is not None:
            return self._room(settings.default_room, "", "")
        if settings.menu:
            return self._arrive(MenuDestination(), StepKind.ACCESS)
        return self._refuse(404, "No room was dialled")

    def _room(self, number: str, separator: str, pin: str) -> Routing:
        destination = room_destination(f"{number}{separator}{pin}")
        if isinstance(destination, Refused):
            return self._refuse(destination.status, destination.reason)
        if destination.pin is not None:
            self._tell(StepKind.PIN)
        if destination.number in self._router.plan.important_rooms:
            self._is_important = True
        if self._is_important:
            self._tell(StepKind.IMPORTANT, value=destination.number)
        return self._arrive(destination, StepKind.ROOM, value=destination.number)

    def _refuse(self, status: int, reason: str) -> Routing:
        return self._arrive(Refused(status, reason), StepKind.REFUSED, status=str(status), reason=reason)

    def _arrive(self, destination: Routed, step: StepKind, /, **values: str) -> Routing:
        self._tell(step, **values)
        return Routing(destination, tuple(self._steps), self._is_important, self._rule)

    def _tell(self, step: StepKind, /, **values: str) -> None:
        self._steps.append(Step(step, tuple(values.items())))


def _address(alias: str) -> str:
    """An alias as ``location.Locator`` takes it."""
    return f"sip:{alias}" if "@" in alias and not alias.startswith(("sip:", "sips:")) else alias


def _user_of(uri: SipUri) -> str:
    # A telephone number as user part may carry parameters (RFC 3261 section 19.1.6).
    user, _, _ = uri.user_name.partition(";")
    return user
