"""Picture and sound on the control page, the own picture in a call: in Chromium, against a fake server."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.web_client.conftest import DESKTOP, PHONE, OpenPage
from tests.web_client.fake_server import FakeServer
from tests.web_client.test_join_page import fits, join, until
from tests.web_client.test_user_pages import open_control

SHOTS = os.environ.get("SCREENSHOTS")
pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_chair_chooses_who_sits_where(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_control(open_page, server)
    await expect(page.locator("#seating-order")).to_be_checked()
    await expect(page.locator("#seating-hold")).to_be_hidden()
    await page.check("#seating-voice")
    await until(lambda: server.rooms["1000"]["seating"]["mode"] == "voice")
    await page.fill("#seating-hold", "5")
    await page.press("#seating-hold", "Enter")
    await until(lambda: server.asked("PATCH")[-1:] == [{"seating": {"hold": 5}}])
    await page.check("#seating-lecture")
    await until(lambda: server.asked("PATCH")[-1:] == [{"seating": {"mode": "lecture", "lecturer": "p-room"}}])
    await expect(page.locator("#seating-lecturer")).to_have_value("p-room")
    await page.select_option("#seating-lecturer", "p-doctor")
    await until(lambda: server.rooms["1000"]["seating"]["lecturer"] == "p-doctor")
    before = len(server.asked("PATCH"))
    await page.fill("#seating-interval", "1")
    await page.press("#seating-interval", "Tab")
    await page.fill("#seating-interval", "30")
    await page.press("#seating-interval", "Tab")
    await until(lambda: server.rooms["1000"]["seating"]["interval"] == 30)
    assert len(server.asked("PATCH")) == before + 1, "what is out of bounds is not sent"


async def test_layouts_are_chosen_by_their_drawings_with_keys_alone(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_control(open_page, server)
    await page.focus("#layout-more")
    await page.keyboard.press("Enter")
    await expect(page.locator("#layout-picker svg")).to_have_count(8)
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await expect(page.locator("#layout-picker [data-layout=auto]")).to_be_focused()
    for key in ("ArrowRight", "ArrowDown", "ArrowRight", "ArrowLeft"):
        await page.keyboard.press(key)
    assert server.asked("PATCH") == [], "moving about chooses nothing"
    await page.keyboard.press(" ")
    await until(lambda: server.rooms["1000"]["layout"] == "2")
    await expect(page.locator("#layout-picker [aria-selected=true]")).to_have_attribute("data-layout", "2")
    await expect(page.locator("#layout-select")).to_have_value("2")


async def test_a_layout_of_ones_own_is_made_corner_by_corner_kept_and_removed(
    open_page: OpenPage, server: FakeServer
) -> None:
    page = await open_control(open_page, server)
    await page.click("#layout-make")
    fields = page.locator("#layout-grid button")
    await fields.nth(0).focus()
    for key in ("Enter", *["ArrowRight"] * 5, *["ArrowDown"] * 12, "Enter"):  # the arrows end at the edge
        await page.keyboard.press(key)
    await fields.nth(6).click()
    await fields.nth(5 + 12 * 3).click()
    await expect(page.locator("#layout-error")).to_have_text("Tiles must not overlap.")
    await fields.nth(6 + 12 * 11).click()
    await fields.nth(11).click()
    await page.press("#layout-name", "Enter")
    await expect(page.locator("#layout-error")).to_have_text("Please enter a name.")
    await page.fill("#layout-name", "两半")
    await page.press("#layout-name", "Enter")
    await expect(page.locator("#own-layouts li")).to_have_count(1)
    half = {"top": 0, "width": 0.5, "height": 1}
    assert server.asked("POST", "/layouts") == [{"name": "两半", "cells": [{"left": 0} | half, {"left": 0.5} | half]}]
    await expect(page.locator("#layout-select option[value=两半]")).to_have_count(1)
    await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    assert await fits(page)
    await page.click("#own-layouts button")
    await expect(page.locator("#own-layouts li")).to_have_count(0)
    await page.keyboard.press("Escape")
    await expect(page.locator("#layout-dialog")).to_be_hidden()


async def test_texts_and_signs_are_sent_and_shown(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_control(open_page, server)
    await page.click("#picture details summary >> nth=0")
    await page.fill("#decoration-banner", "远程会诊")
    await page.press("#decoration-banner", "Enter")
    await until(lambda: server.asked("PATCH")[-1:] == [{"decoration": {"banner": "远程会诊"}}])
    await expect(page.locator("#decoration-clock_corner")).to_be_hidden()
    await page.check("#decoration-clock")
    await until(lambda: server.asked("PATCH")[-1:] == [{"decoration": {"clock": True}}])
    await expect(page.locator("#decoration-clock_corner")).to_be_visible()
    await page.select_option("#decoration-time_zone", "Asia/Shanghai")
    await until(lambda: server.asked("PATCH")[-1:] == [{"decoration": {"time_zone": "Asia/Shanghai"}}])
    await page.check("#decoration-crop")
    await until(lambda: server.asked("PATCH")[-1:] == [{"decoration": {"fill": "crop"}}])
    room = server.rooms["1000"]
    await page.focus("#decoration-banner")
    other = room | {"title": "New", "decoration": room["decoration"] | {"banner": "x", "watermark": "内部"}}
    await server.send({"type": "conference_changed", "conference": other})
    await expect(page.locator("#decoration-watermark")).to_have_value("内部")
    await expect(page.locator("#decoration-banner")).to_have_value("远程会诊")  # not under the hand that writes


async def test_a_participants_place_and_sound(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_control(open_page, server)
    await page.click("#settings-p-room")
    await expect(page.locator("#person-title")).to_have_text("协和医院会诊室 301")
    await page.select_option("#person-role", "expert")
    await until(lambda: server.find("p-room")[1]["role"] == "expert")
    await page.select_option("#person-pin", "1")
    await until(lambda: server.find("p-room")[1]["pin"] == 1)
    await page.focus("#person-gain")
    for _ in range(3):
        await page.keyboard.press("ArrowRight")
    await until(lambda: server.find("p-room")[1]["gain"] == 3)
    await expect(page.locator("#person-gain")).to_be_focused()
    await expect(page.locator("#person-gain-value")).to_have_text("+3 dB")
    await page.check("#person-music")
    await until(lambda: server.find("p-room")[1]["music"] is True)
    await page.keyboard.press("Escape")
    line = page.locator("#participants li[data-participant=p-room]")
    await expect(line).to_contain_text("Expert")
    await expect(line).to_contain_text("tile 2")
    await expect(page.locator("#settings-p-room")).to_be_focused()


@pytest.mark.parametrize(("language", "size"), [("en", DESKTOP), ("zh-CN", PHONE)])
async def test_a_chair_chooses_what_somebody_gets_as_it_is(
    open_page: OpenPage, server: FakeServer, language: str, size: tuple[int, int]
) -> None:
    server.find("p-room")[1].update(has_slots=False, has_voices=False)
    page = await open_control(open_page, server, language)
    await page.set_viewport_size({"width": size[0], "height": size[1]})
    await page.click("#settings-p-doctor")
    for name, field, other in (("pictures", "forwarded", "one"), ("voices", "forwarded_sound", "mixed")):
        choice = page.locator(f"#person-{name}")
        await expect(choice).to_have_value("")
        await choice.select_option("each")
        await until(lambda: server.find("p-doctor")[1][field] is True)  # noqa: B023 - awaited in this round
        await choice.select_option(other)
        await until(lambda: server.find("p-doctor")[1][field] is False)  # noqa: B023
        await expect(choice).to_have_value(other)
    await page.select_option("#person-voices", "")
    await until(lambda: server.asked("PATCH")[-1:] == [{"forwarded_sound": None}])
    assert await fits(page)
    if SHOTS:
        await page.screenshot(path=Path(SHOTS) / f"person_{language}.png")
    await page.keyboard.press("Escape")
    await page.click("#settings-p-room")
    await expect(page.locator("#person-title")).to_be_visible()
    for name in ("pictures", "voices"):  # a room gets one picture and one sound
        await expect(page.locator(f"#person-{name}")).to_be_hidden()


async def test_the_dialog_of_somebody_who_leaves_closes(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_control(open_page, server)
    await page.click("#settings-p-room")
    room, person = server.find("p-room")
    await server.send({"type": "participant_left", "number": room["number"], "participant": person})
    await expect(page.locator("#person-dialog")).to_be_hidden()


async def test_the_picture_section_fits_a_phone(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_control(open_page, server)
    await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    await page.click("#layout-more")
    for index in (0, 1):
        await page.click(f"#picture details summary >> nth={index}")
    assert await fits(page)


async def own(page: Page, server: FakeServer, **wanted: object) -> None:
    await until(lambda: {name: server.find("p-1")[1][name] for name in wanted} == wanted)


async def test_one_has_a_picture_of_ones_own(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_page("/?room=1000&name=A", "zh-CN")
    await join(page)
    await page.click("#view-more")
    await page.check("#view-hide-self")
    await own(page, server, hide_self=True)
    await page.select_option("#view-content", "swap")
    await own(page, server, content_choice="swap")
    await page.select_option("#view-seating", "voice")
    await own(page, server, seating={"mode": "voice"})
    await page.click("#view-layouts [data-layout='1+5']")
    await own(page, server, layout="1+5")
    await expect(page.locator("#view-layouts [aria-selected=true]")).to_have_attribute("data-layout", "1+5")
    await page.click("#view-common")
    await own(page, server, hide_self=False, content_choice="auto", seating=None, layout=None)
    await expect(page.locator("#view-hide-self")).not_to_be_checked()


async def test_what_the_chair_has_muted_stays_so_and_says_so(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_page("/?room=1000&name=A")
    await join(page)
    await server.change("p-1", microphone_muted=True, muted_by_chair=["microphone"])
    await expect(page.locator("#microphone-button .text")).to_have_text("Muted by the chair")
    before = len(server.asked("PATCH"))
    await page.click("#microphone-button")
    await expect(page.locator("#notices")).to_contain_text("Only the chair can unmute you")
    await expect(page.locator("#microphone-button")).to_have_attribute("aria-pressed", "true")
    assert not any(body.get("microphone_muted") is False for body in server.asked("PATCH")[before:])
    await server.change("p-1", microphone_muted=False, muted_by_chair=[])
    await page.click("#microphone-button")
    await own(page, server, microphone_muted=False)
