"""A small server that speaks the HTTP API to the pages: no conference behind it, but a real WebRTC peer.

It listens, sends a moving picture to whoever joins, keeps a log of what was asked, and lets a test send any event.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.web_client.fake_server.events import Events
from tests.web_client.fake_server.joining import Joining
from tests.web_client.fake_server.recordings import Recordings
from tests.web_client.fake_server.state import STATE, FakeServer
from tests.web_client.fake_server.steering import Steering
from tests.web_client.fake_server.views import participant

__all__ = ["FakeServer", "participant", "serving"]

ROOT = Path(__file__).parents[3]
WEB_CLIENT = ROOT / "web_client"
FONT = ROOT / "node_modules/@expo-google-fonts/noto-sans-sc/400Regular/NotoSansSC_400Regular.ttf"
HLS = ROOT / "node_modules/hls.js/dist/hls.min.js"
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; media-src 'self' blob:; connect-src 'self' ws: wss:; img-src 'self' data: blob:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
API = "/api/v1"
PAGES = {"/": "index", "/recordings": "recordings", "/control": "control", "/endpoints": "endpoints"}
VENDOR = {"hls.min.js": HLS, "NotoSansSC_400Regular.ttf": FONT}


@web.middleware
async def log(request: web.Request, handler: Any) -> web.StreamResponse:
    state: FakeServer = request.app[STATE]
    if request.path.startswith(API) and not request.path.endswith("/events"):
        body = await request.json() if request.can_read_body else None
        state.requests.append((request.method, request.path.removeprefix(API), body))
    response: web.StreamResponse = await handler(request)
    return response


async def harden(request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"


def application(state: FakeServer) -> web.Application:
    app = web.Application(middlewares=[log])
    app[STATE] = state
    app.on_response_prepare.append(harden)
    for path, page in PAGES.items():
        app.router.add_get(path, _file(WEB_CLIENT / f"{page}.html"))
    for name, file in VENDOR.items():
        app.router.add_get(f"/vendor/{name}", _file(file))
    app.router.add_static("/static/", WEB_CLIENT)
    for part in (Joining(state), Steering(state), Events(state), Recordings(state)):
        for method, path, handler in part.routes():
            app.router.add_route(method, API + path, handler)
    return app


def _file(path: Path) -> Any:
    async def serve(request: web.Request) -> web.StreamResponse:
        return web.FileResponse(path)

    return serve


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
