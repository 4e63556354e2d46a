"""Janus as ``bench forward`` compares with it: its videoroom plug-in, driven over its HTTP interface.

Debian's package as it is, with a configuration of its own in a temporary folder: no other plug-ins and transports, no
looking for other addresses, no log of requests.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import aiohttp

from bench.forward_client import Client
from bench.forward_sdp import answer_of, answered_server, offer_of

START_TIMEOUT = 20.0
STOP_TIMEOUT = 10.0
ROOM = 1000
# "nobody": a server that is only measured needs no rights.
UNPRIVILEGED = 65534

_SETTINGS = """
general: {{
    configs_folder = "{folder}"
    debug_level = 2
    log_to_stdout = true
    session_timeout = 0
}}
media: {{
    rtp_port_range = "{first}-{last}"
    ipv6 = false
}}
nat: {{
    ice_lite = true
    ice_enforce_list = "{host}"
    nice_debug = false
}}
plugins: {{
    disable = "{plugins}"
}}
transports: {{
    disable = "{transports}"
}}
"""

_HTTP = """
general: {{
    json = "compact"
    base_path = "/janus"
    http = true
    port = {port}
    ip = "127.0.0.1"
    https = false
}}
admin: {{
    admin_http = false
}}
"""

_VIDEO_ROOM = "general: {\n}\n"


class JanusMissing(Exception):
    """The package is not installed, or does not start."""


class Janus:
    """``async with Janus(folder, host, ports) as janus``: a process of its own. Raises JanusMissing."""

    def __init__(self, folder: Path, host: str, ports: list[int]) -> None:
        self._folder, self._host, self._ports = folder, host, ports
        self._process: subprocess.Popen[bytes] | None = None
        self._http: aiohttp.ClientSession | None = None
        self._url = f"http://127.0.0.1:{ports[0]}/janus"
        self._feed = 0
        self._events: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._poller: asyncio.Task[None] | None = None
        self._publisher_handle = 0

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def __aenter__(self) -> Janus:
        binary = shutil.which("janus")
        if binary is None:
            raise JanusMissing("Debian's package janus is not installed: make tools")
        self._configure()
        self._process = self._start(binary)
        self._http = aiohttp.ClientSession()
        try:
            async with asyncio.timeout(START_TIMEOUT):
                while not await self._answers():
                    if self._process.poll() is not None:
                        raise JanusMissing("Janus does not start:\n" + self._log())
                    await asyncio.sleep(0.1)
            self._url += f"/{(await self._post('', {'janus': 'create'}))['data']['id']}"
            self._poller = asyncio.create_task(self._poll())
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._poller is not None:
            self._poller.cancel()
            await asyncio.wait([self._poller])
        if self._http is not None:
            await self._http.close()
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                await asyncio.to_thread(self._process.wait, STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    async def publish(self, client: Client) -> None:
        """Make the room, and let the client send into it."""
        handle = self._publisher_handle = await self._attach()
        room = {"request": "create", "room": ROOM, "publishers": 1, "videocodec": "h264", "bitrate": 0}
        await self._ask(handle, room)
        await self._ask(handle, {"request": "join", "ptype": "publisher", "room": ROOM, "id": 1})
        offer = {"type": "offer", "sdp": offer_of(client, "sendonly")}
        answer = await self._ask(handle, {"request": "publish"}, offer)
        await client.connect(answered_server(answer["jsep"]["sdp"], self._host))

    async def receive(self, client: Client) -> None:
        """Let the client get what is sent."""
        handle = await self._attach()
        body = {"request": "join", "ptype": "subscriber", "room": ROOM, "streams": [{"feed": 1}]}
        offer = await self._ask_until_fed(handle, body)
        sdp = offer["jsep"]["sdp"]
        await self._ask(handle, {"request": "start"}, {"type": "answer", "sdp": answer_of(client, sdp)})
        await client.connect(answered_server(sdp, self._host))

    async def _ask_until_fed(self, handle: int, body: dict[str, object]) -> dict[str, Any]:
        """Janus knows a publisher only once it has seen the end of its handshake. Raises JanusMissing."""
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            try:
                return await self._ask(handle, body)
            except JanusMissing as error:
                if "No such feed" not in str(error) or time.monotonic() > deadline:
                    raise
            await asyncio.sleep(0.1)

    def _start(self, binary: str) -> subprocess.Popen[bytes]:
        with (self._folder / "janus.log").open("wb") as log:
            return subprocess.Popen(
                [binary, "-F", str(self._folder), "-C", str(self._folder / "janus.jcfg")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                user=UNPRIVILEGED if os.getuid() == 0 else None,
            )

    def _configure(self) -> None:
        plugins = sorted(path.name for path in Path("/usr/lib").glob("*/janus/plugins/*.so"))
        transports = sorted(path.name for path in Path("/usr/lib").glob("*/janus/transports/*.so"))
        self._folder.chmod(0o755)
        settings = _SETTINGS.format(
            folder=self._folder,
            host=self._host,
            first=self._ports[1],
            last=self._ports[-1],
            plugins=",".join(name for name in plugins if name != "libjanus_videoroom.so"),
            transports=",".join(name for name in transports if name != "libjanus_http.so"),
        )
        (self._folder / "janus.jcfg").write_text(settings)
        (self._folder / "janus.transport.http.jcfg").write_text(_HTTP.format(port=self._ports[0]))
        (self._folder / "janus.plugin.videoroom.jcfg").write_text(_VIDEO_ROOM)

    def _log(self) -> str:
        return (self._folder / "janus.log").read_text("utf-8", "replace")[-2000:]

    async def _answers(self) -> bool:
        assert self._http is not None
        try:
            async with self._http.get(f"{self._url}/info") as response:
                return response.status == 200
        except aiohttp.ClientError:
            return False

    async def _attach(self) -> int:
        attached = await self._post("", {"janus": "attach", "plugin": "janus.plugin.videoroom"})
        return int(attached["data"]["id"])

    async def _ask(self, handle: int, body: dict[str, object], jsep: dict[str, str] | None = None) -> dict[str, Any]:
        """A request to the plug-in; its answer comes at once, or as an event. Raises JanusMissing for a refusal."""
        message: dict[str, object] = {"janus": "message", "body": body}
        if jsep is not None:
            message["jsep"] = jsep
        transaction = secrets.token_hex(8)
        event = self._events[transaction] = asyncio.get_running_loop().create_future()
        answer = await self._post(f"/{handle}", message, transaction)
        if answer["janus"] == "ack":
            answer = await asyncio.wait_for(event, START_TIMEOUT)
        del self._events[transaction]
        data = answer.get("plugindata", {}).get("data", {})
        if "error" in data or "error" in answer:
            raise JanusMissing(f"Janus refuses {body['request']}: {data.get('error') or answer['error']}")
        return answer

    async def _post(self, path: str, message: dict[str, object], transaction: str = "") -> dict[str, Any]:
        assert self._http is not None
        message |= {"transaction": transaction or secrets.token_hex(8)}
        async with self._http.post(self._url + path, json=message) as response:
            answer: dict[str, Any] = await response.json(content_type=None)
        if answer["janus"] == "error":
            raise JanusMissing(f"Janus: {answer['error']}")
        return answer

    async def _poll(self) -> None:
        assert self._http is not None
        while True:
            async with self._http.get(self._url, params={"maxev": "10"}) as response:
                events = await response.json(content_type=None)
            for event in events if isinstance(events, list) else [events]:
                waiting = self._events.get(event.get("transaction", ""))
                if waiting is not None and not waiting.done() and event["janus"] == "event":
                    waiting.set_result(event)
