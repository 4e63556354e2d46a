"""Kamailio (Debian package) as a peer: an outbound proxy, and an edge for browsers that speak SIP over WebSocket."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from tests.peers.ports import port_block

PROGRAM = "kamailio"
TEMPLATE = Path(__file__).parent / "kamailio" / "kamailio.cfg"
HOST = "127.0.0.1"
START_TIMEOUT = 15.0


class Kamailio:
    """``async with Kamailio(...)`` starts and stops it.

    Requests for ``domain`` go to ``server`` (a SIP URI), all others where their Request-URI says. ``certificate`` and
    ``key`` are its own, ``authority`` the one that it demands of servers; all PEM files.
    """

    def __init__(
        self, folder: Path, *, domain: str, server: str, certificate: Path, key: Path, authority: Path
    ) -> None:
        ports = port_block(10)
        self.port, self.tls_port, self.ws_port = ports[0], ports[1], ports[2]
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        text = TEMPLATE.read_text()
        words: dict[str, object] = {
            "host": HOST,
            "port": self.port,
            "tls_port": self.tls_port,
            "ws_port": self.ws_port,
            "folder": folder,
            "domain": domain,
            "server": server,
            "certificate": certificate,
            "key": key,
            "authority": authority,
        }
        for word, value in words.items():
            text = text.replace(f"{{{word}}}", str(value))
        self._config = folder / "kamailio.cfg"
        self._config.write_text(text)

    def log(self) -> str:
        """What it wrote."""
        return (self._folder / "kamailio.log").read_text("utf-8", "replace")

    async def __aenter__(self) -> Kamailio:
        program = shutil.which(PROGRAM) or shutil.which(PROGRAM, path="/usr/sbin")
        if program is None:
            raise RuntimeError("Kamailio is not installed: apt-get install kamailio")
        with (self._folder / "kamailio.log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                program, "-DD", "-E", "-f", str(self._config), "-Y", str(self._folder), "-m", "64", "-M", "8",
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=asyncio.subprocess.STDOUT,
            )  # fmt: skip
        try:
            async with asyncio.timeout(START_TIMEOUT):
                await self._wait_until_it_listens()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _wait_until_it_listens(self) -> None:
        assert self._process is not None
        while True:
            if self._process.returncode is not None:
                raise RuntimeError(f"Kamailio did not start:\n{self.log()}")
            try:
                _, writer = await asyncio.open_connection(HOST, self.ws_port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return
