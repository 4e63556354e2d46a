"""Recordings: the list, and files that a test has laid out."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from tests.web_client.fake_server.handlers import Handlers, Route
from tests.web_client.fake_server.problems import problem


class Recordings(Handlers):
    """For who is logged in."""

    def routes(self) -> list[Route]:
        return [
            ("GET", "/recordings", self.recordings),
            ("*", "/recordings/{id}", self.recorded),
            ("GET", "/recordings/{id}/{file:.+}", self.recording_file),
        ]

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
