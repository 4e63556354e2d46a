"""A small server that speaks the HTTP API to the pages: no conference behind it, but a real WebRTC peer.

It listens, sends a moving picture to whoever joins, keeps a log of what was asked, and lets a test send any event.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np
from aiohttp import WSMsgType, web
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack

ROOT = Path(__file__).parents[2]
WEB_CLIENT = ROOT / "web_client"
FONT = ROOT / "node_modules/@expo-google-fonts/noto-sans-sc/400Regular/NotoSansSC_400Regular.ttf"
HLS = ROOT / "node_modules/hls.js/dist/hls.min.js"
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; media-src 'self' blob:; connect-src 'self' ws: wss:; img-src 'self' data: blob:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
TOKEN = "participant-token-"


class MovingPicture(VideoStreamTrack):
    """Four coloured tiles with a line that moves: a test can tell live from frozen, and one server from another."""

    width, height = 640, 360

    def __init__(self, tint: int = 0) -> None:
        super().__init__()
        self.tint = tint
        self.count = 0

    async def recv(self) -> av.VideoFrame:
        pts, time_base = await self.next_timestamp()
        picture = np.zeros((self.height, self.width, 3), np.uint8)
        half_w, half_h = self.width // 2, self.height // 2
        picture[:half_h, :half_w] = (24, 90, 96 + self.tint)
        picture[:half_h, half_w:] = (110, 70, 40 + self.tint)
        picture[half_h:, :half_w] = (52, 60, 110)
        picture[half_h:, half_w:] = (40, 100, 60)
        x = self.count * 4 % (self.width - 8)
        picture[:, x : x + 8] = 235
        self.count += 1
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts, frame.time_base = pts, time_base
        return frame


def participant(identity: str, name: str, **changes: Any) -> dict[str, Any]:
    view = {
        "id": identity,
        "name": name,
        "kind": "browser",
        "microphone_muted": False,
        "speaker_muted": False,
        "camera_muted": False,
        "has_audio": True,
        "has_video": True,
        "speaking": False,
        "joined_at": "2026-01-02T08:00:00Z",
        "state": "connected",
        "layout": None,
        "watch": None,
        "camera_control": False,
        "camera_presets": None,
        "role": "member",
        "pin": None,
        "hidden": False,
        "gain": 0.0,
        "listen_gain": 0.0,
        "music": False,
        "muted_by_chair": [],
        "hide_self": False,
        "forwarded": None,
        "has_slots": True,
        "forwarded_sound": None,
        "has_voices": True,
        "seating": None,
        "content_choice": "auto",
    }
    return {**view, **changes}


SEATING = {
    "mode": "order",
    "switch_after": 1.0,
    "hold": 3.0,
    "interval": 10.0,
    "lecturer": None,
    "pins": {},
    "show_without_video": True,
}
DECORATION = {
    "names": True,
    "signs": True,
    "speaker_frame": True,
    "banner": "",
    "caption": "",
    "scroll": True,
    "watermark": "",
    "logo": None,
    "logo_corner": "top_right",
    "clock": False,
    "clock_corner": "top_left",
    "time_zone": None,
    "fill": "fit",
}
GRIDS = {"1": 1, "2": 2, "4": 2, "9": 3, "16": 4}


def layout(name: str) -> dict[str, Any]:
    """What a layout looks like, roughly: as many columns as it needs."""
    side = GRIDS.get(name, 3)
    cells = [
        {"left": column / side, "top": row / side, "width": 1 / side, "height": 1 / side}
        for row in range(side)
        for column in range(side)
    ]
    return {"name": name, "custom": False, "cells": cells}


@dataclass
class FakeServer:
    """State of the one fake; tests read and change it freely."""

    rooms: dict[str, dict[str, Any]] = field(default_factory=dict)
    pins: dict[str, str] = field(default_factory=dict)
    own_layouts: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    sockets: dict[web.WebSocketResponse, str | None] = field(default_factory=dict)
    peers: dict[str, RTCPeerConnection] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    recordings: list[dict[str, Any]] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    recording_files: Path | None = None
    canned: dict[str, Any] = field(default_factory=dict)
    logged_in: bool = False
    refuse_media: int = 0
    joined: int = 0
    address: str = ""

    def __post_init__(self) -> None:
        self.add_room("1000", "心内科远程会诊")
        self.rooms["1000"]["participants"] = [
            participant("p-room", "协和医院会诊室 301", kind="sip"),
            participant("p-doctor", "Dr. Elisabeth Sommer-Hartmann", microphone_muted=True),
        ]
        self.add_room("2000", "Tumour board", pin="4711")

    def add_room(self, number: str, title: str, pin: str | None = None) -> dict[str, Any]:
        room: dict[str, Any] = {
            "number": number,
            "title": title,
            "active": False,
            "permanent": True,
            "locked": False,
            "layout": "auto",
            "seating": dict(SEATING),
            "decoration": dict(DECORATION),
            "processing": {"level": False, "denoise": False, "tones": False},
            "pin_required": pin is not None,
            "participants": [],
            "recording": None,
            "started_at": None,
        }
        if pin is not None:
            self.pins[number] = pin
        self.rooms[number] = room
        return room

    # --- what tests ask

    def asked(self, method: str, start: str = "") -> list[Any]:
        """The bodies of all requests of this method whose path starts so."""
        return [body for seen, path, body in self.requests if seen == method and path.startswith(start)]

    async def send(self, event: dict[str, Any]) -> None:
        for socket in list(self.sockets):
            await socket.send_str(json.dumps({"at": "2026-01-02T08:00:00Z", **event}))

    async def change(self, identity: str, **changes: Any) -> None:
        room, person = self.find(identity)
        person.update(changes)
        await self.send({"type": "participant_changed", "number": room["number"], "participant": person})

    def find(self, identity: str) -> tuple[dict[str, Any], dict[str, Any]]:
        for room in self.rooms.values():
            for person in room["participants"]:
                if person["id"] == identity:
                    return room, person
        raise problem(404, "not_found")

    async def forget_everybody(self) -> None:
        """As after a restart: no participant, no token, every socket cut, every peer dead."""
        self.tokens.clear()
        for room in self.rooms.values():
            room["participants"] = []
        await self.cut()

    async def cut(self) -> None:
        for socket in list(self.sockets):
            await socket.close(code=1012)
        await self.stop_media()

    async def stop_media(self) -> None:
        for peer in self.peers.values():
            await peer.close()
        self.peers.clear()


GATEKEEPER = "endpoints|call-records|zones|device-classes|number-plan|alarms|topology"


def problem(status: int, code: str) -> web.HTTPException:
    kinds: dict[int, type[web.HTTPException]] = {
        401: web.HTTPUnauthorized,
        403: web.HTTPForbidden,
        404: web.HTTPNotFound,
        409: web.HTTPConflict,
        422: web.HTTPUnprocessableEntity,
        503: web.HTTPServiceUnavailable,
    }
    body = json.dumps({"type": "about:blank", "title": code, "status": status, "code": code, "detail": code})
    return kinds[status](text=body, content_type="application/problem+json")


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

    # --- joining

    async def door(self, request: web.Request) -> web.Response:
        number = request.match_info["number"]
        exists = number in self.state.rooms
        return web.json_response({"number": number, "exists": exists, "pin_required": number in self.state.pins})

    async def join(self, request: web.Request) -> web.Response:
        room = self.room(request)
        body = await request.json()
        if self.state.pins.get(room["number"]) != body.get("pin"):
            raise problem(403, "wrong_pin")
        self.state.joined += 1
        person = participant(f"p-{self.state.joined}", body["name"])
        token = TOKEN + person["id"]
        self.state.tokens[token] = person["id"]
        sdp = await self.answer(person["id"], body["sdp"])
        room["participants"].append(person)
        room["active"] = True
        room["started_at"] = "2026-01-02T08:00:00Z"
        await self.state.send({"type": "participant_joined", "number": room["number"], "participant": person})
        answer = {"participant": person, "token": token, "sdp": sdp, "conference": room}
        return web.json_response(answer, status=201)

    async def media(self, request: web.Request) -> web.Response:
        identity = request.match_info["id"]
        self.check_participant(request, identity)
        self.state.find(identity)
        if self.state.refuse_media > 0:
            self.state.refuse_media -= 1
            raise problem(503, "unavailable")
        body = await request.json()
        return web.json_response({"sdp": await self.answer(identity, body["sdp"])})

    async def answer(self, identity: str, offer: str) -> str:
        peer = RTCPeerConnection()
        old = self.state.peers.pop(identity, None)
        if old is not None:
            await old.close()
        self.state.peers[identity] = peer
        peer.addTrack(AudioStreamTrack())
        peer.addTrack(MovingPicture(tint=20 * len(self.state.asked("PUT", f"/participants/{identity}/media"))))
        await peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await peer.setLocalDescription(await peer.createAnswer())
        return peer.localDescription.sdp

    async def show_tiles(self, request: web.Request) -> web.Response:
        self.check_participant(request, request.match_info["id"])
        return web.Response(status=204)

    async def change_participant(self, request: web.Request) -> web.Response:
        identity = request.match_info["id"]
        self.check_participant(request, identity)
        changes = await request.json()
        await self.state.change(identity, **({"watch": None} if "layout" in changes else {}) | changes)
        return web.json_response(self.state.find(identity)[1])

    async def move_camera(self, request: web.Request) -> web.Response:
        self.check_participant(request, request.match_info["id"])
        await request.json()
        return web.Response(status=204)

    async def remove_participant(self, request: web.Request) -> web.Response:
        identity = request.match_info["id"]
        self.check_participant(request, identity)
        room, person = self.state.find(identity)
        room["participants"] = [other for other in room["participants"] if other is not person]
        await self.state.send({"type": "participant_left", "number": room["number"], "participant": person})
        return web.Response(status=204)

    # --- login and steering

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

    # --- number plan, zones, endpoints

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

    # --- recordings

    async def recordings(self, request: web.Request) -> web.Response:
        self.check_user()
        return web.json_response({"recordings": self.state.recordings})

    async def recorded(self, request: web.Request) -> web.StreamResponse:
        self.check_user()
        identity = request.match_info["id"]
        found = next((entry for entry in self.state.recordings if entry["id"] == identity), None)
        if found is None:
            raise problem(404, "unknown_recording")
        if request.method == "DELETE":
            self.state.recordings.remove(found)
            return web.Response(status=204)
        return web.json_response(found)

    async def recording_file(self, request: web.Request) -> web.StreamResponse:
        self.check_user()
        if self.state.recording_files is None:
            raise problem(404, "unknown_recording")
        path = self.state.recording_files / Path(request.match_info["file"]).name
        if not path.is_file():
            raise problem(404, "unknown_recording")
        return web.FileResponse(path)

    # --- events

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


@web.middleware
async def log(request: web.Request, handler: Any) -> web.StreamResponse:
    state: FakeServer = request.app[STATE]
    if request.path.startswith("/api/v1") and not request.path.endswith("/events"):
        body = await request.json() if request.can_read_body else None
        state.requests.append((request.method, request.path.removeprefix("/api/v1"), body))
    response: web.StreamResponse = await handler(request)
    return response


async def harden(request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"


STATE: web.AppKey[FakeServer] = web.AppKey("state", FakeServer)


def application(state: FakeServer) -> web.Application:
    app = web.Application(middlewares=[log])
    app[STATE] = state
    app.on_response_prepare.append(harden)
    handlers = Handlers(state)

    def page(name: str) -> Any:
        async def serve(request: web.Request) -> web.StreamResponse:
            return web.FileResponse(WEB_CLIENT / name)

        return serve

    def vendor(path: Path) -> Any:
        async def serve(request: web.Request) -> web.StreamResponse:
            return web.FileResponse(path)

        return serve

    app.router.add_get("/", page("index.html"))
    app.router.add_get("/recordings", page("recordings.html"))
    app.router.add_get("/control", page("control.html"))
    app.router.add_get("/endpoints", page("endpoints.html"))
    app.router.add_static("/static/", WEB_CLIENT)
    app.router.add_get("/vendor/hls.min.js", vendor(HLS))
    app.router.add_get("/vendor/NotoSansSC_400Regular.ttf", vendor(FONT))
    api = "/api/v1"
    for method, path, handler in (
        ("GET", "/conferences/{number}/door", handlers.door),
        ("POST", "/conferences/{number}/join", handlers.join),
        ("PUT", "/participants/{id}/media", handlers.media),
        ("PUT", "/participants/{id}/tiles", handlers.show_tiles),
        ("PATCH", "/participants/{id}", handlers.change_participant),
        ("DELETE", "/participants/{id}", handlers.remove_participant),
        ("POST", "/participants/{id}/camera", handlers.move_camera),
        ("*", "/session", handlers.session),
        ("PUT", "/session/password", handlers.password),
        ("*", "/conferences", handlers.conferences),
        ("*", "/conferences/{number}", handlers.conference),
        ("*", "/conferences/{number}/recording", handlers.recording),
        ("*", "/conferences/{number}/chat", handlers.chat),
        ("POST", "/conferences/{number}/calls", handlers.calls),
        ("GET", "/layouts", handlers.layouts),
        ("POST", "/layouts", handlers.own_layout),
        ("DELETE", "/layouts/{name}", handlers.own_layout),
        ("GET", "/logos", handlers.logos),
        (
            "*",
            r"/{path:(?:endpoints|call-records|zones|device-classes|number-plan|alarms|topology)(?:/.*)?}",
            handlers.gatekeeper,
        ),
        ("GET", "/events", handlers.events),
        ("GET", "/recordings", handlers.recordings),
        ("*", "/recordings/{id}", handlers.recorded),
        ("GET", "/recordings/{id}/{file:.+}", handlers.recording_file),
    ):
        app.router.add_route(method, api + path, handler)
    return app


@asynccontextmanager
async def serving(state: FakeServer, port: int = 0) -> AsyncIterator[FakeServer]:
    runner = web.AppRunner(application(state), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    state.address = f"http://localhost:{runner.addresses[0][1]}"
    try:
        yield state
    finally:
        await state.cut()
        await runner.cleanup()
        await asyncio.sleep(0)
