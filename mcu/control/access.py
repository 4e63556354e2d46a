"""Who asks, and whether an operation is for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiohttp import web

from mcu.conference.manager import ConferenceManager
from mcu.control.accounts import Accounts, Session
from mcu.ports import Actor, ActorKind, Problem

MAXIMUM_TOKEN = 200
"""Ours have 43 characters; longer ones are not even hashed."""


@dataclass(frozen=True)
class Identity:
    """Who asks, and the session when it is somebody with an account."""

    actor: Actor
    session: Session | None = None


class Authority:
    """Tells from a token who somebody is: a session's (an account) or a participant's."""

    def __init__(self, accounts: Accounts, manager: ConferenceManager, cookie_name: str) -> None:
        self._accounts = accounts
        self._manager = manager
        self._cookie_name = cookie_name

    async def identify(self, request: web.Request) -> Identity:
        """Who sent the request, by bearer token or else by cookie. A wrong token makes nobody."""
        source = request.remote or ""
        header = request.headers.get("Authorization")
        if header is not None:
            scheme, _, token = header.partition(" ")
            return await self.identify_token(token.strip() if scheme.lower() == "bearer" else "", source)
        # A cookie is a session's only: a participant's token never is one.
        session = await self._session(request.cookies.get(cookie_name(request, self._cookie_name), ""))
        return _identity(session, source)

    async def identify_token(self, token: str, source: str) -> Identity:
        """Whose token this is."""
        if not token or len(token) > MAXIMUM_TOKEN:
            return _identity(None, source)
        participant_id = self._manager.tokens.participant_id(token)
        participant = None if participant_id is None else self._manager.participant(participant_id)
        if participant is not None:
            return Identity(
                self._manager.as_chair(Actor(ActorKind.PARTICIPANT, participant.id, participant.name, source))
            )
        return _identity(await self._session(token), source)

    async def _session(self, token: str) -> Session | None:
        if not token or len(token) > MAXIMUM_TOKEN:
            return None
        return await self._accounts.session(token)


def _identity(session: Session | None, source: str) -> Identity:
    if session is None:
        return Identity(Actor(ActorKind.ANONYMOUS, source=source))
    return Identity(Actor(ActorKind.USER, session.account, session.account, source), session)


def cookie_name(request: web.Request, name: str) -> str:
    """The cookie's name as it is kept. Over TLS browsers guard the ``__Host-`` prefix (RFC 6265bis section 4.1.3.2).

    So the two never overwrite each other on a host that is reached with and without TLS.
    """
    return f"__Host-{name}" if request.secure else name


def check_access(access: str, actor: Actor) -> None:
    """Raise the problem of somebody whom an operation is not for."""
    if access == "public" or actor.is_user:
        return
    if actor.kind is not ActorKind.PARTICIPANT:
        raise Problem(401, "Login needed", "Log in, or send a token that is valid.", "login_needed")
    if access != "participant" and not (access == "chair" and actor.chairs):
        raise Problem(403, "Not allowed", "This needs an account; a participant's token is not enough.", "forbidden")


def check_conference(actor: Actor, manager: ConferenceManager, number: str) -> None:
    """A participant sees its own conference only; accounts see all."""
    if actor.is_user:
        return
    conference = manager.conference_of(actor.id)
    if conference is None or conference.number != number.lower():
        raise Problem(403, "Not allowed", "A participant's token is for its own conference only.", "forbidden")


_SESSION: Final = web.RequestKey("session", Session)


def set_session(request: web.Request, session: Session | None) -> None:
    """Note the session on the request."""
    if session is not None:
        request[_SESSION] = session


def session_of(request: web.Request) -> Session:
    """The session of a request to an operation for accounts."""
    session: Session | None = request.get(_SESSION)
    if session is None:
        raise Problem(401, "Login needed", "Log in, or send a token that is valid.", "login_needed")
    return session
