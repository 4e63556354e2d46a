"""Operations on the caller's own session and account."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, Field

from mcu.control.access import MAXIMUM_TOKEN, cookie_name, session_of
from mcu.control.accounts import DEVICE_LIFE, SESSION_LIFE, AccountError, Accounts, Login, LoginRefused
from mcu.control.bodies import Body, json_answer
from mcu.control.passwords import MAXIMUM_LENGTH
from mcu.control.settings import ControlSettings
from mcu.ports import Operation, Problem, body_of

Secret = Annotated[str, Field(max_length=MAXIMUM_LENGTH, repr=False)]


class LoginBody(Body):
    """Name and password of an account."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    password: Secret


class PasswordBody(Body):
    """A change of password."""

    old_password: Secret
    new_password: Secret


class SessionView(BaseModel):
    """Who is logged in, and until when."""

    name: str
    expires_at: datetime


class LoginView(SessionView):
    """A fresh session. ``token`` is for programs (``Authorization: Bearer``); browsers use the cookie set with it."""

    token: str


class SessionOperations:
    """Login, logout, who am I, change of password."""

    def __init__(
        self, accounts: Accounts, settings: ControlSettings, session_ended: Callable[[str], Awaitable[None]]
    ) -> None:
        """``session_ended`` is told the hash of a token that became void."""
        self._accounts = accounts
        self._session_ended = session_ended
        self._cookie = settings.cookie_name
        self._device_cookie = f"{settings.cookie_name}_device"

    def operations(self) -> list[Operation]:
        """What this class serves."""
        tag = "session"
        return [
            Operation("POST", "/session", self.login, "Log in", "public", LoginBody, LoginView, 201, tag, (401, 429)),
            Operation("GET", "/session", self.show, "Who is logged in", response=SessionView, tag=tag),
            Operation("DELETE", "/session", self.logout, "Log out", status=204, tag=tag),
            Operation(
                "PUT", "/session/password", self.change_password, "Change the own password, end all other sessions",
                request=PasswordBody, status=204, tag=tag, errors=(403, 429),
            ),
        ]  # fmt: skip

    async def login(self, request: web.Request) -> web.Response:
        """Check the password, set the cookies, hand out the token."""
        body = body_of(request, LoginBody)
        try:
            login = await self._accounts.login(
                body.name, body.password, request.remote or "", self._device_token(request)
            )
        except LoginRefused as refused:
            raise _problem(refused, 401) from refused
        view = LoginView(name=login.session.account, expires_at=login.session.expires_at, token=login.token)
        response = json_answer(view, 201)
        self._set_cookies(request, response, login)
        return response

    def _device_token(self, request: web.Request) -> str:
        return request.cookies.get(cookie_name(request, self._device_cookie), "")[:MAXIMUM_TOKEN]

    def _set_cookies(self, request: web.Request, response: web.Response, login: Login) -> None:
        for name, value, life in (
            (self._cookie, login.token, SESSION_LIFE),
            (self._device_cookie, login.device_token, DEVICE_LIFE),
        ):
            response.set_cookie(
                cookie_name(request, name),
                value,
                max_age=int(life.total_seconds()),
                path="/",
                httponly=True,
                samesite="Strict",
                secure=request.secure,
            )

    async def show(self, request: web.Request) -> web.Response:
        """The caller's session."""
        session = session_of(request)
        return json_answer(SessionView(name=session.account, expires_at=session.expires_at))

    async def logout(self, request: web.Request) -> web.Response:
        """End the session. The device stays known: it is what keeps guessers from locking its user out."""
        session = session_of(request)
        await self._accounts.logout(session)
        await self._session_ended(session.token_hash)
        response = web.Response(status=204)
        name = cookie_name(request, self._cookie)
        response.del_cookie(name, path="/", httponly=True, samesite="Strict", secure=request.secure)
        return response

    async def change_password(self, request: web.Request) -> web.Response:
        """Another password for the caller's account."""
        body = body_of(request, PasswordBody)
        try:
            ended = await self._accounts.change_password(
                session_of(request), body.old_password, body.new_password, request.remote or ""
            )
        except LoginRefused as refused:
            raise _problem(refused, 403) from refused
        except AccountError as error:
            raise Problem(422, "Password will not do", str(error), "weak_password") from error
        for token_hash in ended:
            await self._session_ended(token_hash)
        return web.Response(status=204)


def _problem(refused: LoginRefused, status: int) -> Problem:
    if refused.retry_after is not None:
        return Problem(
            429, "Too many attempts", str(refused), "too_many_attempts", retry_after=math.ceil(refused.retry_after)
        )
    return Problem(status, "Wrong credentials", str(refused), "wrong_credentials")
