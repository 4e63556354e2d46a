"""Calls of browsers in the gatekeeper's books: counted against the bandwidth of their zone, and recorded."""

from __future__ import annotations

import asyncio
import logging

from mcu.conference.events import ParticipantJoined, ParticipantLeft, SubscriberTooSlow
from mcu.conference.manager import ConferenceManager
from mcu.gateway.call_admission import CallAdmission
from mcu.gateway.call_description import Peer
from mcu.gateway.call_rates import Whole, limited, whole_of
from mcu.gateway.tasks import Tasks
from mcu.media.spec import LegSpec
from mcu.ports import MediaError

logger = logging.getLogger(__name__)


class BrowserCalls:
    """One for the server. A browser's call goes by the id of its participant, and ends when that has left.

    Whoever comes into a conference, browser or room, is told to the books, which then know the room of its call.
    """

    def __init__(self, manager: ConferenceManager, admission: CallAdmission) -> None:
        self._manager = manager
        self._admission = admission
        self._calls: set[str] = set()
        self._in: set[str] = set()
        self._whole: dict[str, Whole] = {}
        self._task: asyncio.Task[None] | None = None
        self._tasks = Tasks("calls of browsers")
        admission.steer_by(self)

    def start(self) -> None:
        """Follow who leaves."""
        self._task = asyncio.create_task(self._follow())

    async def close(self) -> None:
        """Stop following; what has happened by now is still taken."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._tasks.give_up()
        self.look("server_stopping")

    def join(self, participant: str, number: str, peer: Peer) -> int | None:
        """A browser joins: the picture, in bit/s, that it may have; None: any. Raises Refusing."""
        rate = self._admission.join(participant, peer, number)
        self._calls.add(participant)
        return rate

    def join_again(self, participant: str) -> int | None:
        """A browser sets its media up anew: the picture, in bit/s, that it may have; None: any."""
        return self._admission.join_again(participant)

    def negotiated(self, leg: LegSpec) -> None:
        """It is in, with this leg. Nothing for one that has left meanwhile."""
        if leg.id in self._calls:
            self._in.add(leg.id)
            self._whole.pop(leg.id, None)
            self._admission.negotiated(leg.id, leg)
            if self._manager.participant(leg.id) is None:
                self._over(leg.id, "left")

    def failed(self, participant: str) -> None:
        """It did not get in."""
        self._over(participant, "failed")

    # CallSteering

    def set_rate(self, call: str, picture: int) -> bool:
        """What we send comes down at once; what the browser sends, when it hears of it over RTCP (REMB)."""
        participant = self._manager.participant(call) if call in self._in else None
        if participant is None:
            return False
        whole = self._whole.setdefault(call, whole_of(participant.leg))
        self._tasks.start(self._use(limited(participant.leg, picture, whole)))
        return True

    def make_way(self, call: str) -> bool:
        """The page learns why by its WebSocket."""
        if call not in self._calls:
            return False
        self._tasks.start(self._manager.leave(call, "made_way"))
        return True

    async def _use(self, leg: LegSpec) -> None:
        try:
            await self._manager.replace_leg(leg.id, leg)
        except (MediaError, KeyError) as error:
            logger.info("browser %s keeps its rate: %s", leg.id, error)

    def look(self, reason: str = "left") -> None:
        """End the calls of all who are not here any more."""
        for participant in tuple(self._in):
            if self._manager.participant(participant) is None:
                self._over(participant, reason)

    async def _follow(self) -> None:
        while True:
            events = self._manager.subscribe()
            try:
                self.look()
                async for event in events:
                    if isinstance(event, ParticipantLeft):
                        self._over(event.participant.id, event.reason)
                    elif isinstance(event, ParticipantJoined):
                        self._admission.entered(event.participant.id, event.conference.number)
                return
            except SubscriberTooSlow:
                continue
            finally:
                events.close()

    def _over(self, participant: str, reason: str) -> None:
        if participant in self._calls:
            self._calls.discard(participant)
            self._in.discard(participant)
            self._whole.pop(participant, None)
            self._admission.ended(participant, reason)
