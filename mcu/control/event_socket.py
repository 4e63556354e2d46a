"""``GET /events``: one WebSocket of everything that happens, for accounts and for participants."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections import Counter
from typing import Annotated, Any

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web
from pydantic import Field, ValidationError

from mcu.conference import events
from mcu.conference.clock import Clock
from mcu.conference.door.throttle import source_group
from mcu.conference.events import SubscriberTooSlow, Subscription
from mcu.conference.manager import ConferenceManager
from mcu.conference.views import ConferenceView, conference_view
from mcu.control.access import Authority, Identity
from mcu.control.bodies import Body
from mcu.control.event_views import event_message, is_for, kicked, welcome
from mcu.control.notices import Notice, NoticeHub
from mcu.control.overview import all_conferences
from mcu.control.settings import ControlSettings
from mcu.ports import Actor, ActorKind, Operation, Problem, Query

logger = logging.getLogger(__name__)

MAXIMUM_MESSAGE = 1024
"""Bytes of a message from the client; the only one that means anything carries a token."""

_ENDS = frozenset({WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR})

SEND_SECONDS = 10.0
"""A client that takes nothing for so long is gone, whatever TCP thinks."""

MAXIMUM_STRANGERS = 50
"""Sockets from one address that have not said yet who they are: more are not a hospital's, even all at once."""

MAXIMUM_NOTICES = 100
"""Notices that wait for one client."""

LOGGED_OUT = 4401
"""Close code: the login has ended (4000 to 4999 are for applications, RFC 6455 section 7.4.2)."""


class TokenMessage(Body):
    """The client's first message, where neither cookie nor query told who it is."""

    token: Annotated[str, Field(max_length=200, repr=False)]


class _Sender:
    """The task that sends events to one socket for one identity."""

    def __init__(self, sockets: EventSockets, socket: web.WebSocketResponse, identity: Identity) -> None:
        # Subscribed before the state is read: what happens between is told twice rather than never.
        self._subscription = sockets.manager.subscribe()
        welcomed = asyncio.Event()
        self._tasks = [asyncio.create_task(sockets.send_events(socket, identity, self._subscription, welcomed))]
        self._notices: asyncio.Queue[Notice] = asyncio.Queue(MAXIMUM_NOTICES)
        self._end_notices = sockets.notices.listen(self._take) if identity.actor.is_user else None
        if self._end_notices is not None:
            self._tasks.append(asyncio.create_task(sockets.send_notices(socket, self._notices, welcomed)))

    async def stop(self) -> None:
        """Send no more."""
        if self._end_notices is not None:
            self._end_notices()
        self._subscription.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _take(self, notice: Notice) -> None:
        # One that lags behind misses notices, and reads them from the API; it is not worth its conferences' events.
        with contextlib.suppress(asyncio.QueueFull):
            self._notices.put_nowait(notice)


