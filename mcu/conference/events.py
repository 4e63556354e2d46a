"""What happens in conferences, for whoever wants to know. Each event carries the conference as it is after it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from mcu.conference.calls import OutgoingCall
from mcu.conference.model import Conference, Participant, Recording
from mcu.conference.people.chat import ChatMessage


@dataclass(frozen=True)
class ConferenceEvent:
    """Something happened in ``conference`` at ``at`` (UTC)."""

    at: datetime
    conference: Conference


@dataclass(frozen=True)
class ConferenceCreated(ConferenceEvent):
    """The conference began; nobody is in it yet."""


@dataclass(frozen=True)
class ConferenceChanged(ConferenceEvent):
    """Its title, PIN, lock or layout changed."""


@dataclass(frozen=True)
class ConferenceEnded(ConferenceEvent):
    """It is over, everybody has left, recordings are closed."""

    reason: str


@dataclass(frozen=True)
class ParticipantJoined(ConferenceEvent):
    """Somebody is in, with media bound."""

    participant: Participant


@dataclass(frozen=True)
class ParticipantChanged(ConferenceEvent):
    """A name, a mute, or the state of the media changed."""

    participant: Participant


@dataclass(frozen=True)
class ParticipantLeft(ConferenceEvent):
    """Somebody is out. ``removed``: not by their own will."""

    participant: Participant
    reason: str
    removed: bool


@dataclass(frozen=True)
class SpeakerChanged(ConferenceEvent):
    """Somebody else speaks now, or nobody (None)."""

    participant_id: str | None


@dataclass(frozen=True)
class SlotsChanged(ConferenceEvent):
    """The participant's slots show others now: see its ``slots``. Of interest to itself alone."""

    participant: Participant


@dataclass(frozen=True)
class RecordingStarted(ConferenceEvent):
    """A recording was begun."""

    recording: Recording


@dataclass(frozen=True)
class RecordingProgress(ConferenceEvent):
    """More of the recording is safe on disk."""

    recording: Recording


@dataclass(frozen=True)
class RecordingStopped(ConferenceEvent):
    """The recording was closed as wished."""

    recording: Recording


@dataclass(frozen=True)
class RecordingFailed(ConferenceEvent):
    """The recording could not go on; what was written stays."""

    recording: Recording
    reason: str


@dataclass(frozen=True)
class FloorChanged(ConferenceEvent):
    """Somebody else shares now, or nobody, or the queue changed: see the conference's ``floor``.

    ``revoked_id`` is who lost the floor against their will.
    """

    revoked_id: str | None = None


@dataclass(frozen=True)
class CallChanged(ConferenceEvent):
    """A call out was begun, rings, waits for its next try, or is over: its ``state`` tells."""

    call: OutgoingCall


@dataclass(frozen=True)
class ChatPosted(ConferenceEvent):
    """Somebody wrote a message."""

    message: ChatMessage


@dataclass(frozen=True)
class MediaRestarted(ConferenceEvent):
    """A new media worker took over; browsers renegotiate, rooms need nothing."""


class SubscriberTooSlow(Exception):
    """The subscriber fell too far behind and was cut off; it starts anew from the current state."""


class Subscription(AsyncIterator[ConferenceEvent]):
    """The events for one subscriber, in order. Iterating raises SubscriberTooSlow once the backlog was too long."""

    def __init__(self, hub: EventHub, backlog: int) -> None:
        self._hub = hub
        # One place more than events may use: the end of the subscription always fits.
        self._queue: asyncio.Queue[ConferenceEvent | None] = asyncio.Queue(backlog + 1)
        self._backlog = backlog
        self._overrun = False
        self._closed = False

    def _offer(self, event: ConferenceEvent) -> None:
        if self._queue.qsize() >= self._backlog:
            self._overrun = True
            self.close()
        else:
            self._queue.put_nowait(event)

    async def __anext__(self) -> ConferenceEvent:
        event = None if self._overrun else await self._queue.get()
        if event is not None and not self._overrun:
            return event
        if self._overrun:
            raise SubscriberTooSlow
        raise StopAsyncIteration

    def close(self) -> None:
        """Get no more events; what waits already is still handed out. May be called again."""
        if not self._closed:
            self._closed = True
            self._hub.forget(self)
            self._queue.put_nowait(None)


class EventHub:
    """Hands every event to every subscriber, never waiting for any."""

    def __init__(self, backlog: int) -> None:
        self._backlog = backlog
        self._subscriptions: set[Subscription] = set()

    def subscribe(self) -> Subscription:
        """A new subscription, from now on."""
        subscription = Subscription(self, self._backlog)
        self._subscriptions.add(subscription)
        return subscription

    def forget(self, subscription: Subscription) -> None:
        """Called by a subscription that closes."""
        self._subscriptions.discard(subscription)

    def publish(self, event: ConferenceEvent) -> None:
        """Hand the event to all; whoever lags too far behind is cut off."""
        for subscription in tuple(self._subscriptions):
            subscription._offer(event)

    def close(self) -> None:
        """End all subscriptions."""
        for subscription in tuple(self._subscriptions):
            subscription.close()
