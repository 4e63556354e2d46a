"""baresip as a mere SIP endpoint: it registers and can be called; no sound, no picture."""

from __future__ import annotations

import asyncio
from pathlib import Path

CONFIGURATION = """
poll_method epoll
sip_listen 127.0.0.1:0
net_interface 127.0.0.1
module_path /usr/lib/baresip/modules
module g711.so
module_tmp account.so
module_app menu.so
"""


class BaresipEndpoint:
    """``async with BaresipEndpoint(...)``: registers at the start, and goes on until it is left.

    ``proxy`` is a SIP URI that everything goes through; with ``answers`` it takes every call.
    """

    def __init__(
        self,
        folder: Path,
        *,
        user: str,
        password: str,
        registrar: str,
        transport: str = "udp",
        life: int = 60,
        proxy: str = "",
        answers: bool = False,
    ) -> None:
        self._folder = folder
        folder.mkdir(parents=True)
        (folder / "config").write_text(CONFIGURATION)
        (folder / "contacts").touch()
        more = f';outbound="{proxy}"' if proxy else ""
        more += ";answermode=auto" if answers else ""
        (folder / "accounts").write_text(
            f"<sip:{user}@{registrar};transport={transport}>;auth_user={user};auth_pass={password};regint={life}{more}\n"
        )
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> BaresipEndpoint:
        with (self._folder / "baresip.log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                "baresip", "-f", str(self._folder),
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=asyncio.subprocess.STDOUT,
            )  # fmt: skip
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), 5)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()

    def log(self) -> str:
        return (self._folder / "baresip.log").read_text("utf-8", "replace")
