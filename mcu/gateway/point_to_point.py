"""One room calls another: both come into a conference of two, which is over when either has left."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from functools import partial
from typing import Protocol

from gatekeeper.dialing import AliasDestination
from mcu.conference.calls import TargetRefused
from mcu.conference.door.joining import JoinRefused
from mcu.conference.manager import ConferenceManager
from mcu.gateway.dial_out import DialOut
from mcu.gateway.ringing import Answered, DialFailed
from mcu.gateway.sip_call import SipCall
from mcu.gateway.sip_gateway import SipGateway
from mcu.gateway.sip_replies import Refusal
from mcu.gateway.tasks import Tasks
from sip.errors import CallStateError, SipParseError
from sip.events import IncomingCall
from sip.uri import SipUri, parse_uri

logger = logging.getLogger(__name__)

NUMBER_PREFIX = "p2p-"
"""Numbers of conferences of two; the rest is random, and they are locked besides."""


class RingCommands(Protocol):
    """What is said to ``sip.agent.UserAgent``; raises CallStateError when the call has just ended."""

    def ring(self, call: str) -> None: ...


class PointToPoint:
    """One for the server: serves calls that lead to somebody who is registered."""

    def __init__(
        self,
        commands: RingCommands,
        gateway: SipGateway,
        manager: ConferenceManager,
        dial_out: DialOut,
        ids: Callable[[], str],
    ) -> None:
        self._commands = commands
        self._gateway = gateway
        self._manager = manager
        self._dial_out = dial_out
        self._ids = ids
        self._tasks = Tasks("point-to-point call")
        gateway.entrance.connect = self.connect

    def connect(self, event: IncomingCall, destination: AliasDestination) -> None:
        """Begin to call whoever is meant; never waits."""
        call = self._gateway.entrance.expect(event)
        task = self._tasks.start(self._connect(call, event, destination.alias))
        # The caller has given up: so do we.
        call.on_over = partial(self._give_up, task)

    async def close(self) -> None:
        """Give up what is under way."""
        await self._tasks.give_up()

    async def _connect(self, call: SipCall, event: IncomingCall, alias: str) -> None:
        try:
            ways = self._dial_out.ways(alias)
            answered = await self._dial_out.ringing.ring(
                ways, _name_of(alias), _user_of(event.from_uri), call.name, lambda: self._ringing(call)
            )
        except TargetRefused as refused:
            self._refuse(call, Refusal(480, str(refused)))
            return
        except DialFailed as failed:
            self._refuse(call, Refusal(failed.status, failed.reason))
            return
        try:
            await self._meet(call, event, answered)
        except (JoinRefused, CallStateError) as error:
            logger.info("call %s: its other side could not come in: %s", call.handle, error)
            self._gateway.drop(call, "The other side could not be connected", "conference_ended")
        finally:
            if not answered.is_in:
                self._gateway.drop(answered.call, "The caller has gone", "refused")

    async def _meet(self, call: SipCall, event: IncomingCall, answered: Answered) -> None:
        """Both are there: the caller is answered, and the conference begins."""
        call.on_over = None  # from now on its end is the conference's
        number, title = f"{NUMBER_PREFIX}{self._ids()}", f"{call.name} – {answered.call.name}"
        caller = await self._gateway.entrance.admit(
            call, event, lambda newcomer: self._manager.begin_pair(number, title, newcomer)
        )
        conference = None if caller is None else self._manager.conference_of(caller.id)
        if conference is None:
            return
        await self._manager.bring_in(conference.id, answered.newcomer(self._gateway))
        answered.is_in = True

    def _give_up(self, task: asyncio.Task[None]) -> None:
        task.cancel()

    def _ringing(self, call: SipCall) -> None:
        with contextlib.suppress(CallStateError):  # it has just been given up
            self._commands.ring(call.handle)

    def _refuse(self, call: SipCall, refusal: Refusal) -> None:
        call.on_over = None
        self._gateway.entrance.turn_away(call, refusal)


def _name_of(alias: str) -> str:
    """What is shown of the called one: ``theatre`` of ``sip:theatre@host`` and of ``theatre@host``."""
    return alias.removeprefix("sips:").removeprefix("sip:").partition("@")[0] or alias


def _user_of(uri: str) -> str | None:
    try:
        parsed = parse_uri(uri)
    except SipParseError:
        return None
    return parsed.user if isinstance(parsed, SipUri) else None