class EventSockets:
    """All open sockets of events."""

    def __init__(
        self,
        manager: ConferenceManager,
        authority: Authority,
        settings: ControlSettings,
        clock: Clock,
        notices: NoticeHub | None = None,
    ) -> None:
        self.notices = notices or NoticeHub()
        self.manager = manager
        self._authority = authority
        self._settings = settings
        self._clock = clock
        self._open: dict[web.WebSocketResponse, Identity] = {}
        self._strangers: Counter[str] = Counter()

    def operations(self) -> list[Operation]:
        """What this class serves."""
        token = Query("token", "token of a login or a participant, where no cookie and no first message carries one")
        return [
            Operation("GET", "/events", self.serve, "WebSocket of events", "public", status=101, tag="events",
                      errors=(401, 403, 426, 503), query=(token,)),
        ]  # fmt: skip

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One socket from its opening to its end."""
        # Messages are short, and a compressor for each of hundreds of sockets is not.
        socket = web.WebSocketResponse(
            heartbeat=self._settings.heartbeat_seconds, max_msg_size=MAXIMUM_MESSAGE, compress=False
        )
        if not socket.can_prepare(request).ok:
            raise Problem(426, "WebSocket needed", "This is a WebSocket; ask for an upgrade.", "websocket_needed")
        if len(self._open) >= self._settings.maximum_event_sockets:
            raise Problem(503, "Too many listeners", "Try again later.", "too_many_listeners", retry_after=10)
        token = request.query.get("token")
        if token is not None:
            identity = await self._authority.identify_token(token, request.remote or "")
            if identity.actor.kind is ActorKind.ANONYMOUS:
                raise Problem(401, "Login needed", "The token is not valid.", "login_needed")
        else:
            identity = await self._authority.identify(request)
        introduced = identity.actor.kind is ActorKind.ANONYMOUS
        if introduced:
            identity = await self._introduce(request, socket)
        else:
            await socket.prepare(request)
        if identity.actor.kind is ActorKind.ANONYMOUS:
            await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"login needed")
            return socket
        self._open[socket] = identity
        try:
            await self._run(socket, identity, None if introduced or token is not None else request.remote or "")
        finally:
            del self._open[socket]
        return socket

    async def _introduce(self, request: web.Request, socket: web.WebSocketResponse) -> Identity:
        """Who the first message says it is; nobody when it says nothing in time. Raises Problem."""
        source = request.remote or ""
        group = source_group(source)
        if self._strangers[group] >= MAXIMUM_STRANGERS:
            raise Problem(503, "Too many listeners", "Try again later.", "too_many_listeners", retry_after=10)
        self._strangers[group] += 1
        try:
            await socket.prepare(request)
            message = await socket.receive(self._settings.first_message_seconds)
        except TimeoutError:
            return Identity(Actor(ActorKind.ANONYMOUS, source=source))
        finally:
            self._strangers[group] -= 1
            if not self._strangers[group]:
                del self._strangers[group]
        return await self._identity_in(message, source)

    async def _identity_in(self, message: WSMessage, source: str) -> Identity:
        """Whom the token in a message belongs to."""
        token = ""
        if message.type is WSMsgType.TEXT:
            try:
                token = TokenMessage.model_validate_json(message.data).token
            except ValidationError:
                token = ""
        return await self._authority.identify_token(token, source)

    async def _run(self, socket: web.WebSocketResponse, identity: Identity, source: str | None) -> None:
        """Send events until either side closes.

        ``source`` is set where a cookie told who it is: a page of a participant whose browser also holds a login
        says so by its first message, and the socket is then the participant's.
        """
        sender = _Sender(self, socket, identity)
        try:
            while True:
                async with asyncio.timeout(self._life(identity)):
                    message = await socket.receive()
                if message.type in _ENDS:
                    return
                if source is None or message.type is not WSMsgType.TEXT:
                    continue  # nothing else that a client says means anything
                identity, source = await self._identity_in(message, source), None
                if identity.actor.kind is ActorKind.ANONYMOUS:
                    await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"login needed")
                    return
                self._open[socket] = identity
                await sender.stop()
                sender = _Sender(self, socket, identity)
        except TimeoutError:
            await socket.close(code=LOGGED_OUT, message=b"login expired")
        finally:
            await sender.stop()

    def _life(self, identity: Identity) -> float | None:
        if identity.session is None:
            return None
        return max(0.0, (identity.session.expires_at - self._clock.wall()).total_seconds())

    async def send_events(
        self, socket: web.WebSocketResponse, identity: Identity, subscription: Subscription, welcomed: asyncio.Event
    ) -> None:
        """Send the state, then events, until there are no more for this client; then close."""
        actor = identity.actor
        own = self.manager.conference_of(actor.id)
        try:
            if own is None and not actor.is_user:
                subscription.close()  # it left between showing its token and now
            visible = await self._visible(actor)
            one = None if actor.is_user else self.manager.participant(actor.id)
            await self._send(socket, welcome(visible, self._clock.wall(), one))
            welcomed.set()
            async for event in subscription:
                if not is_for(event, actor):
                    continue
                if actor.is_user:
                    await self._send(socket, event_message(event))
                elif own is not None and event.conference.id == own.id:
                    await self._send(socket, event_message(event))
                    if isinstance(event, events.ParticipantLeft) and event.participant.id == actor.id:
                        await self._send(socket, kicked(event.reason, event.at))
                        break
            await socket.close(code=WSCloseCode.OK)
        except SubscriberTooSlow:
            await socket.close(code=WSCloseCode.TRY_AGAIN_LATER, message=b"too slow")
        except (ConnectionError, TimeoutError):
            await socket.close(code=WSCloseCode.GOING_AWAY)
        except Exception:
            logger.exception("A socket of events failed")
            await socket.close(code=WSCloseCode.INTERNAL_ERROR)

    async def send_notices(
        self, socket: web.WebSocketResponse, notices: asyncio.Queue[Notice], welcomed: asyncio.Event
    ) -> None:
        """Send notices as they come, once the state was sent, until cancelled, or until the socket is gone."""
        await welcomed.wait()
        with contextlib.suppress(ConnectionError, TimeoutError):  # the sender of events says good-bye
            while True:
                await self._send(socket, dict(await notices.get()))

    async def _send(self, socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
        async with asyncio.timeout(SEND_SECONDS):
            await socket.send_str(json.dumps(message, ensure_ascii=False, separators=(",", ":")))

    async def _visible(self, actor: Actor) -> list[ConferenceView]:
        if actor.is_user:
            return await all_conferences(self.manager)
        conference = self.manager.conference_of(actor.id)
        return [] if conference is None else [conference_view(conference)]

    async def session_ended(self, token_hash: str) -> None:
        """Somebody logged out: close the sockets of that login."""
        for socket, identity in list(self._open.items()):
            if identity.session is not None and identity.session.token_hash == token_hash:
                await socket.close(code=LOGGED_OUT, message=b"logged out")

    async def close(self) -> None:
        """The server stops: say good-bye to all."""
        for socket in list(self._open):
            await socket.close(code=WSCloseCode.GOING_AWAY, message=b"server stopping")
