"""Offers and answers within a call: hold, resume, new codecs or addresses, and answers to offers of ours."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Awaitable, Callable

from mcu.conference.manager import ConferenceManager
from mcu.gateway.call_endings import CallEndings
from mcu.gateway.call_sessions import CallSessions
from mcu.gateway.call_table import CallTable
from mcu.gateway.sip_call import CallSession, SipCall
from mcu.gateway.sip_commands import SipCommands
from mcu.gateway.sip_replies import refusal_of
from mcu.gateway.tasks import Tasks
from mcu.ports import MediaError
from sip.errors import CallStateError
from sip.sdp.grammar import SdpError
from sip.sdp.negotiation import NotAcceptable
from sip.sdp.session import NegotiatedSession

logger = logging.getLogger(__name__)


class CallChanges:
    """One for the server. Changes of one call are made one after the other."""

    def __init__(
        self,
        commands: SipCommands,
        manager: ConferenceManager,
        table: CallTable,
        sessions: CallSessions,
        endings: CallEndings,
        tasks: Tasks,
    ) -> None:
        self._commands = commands
        self._manager = manager
        self._table = table
        self._sessions = sessions
        self._endings = endings
        self._tasks = tasks

    def confirmed(self, handle: str, answer: str | None) -> None:
        """The peer has answered our offer, or just confirmed."""
        self._in_turn(handle, lambda call, session: self._confirmed(call, session, answer))

    def reoffered(self, handle: str, offer: str | None) -> None:
        """The peer wants something else; without an offer it wants ours."""
        self._in_turn(handle, lambda call, session: self._reoffered(call, session, offer))

    async def _confirmed(self, call: SipCall, session: CallSession, body: str | None) -> None:
        """Only an answer that is waited for changes anything."""
        if not session.descriptions.awaits_answer:
            return
        try:
            if body is not None:
                await self._use(call, session, session.descriptions.take_answer(body))
            elif not session.has_media:
                # RFC 3261 section 13.2.2.4: an offer in a 2xx is answered in the ACK.
                raise SdpError("the ACK brought none")
        except (SdpError, NotAcceptable, MediaError, KeyError) as error:
            if not call.over:
                logger.info("call %s ends: the answer to our offer is of no use: %s", call.handle, error)
                self._endings.hang_up(call, "The answer to our offer was not usable", "media_failed")

    async def _reoffered(self, call: SipCall, session: CallSession, body: str | None) -> None:
        """Hold, resume, new address or codecs (RFC 3261 section 14); the call goes on as it was if we cannot."""
        try:
            self._sessions.ask_for_bandwidth(call.handle, session)
            if body is None:
                offer = session.descriptions.offer()
                self._commands.answer_reoffer(call.handle, str(offer))
                session.descriptions.sent(offer, is_offer=True)
                return
            negotiated = session.descriptions.answer(body)
            await self._use(call, session, negotiated)
            self._commands.answer_reoffer(call.handle, str(negotiated.description))
            session.descriptions.sent(negotiated.description, is_offer=False)
        except (SdpError, NotAcceptable) as error:
            refusal = refusal_of(error)
            self._commands.refuse_reoffer(call.handle, refusal.status, refusal.phrase, refusal.warning)
        except (MediaError, KeyError) as error:
            logger.info("call %s: a new offer could not be followed: %s", call.handle, error)
            self._commands.refuse_reoffer(call.handle, 500, "The media could not be changed")

    async def _use(self, call: SipCall, session: CallSession, negotiated: NegotiatedSession) -> None:
        """Let the leg be as negotiated. A refresh that changes nothing (RFC 4028) stays between us and the peer."""
        leg = session.make_leg(negotiated)
        if leg != session.leg:
            await (call.holder or self._manager).replace_leg(leg.id, leg)
            session.leg = leg

    def _in_turn(self, handle: str, action: Callable[[SipCall, CallSession], Awaitable[None]]) -> None:
        """Change a call's session, one change after the other."""
        call = self._table.get(handle)
        if call is None:
            return

        async def run() -> None:
            async with call.turn:
                if not call.over and call.session is not None:
                    with contextlib.suppress(CallStateError):  # it ended meanwhile; its event is dealt with apart
                        await action(call, call.session)

        self._tasks.start(run())
