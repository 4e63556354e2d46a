"""A Consilium server as users start it: a process of its own, with its own ports and folder."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import signal
import ssl
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from tests.peers.ports import port_block

START_TIMEOUT = 40.0
STOP_TIMEOUT = 20.0


class ServerProcess:
    """``async with ServerProcess(folder) as server`` starts and stops it; ``server.log()`` is what it wrote."""

    def __init__(self, folder: Path, settings: Mapping[str, object] | None = None) -> None:
        ports = port_block(200)
        self.folder = folder
        self.sip_port, self.https_port, self.http_port, self.browser_port = ports[0], ports[1], ports[2], ports[4]
        self.sip_tls_port = ports[3]
        self.settings: dict[str, object] = {
            "data": folder / "data",
            "sip.host": "127.0.0.1",
            "sip.port": self.sip_port,
            "sip.tls_port": self.sip_tls_port,
            "web.host": "127.0.0.1",
            "web.https_port": self.https_port,
            "web.http_port": self.http_port,
            "media.browser_port": self.browser_port,
            "media.rtp_port_first": ports[20],
            "media.rtp_port_last": ports[-1],
            # Whatever machine tests and benchmarks run on, nothing is refused for what it measured of itself.
            "media.capacity_ports": 1000,
        } | dict(settings or {})
        self.password = ""
        self._process: asyncio.subprocess.Process | None = None
        self._log_file = folder / "server.log"
        self._session: aiohttp.ClientSession | None = None

    @property
    def url(self) -> str:
        return f"http://localhost:{self.http_port}"

    @property
    def secure_url(self) -> str:
        return f"https://127.0.0.1:{self.https_port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def worker_pid(self) -> int:
        """The media worker at work: the one that has the port of browsers. Others may wait to take its place."""
        (found,) = (
            child.pid
            for child in psutil.Process(self.pid).children()
            if any(one.laddr.port == self.browser_port for one in child.net_connections(kind="udp"))
        )
        return found

    def sip_uri(self, user: str) -> str:
        return f"sip:{user}@127.0.0.1:{self.sip_port}"

    def log(self) -> str:
        return self._log_file.read_text("utf-8", "replace")

    async def __aenter__(self) -> ServerProcess:
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start and wait until it says that it runs."""
        arguments = [f"--set={name}={value}" for name, value in self.settings.items()]
        with self._log_file.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "consilium", "serve", *arguments,
                stdout=asyncio.subprocess.PIPE, stderr=log, stdin=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
        assert self._process.stdout is not None
        async with asyncio.timeout(START_TIMEOUT):
            while True:
                line = (await self._process.stdout.readline()).decode()
                if not line:
                    raise RuntimeError(f"the server did not start:\n{self.log()}")
                if found := re.search(r"with the password\s+(\S+)", line):
                    self.password = found[1]
                if "Ctrl-C" in line:
                    break

    async def stop(self, number: int = signal.SIGINT) -> int:
        """Stop as Ctrl-C does; returns the exit status."""
        if self._session is not None:
            await self._session.close()
            self._session = None
        if self._process is None:
            return 0
        if self._process.returncode is None:
            self._process.send_signal(number)
            try:
                await asyncio.wait_for(self._process.wait(), STOP_TIMEOUT)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
                raise
        status = self._process.returncode
        self._process = None
        return status or 0

    async def login(self) -> None:
        """Log in as the administrator; later calls of ``api`` use the session."""
        await self.api("POST", "/session", {"name": "admin", "password": self.password}, expect=(200, 201))

    async def api(self, method: str, path: str, body: object = None, expect: tuple[int, ...] = (200, 201, 204)) -> Any:
        """Call the control API; returns the JSON of the answer, or its text."""
        if self._session is None:
            context = ssl.create_default_context(cafile=str(self.folder / "data" / "tls" / "certificate.pem"))
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=context), cookie_jar=aiohttp.CookieJar(unsafe=True)
            )
        async with self._session.request(method, f"{self.secure_url}/api/v1{path}", json=body) as response:
            text = await response.text()
            if response.status not in expect:
                raise AssertionError(f"{method} {path}: {response.status} {text}")
            with contextlib.suppress(json.JSONDecodeError):
                return json.loads(text)
            return text
