"""A real Firefox: Debian's, headless, driven by WebDriver BiDi; its camera and microphone are made up by itself."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import itertools
import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any, Self

import aiohttp
import numpy as np
from PIL import Image

from tests.peers.chromium import LISTEN, LOOK, Picture

EXECUTABLE = "/usr/bin/firefox-esr"

START_TIMEOUT = 40.0
STOP_TIMEOUT = 5.0
PATIENCE = 60.0

# The made-up camera shows one plain colour that changes all the time; the microphone has a tone of this frequency.
FAKE_FREQUENCY = 1000

PREFERENCES: dict[str, object] = {
    "media.navigator.permission.disabled": True,
    "media.navigator.streams.fake": True,
    "media.navigator.audio.fake_frequency": FAKE_FREQUENCY,
    "media.autoplay.default": 0,
    "media.autoplay.blocking_policy": 0,
    # Addresses as they are, since nobody here resolves names of mDNS; and loopback, where the server is.
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    "media.peerconnection.ice.loopback": True,
    # Sound is played to nowhere; without a device it would not be played at all.
    "media.cubeb.force_mock_context": True,
    # Nothing is fetched from anywhere.
    "media.gmp-manager.updateEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "app.update.enabled": False,
    "browser.safebrowsing.downloads.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
    "remote.active-protocols": 1,
    "intl.accept_languages": "en-US",
}


class FirefoxError(Exception):
    """The browser refused a command, or a script threw; the message is the browser's."""


class Firefox:
    """``async with Firefox() as browser``; ``preferences`` are set besides those of all tests."""

    def __init__(self, preferences: dict[str, object] | None = None) -> None:
        self._preferences = PREFERENCES | (preferences or {})
        self._profile = tempfile.TemporaryDirectory(prefix="firefox-", ignore_cleanup_errors=True)
        self._process: asyncio.subprocess.Process | None = None
        self._session: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._reader: asyncio.Task[None] | None = None
        self._output: asyncio.Task[None] | None = None
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.console: list[str] = []

    async def __aenter__(self) -> Self:
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in self._preferences.items()]
        Path(self._profile.name, "user.js").write_text("\n".join(lines))
        self._process = await asyncio.create_subprocess_exec(
            EXECUTABLE, "--headless", "--no-remote", "--profile", self._profile.name, "--remote-debugging-port", "0",
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(START_TIMEOUT):
                address = await self._address()
                self._output = asyncio.create_task(self._discard_output())
                self._session = aiohttp.ClientSession()
                self._socket = await self._session.ws_connect(f"{address}/session", max_msg_size=0)
                self._reader = asyncio.create_task(self._read(self._socket))
                await self.command("session.new", capabilities={"alwaysMatch": {"acceptInsecureCerts": True}})
                await self.command("session.subscribe", events=["log.entryAdded"])
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._socket is not None:
            with contextlib.suppress(FirefoxError, TimeoutError, ConnectionError):
                async with asyncio.timeout(STOP_TIMEOUT):
                    await self.command("browser.close")
            await self._socket.close()
        if self._session is not None:
            await self._session.close()
        if self._process is not None and self._process.returncode is None:
            try:
                await asyncio.wait_for(self._process.wait(), STOP_TIMEOUT)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        for task in (self._reader, self._output):
            if task is not None:
                task.cancel()
        await asyncio.gather(*(task for task in (self._reader, self._output) if task), return_exceptions=True)
        self._profile.cleanup()

    async def page(self, address: str, *scripts: str) -> FirefoxPage:
        """A fresh page; ``scripts`` run before its own."""
        context: str = (await self.command("browsingContext.create", type="tab"))["context"]
        await self.command("browsingContext.setViewport", context=context, viewport={"width": 1280, "height": 720})
        for script in scripts:
            await self.command(
                "script.addPreloadScript", functionDeclaration=f"() => {{ {script} }}", contexts=[context]
            )
        await self.command("browsingContext.navigate", context=context, url=address, wait="complete")
        return FirefoxPage(self, context)

    async def command(self, method: str, **parameters: object) -> dict[str, Any]:
        """One command of WebDriver BiDi. Raises FirefoxError, TimeoutError."""
        assert self._socket is not None
        number = next(self._numbers)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        async with asyncio.timeout(PATIENCE):
            return await answer

    async def _address(self) -> str:
        assert self._process is not None and self._process.stderr is not None
        while line := (await self._process.stderr.readline()).decode("utf-8", "replace"):
            if found := re.search(r"WebDriver BiDi listening on (ws://\S+)", line):
                return found[1]
        raise FirefoxError("the browser did not start")

    async def _discard_output(self) -> None:
        assert self._process is not None and self._process.stderr is not None
        while await self._process.stderr.read(65536):
            pass

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            data = json.loads(message.data)
            if data["type"] == "event":
                entry = data["params"]
                self.console.append(f"{entry.get('level')}: {entry.get('text')}")
            elif (answer := self._waiting.pop(data.get("id"), None)) is not None and not answer.done():
                if data["type"] == "success":
                    answer.set_result(data["result"])
                else:
                    answer.set_exception(FirefoxError(f"{data['error']}: {data['message']}"))
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(FirefoxError("the browser has gone"))


class FirefoxPage:
    """One tab."""

    def __init__(self, browser: Firefox, context: str) -> None:
        self._browser = browser
        self._context = context

    async def evaluate(self, function: str, *arguments: object) -> Any:
        """Call a JavaScript function, async or not; its result has to be of JSON."""
        wrapped = f"async (text) => JSON.stringify((await ({function})(...JSON.parse(text))) ?? null)"
        answer = await self._browser.command(
            "script.callFunction",
            functionDeclaration=wrapped,
            awaitPromise=True,
            target={"context": self._context},
            arguments=[{"type": "string", "value": json.dumps(arguments)}],
            userActivation=True,
        )
        if answer["type"] == "exception":
            raise FirefoxError(answer["exceptionDetails"]["text"])
        return json.loads(answer["result"]["value"])

    async def click(self, selector: str, seconds: float = 15.0) -> None:
        """Click, once it is there and can be."""
        await self.wait_for(
            "(selector) => { const e = document.querySelector(selector); return e && !e.disabled && !e.hidden; }",
            selector,
            seconds=seconds,
        )
        await self.evaluate("(selector) => document.querySelector(selector).click()", selector)

    async def wait_for(self, function: str, *arguments: object, seconds: float = 15.0) -> None:
        """Until the function gives something true. Raises TimeoutError."""
        loop = "async (...given) => {{ while (!(await ({0})(...given))) await new Promise((d) => setTimeout(d, 50)); }}"
        async with asyncio.timeout(seconds):
            await self.evaluate(loop.format(function), *arguments)

    async def wait_for_picture(self, selector: str = "#remote-video", seconds: float = 20.0) -> None:
        """Until the element shows moving pictures."""
        await self.wait_for(
            "(name) => { const v = document.querySelector(name); return v && v.videoWidth > 0 && v.currentTime > 0; }",
            selector,
            seconds=seconds,
        )

    async def look(self, selector: str = "#remote-video") -> Picture:
        """What a video element shows now, as (height, width, 3) RGB."""
        data = base64.b64decode(await self.evaluate(LOOK, selector))
        return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))

    async def listen(self, frequencies: list[float], seconds: float, selector: str = "#remote-video") -> list[float]:
        """The loudest level in dB (full scale 0) of each frequency that a live media element plays."""
        return list(await self.evaluate(LISTEN, [selector, frequencies, seconds]))


def available() -> bool:
    """Whether the browser is installed."""
    return shutil.which(EXECUTABLE) is not None
