"""A real Chromium takes our answers: its own offer now, not the one that was written down once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, sync_playwright

from mcu.webrtc.answer import BrowserLocal, PictureSources, answer_browser_offer

pytestmark = pytest.mark.e2e

LOCAL = BrowserLocal(
    ufrag="ours",
    password="password-of-ours-which-is-long",
    fingerprint=("sha-256", ":".join(["AB"] * 32)),
    candidates=(("192.0.2.7", 50000),),
    audio_ssrc=1001,
    video=PictureSources(1002, 2002),
    content=PictureSources(1003, 2003),
    slots=tuple(PictureSources(1010 + index, 2010 + index) for index in range(9)),
    cname="consilium",
)

OFFER = """async ([bundlePolicy, direction, data]) => {
    window.connection = new RTCPeerConnection({bundlePolicy});
    if (direction === "sendrecv") {
        const stream = await navigator.mediaDevices.getUserMedia({audio: true, video: true});
        stream.getTracks().forEach((track) => connection.addTrack(track, stream));
    } else {
        ["audio", "video"].forEach((kind) => connection.addTransceiver(kind, {direction}));
    }
    if (data) connection.createDataChannel("data");
    await connection.setLocalDescription();
    return connection.localDescription.sdp;
}"""

TAKE = """async (sdp) => {
    await connection.setRemoteDescription({type: "answer", sdp});
    return JSON.stringify(connection.getTransceivers().map((transceiver) => ({
        direction: transceiver.currentDirection,
        sends: transceiver.sender.getParameters().codecs.map((codec) => [codec.mimeType, codec.sdpFmtpLine || ""])[0],
    })));
}"""


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program,
            args=[
                "--no-sandbox",
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--no-first-run",
            ],
        )
        opened = browser.new_page()
        # getUserMedia wants a secure context, which localhost is
        opened.route("http://localhost/*", lambda route: route.fulfill(body="<p>", content_type="text/html"))
        opened.goto("http://localhost/")
        yield opened
        browser.close()


@pytest.mark.parametrize(("policy", "data"), [("balanced", False), ("max-bundle", True)])
def test_chromium_sends_opus_and_h264_after_our_answer(page: Page, policy: str, data: bool) -> None:
    offer = page.evaluate(OFFER, [policy, "sendrecv", data])

    sound, picture = json.loads(page.evaluate(TAKE, answer_browser_offer(offer, LOCAL).sdp))

    assert (sound["direction"], picture["direction"]) == ("sendrecv", "sendrecv")
    assert sound["sends"][0] == "audio/red"  # Opus with earlier frames
    assert picture["sends"][0] == "video/H264"
    assert "packetization-mode=1" in picture["sends"][1]
    assert "profile-level-id=42e028" in picture["sends"][1]


def test_chromium_without_camera_is_only_sent_to_and_can_offer_again(page: Page) -> None:
    offer = page.evaluate(OFFER, ["max-bundle", "recvonly", False])
    first = json.loads(page.evaluate(TAKE, answer_browser_offer(offer, LOCAL).sdp))
    again = page.evaluate(
        "async () => { connection.restartIce(); await connection.setLocalDescription();"
        " return connection.localDescription.sdp; }"
    )
    second = json.loads(page.evaluate(TAKE, answer_browser_offer(again, LOCAL).sdp))

    assert [line["direction"] for line in first] == ["recvonly", "recvonly"]
    assert second == first


OFFER_OF_THE_PAGE = """async () => {
    window.connection = new RTCPeerConnection({bundlePolicy: "max-bundle"});
    const stream = await navigator.mediaDevices.getUserMedia({audio: true, video: true});
    connection.addTrack(stream.getAudioTracks()[0], stream);
    connection.addTransceiver(stream.getVideoTracks()[0], {sendEncodings: [
        {rid: "q", scaleResolutionDownBy: 4}, {rid: "h", scaleResolutionDownBy: 2}, {rid: "f"}]});
    for (let index = 0; index < 10; index++) connection.addTransceiver("video", {direction: "recvonly"});
    await connection.setLocalDescription();
    return connection.localDescription.sdp;
}"""

KEPT = """() => {
    const [, main, , ...slots] = connection.getTransceivers();
    return [main.sender.getParameters().encodings.map((encoding) => encoding.rid),
        slots.map((slot) => slot.currentDirection), slots.map((slot) => slot.receiver.track.readyState)];
}"""


def test_chromium_sends_three_encodings_and_takes_nine_pictures_of_others(page: Page) -> None:
    offer = page.evaluate(OFFER_OF_THE_PAGE)
    answer = answer_browser_offer(offer, LOCAL)

    page.evaluate(TAKE, answer.sdp)
    encodings, directions, states = page.evaluate(KEPT)

    assert answer.video is not None and answer.video.rids == ("q", "h", "f")
    assert encodings == ["q", "h", "f"]
    assert directions == ["recvonly"] * 9 and states == ["live"] * 9
