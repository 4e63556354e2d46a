"""Joining, being in a call, and staying in it: the page in a real browser."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, expect

from mcu.gateway.browser_gateway import MAX_SDP
from tests.web_client.conftest import DESKTOP, PHONE, PHONE_LYING, OpenPage
from tests.web_client.fake_server import FakeServer

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

LIVE = '#remote-video[data-state="connected"][data-picture="live"]'
NO_DEVICES = """
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('none', 'NotFoundError'));
    navigator.mediaDevices.enumerateDevices = () => Promise.resolve([]);
"""
KEEP_TRACKS = """
    window.kept = [];
    const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async (wanted) => {
        const stream = await open(wanted);
        window.kept.push(...stream.getTracks());
        return stream;
    };
"""
REFUSED_DEVICES = (
    "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'));"
)


async def join(page: Page) -> None:
    await page.wait_for_selector("#preview:not([data-state=asking])")
    await page.click("#join-button")
    await page.wait_for_selector(LIVE)


async def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for something that happens in the browser, far from our loop."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


async def until_in(page: Page, script: str, argument: object = None, seconds: float = 5.0) -> None:
    """Wait for something in the page. Playwright's own wait_for_function needs eval, which our policy forbids."""
    async with asyncio.timeout(seconds):
        while not await page.evaluate(script, argument):
            await asyncio.sleep(0.02)


async def fits(page: Page) -> bool:
    """Nothing sticks out at the side."""
    width: bool = await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    return width


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE, PHONE_LYING], ids=["desktop", "phone", "phone-lying"])
async def test_join_see_the_picture_and_leave(
    open_page: OpenPage, server: FakeServer, language: str, size: tuple[int, int]
) -> None:
    page = await open_page("/?room=1000&name=李明", language, size)
    expected = {"zh-CN": "1000 会诊室可以加入。", "en": "Room 1000 is ready."}[language]
    await expect(page.locator("#room-hint")).to_have_text(expected)
    assert await fits(page)
    await join(page)
    assert await fits(page)
    await expect(page.locator("#call-room")).to_have_text("心内科远程会诊")
    await expect(page.locator("#connection")).to_have_attribute("data-state", "connected")
    for button in ("microphone", "camera", "devices", "roster", "fullscreen", "leave"):
        await expect(page.locator(f"#{button}-button")).to_be_in_viewport(ratio=1)
    await page.click("#leave-button")
    await expect(page.locator("#join-error")).to_have_text(
        {"zh-CN": "您已离开会诊。", "en": "You have left the consultation."}[language]
    )
    await until(lambda: len(server.asked("DELETE", "/participants/p-1")) == 1)
    await expect(page.locator("#preview")).to_have_attribute("data-state", "ready")


async def test_offer_sends_both_kinds_prefers_h264_and_carries_candidates(
    open_page: OpenPage, server: FakeServer
) -> None:
    page = await open_page("/?room=1000&name=A")
    await join(page)
    (body,) = server.asked("POST", "/conferences/1000/join")
    assert body["name"] == "A"
    assert "pin" not in body
    audio, video, content, *slots = body["sdp"].split("m=")[1:]
    assert audio.startswith("audio") and video.startswith("video") and content.startswith("video")
    assert all("a=sendrecv" in line for line in (audio, video, content))
    # Nine pictures of others, what one of them shares, and nine voices.
    assert [line.split()[0] for line in slots] == ["video"] * 10 + ["audio"] * 9
    assert all("a=recvonly" in line for line in slots) and len(body["sdp"]) < 0.75 * MAX_SDP
    assert "a=simulcast:send ~q;~h;f" in video and "a=simulcast:send s;l" in content
    assert len(body["sdp"]) < 40_000
    assert "a=candidate" in audio
    first = video.split()[3]
    assert f"a=rtpmap:{first} H264/90000" in video
    assert re.search(rf"a=fmtp:{first} .*packetization-mode=1;profile-level-id=42e0", video)


