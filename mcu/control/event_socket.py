"""``GET /events``: one WebSocket of everything that happens, for accounts and for participants."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Annotated, Any

from aiohttp import WSCloseCode, WSMsgType, web
from pydantic import Field, ValidationError

from mcu.conference import events
from mcu.conference.clock import Clock
from mcu.conference.events import SubscriberTooSlow, Subscription
from mcu.conference.manager import ConferenceManager
from mcu.conference.views import ConferenceView, conference_view
from mcu.control.access import Authority, Identity
from mcu.control.bodies import Body
from mcu.control.conference_operations import all_conferences
from mcu.control.event_views import event_message, kicked, welcome
from mcu.control.settings import ControlSettings
from mcu.ports import Actor, ActorKind, Operation, Problem, Query

logger = logging.getLogger(__name__)

MAXIMUM_MESSAGE = 1024
"""Bytes of a message from the client; the only one that means anything carries a token."""

SEND_SECONDS = 10.0
"""A client that takes nothing for so long is gone, whatever TCP thinks."""

LOGGED_OUT = 4401
"""Close code: the login has ended (4000 to 4999 are for applications, RFC 6455 section 7.4.2)."""


class TokenMessage(Body):
    """The client's first message, where neither cookie nor query told who it is."""

    token: Annotated[str, Field(max_length=200, repr=False)]


class EventSockets:
    """All open sockets of events."""

    def __init__(
        self, manager: ConferenceManager, authority: Authority, settings: ControlSettings, clock: Clock
    ) -> None:
        self._manager = manager
        self._authority = authority
        self._settings = settings
        self._clock = clock
        self._open: dict[web.WebSocketResponse, Identity] = {}
        self._waiting = 0

    def operations(self) -> list[Operation]:
        """What this class serves."""
        token = Query("token", "token of a login or a participant, where no cookie and no first message carries one")
        return [
            Operation("GET", "/events", self.serve, "WebSocket of events", "public", status=101, tag="events",
                      errors=(401, 403, 426, 503), query=(token,)),
        ]  # fmt: skip

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One socket from its opening to its end."""
        socket = web.WebSocketResponse(heartbeat=self._settings.heartbeat_seconds, max_msg_size=MAXIMUM_MESSAGE)
        if not socket.can_prepare(request).ok:
            raise Problem(426, "WebSocket needed", "This is a WebSocket; ask for an upgrade.", "websocket_needed")
        if len(self._open) + self._waiting >= self._settings.maximum_event_sockets:
            raise Problem(503, "Too many listeners", "Try again later.", "too_many_listeners", retry_after=10)
        token = request.query.get("token")
        if token is not None:
            identity = await self._authority.identify_token(token, request.remote or "")
            if identity.actor.kind is ActorKind.ANONYMOUS:
                raise Problem(401, "Login needed", "The token is not valid.", "login_needed")
        else:
            identity = await self._authority.identify(request)
        self._waiting += 1
        try:
            await socket.prepare(request)
            if identity.actor.kind is ActorKind.ANONYMOUS:
                identity = await self._introduce(socket, request.remote or "")
        finally:
            self._waiting -= 1
        if identity.actor.kind is ActorKind.ANONYMOUS:
            await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"login needed")
            return socket
        self._open[socket] = identity
        try:
            await self._run(socket, identity)
        finally:
            del self._open[socket]
        return socket

    async def _introduce(self, socket: web.WebSocketResponse, source: str) -> Identity:
        """Who the first message says it is; nobody when it says nothing in time."""
        nobody = Identity(Actor(ActorKind.ANONYMOUS, source=source))
        try:
            message = await socket.receive(self._settings.first_message_seconds)
        except TimeoutError:
            return nobody
        if message.type is not WSMsgType.TEXT:
            return nobody
        try:
            token = TokenMessage.model_validate_json(message.data).token
        except ValidationError:
            return nobody
        return await self._authority.identify_token(token, source)

    async def _run(self, socket: web.WebSocketResponse, identity: Identity) -> None:
        subscription = self._manager.subscribe()
        # Whoever ends first ends the other: the client by closing, we by having nothing more to say.
        sender = asyncio.create_task(self._send_events(socket, identity, subscription))
        try:
            async with asyncio.timeout(self._life(identity)):
                async for _ in socket:
                    pass  # nothing that a client says later means anything
        except TimeoutError:
            await socket.close(code=LOGGED_OUT, message=b"login expired")
        finally:
            subscription.close()
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)

    def _life(self, identity: Identity) -> float | None:
        if identity.session is None:
            return None
        return max(0.0, (identity.session.expires_at - self._clock.wall()).total_seconds())

    async def _send_events(self, socket: web.WebSocketResponse, identity: Identity, subscription: Subscription) -> None:
        """Send the state, then events, until there are no more for this client; then close."""
        actor = identity.actor
        own = self._manager.conference_of(actor.id)
        try:
            if own is None and not actor.is_user:
                subscription.close()  # it left between showing its token and now
            await self._send(socket, welcome(await self._visible(actor), self._clock.wall()))
            async for event in subscription:
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

    async def _send(self, socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
        async with asyncio.timeout(SEND_SECONDS):
            await socket.send_str(json.dumps(message, ensure_ascii=False, separators=(",", ":")))

    async def _visible(self, actor: Actor) -> list[ConferenceView]:
        if actor.is_user:
            return await all_conferences(self._manager)
        conference = self._manager.conference_of(actor.id)
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
