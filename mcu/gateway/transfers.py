"""Rooms that want somebody else in their conference: REFER brings whom they name (RFC 4579 §5.5, RFC 3515)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Protocol

from mcu.conference.calls import CallAnswered, CallRequest, TargetRefused
from mcu.conference.manager import ConferenceManager
from mcu.conference.model import Conference
from mcu.gateway.dial_out import DialOut
from mcu.gateway.sip_gateway import SipGateway
from sip import events as sip_events
from sip.errors import CallStateError

logger = logging.getLogger(__name__)


class TransferCommands(Protocol):
    """What is said to ``sip.agent.UserAgent``. All raise CallStateError when nobody waits for it any more."""

    def accept_transfer(self, transfer: str) -> None: ...
    def refuse_transfer(self, transfer: str, status: int = 603) -> None: ...
    def report_transfer(self, transfer: str, status: int, reason: str = "") -> None: ...


class Transfers:
    """One for the server. Who is in a conference may have others called into it, within the policy of calls out.

    A room that hands over its own place, blind or after asking (attended), hangs up by itself when it hears that the
    other one is in.
    """

    def __init__(
        self, commands: TransferCommands, gateway: SipGateway, manager: ConferenceManager, dial_out: DialOut
    ) -> None:
        self._commands = commands
        self._gateway = gateway
        self._manager = manager
        self._dial_out = dial_out
        self._tasks: set[asyncio.Task[None]] = set()
        gateway.add_taker(self._take)

    async def close(self) -> None:
        """Give up what is under way."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _take(self, event: sip_events.Event) -> bool:
        if not isinstance(event, sip_events.TransferRequested):
            return False
        with contextlib.suppress(CallStateError):
            self._decide(event)
        return True

    def _decide(self, event: sip_events.TransferRequested) -> None:
        participant = self._gateway.writer_of(event)
        conference = None if participant is None else self._manager.conference_of(participant)
        if conference is None or conference.pair:
            self._commands.refuse_transfer(event.transfer, 403)
            return
        target, _, headers = event.target.partition("?")
        try:
            address = self._dial_out.check(target)
        except TargetRefused as refused:
            logger.info("a transfer is refused: %s", refused)
            self._commands.refuse_transfer(event.transfer, 403 if refused.is_policy else 404)
            return
        self._commands.accept_transfer(event.transfer)
        name = event.target_name or address
        task = asyncio.create_task(self._call(event.transfer, target, headers, name, conference))
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    async def _call(self, transfer: str, target: str, headers: str, name: str, conference: Conference) -> None:
        request = CallRequest(target, name, conference.number, conference.id, conference.title)
        outcome = await self._dial_out.call(request, lambda: self._report(transfer, 180), headers)
        if isinstance(outcome, CallAnswered):
            self._report(transfer, 200)
        else:
            self._report(transfer, outcome.status or 480, outcome.reason)

    def _report(self, transfer: str, status: int, reason: str = "") -> None:
        with contextlib.suppress(CallStateError):  # who asked does not listen any more
            self._commands.report_transfer(transfer, status, reason)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("transfer", exc_info=error)
