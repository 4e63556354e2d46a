"""The pages for people with an account, recordings and control, in a real browser."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.web_client.conftest import DESKTOP, PHONE, OpenPage
from tests.web_client.fake_server import FakeServer, participant
from tests.web_client.test_join_page import fits, until, until_in

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

BOTH_SIZES = pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
BOTH_LANGUAGES = pytest.mark.parametrize("language", ["zh-CN", "en"])


async def log_in(page: Page) -> None:
    await page.fill("#login-name", "admin")
    await page.fill("#login-password", "secret")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("body[data-session=open]")


async def open_control(open_page: OpenPage, server: FakeServer, language: str = "en", number: str = "1000") -> Page:
    """Logged in, with a room chosen in which a conference runs."""
    server.logged_in = True
    server.rooms["1000"].update(active=True, started_at="2026-01-02T08:00:00Z")
    page = await open_page(f"/control#{number}", language)
    await page.wait_for_selector("#channel[data-state=connected]")
    return page


# --- login


async def test_wrong_password_is_said_and_right_one_opens(open_page: OpenPage) -> None:
    page = await open_page("/control", "zh-CN")
    await page.fill("#login-name", "admin")
    await page.fill("#login-password", "nonsense")
    await page.click("#login-button")
    await expect(page.locator("#login-error")).to_have_text("用户名或密码不正确。")
    await expect(page.locator("#content")).to_be_hidden()
    await log_in(page)
    await expect(page.locator("#user")).to_have_text("admin")
    await expect(page.locator("#login")).to_be_hidden()


async def test_logging_out_shows_nothing_any_more(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_control(open_page, server)
    await page.click("#logout")
    await expect(page.locator("#login-name")).to_be_focused()
    await expect(page.locator("#conferences li")).to_have_count(0)
    await until(lambda: not server.sockets)


async def test_session_that_ends_leads_to_the_login(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_control(open_page, server)
    server.logged_in = False
    await page.click("#lock-button")
    await expect(page.locator("#login-error")).to_have_text("You are no longer logged in.")


@BOTH_LANGUAGES
async def test_password_is_changed(open_page: OpenPage, server: FakeServer, language: str) -> None:
    server.logged_in = True
    page = await open_page("/recordings", language, PHONE)
    await page.click("#password")
    await page.fill("#password-old", "wrong")
    await page.fill("#password-new", "short")
    await page.fill("#password-again", "shorter")
    await page.click("#password-button")
    await expect(page.locator("#password-again")).to_be_focused()
    assert server.asked("PUT", "/participants/p-1/media") == []
    await page.fill("#password-again", "short")
    await page.keyboard.press("Enter")
    await expect(page.locator("#password-old")).to_be_focused()
    await page.fill("#password-old", "secret")
    await page.keyboard.press("Enter")
    await expect(page.locator("#password-new")).to_be_focused()
    await page.fill("#password-new", "Longer-7")
    await page.fill("#password-again", "Longer-7")
    await page.keyboard.press("Enter")
    changed = {"zh-CN": "密码已修改", "en": "Your password was changed"}[language]
    await expect(page.locator("#notices")).to_contain_text(changed)
    await expect(page.locator("dialog")).to_have_count(0)
    assert await fits(page)


# --- recordings


@BOTH_SIZES
@BOTH_LANGUAGES
async def test_recordings_are_listed_played_and_seeked(
    open_page: OpenPage, server: FakeServer, language: str, size: tuple[int, int]
) -> None:
    server.logged_in = True
    page = await open_page("/recordings", language, size)
    await page.wait_for_selector("#recordings[data-state=ready]")
    await expect(page.locator("#recordings li")).to_have_count(3)
    await expect(page.locator("[data-recording=r-now] .state")).to_have_text(
        {"zh-CN": "正在录制", "en": "Recording now"}[language]
    )
    await expect(page.locator("[data-recording=r-old] .duration")).to_contain_text("1:06:40")
    assert await fits(page)
    await page.click("[data-recording=r-board] a")
    await page.wait_for_selector("#player[data-state=ready]")
    await expect(page.locator("#recording-title")).to_have_text("Tumour board")
    assert await fits(page)
    await page.evaluate("document.getElementById('player').play()")
    await until_in(page, "document.getElementById('player').currentTime > 0.2")
    await page.evaluate("document.getElementById('player').currentTime = 6.5")
    await until_in(
        page, "(v => !v.seeking && v.readyState >= 2 && v.currentTime >= 6.5)(document.getElementById('player'))"
    )
    brightness = await page.evaluate(
        """() => {
            const canvas = document.createElement('canvas');
            canvas.width = canvas.height = 8;
            const context = canvas.getContext('2d');
            context.drawImage(document.getElementById('player'), 0, 0, 8, 8);
            return context.getImageData(4, 4, 1, 1).data[0];
        }"""
    )
    assert brightness > 145, "the picture is one of the seventh second"
    link = page.locator("#downloads a")
    await expect(link).to_have_attribute("href", "/api/v1/recordings/r-board/parts/0001.mp4?download=1")
    await page.click("#back")
    await expect(page.locator("#recordings")).to_be_visible()
    await expect(page.locator("#player")).to_have_attribute("data-state", "idle")


async def test_recordings_are_found_by_title_and_room(open_page: OpenPage, server: FakeServer) -> None:
    server.logged_in = True
    page = await open_page("/recordings")
    await expect(page.locator("#recordings li")).to_have_count(3)
    await page.fill("#filter", "tumour")
    await expect(page.locator("#recordings li")).to_have_count(1)
    await page.fill("#filter", "nothing like it")
    await expect(page.locator("#list-empty")).to_have_text("No recording matches your search.")


async def test_deletion_asks_first(open_page: OpenPage, server: FakeServer) -> None:
    server.logged_in = True
    page = await open_page("/recordings#r-board", "zh-CN")
    await page.click("#delete-button")
    await expect(page.locator("dialog.confirm .cancel")).to_be_focused()
    await page.keyboard.press("Escape")
    assert server.asked("DELETE") == []
    await page.click("#delete-button")
    await page.click("#confirm-button")
    await expect(page.locator("#recordings li")).to_have_count(2)
    await expect(page.locator("#notices")).to_contain_text("录像已删除")


async def test_recording_that_is_still_made_cannot_be_deleted(open_page: OpenPage, server: FakeServer) -> None:
    server.logged_in = True
    page = await open_page("/recordings#r-now")
    await expect(page.locator("#recording-title")).to_have_text("心内科远程会诊")
    await expect(page.locator("#delete-button")).to_be_hidden()


async def test_recording_that_cannot_be_fetched_says_so(open_page: OpenPage, server: FakeServer) -> None:
    server.logged_in = True
    server.recording_files = None
    page = await open_page("/recordings#r-board")
    await expect(page.locator("#player-error")).to_contain_text("cannot be fetched")
    server.recordings[1]["parts"] = []
    await page.reload()
    await expect(page.locator("#player-error")).to_have_text("Nothing was recorded.")


async def test_no_recordings_yet(open_page: OpenPage, server: FakeServer) -> None:
    server.logged_in = True
    server.recordings = []
    page = await open_page("/recordings", "zh-CN")
    await expect(page.locator("#list-empty")).to_contain_text("还没有录像")
    await expect(page.locator("#filter")).to_be_hidden()


# --- control


@BOTH_SIZES
@BOTH_LANGUAGES
async def test_control_shows_rooms_and_people(
    open_page: OpenPage, server: FakeServer, language: str, size: tuple[int, int]
) -> None:
    server.logged_in = True
    server.add_room("very-long-number-of-a-room", "A very long title of a weekly interdisciplinary tumour board")
    page = await open_page("/control", language, size)
    await page.click("#conferences li[data-number='1000'] a")
    await expect(page.locator("#conference-title")).to_have_text("心内科远程会诊")
    await expect(page.locator("#participants li")).to_have_count(2)
    assert await fits(page)


async def test_chair_mutes_and_removes(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_control(open_page, server)
    await page.click("#microphone_muted-p-room")
    await expect(page.locator("#participants li[data-participant=p-room]")).to_contain_text("microphone off")
    assert server.asked("PATCH")[-1] == {"microphone_muted": True}
    await expect(page.locator("#microphone_muted-p-room")).to_be_focused()
    await page.click("#camera_muted-p-room")
    await until(lambda: server.asked("PATCH")[-1:] == [{"camera_muted": True}])
    await page.click("#speaker_muted-p-room")
    await until(lambda: server.asked("PATCH")[-1:] == [{"speaker_muted": True}])
    await page.click("#kick-p-room")
    await expect(page.locator("dialog.confirm h2")).to_have_text("Remove 协和医院会诊室 301?")
    await page.click("#confirm-button")
    await expect(page.locator("#participants li")).to_have_count(1)
    assert len(server.asked("DELETE", "/participants/p-room")) == 1


async def test_chair_records_locks_and_chooses_a_layout(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_control(open_page, server)
    await page.click("#record-button")
    await expect(page.locator("#recording-text")).to_have_text("Recording 0:00")
    await expect(page.locator("#recording-text")).to_have_text("Recording 0:01")
    await page.click("#record-button")
    await expect(page.locator("#recording-sign")).to_be_hidden()
    await page.click("#lock-button")
    await expect(page.locator("#lock-button")).to_have_text("Unlock room")
    await expect(page.locator("#layout-select option[value='1+7']")).to_have_text("1 large + 7 small")
    await page.select_option("#layout-select", "4")
    await until(lambda: server.rooms["1000"]["layout"] == "4")


async def test_chair_chooses_what_people_see(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_control(open_page, server)
    other = server.rooms["1000"]["participants"][1]["id"]
    view = page.locator("#view-p-room")
    await expect(view).to_have_value("")
    await view.select_option("layout:1+5")
    await until(lambda: server.asked("PATCH")[-1:] == [{"layout": "1+5"}])
    await expect(view).to_have_value("layout:1+5")
    await view.select_option(f"watch:{other}")
    await until(lambda: server.asked("PATCH")[-1:] == [{"watch": other}])
    await expect(view).to_have_value(f"watch:{other}")
    await view.select_option("")
    await until(lambda: server.asked("PATCH")[-1:] == [{"layout": None}])
    await expect(view).to_have_value("")
    await page.select_option("#broadcast-select", "p-room")
    await until(lambda: server.asked("PATCH")[-1:] == [{"broadcast": "p-room"}])


async def test_a_list_that_is_open_stays_while_others_speak(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_control(open_page, server)
    await page.focus("#view-p-room")
    before = await page.evaluate_handle("document.activeElement")
    await server.send({"type": "speaker_changed", "number": "1000", "participant_id": "p-room"})
    await server.send({"type": "conference_changed", "conference": server.rooms["1000"] | {"title": "New"}})
    await expect(page.locator("#conference-title")).to_have_text("New")
    assert await before.evaluate("element => element.isConnected && element === document.activeElement")


async def test_chair_moves_a_rooms_camera(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_control(open_page, server)
    await expect(page.locator(".camera-pad")).to_have_count(0)
    await server.change("p-room", camera_control=True, camera_presets=3)
    await expect(page.locator("#preset-p-room option")).to_have_count(3)
    await page.click("#camera-left-p-room")
    await until(lambda: server.asked("POST", "/participants/p-room/camera") != [])
    assert server.asked("POST", "/participants/p-room/camera")[-1] == {"action": "move", "seconds": 0.4, "pan": -1}
    await page.select_option("#preset-p-room", index=2)
    await page.click("#camera-activate-p-room")
    await until(
        lambda: server.asked("POST", "/participants/p-room/camera")[-1] == {"action": "activate_preset", "preset": 2}
    )


async def test_page_is_live(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_control(open_page, server, "zh-CN")
    person = participant("p-new", "王芳", state="connecting")
    await server.send({"type": "participant_joined", "number": "1000", "participant": person})
    await expect(page.locator("#participants li[data-participant=p-new]")).to_contain_text("连接中")
    await expect(page.locator("#conferences li[data-number='1000']")).to_contain_text("3 人在会")
    await server.cut()
    await expect(page.locator("#channel")).to_have_attribute("data-state", "connecting")
    await expect(page.locator("#channel")).to_have_attribute("data-state", "connected")


async def test_room_is_created_and_deleted(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_control(open_page, server)
    await page.click("#create summary")
    await page.fill("#create-number", "7 7")
    await page.click("#create-button")
    await expect(page.locator("#create-error")).to_contain_text("A number starts with")
    await page.fill("#create-number", "3000")
    await page.fill("#create-pin", "12")
    await page.click("#create-button")
    await expect(page.locator("#create-error")).to_have_text("A PIN has 4 to 12 digits.")
    await page.fill("#create-pin", "1234")
    await page.fill("#create-title", "皮肤科")
    await page.click("#create-button")
    await expect(page.locator("#conference-title")).to_have_text("皮肤科")
    assert server.asked("POST", "/conferences")[-1] == {"number": "3000", "title": "皮肤科", "pin": "1234"}
    await expect(page.locator("#participants-empty")).to_be_visible()
    await expect(page.locator("#end-button")).to_have_text("Delete room")
    await page.click("#end-button")
    await page.click("#confirm-button")
    await expect(page.locator("#conferences li[data-number='3000']")).to_have_count(0)
    await expect(page.locator("#conference")).to_be_hidden()


async def test_number_that_is_taken_is_said(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_control(open_page, server)
    await page.click("#create summary")
    await page.fill("#create-number", "2000")
    await page.keyboard.press("Enter")
    await expect(page.locator("#create-error")).to_have_text("There is a room with this number already.")


async def test_consultation_is_ended_for_all_and_its_room_stays(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_control(open_page, server)
    await page.click("#end-button")
    await expect(page.locator("#confirm-text")).to_contain_text("All 2 participants")
    await page.click("#confirm-button")
    await expect(page.locator("#participants-empty")).to_be_visible()
    await expect(page.locator("#conferences li[data-number='1000']")).to_have_attribute("data-active", "false")


async def test_rooms_are_worked_by_keyboard(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_control(open_page, server, number="")
    await page.locator("#conferences a").first.focus()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator("#conference-title")).to_have_text("Tumour board")
