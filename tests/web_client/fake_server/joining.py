"""Joining, media, and what a participant does with itself."""

from __future__ import annotations

from aiohttp import web
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack

from tests.web_client.fake_server.handlers import Handlers, Route
from tests.web_client.fake_server.picture import MovingPicture
from tests.web_client.fake_server.problems import problem
from tests.web_client.fake_server.views import participant

TOKEN = "participant-token-"


class Joining(Handlers):
    """The way in, and the way out."""

    def routes(self) -> list[Route]:
        return [
            ("GET", "/conferences/{number}/door", self.door),
            ("POST", "/conferences/{number}/join", self.join),
            ("PUT", "/participants/{id}/media", self.media),
            ("PUT", "/participants/{id}/tiles", self.show_tiles),
            ("PATCH", "/participants/{id}", self.change_participant),
            ("DELETE", "/participants/{id}", self.remove_participant),
            ("POST", "/participants/{id}/camera", self.move_camera),
        ]

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
