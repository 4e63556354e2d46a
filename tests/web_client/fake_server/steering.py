"""Logging in, and what the control page does with conferences, layouts, calls and the number plan."""

from __future__ import annotations

from aiohttp import web

from tests.web_client.fake_server.handlers import Handlers, Route
from tests.web_client.fake_server.problems import problem
from tests.web_client.fake_server.views import layout

GATEKEEPER = "endpoints|call-records|zones|device-classes|number-plan|alarms|topology"


class Steering(Handlers):
    """For who is logged in; chat and layouts also for participants."""

    def routes(self) -> list[Route]:
        return [
            ("*", "/session", self.session),
            ("PUT", "/session/password", self.password),
            ("*", "/conferences", self.conferences),
            ("*", "/conferences/{number}", self.conference),
            ("*", "/conferences/{number}/recording", self.recording),
            ("*", "/conferences/{number}/chat", self.chat),
            ("POST", "/conferences/{number}/calls", self.calls),
            ("GET", "/layouts", self.layouts),
            ("POST", "/layouts", self.own_layout),
            ("DELETE", "/layouts/{name}", self.own_layout),
            ("GET", "/logos", self.logos),
            ("*", r"/{path:(?:" + GATEKEEPER + ")(?:/.*)?}", self.gatekeeper),
        ]

    async def session(self, request: web.Request) -> web.Response:
        if request.method == "POST":
            body = await request.json()
            if body != {"name": "admin", "password": "secret"}:
                raise problem(401, "wrong_credentials")
            self.state.logged_in = True
        elif request.method == "DELETE":
            self.state.logged_in = False
            return web.Response(status=204)
        self.check_user()
        return web.json_response({"name": "admin", "token": "user-token"})

    async def password(self, request: web.Request) -> web.Response:
        self.check_user()
        body = await request.json()
        if body["old_password"] != "secret":
            raise problem(403, "wrong_credentials")
        if len(body["new_password"]) < 8:
            raise problem(422, "weak_password")
        return web.Response(status=204)

    async def conferences(self, request: web.Request) -> web.Response:
        self.check_user()
        if request.method == "POST":
            body = await request.json()
            if body["number"] in self.state.rooms:
                raise problem(409, "number_taken")
            room = self.state.add_room(body["number"], body.get("title") or body["number"], body.get("pin"))
            await self.state.send({"type": "conference_created", "conference": room})
            return web.json_response(room, status=201)
        return web.json_response({"conferences": list(self.state.rooms.values())})

    async def conference(self, request: web.Request) -> web.Response:
        self.check_user()
        room = self.room(request)
        if request.method == "PATCH":
            for name, value in (await request.json()).items():
                room[name] = room[name] | value if isinstance(value, dict) else value
            await self.state.send({"type": "conference_changed", "conference": room})
        elif request.method == "DELETE":
            room.update(active=False, participants=[], recording=None, started_at=None)
            if request.query.get("forget") == "true":
                del self.state.rooms[room["number"]]
            await self.state.send({"type": "conference_ended", "conference": room})
            return web.Response(status=204)
        return web.json_response(room)

    async def recording(self, request: web.Request) -> web.Response:
        self.check_user()
        room = self.room(request)
        starting = request.method == "POST"
        room["recording"] = {"id": "r-new", "state": "recording", "seconds": 0} if starting else None
        kind = "recording_started" if starting else "recording_stopped"
        view = {"id": "r-new", "state": "recording" if starting else "finished", "seconds": 0}
        await self.state.send({"type": kind, "number": room["number"], "recording": view})
        return web.json_response(view, status=201 if starting else 200)

    async def chat(self, request: web.Request) -> web.Response:
        self.room(request)
        if request.method == "GET":
            return web.json_response({"messages": self.state.messages})
        body = await request.json()
        message = {
            "id": f"m{len(self.state.messages)}",
            "at": "2026-01-02T08:00:00Z",
            "participant_id": "p1",
            "name": "Dr. Chen",
            "text": body["text"],
        }
        self.state.messages.append(message)
        return web.json_response(message, status=201)

    async def calls(self, request: web.Request) -> web.Response:
        self.check_user()
        body = await request.json()
        if body["targets"] == ["evil@192.0.2.1"]:
            raise problem(403, "call_not_allowed")
        return web.json_response({"calls": []}, status=201)

    async def layouts(self, request: web.Request) -> web.Response:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in self.state.tokens:
            self.check_user()
        names = ["1", "2", "4", "9", "16", "1+5", "1+7"]
        own = list(self.state.own_layouts.values())
        details = [*(layout(name) for name in names), *own]
        return web.json_response({"layouts": ["auto", *(one["name"] for one in details)], "details": details})

    async def own_layout(self, request: web.Request) -> web.Response:
        self.check_user()
        if request.method == "DELETE":
            del self.state.own_layouts[request.match_info["name"]]
            return web.Response(status=204)
        made = await request.json() | {"custom": True}
        if made["name"] in self.state.own_layouts:
            raise problem(409, "name_taken")
        self.state.own_layouts[made["name"]] = made
        return web.json_response(made, status=201)

    async def logos(self, request: web.Request) -> web.Response:
        self.check_user()
        return web.json_response({"logos": []})

    async def gatekeeper(self, request: web.Request) -> web.Response:
        """Answers that a test has laid out by path; nothing is worked out."""
        self.check_user()
        if request.method == "DELETE":
            return web.Response(status=204)
        if request.method == "PUT":
            if self.state.canned.get("refuses"):
                raise problem(422, "invalid")
            return web.json_response(await request.json())
        return web.json_response(self.state.canned[request.path.removeprefix("/api/v1")])
