"""Rooms that want somebody else in their conference: REFER brings whom they name (RFC 4579 §5.5, RFC 3515)."""

from __future__ import annotations

import contextlib
import logging
from typing import Protocol

from mcu.conference.calls import CallAnswered, CallRequest, TargetRefused
from mcu.conference.manager import ConferenceManager
from mcu.conference.model import Conference
from mcu.gateway.dial_out import DialOut
from mcu.gateway.merging import Move, best_move, merge
from mcu.gateway.sip_gateway import SipGateway
from mcu.gateway.tasks import Tasks
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
        self._tasks = Tasks("transfer")
        gateway.add_taker(self._take)

    async def close(self) -> None:
        """Give up what is under way."""
        await self._tasks.give_up()

    def _take(self, event: sip_events.Event) -> bool:
        if not isinstance(event, sip_events.TransferRequested):
            return False
        with contextlib.suppress(CallStateError):
            self._decide(event)
        return True

    def _decide(self, event: sip_events.TransferRequested) -> None:
        participant = self._gateway.calls.writer_of(event)
        conference = None if participant is None else self._manager.conference_of(participant)
        if participant is None or conference is None:
            self._commands.refuse_transfer(event.transfer, 403)
        elif event.replaces:
            self._join_calls(event, participant, conference)
        else:
            self._bring_in(event, conference)

    def _bring_in(self, event: sip_events.TransferRequested, conference: Conference) -> None:
        """Call whom the room names."""
        target, _, headers = event.target.partition("?")
        try:
            address = self._dial_out.check(target)
        except TargetRefused as refused:
            logger.info("a transfer is refused: %s", refused)
            self._commands.refuse_transfer(event.transfer, 403 if refused.is_policy else 404)
            return
        self._commands.accept_transfer(event.transfer)
        name = event.target_name or address
        self._tasks.start(self._call(event.transfer, target, headers, name, conference))

    def _join_calls(self, event: sip_events.TransferRequested, participant: str, conference: Conference) -> None:
        """A room has two calls with us, and wants the others in them to talk without it (RFC 5589 section 7)."""
        second = self._gateway.calls.participant_in(event.replaces)
        other = None if second is None else self._manager.conference_of(second)
        if second is None or other is None or other.id == conference.id:
            self._commands.refuse_transfer(event.transfer, 403)
        elif (move := best_move(self._gateway.calls, (conference, participant), (other, second))) is None:
            logger.info("conferences %s and %s cannot be made one", conference.number, other.number)
            self._commands.refuse_transfer(event.transfer, 403)
        elif not move.fits(self._manager.settings.maximum_participants):
            logger.info("conferences %s and %s are too large to be made one", conference.number, other.number)
            self._commands.refuse_transfer(event.transfer, 486)
        else:
            self._commands.accept_transfer(event.transfer)
            self._tasks.start(self._merge(event.transfer, move, second))

    async def _merge(self, transfer: str, move: Move, replaced: str) -> None:
        """Make two conferences one, and end the call that is replaced; who asked for it ends the other."""
        if not await merge(move, self._gateway, self._manager):
            self._report(transfer, 480)
            return
        self._report(transfer, 200)
        ended = self._gateway.calls.of_participant(replaced)
        if ended is not None:
            self._gateway.drop(ended, "Another room has taken the place of this call", "left")

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
