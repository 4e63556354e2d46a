"""A room writes by SIP MESSAGE, a browser in its chat panel; both read both."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.e2e.material import Source
from tests.peers import sipp
from tests.peers.chromium import Chromium, wait_for_picture
from tests.peers.server import ServerProcess


async def test_rooms_and_browsers_chat(tmp_path: Path, server: ServerProcess, sources: list[Source]) -> None:
    await server.login()
    async with Chromium(sources[2].camera, sources[2].sound) as chromium:
        page = await chromium.page()
        await page.goto(f"{server.url}/?room=1000&name=Dr.%20Chen")
        await page.click("#join-button")
        await wait_for_picture(page)

        result = await sipp.call("message", "127.0.0.1", server.sip_port, service="1000")
        assert result.succeeded, result.trouble
        async with asyncio.timeout(10):
            while len((await server.api("GET", "/conferences/1000/chat"))["messages"]) < 2:
                await asyncio.sleep(0.1)
        messages = (await server.api("GET", "/conferences/1000/chat"))["messages"]
        assert [message["text"] for message in messages] == ["片子已上传 <b>now</b>", "second"]
        assert {message["name"] for message in messages} == {"SIPp"}

        await page.click("#chat-button")
        await page.wait_for_selector("#chat-messages li:nth-child(2)")
        assert "片子已上传 <b>now</b>" in await page.inner_text("#chat-messages")
        assert await page.query_selector("#chat-messages b") is None
        await page.fill("#chat-text", "收到，谢谢")
        await page.press("#chat-text", "Enter")
        await page.wait_for_selector("#chat-messages li:nth-child(3)")
        messages = (await server.api("GET", "/conferences/1000/chat"))["messages"]
        assert (messages[-1]["name"], messages[-1]["text"]) == ("Dr. Chen", "收到，谢谢")
