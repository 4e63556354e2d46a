"""What all parts of the API share: whose room it is about, and who may ask."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from tests.web_client.fake_server.problems import problem
from tests.web_client.fake_server.state import FakeServer

Route = tuple[str, str, Callable[[web.Request], Awaitable[web.StreamResponse]]]
"""Method, path below the API's, handler."""


class Handlers:
    def __init__(self, state: FakeServer) -> None:
        self.state = state

    def room(self, request: web.Request) -> dict[str, Any]:
        try:
            return self.state.rooms[request.match_info["number"]]
        except KeyError:
            raise problem(404, "unknown_room") from None

    def check_user(self) -> None:
        if not self.state.logged_in:
            raise problem(401, "unauthorized")

    def check_participant(self, request: web.Request, identity: str) -> None:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.state.tokens.get(token) != identity and not self.state.logged_in:
            raise problem(401, "unauthorized")
