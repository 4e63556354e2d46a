"""Keeps one address from costing, guessing or registering its way through the server, without hurting others. Pure.

Three layers, the cheapest first: messages of a source beyond its rate are dropped unread; wrong passwords are counted
for an account *as tried from one source*, and for all accounts that a source tries; and whoever is known already (a
flow that authenticated, a device whose registration stands) is counted for itself, so that a guesser behind the same
address cannot lock it out. Nothing ever counts against an account as such: that could be used to lock out its owner.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import TypeVar

from gatekeeper.buckets import TokenBuckets
from gatekeeper.networks import Networks
from sip.flow import Flow

_Key = TypeVar("_Key", bound=Hashable)

MAXIMUM_KNOWN = 20_000
"""Flows and proven accounts remembered; the longest unused is forgotten first, and is a stranger again."""


class Traffic(Enum):
    """Kinds of messages with a rate of their own, so that a flood of one leaves the others through."""

    REGISTER = "register"
    """REGISTER, OPTIONS, MESSAGE and whatever else strangers may send that is no call: each is remembered for 32 s."""
    CALL = "call"
    IN_DIALOG = "in_dialog"
    """Belongs to something that was let in before, if it is honest."""


# Messages that a success makes up for. REGISTER: one that is challenged, the same with credentials, and a second copy
# of each. Of calls, the challenged one: the call itself is counted, whoever makes it.
_GIVEN_BACK = {Traffic.REGISTER: 4, Traffic.CALL: 1, Traffic.IN_DIALOG: 0}

_FIRST_WORDS = {
    b"INVITE": Traffic.CALL,
    b"ACK": Traffic.IN_DIALOG,
    b"BYE": Traffic.IN_DIALOG,
    b"CANCEL": Traffic.IN_DIALOG,
    b"PRACK": Traffic.IN_DIALOG,
    b"UPDATE": Traffic.IN_DIALOG,
    b"INFO": Traffic.IN_DIALOG,
    b"NOTIFY": Traffic.IN_DIALOG,
    b"SIP/2.0": Traffic.IN_DIALOG,
}


@dataclass(frozen=True)
class Rate:
    """``burst`` at once, ``second`` per second in the long run."""

    second: float
    burst: float


@dataclass(frozen=True)
class ProtectionSettings:
    """Rates for one source each. What succeeds is given back, so honest traffic of any size is hardly counted.

    ``register``: messages that have not succeeded (a challenge is one). ``call``: INVITEs. ``in_dialog``: everything
    else. ``account_successes``: requests of one account that are given back. ``account_failures``: wrong passwords for
    one account from one source, or of one known device. ``source_failures``: wrong passwords of one source for whatever
    account. ``calls_in_vain``: calls of one source to rooms that do not exist, or with a wrong PIN. ``trusted`` sources
    are not counted at all (a proxy in front of the server, which has its own protection).
    """

    register: Rate = Rate(100, 1000)
    call: Rate = Rate(50, 200)
    in_dialog: Rate = Rate(1000, 3000)
    account_successes: Rate = Rate(0.2, 20)
    account_failures: Rate = Rate(1 / 30, 5)
    source_failures: Rate = Rate(0.5, 60)
    calls_in_vain: Rate = Rate(0.2, 30)
    trusted: Networks = field(default_factory=Networks)


class Protection:
    """The counters of one server. ``now`` is in seconds of any clock that does not jump far."""

    def __init__(self, settings: ProtectionSettings | None = None) -> None:
        self._settings = settings = settings or ProtectionSettings()
        self._rates = {
            Traffic.REGISTER: _buckets(settings.register),
            Traffic.CALL: _buckets(settings.call),
            Traffic.IN_DIALOG: _buckets(settings.in_dialog),
        }
        self._successes = _buckets(settings.account_successes)
        self._account_failures = _buckets(settings.account_failures)
        self._source_failures = _buckets(settings.source_failures)
        self._calls_in_vain = _buckets(settings.calls_in_vain)
        self._known_flows: OrderedDict[Flow, None] = OrderedDict()
        self._proven: OrderedDict[tuple[str, str], None] = OrderedDict()
        self.dropped = 0

    def is_noise(self, data: bytes, flow: Flow, now: float) -> bool:
        """Whether to drop this message unread: its source has used up its rate."""
        if flow.remote[0] in self._settings.trusted:
            return False
        traffic = _FIRST_WORDS.get(data[:9].partition(b" ")[0], Traffic.REGISTER)
        if self._rates[traffic].take(self._rate_key(flow), now):
            return False
        self.dropped += 1
        return True

    def succeeded(self, flow: Flow, traffic: Traffic, account: str, now: float) -> None:
        """A request from there proved to be from this account: what led to it is not counted after all.

        Unless the account does so without end: then its messages count like everybody's.
        """
        _remember(self._known_flows, flow)
        if self._successes.take(account, now):
            for key in (source_group(flow.remote[0]), flow):  # counted there before, and here from now on
                self._rates[traffic].give(key, _GIVEN_BACK[traffic])

    def wait(self, account: str, flow: Flow, device: str, now: float) -> float:
        """Seconds until a password for this account may be tried from there; 0.0 when it may now.

        ``device`` names a device that the account is known to use, which only that device can know; "" for none.
        """
        source = source_group(flow.remote[0])
        wait = self._account_failures.wait(_account_key(account, source, device), now)
        if not device and (account, source) not in self._proven:
            wait = max(wait, self._source_failures.wait(source, now))
        return wait

    def failed(self, account: str, flow: Flow, device: str, now: float) -> None:
        """A wrong password, or an account that does not exist: there is no difference."""
        source = source_group(flow.remote[0])
        self._account_failures.take(_account_key(account, source, device), now)
        if not device:
            self._source_failures.take(source, now)

    def proved(self, account: str, flow: Flow) -> None:
        """The right password for an account came from there."""
        _remember(self._proven, (account, source_group(flow.remote[0])))

    def called_in_vain(self, source: str, now: float) -> None:
        """A call from this address led nowhere: a slip, or somebody who tries numbers."""
        if source not in self._settings.trusted:
            self._calls_in_vain.take(source_group(source), now)

    def tries_numbers(self, source: str, now: float) -> bool:
        """Whether so many calls from this address led nowhere that strangers there must show a password."""
        return self._calls_in_vain.wait(source_group(source), now) > 0

    def forget_flow(self, flow: Flow) -> None:
        """A connection is closed."""
        self._known_flows.pop(flow, None)

    def _rate_key(self, flow: Flow) -> Hashable:
        return flow if flow in self._known_flows else source_group(flow.remote[0])


def _buckets(rate: Rate) -> TokenBuckets:
    return TokenBuckets(rate.second, rate.burst)


def _account_key(account: str, source: str, device: str) -> Hashable:
    return (account, "device", device) if device else (account, source)


def _remember(table: OrderedDict[_Key, None], key: _Key) -> None:
    table[key] = None
    table.move_to_end(key)
    if len(table) > MAXIMUM_KNOWN:
        table.popitem(last=False)


@lru_cache(maxsize=4096)
def source_group(source: str) -> str:
    """The part of an address that one attacker cannot change at will: IPv4 as it is, IPv6 by its /64 (RFC 6177)."""
    try:
        address = ipaddress.ip_address(source.partition("%")[0])
    except ValueError:
        return source[:64]
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
