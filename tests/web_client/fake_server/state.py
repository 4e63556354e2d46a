"""What the server knows, and what tests do with it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from aiortc import RTCPeerConnection

from tests.web_client.fake_server.problems import problem
from tests.web_client.fake_server.views import DECORATION, SEATING, participant


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


STATE: web.AppKey[FakeServer] = web.AppKey("state", FakeServer)