async def test_pin_is_asked_only_where_the_room_has_one(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_page("/?room=1000&name=A")
    await expect(page.locator("#room-hint")).to_be_visible()
    await expect(page.locator("#pin")).to_be_hidden()
    await page.fill("#room", "2000")
    await expect(page.locator("#pin")).to_be_visible()
    await page.click("#join-button")
    await expect(page.locator("#join-error")).to_have_text("Please enter the room's PIN.")
    await page.fill("#pin", "1111")
    await page.click("#join-button")
    await expect(page.locator("#join-error")).to_have_text("That PIN is not right. Please try again.")
    await expect(page.locator("#pin")).to_be_focused()
    await page.fill("#pin", "4711")
    await page.keyboard.press("Enter")
    await page.wait_for_selector(LIVE)


async def test_unknown_room_is_said_while_typing_and_on_joining(open_page: OpenPage) -> None:
    page = await open_page("/?name=A", "zh-CN")
    await page.fill("#room", "9999")
    await expect(page.locator("#room-hint")).to_have_text("没有这个号码的会诊室。")
    await page.click("#join-button")
    await expect(page.locator("#join-error")).to_have_text("没有这个号码的会诊室。")
    await page.click(".top [data-language=en]")
    await expect(page.locator("#join-error")).to_have_text("There is no room with this number.")


async def test_what_is_missing_is_named_and_gets_the_focus(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_page("/")
    await page.click("#join-button")
    await expect(page.locator("#name")).to_be_focused()
    await page.fill("#name", "A")
    await page.click("#join-button")
    await expect(page.locator("#room")).to_be_focused()
    assert server.asked("POST") == []


@pytest.mark.parametrize(
    ("script", "hint"), [(NO_DEVICES, "No camera and no microphone found"), (REFUSED_DEVICES, "may not use the camera")]
)
async def test_without_devices_one_joins_to_watch_and_listen(
    open_page: OpenPage, server: FakeServer, script: str, hint: str
) -> None:
    page = await open_page("/?room=1000&name=A", script=script)
    await expect(page.locator("#preview-hint")).to_contain_text(hint)
    await join(page)
    (body,) = server.asked("POST", "/conferences/1000/join")
    audio, video, *_others = body["sdp"].split("m=")[1:]
    assert "a=recvonly" in audio and "a=recvonly" in video
    await page.click("#microphone-button")
    await expect(page.locator("#notices")).to_contain_text("No microphone can be used")


async def test_level_meter_moves_with_the_microphone(open_page: OpenPage) -> None:
    page = await open_page("/")
    await until_in(page, "Number(document.getElementById('microphone-level').getAttribute('aria-valuenow')) > 0")
    await expect(page.locator("#microphone-select option").first).to_have_text(re.compile("Fake"))
    await expect(page.locator("#camera-select option").first).to_have_text(re.compile("fake_device"))


async def test_original_sound_is_taken_without_processing_and_remembered(open_page: OpenPage) -> None:
    page = await open_page("/?room=1000&name=A", script=KEEP_TRACKS)
    processed = (
        "window.kept.filter((t) => t.kind === 'audio' && t.readyState === 'live')[0]?.getSettings().noiseSuppression"
    )
    await until_in(page, f"{processed} === true")
    await page.check("#original-sound")
    await until_in(page, f"{processed} === false")
    await join(page)
    await page.click("#devices-button")
    await expect(page.locator("#call-original-sound")).to_be_checked()
    await page.uncheck("#call-original-sound")
    await until_in(page, f"{processed} === true")
    assert await page.evaluate("localStorage.getItem('consilium.original_sound')") == "false"


async def test_camera_switched_off_before_joining_stays_off(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_page("/?room=1000&name=A")
    await page.wait_for_selector("#preview[data-state=ready]")
    await page.click("#preview-camera")
    await expect(page.locator("#preview-hint")).to_have_text("Your camera is off.")
    await join(page)
    await until(lambda: {"microphone_muted": False, "camera_muted": True} in server.asked("PATCH"))
    await page.click("#camera-button")
    await until(lambda: server.asked("PATCH")[-1:] == [{"microphone_muted": False, "camera_muted": False}])
    assert server.asked("PUT", "/participants/p-1/media") == [], "the camera had its place in the offer"


async def test_mute_and_camera_tell_the_server_and_show_in_the_roster(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_page("/?room=1000&name=A")
    await join(page)
    own = page.locator("#roster li[data-participant=p-1]")
    await expect(own).to_contain_text("(you)")
    await page.click("#microphone-button")
    await expect(own.locator(".microphone-off")).to_be_visible()
    await expect(page.locator("#microphone-button .text")).to_have_text("Unmute")
    await page.keyboard.press("m")
    await expect(own.locator(".microphone-off")).to_have_count(0)
    await page.keyboard.press("v")
    await expect(own.locator(".camera-off")).to_be_visible()
    assert server.asked("PATCH")[-1] == {"microphone_muted": False, "camera_muted": True}


async def test_chair_may_silence_but_never_open_a_microphone(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_page("/?room=1000&name=A")
    await join(page)
    await server.change("p-1", microphone_muted=True)
    await expect(page.locator("#microphone-button")).to_have_attribute("aria-pressed", "true")
    await expect(page.locator("#notices")).to_contain_text("The chair has muted your microphone")
    await server.change("p-1", microphone_muted=False)
    await expect(page.locator("#notices")).to_contain_text("invites you to speak")
    await until(lambda: server.find("p-1")[1]["microphone_muted"] is True)
    await expect(page.locator("#microphone-button")).to_have_attribute("aria-pressed", "true")


async def test_one_chooses_what_one_sees(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_page("/?room=1000&name=A", "zh-CN")
    await join(page)
    view = page.locator("#view-select")
    await expect(view.locator("option")).to_have_count(1 + 2 + 8)
    await view.select_option("watch:p-room")
    await until(lambda: server.find("p-1")[1]["watch"] == "p-room")
    await view.select_option("layout:4")
    await until(lambda: server.find("p-1")[1]["layout"] == "4")
    assert server.find("p-1")[1]["watch"] is None
    await server.change("p-1", layout=None)
    await expect(view).to_have_value("")


async def test_the_camera_of_whom_one_watches_can_be_moved(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_page("/?room=1000&name=A")
    await join(page)
    await server.change("p-room", camera_control=True)
    await expect(page.locator("#view-camera")).to_be_hidden()
    await page.locator("#view-select").select_option("watch:p-room")
    await expect(page.locator("#view-camera")).to_be_visible()
    server.logged_in = True  # the server decides by what is seen; the fake does not know
    await page.click("#camera-closer-p-room")
    await until(lambda: server.asked("POST", "/participants/p-room/camera") != [])
    assert server.asked("POST", "/participants/p-room/camera")[-1] == {"action": "move", "seconds": 0.4, "zoom": 1}
    await page.locator("#view-select").select_option("")
    await expect(page.locator("#view-camera")).to_be_hidden()


async def test_roster_speaker_and_recording_follow_events(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_page("/?room=1000&name=A", "zh-CN")
    await join(page)
    await expect(page.locator("#roster-title")).to_have_text("参会者（3）")
    await server.send({"type": "speaker_changed", "number": "1000", "participant_id": "p-room"})
    await expect(page.locator("#roster li[data-participant=p-room]")).to_have_attribute("data-speaking", "true")
    recording = {"id": "r", "state": "recording", "seconds": 0}
    await server.send({"type": "recording_started", "number": "1000", "recording": recording})
    await expect(page.locator("#recording-sign")).to_be_visible()
    await expect(page.locator("#notices")).to_contain_text("本次会诊正在录制")
    await server.send({"type": "recording_stopped", "number": "1000", "recording": recording})
    await expect(page.locator("#recording-sign")).to_be_hidden()
    await page.click("#call-view [data-language=en]")
    await expect(page.locator("#roster-title")).to_have_text("People (3)")


async def cut_with_event(server: FakeServer) -> None:
    await server.stop_media()
    await server.send({"type": "media_restarted", "number": "1000"})


async def cut_without_word(server: FakeServer) -> None:
    await server.stop_media()


async def cut_and_refuse_once(server: FakeServer) -> None:
    server.refuse_media = 1
    await cut_with_event(server)


async def restart(server: FakeServer) -> None:
    await server.forget_everybody()


@pytest.mark.parametrize(
    ("trouble", "attempts", "joins"),
    [(cut_with_event, 1, 1), (cut_without_word, 1, 1), (cut_and_refuse_once, 2, 1), (restart, 0, 2)],
)
async def test_page_comes_back_by_itself_and_keeps_the_last_picture_meanwhile(
    open_page: OpenPage,
    server: FakeServer,
    trouble: Callable[[FakeServer], Awaitable[None]],
    attempts: int,
    joins: int,
) -> None:
    page = await open_page("/?room=1000&name=A")
    await join(page)
    await page.evaluate(
        """() => {
            window.states = [];
            const video = document.getElementById('remote-video');
            const canvas = document.getElementById('last-picture');
            new MutationObserver(() => window.states.push([video.dataset.state, canvas.hidden]))
                .observe(video, {attributes: true, attributeFilter: ['data-state', 'data-picture']});
        }"""
    )
    started = time.monotonic()
    await trouble(server)
    await until_in(page, "window.states.some(([state]) => state === 'reconnecting')")
    await page.wait_for_selector(LIVE)
    assert time.monotonic() - started < 10
    states = await page.evaluate("window.states")
    assert ["reconnecting", False] in states, "the last picture was kept"
    await expect(page.locator("#last-picture")).to_be_hidden()
    assert len(server.asked("POST", "/conferences/1000/join")) == joins
    if joins == 1:
        assert len(server.asked("PUT", "/participants/p-1/media")) == attempts
    await expect(page.locator("#connection")).to_have_attribute("data-state", "connected")


async def test_lost_event_channel_comes_back_without_touching_the_media(
    open_page: OpenPage, server: FakeServer
) -> None:
    page = await open_page("/?room=1000&name=A")
    await join(page)
    for socket in list(server.sockets):
        await socket.close(code=1012)
    await until(lambda: len(server.sockets) == 1)
    await server.change("p-doctor", name="Dr. New")
    await expect(page.locator("#roster")).to_contain_text("Dr. New")
    assert server.asked("PUT", "/participants/p-1/media") == []


@pytest.mark.parametrize(
    ("event", "text"),
    [
        ({"type": "kicked", "reason": "kicked"}, "You were removed from the consultation."),
        ({"type": "conference_ended", "number": "1000"}, "The consultation has ended."),
    ],
)
async def test_end_by_the_server_leads_back_to_the_door(
    open_page: OpenPage, server: FakeServer, event: dict[str, str], text: str
) -> None:
    page = await open_page("/?room=1000&name=A")
    await join(page)
    await server.send(event)
    await expect(page.locator("#join-error")).to_have_text(text)
    await page.click("#join-button")
    await page.wait_for_selector(LIVE)


async def test_closing_the_page_leaves(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_page("/?room=1000&name=A")
    await join(page)
    await page.goto("about:blank")
    await until(lambda: len(server.asked("DELETE", "/participants/p-1")) == 1)


async def test_devices_are_changed_in_the_call(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_page("/?room=1000&name=A")
    await join(page)
    await page.click("#devices-button")
    choices = page.locator("#call-microphone-select option")
    await expect(choices).not_to_have_count(0)
    other = await choices.nth(await choices.count() - 1).get_attribute("value")
    await page.select_option("#call-microphone-select", other)
    await until_in(page, "id => localStorage.getItem('consilium.microphone') === id", other)
    await page.keyboard.press("Escape")
    await expect(page.locator("#devices-dialog")).to_be_hidden()
    await expect(page.locator(LIVE)).to_be_visible()


async def test_camera_that_is_unplugged_is_off_for_all(open_page: OpenPage, server: FakeServer) -> None:
    page = await open_page("/?room=1000&name=A", script=KEEP_TRACKS)
    await join(page)
    await page.evaluate("window.kept.find((track) => track.kind === 'video').dispatchEvent(new Event('ended'))")
    await expect(page.locator("#notices")).to_contain_text("No camera can be used")
    await expect(page.locator("#camera-button")).to_have_attribute("aria-pressed", "true")
    await until(lambda: {"microphone_muted": False, "camera_muted": True} in server.asked("PATCH"))
    await page.click("#camera-button")
    await until(lambda: server.asked("PATCH")[-1:] == [{"microphone_muted": False, "camera_muted": False}])


async def test_connection_details_tell_size_and_codec(open_page: OpenPage) -> None:
    page = await open_page("/?room=1000&name=A", "zh-CN")
    await join(page)
    await page.click("#connection")
    await expect(page.locator("#connection-details")).to_contain_text("640×360")
    await expect(page.locator("#connection-details")).to_contain_text("往返时延")


async def test_chinese_is_drawn_where_no_chinese_font_is_installed(open_page: OpenPage) -> None:
    page = await open_page("/", "zh-CN")
    # Boxes for missing glyphs are narrower than the em square that a Chinese character fills.
    await until_in(
        page,
        """() => {
            const range = document.createRange();
            range.selectNodeContents(document.querySelector('h1'));
            const size = parseFloat(getComputedStyle(document.querySelector('h1')).fontSize);
            return Math.abs(range.getBoundingClientRect().width - 4 * size) < size / 4;
        }""",
    )
