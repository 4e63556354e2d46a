"""Others' pictures each on its own in a call: in Chromium, against a fake server.

The server sends the main picture alone; what comes in slots and as second picture is drawn by the page itself.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.web_client.conftest import DESKTOP, PHONE, OpenPage
from tests.web_client.fake_server import FakeServer, participant
from tests.web_client.test_join_page import fits, join, until
from tests.web_client.test_user_pages import open_control

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

SHOTS = os.environ.get("SCREENSHOTS")
"""A folder for pictures of the pages, to be looked at."""

PAINT = """() => {
  document.querySelectorAll('#content-video, #gallery .tile:not(.own) video').forEach((video, index) => {
    const canvas = Object.assign(document.createElement('canvas'), {width: 640, height: 360});
    const paint = canvas.getContext('2d');
    let count = 0;
    setInterval(() => {
      paint.fillStyle = `hsl(${index * 70} 45% 35%)`;
      paint.fillRect(0, 0, 640, 360);
      paint.fillStyle = '#e8e0d0';
      paint.beginPath();
      paint.arc(320 + 20 * Math.sin(count++ / 5), 190, 110, 0, 7);
      paint.fill();
    }, 40);
    video.srcObject = canvas.captureStream(25);
  });
}"""
HAS_PICTURE = '(name) => document.querySelector(`[data-participant="${name}"] video`)?.videoWidth > 0'


async def shown_in_slots(server: FakeServer, *slots: str | None, shared: str | None = None) -> None:
    told = {"participant_id": "p-1", "slots": list(slots), "shared": shared}
    await server.send({"type": "slots_changed", "number": "1000", **told})


async def each_on_its_own(open_page: OpenPage, server: FakeServer, language: str, size: tuple[int, int]) -> Page:
    """A call with two browsers in slots, one that has no camera on, and a room."""
    server.rooms["1000"]["participants"] += [
        participant("p-li", "李建国", speaking=True),
        participant("p-mary", "Dr. Mary Ann Featherstone-Haugh", microphone_muted=True),
        participant("p-off", "Nurse Wang", camera_muted=True),
    ]
    server.find("p-doctor")[1].update(camera_muted=True)
    page = await open_page("/?room=1000&name=A", language, size)
    await join(page)
    await page.evaluate(PAINT)
    await page.click("#view-more")
    await page.select_option("#view-pictures", "each")
    await until(lambda: server.find("p-1")[1]["forwarded"] is True)
    await page.click("#view-dialog .primary")
    await shown_in_slots(server, "p-li", "p-mary", None, None, None, None, None, None, None)
    return page


@pytest.mark.parametrize(("language", "size"), [("en", DESKTOP), ("zh-CN", PHONE)])
async def test_others_are_shown_each_on_its_own_with_names_and_signs(
    open_page: OpenPage, server: FakeServer, language: str, size: tuple[int, int]
) -> None:
    page = await each_on_its_own(open_page, server, language, size)
    gallery = page.locator("#gallery")
    for name in ("p-li", "p-mary"):
        await page.wait_for_function(HAS_PICTURE, arg=name)
    await expect(gallery.locator("li:visible")).to_have_count(5)
    await expect(gallery.locator("[data-participant=p-li]")).to_have_attribute("data-speaking", "true")
    await expect(gallery.locator("[data-participant=p-mary] .microphone-off")).to_be_visible()
    await expect(gallery.locator("[data-participant=p-off] .initial")).to_have_text("N")
    await expect(gallery.locator("[data-participant=p-off] video")).to_be_hidden()
    await expect(gallery.locator("[data-participant=p-1] .name")).to_have_text("You" if language == "en" else "我")
    await expect(page.locator("#stage")).to_have_attribute("data-main", "shown")
    assert await fits(page)
    if SHOTS:
        await page.screenshot(path=Path(SHOTS) / f"gallery_room_{language}.png")

    room = server.find("p-room")[1]
    server.rooms["1000"]["participants"].remove(room)
    await server.send({"type": "participant_left", "number": "1000", "participant": room})
    await expect(page.locator("#stage")).to_have_attribute("data-main", "none")
    await expect(page.locator("#stage-message")).to_be_hidden()
    assert await page.evaluate("!document.querySelector('#remote-video').paused"), "it plays the sound all the same"
    if SHOTS:
        await page.screenshot(path=Path(SHOTS) / f"gallery_{language}.png")
    await shown_in_slots(server, "p-mary", *[None] * 8)
    await expect(gallery.locator("[data-participant=p-li]")).to_have_count(0)
    await expect(gallery.locator("li:visible").first).to_have_attribute("data-participant", "p-mary")


async def test_what_is_shared_is_large_beside_the_gallery_composed_or_as_it_is(
    open_page: OpenPage, server: FakeServer
) -> None:
    for language, size in (("en", DESKTOP), ("zh-CN", PHONE)):
        page = await each_on_its_own(open_page, server, language, size)
        floor = {"holder": "p-li", "queue": []}
        await server.send({"type": "floor_changed", "number": "1000", "floor": floor, "revoked_id": None})
        await page.wait_for_selector("#stage[data-content=shown]")
        boxes = [await page.locator(name).bounding_box() for name in ("#content-video", "#gallery", "#remote-video")]
        content, gallery, main = boxes
        assert content is not None and gallery is not None and main is not None and main["width"] > 60
        assert content["width"] * content["height"] > 1.1 * gallery["width"] * gallery["height"]
        await page.evaluate("() => { window.composed = document.querySelector('#content-video').srcObject; }")

        await shown_in_slots(server, "p-li", "p-mary", *[None] * 7, shared="p-li")
        await page.wait_for_function("() => document.querySelector('#content-video').srcObject !== window.composed")
        await page.evaluate(PAINT)
        await page.wait_for_selector("#stage[data-content=shown]")
        await until(lambda: last_tiles(server).get("shared") is not None)
        assert last_tiles(server)["shared"][0] > last_tiles(server)["people"]["p-li"][0]
        assert await fits(page)
        if SHOTS:
            await page.screenshot(path=Path(SHOTS) / f"gallery_content_{language}.png")
        await gone(server, page)


async def test_one_picture_again_and_the_choice_survives_a_new_welcome(open_page: OpenPage, server: FakeServer) -> None:
    page = await each_on_its_own(open_page, server, "en", DESKTOP)
    await page.wait_for_selector("#stage[data-gallery=shown]")
    await page.focus("#view-more")
    await page.keyboard.press("Enter")
    await expect(page.locator("#view-pictures")).to_have_value("each")
    await page.focus("#view-pictures")
    await page.keyboard.press("ArrowUp")
    await until(lambda: server.find("p-1")[1]["forwarded"] is False)
    await page.keyboard.press("Escape")
    await page.wait_for_selector("#stage[data-gallery=none]")
    await expect(page.locator("#gallery")).to_be_hidden()
    await expect(page.locator("#remote-video")).to_be_visible()


async def test_the_chair_says_what_browsers_get(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_control(open_page, server)
    await page.check("#conference-forwarded")
    await until(lambda: server.asked("PATCH")[-1:] == [{"forwarded": True}])
    await page.check("#conference-forwarded_sound")
    await until(lambda: server.asked("PATCH")[-1:] == [{"forwarded_sound": True}])
    await expect(page.locator("#conference-forwarded")).to_be_checked()


def last_tiles(server: FakeServer) -> dict[str, Any]:
    """What the page told last of the sizes that it shows."""
    told = [body for method, path, body in server.requests if method == "PUT" and path.endswith("/tiles")]
    return told[-1] if told else {}


async def test_one_is_kept_large_and_the_server_is_told_how_large_all_are(
    open_page: OpenPage, server: FakeServer
) -> None:
    for language, size in (("en", DESKTOP), ("zh-CN", PHONE)) if SHOTS else (("en", DESKTOP),):
        page = await each_on_its_own(open_page, server, language, size)
        tile = page.locator("#gallery [data-participant=p-li]")
        await until(lambda: set(last_tiles(server).get("people", {})) == {"p-li", "p-mary"})
        alike = last_tiles(server)
        assert alike["hidden"] is False and alike["shared"] is None

        await tile.hover()
        await tile.locator(".pin").click()
        await expect(tile.locator(".pin")).to_have_attribute("aria-pressed", "true")
        assert server.find("p-1")[1]["watch"] == "p-li"
        await until(lambda: last_tiles(server)["people"]["p-li"][0] > alike["people"]["p-li"][0])  # noqa: B023
        large, small = last_tiles(server)["people"]["p-li"], last_tiles(server)["people"]["p-mary"]
        assert large[0] * large[1] > 2 * small[0] * small[1]
        assert await fits(page)
        if SHOTS:
            await page.screenshot(path=Path(SHOTS) / f"gallery_pinned_{language}.png")

        await tile.locator(".pin").click()
        await until(lambda: server.find("p-1")[1]["watch"] is None)
        await until(lambda: last_tiles(server)["people"] == alike["people"])  # noqa: B023
        await gone(server, page)


async def gone(server: FakeServer, page: Page) -> None:
    """Everybody but those who were there from the beginning."""
    people = server.rooms["1000"]["participants"]
    people[:] = [one for one in people if one["id"] in ("p-room", "p-doctor")]
    server.joined = 0
    server.requests.clear()
    await page.close()


async def test_the_sound_of_the_others_is_chosen_in_the_dialog_of_devices(
    open_page: OpenPage, server: FakeServer
) -> None:
    page = await open_page("/?room=1000&name=A", "en", DESKTOP)
    await join(page)
    assert await page.evaluate("document.querySelectorAll('audio').length") == 0
    await page.click("#devices-button")
    await expect(page.locator("#own-voices")).to_have_value("")
    await page.select_option("#own-voices", "each")
    await until(lambda: server.find("p-1")[1]["forwarded_sound"] is True)
    await page.select_option("#own-voices", "mixed")
    await until(lambda: server.find("p-1")[1]["forwarded_sound"] is False)
    if SHOTS:
        await page.screenshot(path=Path(SHOTS) / "devices_en.png")
