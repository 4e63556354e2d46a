"""The page of devices, call records, zones and the number plan, in a real browser."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import Page, expect

from tests.web_client.conftest import DESKTOP, PHONE, OpenPage
from tests.web_client.fake_server import FakeServer
from tests.web_client.test_join_page import fits, until

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


ALARM = {
    "topic": "loss", "subject": "4001", "name": "手术室 3", "since": NOON, "until": None, "figure": 0.05, "detail": "",
}  # fmt: skip
ALARMS = [
    ALARM,
    {**ALARM, "topic": "budget", "subject": "zone ward", "name": "", "figure": 0.96, "detail": "zone ward has left 0"},
    {**ALARM, "topic": "lockout", "subject": "192.0.2.77", "name": "", "detail": "messages are dropped: too many"},
]


def edge(identity: str, room: str, **changes: Any) -> dict[str, Any]:
    view = {
        "id": identity, "endpoint": identity, "name": "", "kind": "sip", "zone": "ward", "room": room,
        "important": False, "lowered": False, "loss": 0.0, "rate_received": 1_000_000, "rate_sent": 1_000_000,
    }  # fmt: skip
    return {**view, **changes}


def zone_node(name: str, title: str, devices: int) -> dict[str, Any]:
    states = ["registered"] * (devices - 2) + ["unregistered", "in_call"]
    return {
        "name": name, "title": title, "calls": 2, "rate": 4_100_000, "total": 4_500_000 if title else None,
        "registered": devices - 1, "more": 240 if title else 0,
        "devices": [
            {"id": f"{name}{number}", "name": "", "state": state, "alarms": ["unregistered"] * (state[0] == "u")}
            for number, state in enumerate(states)
        ],
    }  # fmt: skip


TOPOLOGY = {
    "zones": [zone_node("default", "", 6), zone_node("ward", "住院部三楼病房与重症监护", 60)],
    "calls": [
        edge("a", "1000", name="手术室 3", important=True),
        edge("b", "1000", name="A cart with a very long name that says where it stands", lowered=True),
        edge("browser@10.1.2.9", "1000", name="李医生", kind="browser", loss=0.08),
        edge("c", "2000", zone="default", kind="browser", name="Dr. Meyer"),
        edge("d", "", zone="default"),
    ],
    "more_calls": 0,
}
USE = {
    "since": NOON, "until": NOON,
    "devices": [
        {"endpoint": "4001", "name": "手术室 3", "calls": 12, "answered": 11, "failed": 1, "seconds": 45_000.0,
         "loss": 0.031},
        {"endpoint": "a-very-long-account-name@clinic.example", "name": "", "calls": 2, "answered": 2, "failed": 0,
         "seconds": 720.0, "loss": 0.0},
    ],
}  # fmt: skip

BUDGET = {"total": 2_500_000, "reserved": 500_000, "each": None, "least": 128_000, "over": "lower"}
BUDGET["making_room"] = "lower"
HABITS = {
    "country_code": "86", "outside_prefix": "9", "international_prefix": "00", "trunk_prefix": "0",
    "shortest_outside": 7,
}  # fmt: skip
ZONES = [
    {
        "name": "default",
        "title": "",
        "networks": [],
        "habits": HABITS,
        "budget": {**BUDGET, "total": None},
        "calls": 0,
        "rate": 0,
    },
    {
        "name": "ward",
        "title": "病房",
        "networks": ["10.1.0.0/16"],
        "habits": HABITS,
        "budget": BUDGET,
        "calls": 2,
        "rate": 2_400_000,
    },
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
                call("running", ended_at=None, reason="", loss=0.0, destination="menu", room="2000"),
                call("poor"),
                call("refused", answered_at=None, reason="refused", status=503, detail="<b>Not</b> enough", video=None),
            ],
            "more": True,
        },
        "/alarms": {"alarms": ALARMS, "past": [{**ALARM, "until": NOON}], "left_out": 0},
        "/topology": TOPOLOGY,
        "/call-records/use": USE,
        "/zones": {"zones": ZONES},
        "/device-classes": {
            "classes": [{"name": "carts", "title": "", "products": ["VC800"], "budget": BUDGET, "calls": 0, "rate": 0}]
        },
        "/number-plan": {"rules": [RULE]},
        "/number-plan/dry-run": ANSWER,
    }
    page = await open_page(f"/endpoints#{view}", language, size)
    await page.wait_for_selector(f"#{view.partition('=')[0]}-view[data-state=ready]")
    return page


@BOTH_LANGUAGES
@BOTH_SIZES
@pytest.mark.parametrize("view", ["overview", "devices", "calls", "use", "zones", "plan"])
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
    # The page looks again every five seconds.
    await expect(page.locator("#devices li[data-id='4001'] .title")).to_have_text("Theatre 3", timeout=15_000)
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
    await expect(page.locator("#calls li[data-id=running] .main")).to_contain_text("急诊 → Voice menu → Room 2000")
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


async def test_the_overview_shows_alarms_and_who_is_connected(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_view(open_page, server, "overview")
    await expect(page.locator("#alarms li .title")).to_have_text(
        [
            "手术室 3: 5.0 % of the packets are lost",
            "Zone ward: the bandwidth does not suffice, 96 % are in use",
            "192.0.2.77: is locked out for now",
        ]
    )
    picture = page.locator("#topology svg")
    assert await picture.get_attribute("aria-label") == "Picture of 2 zones, 3 conferences and 5 calls"
    states = [await line.get_attribute("data-state") for line in await picture.locator("path.call").all()]
    assert sorted(states) == ["good", "good", "good", "lowered", "poor"]
    await expect(picture.locator(".room-box[data-important=true] .name")).to_have_text("1000")
    await expect(picture.locator("circle.device")).to_have_count(64)  # those in calls have lines of their own
    await page.locator("#past summary").click()
    await expect(page.locator("#past-alarms li")).to_have_count(1)


async def test_an_alarm_is_told_at_once(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_view(open_page, server, "overview", "zh-CN")
    server.canned["/alarms"] = {"alarms": [], "past": [], "left_out": 0}
    await server.send({"type": "alarm_raised", "alarm": ALARM})
    await expect(page.locator("#notices")).to_contain_text("告警：手术室 3，丢包率 5.0 %")
    await expect(page.locator("#alarms-none")).to_be_visible()


async def test_the_picture_stays_readable_on_a_phone(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_view(open_page, server, "overview", "zh-CN", PHONE)
    sizes = await page.evaluate(
        "[...document.querySelectorAll('#topology text')].map((one) => one.getBoundingClientRect().height)"
    )
    assert min(sizes) >= 12
    box = await page.locator("#topology svg").bounding_box()
    assert box is not None
    for text in await page.locator("#topology text").all():
        inside = await text.bounding_box()
        assert inside is not None and inside["x"] + inside["width"] <= box["x"] + box["width"] + 1


async def test_use_is_shown_for_the_days_chosen_and_can_be_taken_along(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_view(open_page, server, "use")
    await expect(page.locator("#use-sum")).to_have_text("2 devices, 14 calls, 13 hours, 1 failures")
    await expect(page.locator("#use-rows tbody tr").first.locator("td")).to_have_text(["12", "13", "3.1 %", "1"])
    await page.fill("#use-first", "2026-01-05")
    await page.fill("#use-last", "2026-01-04")
    await expect(page.locator("#use-wrong")).to_be_visible()
    await expect(page.locator("#use-table")).to_be_hidden()
    await page.fill("#use-first", "2026-01-03")
    await expect(page.locator("#use-wrong")).to_be_hidden()
    link = await page.locator("#calls-table").get_attribute("href")
    midnight = await page.evaluate("new Date('2026-01-03T00:00:00').toISOString()")
    end = await page.evaluate("new Date('2026-01-05T00:00:00').toISOString()")
    assert link is not None
    assert parse_qs(urlsplit(link).query) == {"since": [midnight], "until": [end]}
    assert urlsplit(link).path == "/api/v1/call-records.csv"


async def test_a_zone_is_made_and_changed_by_keyboard(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_view(open_page, server, "zones")
    await page.locator("#new-zone").focus()
    await page.keyboard.press("Enter")
    await page.keyboard.type("icu")
    await page.keyboard.press("Tab")
    await page.keyboard.type("重症监护")
    await page.keyboard.press("Tab")
    await page.keyboard.type("10.2.0.0/16")
    await page.keyboard.press("Enter")
    await page.keyboard.type("10.3.0.0/16")
    await page.keyboard.press("Tab")
    await page.keyboard.type("20")
    await page.keyboard.press("Tab")
    await page.keyboard.type("4.5")
    await page.keyboard.press("Enter")
    await expect(page.locator("dialog.entry")).to_have_count(0)
    (made,) = server.asked("PUT", "/zones/icu")
    assert made["title"] == "重症监护" and made["networks"] == ["10.2.0.0/16", "10.3.0.0/16"]
    assert made["budget"] == {
        "total": 20_000_000, "reserved": 4_500_000, "each": None, "least": 128_000, "over": "lower",
        "making_room": "lower",
    }  # fmt: skip
    assert made["habits"]["international_prefix"] == "00" and made["unregistered"] is None


async def test_what_is_not_changed_of_a_zone_stays(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_view(open_page, server, "zones")
    await page.get_by_role("button", name="Change 病房").click()
    await page.select_option("#entry-room", "end")
    await page.select_option("#entry-strangers", "challenge")
    await page.click("#entry-save")
    await expect(page.locator("dialog.entry")).to_have_count(0)
    (changed,) = server.asked("PUT", "/zones/ward")
    assert changed == {
        "title": "病房", "networks": ["10.1.0.0/16"], "habits": HABITS, "budget": {**BUDGET, "making_room": "end"},
        "unregistered": "challenge",
    }  # fmt: skip


async def test_a_rule_is_made_and_what_the_server_says_against_it_is_told(
    open_page: OpenPage, server: FakeServer
) -> None:
    page = await open_view(open_page, server, "plan", "zh-CN")
    await page.click("#new-rule")
    await page.fill("#entry-name", "out")
    await page.select_option("#entry-kind", "pattern")
    await page.click("#entry-save")
    await expect(page.locator("#entry-error")).to_have_text("请填写必填项。")
    await page.fill("#entry-match", "9X.")
    await page.fill("#entry-value", "1000")
    await page.get_by_label("病房 (ward)").check()
    server.canned["refuses"] = True
    await page.click("#entry-save")
    await expect(page.locator("#entry-error")).to_contain_text("服务器未接受此设置：")
    server.canned["refuses"] = False
    await page.click("#entry-save")
    await expect(page.locator("dialog.entry")).to_have_count(0)
    made = server.asked("PUT", "/number-plan/out")[-1]
    assert made == {
        "kind": "pattern", "match": "9X.", "target": "room", "value": "1000", "priority": 100, "zones": ["ward"],
        "important": False, "enabled": True, "note": "",
    }  # fmt: skip


async def test_an_entry_is_removed_only_after_a_question(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_view(open_page, server, "plan")
    await page.get_by_role("button", name="Remove er").click()
    await page.keyboard.press("Escape")
    await expect(page.locator("dialog")).to_have_count(0)
    assert server.asked("DELETE", "/number-plan") == []
    await page.get_by_role("button", name="Remove er").click()
    await page.click("#confirm-button")
    await until(lambda: len(server.asked("DELETE", "/number-plan/er")) == 1)
    await expect(page.locator("dialog")).to_have_count(0)


@BOTH_LANGUAGES
@BOTH_SIZES
@pytest.mark.parametrize(("view", "button"), [("zones", "#new-zone"), ("zones", "#new-class"), ("plan", "#new-rule")])
async def test_every_dialog_fits(
    open_page: OpenPage, server: FakeServer, view: str, button: str, language: str, size: tuple[int, int]
) -> None:
    page = await open_view(open_page, server, view, language, size)
    await page.click(button)
    dialog = page.locator("dialog.entry")
    box = await dialog.bounding_box()
    assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= size[0]
    assert await dialog.evaluate("(one) => one.scrollWidth <= one.clientWidth")
    assert "endpoints." not in await dialog.inner_text(), "every text is translated"
