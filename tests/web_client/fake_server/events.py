"""The socket of events."""

from __future__ import annotations

import json

from aiohttp import WSMsgType, web

from tests.web_client.fake_server.handlers import Handlers, Route


class Events(Handlers):
    """Participants hear of their own room, who is logged in of all."""

    def routes(self) -> list[Route]:
        return [
            ("GET", "/events", self.events),
        ]

    async def events(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(heartbeat=10)
        await socket.prepare(request)
        identity: str | None = None
        if not self.state.logged_in:
            first = await socket.receive(timeout=5)
            if first.type is not WSMsgType.TEXT:
                return socket
            identity = self.state.tokens.get(json.loads(first.data)["token"])
            if identity is None:
                await socket.close(code=4401)
                return socket
        rooms = [
            room
            for room in self.state.rooms.values()
            if identity is None or any(person["id"] == identity for person in room["participants"])
        ]
        await socket.send_str(json.dumps({"type": "welcome", "conferences": rooms}))
        self.state.sockets[socket] = identity
        try:
            async for _ in socket:
                pass
        finally:
            self.state.sockets.pop(socket, None)
        return socket
