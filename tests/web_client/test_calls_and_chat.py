"""The chat panel of a call, and the calls of the control page."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Page

from tests.web_client.conftest import OpenPage
from tests.web_client.fake_server import FakeServer

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

MESSAGE = {
    "id": "m-room",
    "at": "2026-01-02T08:00:00Z",
    "participant_id": "p-room",
    "name": "协和医院会诊室 301",
    "text": "<img src=x onerror=alert(1)>\n第二行",
}


async def join(open_page: OpenPage) -> Page:
    page = await open_page("/?room=1000&name=Dr.%20Chen")
    await page.click("#join-button")
    await page.wait_for_selector("#call-view:not([hidden])")
    return page


async def test_what_is_written_is_shown_as_text_and_counted_until_read(open_page: OpenPage, server: FakeServer) -> None:
    page = await join(open_page)
    await page.wait_for_selector("#connection[data-state=connected]")
    await server.send({"type": "chat_message", "number": "1000", "message": MESSAGE})
    await page.wait_for_selector("#chat-button[data-unread='1']")
    await page.click("#chat-button")
    await page.wait_for_selector("#chat-messages li")
    assert MESSAGE["text"] in await page.inner_text("#chat-messages")
    assert await page.query_selector("#chat-messages img") is None
    assert await page.get_attribute("#chat-button", "data-unread") == "0"
    await server.send({"type": "chat_message", "number": "1000", "message": MESSAGE})  # the same again
    await page.fill("#chat-text", "收到")
    await page.press("#chat-text", "Enter")
    await page.wait_for_selector("#chat-messages li:nth-child(2)")
    assert server.messages[0]["text"] == "收到"
    assert await page.input_value("#chat-text") == ""
    await page.press("#chat-text", "Escape")
    assert await page.is_hidden("#chat-panel")


async def test_what_was_written_before_is_there(open_page: OpenPage, server: FakeServer) -> None:
    server.messages.append(MESSAGE)
    page = await join(open_page)
    await page.click("#chat-button")
    await page.wait_for_selector("#chat-messages li")


CALL = {
    "id": "c1", "target": "1044", "name": "1044", "state": "ringing", "attempt": 1, "attempts": 3, "reason": "",
    "status": None, "participant_id": None, "started_at": "2026-01-02T08:00:00Z",
}  # fmt: skip


async def test_rooms_are_called_from_the_control_page(open_page: OpenPage, server: FakeServer) -> None:
    server.logged_in = True
    page = await open_page("/control#1000")
    await page.wait_for_selector("#call-form")
    await page.fill("#call-targets", "1044, theatre@rooms.example；1044")
    await page.select_option("#call-retries", "2")
    await page.click("#call-button")
    async with asyncio.timeout(5):
        while await page.input_value("#call-targets") != "":
            await asyncio.sleep(0.05)
    assert server.asked("POST", "/conferences/1000/calls") == [
        {"targets": ["1044", "theatre@rooms.example"], "retries": 2}
    ]
    await server.send({"type": "call_ringing", "number": "1000", "call": CALL})
    await page.wait_for_selector("#calls li[data-state=ringing]")
    failed = CALL | {"state": "failed", "reason": "Busy Here", "status": 486}
    await server.send({"type": "call_failed", "number": "1000", "call": failed})
    await page.wait_for_selector("#calls li[data-state=failed]")
    assert "486 Busy Here" in await page.inner_text("#calls")
    await server.send({"type": "call_cancelled", "number": "1000", "call": CALL | {"state": "cancelled"}})
    await page.wait_for_selector("#calls li", state="detached")
