"""A chair without an account: in by the chair's PIN, steering from the call page, of a whole server."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from consilium.simulated_room.room import RoomSettings, SimulatedRoom
from tests.peers.chromium import Chromium, available
from tests.peers.server import ServerProcess

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(not available(), reason="needs chromium")]

ONE = "/conferences/1000"
PIN, CHAIR_PIN = "4711", "815815"
SMALL = {"media.width": 640, "media.height": 360, "media.frame_rate": 10}
PATIENCE = 20.0
PHONE = {"width": 390, "height": 844}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    async with ServerProcess(tmp_path, SMALL) as process:
        await process.login()
        yield process


async def join(browser: Chromium, server: ServerProcess, name: str, pin: str, locale: str = "en-US") -> Page:
    page = await browser.page(locale=locale)
    await page.goto(f"{server.secure_url}/?room=1000")
    await page.fill("#name", name)
    await expect(page.locator("#pin-field")).to_be_visible()
    await page.fill("#pin", pin)
    await page.click("#join-button")
    await expect(page.locator("#call-view")).to_be_visible(timeout=20_000)
    return page


async def keep(page: Page, name: str) -> None:
    """Screenshots for whoever wants to look: where SCREENSHOTS names a folder."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        await page.screenshot(path=f"{folder}/{name}.png")


async def people(server: ServerProcess) -> dict[str, dict[str, Any]]:
    told = await server.api("GET", f"{ONE}/participants")
    return {one["name"]: one for one in told["participants"]}


async def test_a_chair_steers_from_the_call_page_and_others_do_not(server: ServerProcess) -> None:
    await server.api("POST", "/conferences", {"number": "1000", "title": "Board", "pin": PIN, "chair_pin": CHAIR_PIN})
    room = SimulatedRoom(RoomSettings(name="Ward 7", user="ward"), None)
    async with Chromium() as browser:
        chair = await join(browser, server, "Dr. Li", CHAIR_PIN)
        member = await join(browser, server, "Dr. Wang", PIN)
        await room.call(server.sip_uri(f"1000*{PIN}"))
        try:
            await expect(member.locator("#chair-button")).to_be_hidden()
            await chair.click("#chair-button")
            await expect(chair.locator("#participants li")).to_have_count(3)
            await keep(chair, "chair-en")
            there = await people(server)
            assert [there[name]["role"] for name in ("Dr. Li", "Dr. Wang", "Ward 7")] == ["chair", "member", "member"]

            await chair.click(f"#microphone_muted-{there['Ward 7']['id']}")
            await expect(chair.locator(f"#microphone_muted-{there['Ward 7']['id']}")).to_have_attribute(
                "aria-pressed", "true"
            )
            assert (await people(server))["Ward 7"]["muted_by_chair"] == ["microphone"]
            await chair.click("#mute-all-button")
            await expect(chair.locator("#mute-all-button")).to_have_text("Unmute everybody")
            muted = {name for name, one in (await people(server)).items() if one["microphone_muted"]}
            assert muted == {"Dr. Wang", "Ward 7"}
            await chair.click("#mute-all-button")
            await expect(chair.locator("#mute-all-button")).to_have_attribute("aria-pressed", "false")
            await chair.check("#seating-voice", force=True)
            await chair.select_option("#layout-select", "1+5")
            await chair.click("#lock-button")
            await expect(chair.locator("#lock-button")).to_have_attribute("aria-pressed", "true")
            async with asyncio.timeout(PATIENCE):
                while True:
                    view = await server.api("GET", ONE)
                    if (view["layout"], view["seating"]["mode"], view["locked"]) == ("1+5", "voice", True):
                        break
                    await asyncio.sleep(0.1)
            await chair.click("#record-button")
            await expect(member.locator("#recording-sign")).to_be_visible()
            await chair.click("#record-button")
            await expect(member.locator("#recording-sign")).to_be_hidden()

            await chair.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
            await chair.evaluate("document.querySelector('[data-language=zh]').click()")
            await keep(chair, "chair-phone-zh")
            wide = await chair.evaluate("document.querySelector('#chair-dialog').scrollWidth")
            assert wide <= PHONE["width"], "nothing is wider than a phone"

            await chair.click(f"#kick-{there['Ward 7']['id']}")
            await chair.click("#confirm-button")
            await expect(chair.locator("#participants li")).to_have_count(2)

            # Its role is given to somebody else.
            await server.api("PATCH", f"/participants/{there['Dr. Li']['id']}", {"role": "member"})
            await server.api("PATCH", f"/participants/{there['Dr. Wang']['id']}", {"role": "chair"})
            await expect(chair.locator("#chair-dialog")).to_be_hidden()
            await expect(chair.locator("#chair-button")).to_be_hidden()
            await member.click("#chair-button")
            await member.click("#end-button")
            await member.click("#confirm-button")
            await expect(member.locator("#join-view")).to_be_visible()
        finally:
            await room.hang_up()
        assert not [line for line in browser.console if line.startswith("error:")]


async def test_where_only_chairs_have_a_pin_others_need_none_and_hear_as_loud_as_they_like(
    server: ServerProcess,
) -> None:
    await server.api("POST", "/conferences", {"number": "1000", "chair_pin": CHAIR_PIN})
    async with Chromium() as browser:
        member = await join(browser, server, "王医生", "", "zh-CN")
        await expect(member.locator("#chair-button")).to_be_hidden()
        await member.click("#devices-button")
        await member.locator("#own-listen_gain").fill("-6")
        await member.check("#own-music")
        await keep(member, "own-sound-zh")
        async with asyncio.timeout(PATIENCE):
            while not (told := (await people(server))["王医生"])["music"]:
                await asyncio.sleep(0.1)
        assert (told["listen_gain"], told["role"]) == (-6.0, "member")
        page = await browser.page()
        await page.goto(f"{server.secure_url}/?room=1000")
        await page.fill("#name", "Dr. Li")
        await expect(page.locator("#pin-label")).to_contain_text("Chair")
        await keep(page, "join-chair-pin")
        await page.fill("#pin", "0000")
        await page.click("#join-button")
        await expect(page.locator("#join-error")).to_be_visible()
        await page.fill("#pin", CHAIR_PIN)
        await page.click("#join-button")
        await expect(page.locator("#chair-button")).to_be_visible(timeout=20_000)
