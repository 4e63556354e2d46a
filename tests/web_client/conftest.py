"""A real Chromium on pages that a fake server hands out."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright

from tests.web_client.clip import make_clip, recording
from tests.web_client.fake_server import FakeServer, serving

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
DESKTOP, PHONE, PHONE_LYING = (1280, 760), (390, 844), (844, 390)

# Chromium reports every refused request itself; these are part of the play.
_EXPECTED = re.compile(
    r"the server responded with a status of (401|403|404|409|422|503)|WebSocket connection to .* failed"
    r"|the recording cannot be played"
)

OpenPage = Callable[..., Awaitable[Page]]


@pytest.fixture
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.getbasetemp() / "clip"
    if not folder.exists():
        folder.mkdir()
        make_clip(folder)
    return folder


@pytest_asyncio.fixture(loop_scope="session")
async def server(clip: Path) -> AsyncIterator[FakeServer]:
    state = FakeServer(recording_files=clip)
    state.recordings = [
        recording("r-now", "心内科远程会诊", state="recording", duration=75.0),
        recording("r-board", "Tumour board"),
        recording("r-old", "", number="2000", duration=4000.0, state="interrupted"),
    ]
    async with serving(state):
        yield state


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """One for all tests; each of them has contexts of its own, as fresh as a browser."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(chromium: Browser, server: FakeServer) -> AsyncIterator[OpenPage]:
    """Opens a page; at the end no page may have complained, be it of a script's fault or of the security policy."""
    complaints: list[str] = []
    contexts: list[BrowserContext] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not _EXPECTED.search(message.text):
            complaints.append(message.text)

    async def open_(
        path: str, language: str = "en", size: tuple[int, int] = DESKTOP, script: str | None = None
    ) -> Page:
        context = await chromium.new_context(locale=language, viewport={"width": size[0], "height": size[1]})
        contexts.append(context)
        page = await context.new_page()
        page.set_default_timeout(8000)
        page.on("console", listen)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if script is not None:
            await page.add_init_script(script)
        await page.goto(server.address + path)
        return page

    yield open_
    for context in contexts:
        await context.close()
    assert complaints == []
