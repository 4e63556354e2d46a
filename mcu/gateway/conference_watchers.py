"""Rooms that show who is in their conference: the event package "conference" (RFC 4575)."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from typing import Protocol

from mcu.conference.calls import CallState, OutgoingCall
from mcu.conference.events import (
    CallChanged,
    ConferenceChanged,
    ConferenceEnded,
    ConferenceEvent,
    ParticipantChanged,
    ParticipantJoined,
    ParticipantLeft,
    SubscriberTooSlow,
)
from mcu.conference.manager import ConferenceManager
from mcu.conference.model import Conference, Participant, ParticipantState
from mcu.gateway.sip_gateway import SipGateway
from mcu.media.spec import AudioSpec, VideoSpec
from sip import events as sip_events
from sip.conference_info import (
    CONFERENCE_INFO,
    CONFERENCE_PACKAGE,
    ConferenceInfo,
    ConferenceUser,
    EndpointStatus,
    MediaDirection,
    UserMedia,
)
from sip.errors import CallStateError
from sip.uri import host_port_to_text

logger = logging.getLogger(__name__)

# What a document would tell; other events, such as who speaks, come far too often.
_TOLD = (CallChanged, ConferenceChanged, ParticipantChanged, ParticipantJoined, ParticipantLeft)

_STATUS = {
    ParticipantState.CONNECTING: EndpointStatus.PENDING,
    ParticipantState.CONNECTED: EndpointStatus.CONNECTED,
    ParticipantState.HELD: EndpointStatus.ON_HOLD,
}
_CALL_STATUS = {CallState.DIALLING: EndpointStatus.DIALING_OUT, CallState.RINGING: EndpointStatus.ALERTING}


class NotifyCommands(Protocol):
    """What is said to ``sip.agent.UserAgent``. All raise CallStateError when the subscription has just ended."""

    def accept_subscription(self, subscription: str, content_type: str, body: bytes) -> None: ...
    def reject_subscription(self, subscription: str, status: int) -> None: ...
    def notify(self, subscription: str, content_type: str, body: bytes) -> None: ...
    def end_subscription(self, subscription: str, reason: str = "noresource") -> None: ...


class ConferenceWatchers:
    """One for the server. Only who is in a conference may see who else is: the list is not for strangers."""

    def __init__(self, commands: NotifyCommands, gateway: SipGateway, manager: ConferenceManager) -> None:
        self._commands = commands
        self._gateway = gateway
        self._manager = manager
        self._versions = itertools.count(1)
        self._watched: dict[str, tuple[str, str]] = {}  # subscription → id of the conference, our host
        self._task: asyncio.Task[None] | None = None
        gateway.add_taker(self._take)

    def start(self) -> None:
        """Follow what happens in conferences."""
        self._task = asyncio.create_task(self._follow())

    async def close(self) -> None:
        """Stop following."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _take(self, event: sip_events.Event) -> bool:
        if isinstance(event, sip_events.SubscriptionEnded):
            return self._watched.pop(event.subscription, None) is not None
        if not isinstance(event, sip_events.SubscriptionRequested) or event.package != CONFERENCE_PACKAGE:
            return False
        conference = self._conference_of(event)
        with contextlib.suppress(CallStateError):  # the subscriber was quicker
            if conference is None:
                self._commands.reject_subscription(event.subscription, 403)
            else:
                host = host_port_to_text(event.source.local[0], event.source.local[1])
                if event.expires:
                    self._watched[event.subscription] = conference.id, host
                self._commands.accept_subscription(
                    event.subscription, CONFERENCE_INFO, self._document(conference, host)
                )
        return True

    def _conference_of(self, event: sip_events.SubscriptionRequested) -> Conference | None:
        """The conference that the subscriber is in: by the call that it asks in, else by the call from its address."""
        participant = self._gateway.calls.writer_of(event)
        return None if participant is None else self._manager.conference_of(participant)

    async def _follow(self) -> None:
        while True:
            events = self._manager.subscribe()
            try:
                for conference in self._manager.conferences():
                    self._notify(conference)
                async for event in events:
                    self._tell(event)
                return
            except SubscriberTooSlow:
                logger.info("watchers of conferences fell behind, and start anew")
            finally:
                events.close()

    def _tell(self, event: ConferenceEvent) -> None:
        if isinstance(event, ConferenceEnded):
            for subscription in self._watching(event.conference):
                del self._watched[subscription]
                with contextlib.suppress(CallStateError):  # it has just ended
                    self._commands.end_subscription(subscription)
        elif isinstance(event, _TOLD):
            self._notify(event.conference)

    def _notify(self, conference: Conference) -> None:
        for subscription in self._watching(conference):
            document = self._document(conference, self._watched[subscription][1])
            with contextlib.suppress(CallStateError):  # it has just ended
                self._commands.notify(subscription, CONFERENCE_INFO, document)

    def _watching(self, conference: Conference) -> list[str]:
        return [subscription for subscription, (watched, _) in self._watched.items() if watched == conference.id]

    def _document(self, conference: Conference, host: str) -> bytes:
        users = [_participant(participant, host) for participant in conference.participants]
        users += [_called(call, host) for call in conference.calls if call.state in _CALL_STATUS]
        entity = f"sip:{conference.number}@{host}"
        return ConferenceInfo(entity, next(self._versions), conference.title, conference.locked, tuple(users)).to_xml()


def _participant(participant: Participant, host: str) -> ConferenceUser:
    streams: tuple[tuple[str, AudioSpec | VideoSpec | None], ...] = (
        ("audio", participant.leg.audio),
        ("video", participant.leg.video),
    )
    media = (
        UserMedia(str(number), kind, _direction(stream))
        for number, (kind, stream) in enumerate(streams, 1)
        if stream is not None
    )
    return ConferenceUser(
        entity=f"sip:{participant.id}@{host}",
        name=participant.name,
        status=_STATUS[participant.state],
        joined_at=participant.joined_at,
        media=tuple(media),
    )


def _called(call: OutgoingCall, host: str) -> ConferenceUser:
    return ConferenceUser(f"sip:{call.id}@{host}", call.name, _CALL_STATUS[call.state], dialed_out=True)


def _direction(stream: AudioSpec | VideoSpec) -> MediaDirection:
    """As the participant sees it: what we send it receives."""
    if stream.send and stream.receive:
        return MediaDirection.BOTH
    if stream.send:
        return MediaDirection.RECEIVE
    return MediaDirection.SEND if stream.receive else MediaDirection.NONE
