"""Which algorithms to offer to whom: both, unless a client is known to give up at a challenge that it does not know.

RFC 8760 has the server send one challenge for each algorithm, and clients pass over those that they do not know. Many
devices made before it do not: they give up at the first SHA-256 (baresip up to version 1 among them). Such a client
comes back later without credentials; from then on, it and its like behind the same address are offered MD5 alone.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TypeVar

from gatekeeper.digest import Algorithm
from gatekeeper.protection import source_group
from sip.flow import Flow

_Value = TypeVar("_Value")

MAXIMUM_REMEMBERED = 10_000
"""Clients that were challenged and have not answered, and those that are known to be simple; oldest forgotten first."""

SIMPLE_AGENTS = ("baresip v0", "baresip v1", "libre/")
"""Beginnings of User-Agents known to give up; spares them the first failure. So does having no User-Agent at all: those
are simple programs, such as SIPp, which ends its whole run at a SHA-256."""


@dataclass(frozen=True)
class Client:
    """Who asks for something, as far as it says: ``call_id`` and ``cseq`` tell one attempt from the next."""

    flow: Flow
    user_agent: str = ""
    call_id: str = ""
    cseq: int = 0
    authorizations: tuple[str, ...] = field(default=(), repr=False)


class Challenging:
    """Chooses algorithms, out of those that the server takes at all (strongest first)."""

    def __init__(self, algorithms: tuple[Algorithm, ...]) -> None:
        self._algorithms = algorithms
        self._waiting: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._simple: OrderedDict[tuple[str, str], None] = OrderedDict()

    def offer(self, client: Client) -> tuple[Algorithm, ...]:
        """What to challenge a client with that has shown no credentials, or none that will do."""
        if Algorithm.MD5 not in self._algorithms or len(self._algorithms) == 1:
            return self._algorithms
        source = source_group(client.flow.remote[0])
        kind = source, client.user_agent
        attempt = source, client.call_id
        if kind in self._simple or not client.user_agent or client.user_agent.startswith(SIMPLE_AGENTS):
            return (Algorithm.MD5,)
        before = self._waiting.pop(attempt, None)
        if before is not None and client.cseq > before and not client.authorizations:
            _remember(self._simple, kind, None)
            return (Algorithm.MD5,)
        if not client.authorizations:
            _remember(self._waiting, attempt, client.cseq)
        return self._algorithms

    def answered(self, client: Client) -> None:
        """The client has understood a challenge: it sent credentials."""
        self._waiting.pop((source_group(client.flow.remote[0]), client.call_id), None)


def _remember(table: OrderedDict[tuple[str, str], _Value], key: tuple[str, str], value: _Value) -> None:
    table[key] = value
    table.move_to_end(key)
    if len(table) > MAXIMUM_REMEMBERED:
        table.popitem(last=False)
