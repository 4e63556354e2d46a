"""The server as users start it, for ``bench forward``: one conference, joined over HTTP as the call page does.

Who receives has nothing but a slot: no sound and no composed picture, as Janus's subscribers. What is measured is the
media worker's process.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import psutil

from bench.forward_client import Client
from bench.forward_sdp import answered_server, offer_of
from tests.peers.server import ServerProcess

NUMBER = "1000"
RECEIVERS_AND_MORE = 250


class Conference:
    """``async with Conference() as server``."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._folder = Path(tempfile.mkdtemp(prefix="consilium-bench-"))
        settings = {"rooms.max_participants": RECEIVERS_AND_MORE}
        self._server = ServerProcess(self._folder, settings)
        self._port = self._worker = 0

    @property
    def pid(self) -> int:
        """Of the worker that has the port which the clients send to."""
        if not self._worker:
            workers = psutil.Process(self._server.pid).children(recursive=True)
            self._worker = next(worker.pid for worker in workers if self._port in _udp_ports(worker))
        return self._worker

    async def __aenter__(self) -> Conference:
        try:
            await self._server.start()
            await self._server.login()
            await self._server.api("POST", "/conferences", {"number": NUMBER})
            await self._server.api("PATCH", f"/conferences/{NUMBER}", {"forwarded": True})
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    async def publish(self, client: Client) -> None:
        """Let the client send."""
        await self._join(client, offer_of(client, "sendonly"))

    async def receive(self, client: Client) -> None:
        """Let the client get what is sent."""
        await self._join(client, offer_of(client, "inactive", "inactive", "recvonly"))

    async def _join(self, client: Client, sdp: str) -> None:
        joined: dict[str, Any] = await self._server.api(
            "POST", f"/conferences/{NUMBER}/join", {"name": client.ufrag, "sdp": sdp}
        )
        server = answered_server(joined["sdp"], self._host)
        self._port = server.address[1]
        await client.connect(server)


def _udp_ports(process: psutil.Process) -> set[int]:
    return {connection.laddr.port for connection in process.net_connections("udp") if connection.laddr}
