"""What rooms write by SIP MESSAGE (RFC 3428) goes into the chat of the conference that they are in."""

from __future__ import annotations

import asyncio
import logging

from mcu.conference.commands import CommandRefused, SayInChat
from mcu.conference.manager import ConferenceManager
from mcu.gateway.sip_gateway import SipGateway
from mcu.ports import Actor, ActorKind
from sip.events import Event, MessageReceived
from sip.once import OncePerSource

logger = logging.getLogger(__name__)

MAXIMUM_PENDING = 100
"""Messages that are being posted at once; a flood beyond that is dropped."""


class RoomChat:
    """One for the server. The chat itself bounds the size and rate of what is written."""

    def __init__(self, gateway: SipGateway, manager: ConferenceManager) -> None:
        self._gateway = gateway
        self._manager = manager
        self._tasks: set[asyncio.Task[None]] = set()
        self._dropped = OncePerSource(logger)
        gateway.add_taker(self._take)

    async def close(self) -> None:
        """Give up what is under way."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _take(self, event: Event) -> bool:
        if not isinstance(event, MessageReceived):
            return False
        source = event.source.remote[0]
        writer = self._gateway.calls.writer_of(event)
        if writer is None or len(self._tasks) >= MAXIMUM_PENDING:
            self._dropped.warning(source, "a message of %s is dropped: it is in no conference", source)
            return True
        task = asyncio.create_task(self._post(writer, event.text, source))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def _post(self, participant_id: str, text: str, source: str) -> None:
        conference = self._manager.conference_of(participant_id)
        if conference is None:
            return
        participant = conference.participant(participant_id)
        actor = Actor(ActorKind.PARTICIPANT, participant_id, "" if participant is None else participant.name, source)
        try:
            await self._manager.execute(SayInChat(conference.number, text, participant_id), actor)
        except CommandRefused as refused:
            self._dropped.warning(source, "a message of %s is dropped: %s", source, refused)
