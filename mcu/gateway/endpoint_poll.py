"""Asks registered endpoints now and then what they are and can do (OPTIONS), for the inventory."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from gatekeeper.inventory import Inventory, Sighting
from gatekeeper.location import Reach
from mcu.conference.clock import Clock
from sip import events as sip_events
from sip.errors import SipParseError
from sip.flow import Flow
from sip.sdp.grammar import SdpError, parse
from sip.uri import SipUri, parse_uri

logger = logging.getLogger(__name__)

PACE = 5.0
"""Seconds between two rounds of questions: thousands of registrations are not gone through every second."""

MAX_OPEN = 50
"""Questions that wait for an answer at once: a house full of devices that are off must not fill the server."""


class AskCommands(Protocol):
    """What is said to ``sip.agent.UserAgent``."""

    def ask_capabilities(
        self,
        target: str,
        from_uri: str,
        via_transport: str = "udp",
        *,
        route: Sequence[str] = (),
        flow: Flow | None = None,
    ) -> str: ...


@dataclass(frozen=True)
class PollSettings:
    """``interval``: seconds after which each is asked again. ``own_address``: (host, port) of ours towards a host."""

    interval: float
    own_address: Callable[[str], tuple[str, int]]


class EndpointPoll:
    """One for the server. ``registered`` gives the ways to all registered endpoints."""

    def __init__(
        self,
        commands: AskCommands,
        inventory: Callable[[], Inventory],
        registered: Callable[[], Sequence[Reach]],
        settings: PollSettings,
        clock: Clock,
    ) -> None:
        self._commands = commands
        self._inventory = inventory
        self._registered = registered
        self._settings = settings
        self._clock = clock
        self._asked: dict[str, float] = {}
        self._open: dict[str, str] = {}

    async def run(self) -> None:
        """Ask, spread over time, until cancelled."""
        while True:
            await asyncio.sleep(PACE)
            self.ask_next()

    def ask_next(self) -> None:
        """Ask those that have not been asked for the longest, as many as keep the pace."""
        now = self._clock.monotonic()
        ways: dict[str, Reach] = {}
        for reach in self._registered():
            ways.setdefault(reach.aor, reach)
        self._asked = {name: time for name, time in self._asked.items() if name in ways}
        due = [
            name for name in ways if now - self._asked.get(name, -self._settings.interval) >= self._settings.interval
        ]
        due.sort(key=lambda name: self._asked.get(name, 0.0))
        share = 1 + int(len(ways) * PACE / self._settings.interval)
        for name in due[: min(share, MAX_OPEN - len(self._open))]:
            self._asked[name] = now
            self._ask(ways[name])

    def take(self, event: sip_events.Event) -> bool:
        """A taker for ``SipGateway.add_taker``: answers to our questions."""
        match event:
            case sip_events.CapabilitiesTold(question=question):
                if (name := self._open.pop(question, None)) is not None:
                    self._told(name, event)
                    return True
            case sip_events.CapabilitiesRefused(question=question):
                # That it does not tell is no fault: its registration says that it is there.
                return self._open.pop(question, None) is not None
        return False

    def _ask(self, way: Reach) -> None:
        try:
            uri = parse_uri(way.contact)
            if not isinstance(uri, SipUri):
                return
            host, port = self._settings.own_address(uri.host)
            question = self._commands.ask_capabilities(
                way.contact, str(SipUri(host, None, port)), uri.transport or "udp", route=way.route, flow=way.flow
            )
        except SipParseError as error:
            logger.debug("%s cannot be asked what it can do: %s", way.aor, error)
            return
        self._open[question] = way.aor

    def _told(self, name: str, told: sip_events.CapabilitiesTold) -> None:
        sighting = Sighting(user_agent=told.product, methods=told.methods, codecs=_codecs(told.description))
        self._inventory().saw(name, sighting, self._clock.wall())


def _codecs(description: str | None) -> tuple[str, ...]:
    """Names of the codecs in a description (RFC 3261 section 11.2), each once; () for one that cannot be read."""
    if description is None:
        return ()
    try:
        media = parse(description).media
    except SdpError:
        return ()
    maps = (
        line.value for each in media for line in each.attributes if line.name == "rtpmap" and line.value is not None
    )
    return tuple(dict.fromkeys(value.partition(" ")[2].partition("/")[0] for value in maps if " " in value))
