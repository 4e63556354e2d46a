"""The page of devices, call records, zones and the number plan, in a real browser."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.web_client.conftest import DESKTOP, PHONE, OpenPage
from tests.web_client.fake_server import FakeServer
from tests.web_client.test_join_page import fits

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

BOTH_SIZES = pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
BOTH_LANGUAGES = pytest.mark.parametrize("language", ["zh-CN", "en"])
NOON = "2026-01-02T12:00:00Z"


def endpoint(identity: str, **changes: Any) -> dict[str, Any]:
    view = {
        "id": identity, "name": "", "address": "10.1.2.3", "transport": "udp", "zone": "ward",
        "user_agent": "Maker/1.0", "maker": "Maker", "model": "One", "version": "1.0",
        "methods": ["INVITE"], "codecs": ["opus", "H264"],
        "contact": "", "registered_until": None, "first_seen": NOON, "last_seen": NOON, "calls": 3, "alarms": [],
        "state": "seen",
    }  # fmt: skip
    return {**view, **changes}


def call(identity: str, **changes: Any) -> dict[str, Any]:
    stream = {
        "codec_sent": "H264", "codec_received": "H264", "packets_received": 900, "packets_lost": 100,
        "rate_received": 1_936_000, "rate_sent": 512_000, "jitter_ms": 2.4, "worst_jitter_ms": 9.1,
        "round_trip_ms": None, "remote_loss": 0.01,
    }  # fmt: skip
    view = {
        "id": identity, "endpoint": "4001", "direction": "in", "name": "手术室 3", "dialled": "急诊",
        "destination": "room 1000", "zone": "ward", "address": "10.1.2.3", "user_agent": "Maker/1.0", "began_at": NOON,
        "answered_at": NOON, "ended_at": NOON, "reason": "left", "detail": "", "status": None, "important": True,
        "lowered": "zone ward has left 2000 kbit/s", "audio": None, "video": stream, "content": None, "duration": 65.0,
        "loss": 0.1,
    }  # fmt: skip
    return {**view, **changes}


BUDGET = {"total": 2_500_000, "reserved": 500_000, "each": None, "least": 128_000, "over": "lower"}
ZONES = [
    {"name": "default", "title": "", "networks": [], "budget": {**BUDGET, "total": None}, "calls": 0, "rate": 0},
    {"name": "ward", "title": "病房", "networks": ["10.1.0.0/16"], "budget": BUDGET, "calls": 2, "rate": 2_400_000},
]
RULE = {
    "id": "er", "kind": "exact", "match": "急诊", "target": "room", "value": "1000", "priority": 100, "zones": ["ward"],
    "important": True, "enabled": False, "note": "",
}  # fmt: skip
ANSWER = {
    "zone": "ward", "device_class": None, "important": True, "rule": "er",
    "destination": {"kind": "room", "value": "1000", "status": None, "pin_given": False},
    "bandwidth": {"allowed": True, "wished": 2_064_000, "picture": 936_000, "shortage": "zone ward"},
    "steps": [
        {"kind": "zone", "values": {"zone": "ward", "title": "病房"}, "text": "…"},
        {"kind": "rule", "values": {"rule": "er", "match": "急诊", "kind": "exact", "priority": "100"}, "text": "…"},
        {"kind": "room", "values": {"value": "1000"}, "text": "…"},
    ],
}  # fmt: skip


async def open_view(
    open_page: OpenPage, server: FakeServer, view: str, language: str = "en", size: tuple[int, int] = DESKTOP
) -> Page:
    server.logged_in = True
    server.canned = {
        "/endpoints": {
            "endpoints": [
                endpoint("old@192.0.2.1"),
                endpoint("4001", name="手术室 3", state="registered", registered_until=NOON),
                endpoint("4002", state="in_call", alarms=[{"kind": "loss", "since": NOON, "figure": 0.043}]),
            ]
        },
        "/call-records": {
            "calls": [
                call("running", ended_at=None, reason="", loss=0.0),
                call("poor"),
                call("refused", answered_at=None, reason="refused", status=503, detail="<b>Not</b> enough", video=None),
            ],
            "more": True,
        },
        "/zones": {"zones": ZONES},
        "/device-classes": {"classes": []},
        "/number-plan": {"rules": [RULE]},
        "/number-plan/dry-run": ANSWER,
    }
    page = await open_page(f"/endpoints#{view}", language, size)
    await page.wait_for_selector(f"#{view.partition('=')[0]}-view[data-state=ready]")
    return page


@BOTH_LANGUAGES
@BOTH_SIZES
@pytest.mark.parametrize("view", ["devices", "calls", "zones", "plan"])
async def test_every_view_fits(
    open_page: OpenPage, server: FakeServer, view: str, language: str, size: tuple[int, int]
) -> None:
    page = await open_view(open_page, server, view, language, size)
    for row in await page.locator("summary:visible").all():
        await row.click()
    assert await fits(page)
    assert "endpoints." not in await page.inner_text("main#content"), "every text is translated"


async def test_devices_with_alarms_come_first_and_can_be_found(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_view(open_page, server, "devices")
    rows = page.locator("#devices > li")
    assert [await row.get_attribute("data-id") for row in await rows.all()] == ["4002", "4001", "old@192.0.2.1"]
    await expect(rows.first.locator(".alarm")).to_have_text("4.3 % packets lost")
    await expect(page.locator("#totals [data-total=alarms] strong")).to_have_text("1")
    await page.fill("#filter", "手术")
    await expect(rows).to_have_count(1)
    await page.fill("#filter", "nothing like it")
    await expect(page.locator("#devices-empty")).to_have_text("No device matches.")


async def test_an_open_row_stays_open_while_figures_come_in(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_view(open_page, server, "devices")
    await page.click("#devices li[data-id='4001'] summary")
    server.canned["/endpoints"]["endpoints"][1]["name"] = "Theatre 3"
    await expect(page.locator("#devices li[data-id='4001'] .title")).to_have_text("Theatre 3")
    assert await page.evaluate("document.querySelector(\"#devices li[data-id='4001'] details\").open")


async def test_a_device_is_forgotten_and_its_calls_are_shown(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_view(open_page, server, "devices")
    await page.click("#devices li[data-id='old@192.0.2.1'] summary")
    await page.click("#devices li[data-id='old@192.0.2.1'] button")
    await page.click("#devices li[data-id='4001'] summary")
    await page.click("#devices li[data-id='4001'] a.button")
    await expect(page.locator("#calls-of")).to_contain_text("Of 4001 only.")
    asked = [path for method, path, _ in server.requests if method == "DELETE"]
    assert asked == ["/endpoints/old@192.0.2.1"]


async def test_calls_tell_how_they_went(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_view(open_page, server, "calls")
    states = [await row.get_attribute("data-state") for row in await page.locator("#calls > li").all()]
    assert states == ["running", "poor", "refused"]
    poor = page.locator("#calls li[data-id=poor]")
    await poor.locator("summary").click()
    await expect(poor.locator("tbody tr")).to_contain_text("2 / 9 ms")
    await expect(poor.locator(".main")).to_contain_text("急诊 → Room 1000")
    refused = page.locator("#calls li[data-id=refused]")
    await refused.locator("summary").click()
    await expect(refused.locator(".facts")).to_contain_text("<b>Not</b> enough")
    server.canned["/call-records"] = {"calls": [call("older")], "more": False}
    await page.click("#older")
    await expect(page.locator("#calls > li")).to_have_count(4)
    await expect(page.locator("#older")).to_be_hidden()


async def test_a_dry_run_is_told_in_the_pages_language(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_view(open_page, server, "plan", "zh-CN")
    await page.fill("#where-address", "急诊")
    await page.select_option("#where-zone", "ward")
    await page.keyboard.press("Tab")
    await page.click("#where-button")
    await expect(page.locator("#where-result")).to_have_text("接到 1000 会诊室。 此呼叫为重要呼叫。")
    await expect(page.locator("#where-steps li").nth(1)).to_have_text("规则 er（完全匹配 急诊，优先级 100）生效。")
    await expect(page.locator("#where-bandwidth")).to_have_text("目前带宽紧张，画面只能获得 936 kbit/s。")
    assert server.asked("POST", "/number-plan") == [{"address": "急诊", "zone": "ward"}]
    await page.click("[data-language=en]")
    await expect(page.locator("#where-result")).to_have_text("To room 1000. The call is important.")


async def test_the_page_asks_for_a_login(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_page("/endpoints")
    await page.wait_for_selector("#login-name")
    await expect(page.locator("#content")).to_be_hidden()
