"""How calls end: their participants leave, their ports come back, and the peer is told where it was not its doing."""

from __future__ import annotations

import contextlib

from mcu.conference.manager import ConferenceManager
from mcu.gateway.call_admission import CallAdmission
from mcu.gateway.call_sessions import CallSessions
from mcu.gateway.call_table import CallTable
from mcu.gateway.sip_call import SipCall
from mcu.gateway.sip_commands import SipCommands
from mcu.gateway.sip_replies import end_reason
from mcu.gateway.tasks import Tasks
from sip.errors import CallStateError


class CallEndings:
    """One for the server."""

    def __init__(
        self,
        commands: SipCommands,
        manager: ConferenceManager,
        table: CallTable,
        sessions: CallSessions,
        tasks: Tasks,
        admission: CallAdmission | None,
    ) -> None:
        self._commands = commands
        self._manager = manager
        self._table = table
        self._sessions = sessions
        self._tasks = tasks
        self._admission = admission

    def ended(self, call: SipCall, reason: str) -> None:
        """The call is over; its participant leaves, and then its ports are free."""
        self._forget(call, reason)
        self._tasks.start(self._leave(call, reason))

    def hang_up(self, call: SipCall, text: str, reason: str) -> None:
        """End a call from our side; ``text`` is what the room is told, ``reason`` what the conference is."""
        if not call.over:
            self.ended(call, reason)
            with contextlib.suppress(CallStateError):  # it has just ended
                self._commands.hang_up(call.handle, text)

    def left(self, call: SipCall, reason: str) -> None:
        """The participant has left its conference, which ends the call: BYE."""
        if not call.over:
            self.give_up(call, reason)
            with contextlib.suppress(CallStateError):  # the room was quicker
                self._commands.hang_up(call.handle, end_reason(reason))

    def give_up(self, call: SipCall, reason: str) -> None:
        """Forget a call that is in no conference, or not any more."""
        self._forget(call, reason)
        self._release(call)

    async def _leave(self, call: SipCall, reason: str) -> None:
        try:
            if call.session is not None:
                await (call.holder or self._manager).leave(call.session.seat.participant_id, reason)
        finally:
            self._release(call)

    def _forget(self, call: SipCall, reason: str) -> None:
        call.over = True
        if call.on_over is not None:
            call.on_over()
        if self._admission is not None:
            self._admission.ended(call.handle, reason)
        self._table.remove(call)

    def _release(self, call: SipCall) -> None:
        if call.session is not None:
            self._sessions.release(call.session)
