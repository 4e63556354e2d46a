"""Calls of rooms that give way to important ones: their pictures get another rate while they go on, or they end."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol
from weakref import WeakKeyDictionary

from mcu.conference.manager import ConferenceManager
from mcu.gateway.call_sessions import CallSessions
from mcu.gateway.call_table import CallTable
from mcu.gateway.sip_call import CallSession, SipCall
from mcu.gateway.tasks import Tasks
from mcu.media.spec import LegSpec, VideoSpec
from mcu.ports import MediaError
from sip import events as sip_events
from sip.errors import CallStateError

logger = logging.getLogger(__name__)


class OfferCommands(Protocol):
    """What is said to ``sip.agent.UserAgent``. Raises CallStateError when the call has just ended."""

    def reoffer(self, call: str, sdp: str) -> None: ...


class CallRates:
    """``CallSteering`` for rooms. ``drop``: ends a call, with a text for the room and a reason for the conference."""

    def __init__(
        self,
        commands: OfferCommands,
        manager: ConferenceManager,
        table: CallTable,
        sessions: CallSessions,
        tasks: Tasks,
        drop: Callable[[SipCall, str, str], None],
    ) -> None:
        self._commands = commands
        self._manager = manager
        self._table = table
        self._sessions = sessions
        self._tasks = tasks
        self._drop = drop
        self._whole: WeakKeyDictionary[CallSession, Whole] = WeakKeyDictionary()

    def take(self, event: sip_events.Event) -> bool:
        """A taker for ``SipGateway.add_taker``: what the room says to our offers; others may want to know it too."""
        if isinstance(event, sip_events.ReofferRefused):
            call = self._table.get(event.call)
            if call is not None and call.session is not None:
                call.session.descriptions.awaits_answer = False
        return False

    def set_rate(self, call: str, picture: int) -> bool:
        """What we send comes down at once; what the room sends, when it has answered an offer with the new rate."""
        found = self._table.get(call)
        if found is None or found.session is None:
            return False
        self._tasks.start(self._change(found, picture))
        return True

    def make_way(self, call: str) -> bool:
        """End the call."""
        found = self._table.get(call)
        if found is None:
            return False
        self._drop(found, "The bandwidth is needed for an important call", "made_way")
        return True

    async def _change(self, call: SipCall, picture: int) -> None:
        async with call.turn:
            session = call.session
            if call.over or session is None or session.leg is None:
                return
            whole = self._whole.setdefault(session, whole_of(session.leg))
            leg = limited(session.leg, picture, whole)
            try:
                await (call.holder or self._manager).replace_leg(leg.id, leg)
            except (MediaError, KeyError) as error:
                logger.info("call %s keeps its rate: %s", call.handle, error)
                return
            session.leg = leg
            self._sessions.limit(session, picture)
            if leg.held or session.descriptions.awaits_answer:
                return  # the next offer or answer says it
            offer = session.descriptions.offer()
            try:
                self._commands.reoffer(call.handle, str(offer))
            except CallStateError as error:
                logger.info("call %s is not asked to send less: %s", call.handle, error)
                return
            session.descriptions.sent(offer, is_offer=True)


Whole = tuple[int, int]
"""What a leg's main and second picture may have by themselves, in bit/s, when nobody needs its bandwidth."""


def whole_of(leg: LegSpec) -> Whole:
    """What the pictures of a leg may have now; 0 for one that is not there."""
    return _rate(leg.video), _rate(leg.content)


def limited(leg: LegSpec, picture: int, whole: Whole) -> LegSpec:
    """The leg with pictures of this rate together, in bit/s, and each with no more than it may have by itself."""
    return leg.model_copy(
        update={
            "video": _with_rate(leg.video, min(picture, whole[0])),
            "content": _with_rate(leg.content, min(picture, whole[1])),
            "picture_bitrate": picture,
            "receive_bitrate": picture,
        }
    )


def _rate(spec: VideoSpec | None) -> int:
    return 0 if spec is None else spec.max_bitrate


def _with_rate(spec: VideoSpec | None, rate: int) -> VideoSpec | None:
    return None if spec is None else spec.model_copy(update={"max_bitrate": rate})
