"""Forward error correction over a network that loses: to a browser that cannot ask again, and with a room likewise."""

from __future__ import annotations

import asyncio
from typing import Any

from playwright.async_api import Page

from bench.network_path import Conditions
from bench.relay import HOST, Relay
from consilium.simulated_room.clip import ClipFormat, load_clip
from consilium.simulated_room.room import RoomSettings, SimulatedRoom
from mcu.media.spec import Address, LegSpec, PlainTransport
from tests.e2e.material import Source
from tests.peers.chromium import Chromium
from tests.peers.server import ServerProcess

LOSS = 0.12
SECONDS = 3.0

# A browser that only watches is offered FlexFEC; without NACK nothing else mends what it loses.
_JOIN = """
async ([number, from, to, pictures]) => {
  const link = window.link = new RTCPeerConnection();
  for (const kind of ['audio', ...Array(pictures).fill('video')]) link.addTransceiver(kind, {direction: 'recvonly'});
  await link.setLocalDescription();
  await new Promise((done) => {
    link.onicegatheringstatechange = () => link.iceGatheringState === 'complete' && done();
    if (link.iceGatheringState === 'complete') done();
  });
  const lines = link.localDescription.sdp.split('\\r\\n').filter((line) => !/^a=rtcp-fb:\\d+ nack$/.test(line));
  const response = await fetch(`/api/v1/conferences/${number}/join`, {
    method: 'POST', headers: {'Content-Type': 'application/json'},
    body: JSON.stringify({name: 'Viewer', sdp: lines.join('\\r\\n')}),
  });
  const answer = (await response.json()).sdp.replaceAll(` ${from} typ host`, ` ${to} typ host`);
  const sdp = answer.split('\\r\\n').filter((line) => !line.includes(' tcp ')).join('\\r\\n');
  await link.setRemoteDescription({type: 'answer', sdp});
  return sdp;
}
"""

_RECEIVED = """
async (mid) => {
  const reports = [...(await window.link.getStats()).values()];
  return reports.find((report) => report.type === 'inbound-rtp' && report.mid === mid) ?? {};
}
"""


MAIN, SLOT = "1", "3"
"""Mids of a browser's offer: sound, the main picture, what is shared, and pictures of others as they are."""


async def assert_repaired(page: Page, mid: str, frames: float) -> None:
    """While the network loses, a picture goes on, so many frames a second, since repair packets mend it."""
    before: dict[str, Any] = await page.evaluate(_RECEIVED, mid)
    await asyncio.sleep(SECONDS)
    after: dict[str, Any] = await page.evaluate(_RECEIVED, mid)
    gained = {name: after[name] - before[name] for name in ("framesDecoded", "packetsLost", "pliCount")}
    assert after["fecPacketsReceived"] > 20 and after["fecBytesReceived"] > 0
    assert gained["packetsLost"] > 5, "the network lost nothing"
    # Nothing of a picture with a hole is decoded, and each hole would cost a request for a key frame.
    assert gained["framesDecoded"] > frames * SECONDS and gained["pliCount"] <= 3, gained


async def test_lost_packets_are_recovered_by_a_browser_and_a_room_that_cannot_ask_for_them(
    server: ServerProcess, sources: list[Source]
) -> None:
    relay = Relay(4)

    def behind_the_relay(spec: LegSpec) -> LegSpec:
        transport = spec.transport
        assert isinstance(transport, PlainTransport)
        remote = transport.video_remote
        assert remote is not None and spec.video is not None and spec.video.repair is not None
        port = relay.add_pair((remote.host, remote.port))
        changed = {"symmetric": False, "video_remote": Address(host=HOST, port=port)}
        return spec.model_copy(update={"transport": transport.model_copy(update=changed)})

    clip = await asyncio.to_thread(load_clip, sources[0].clip, ClipFormat(640, 360, 30, 600_000), 4.0)
    far = SimulatedRoom(RoomSettings(name="Far", user="far"), clip)
    near = SimulatedRoom(RoomSettings(name="Near", user="near", lost="repair"), clip, reroute=behind_the_relay)
    port = relay.add_port((HOST, server.browser_port))
    try:
        async with Chromium() as chromium:
            await asyncio.gather(*(room.call(server.sip_uri("1000")) for room in (far, near)))
            page = await chromium.page()
            await page.goto(server.url)
            sdp = await page.evaluate(_JOIN, ["1000", server.browser_port, port, 1])
            assert "flexfec-03/90000" in sdp and "a=ssrc-group:FEC-FR" in sdp
            await asyncio.sleep(1.0)
            relay.change(Conditions(loss=LOSS))
            await asyncio.sleep(2.5)  # reports have told of the loss
            await assert_repaired(page, MAIN, 10.0)
            assert near.leg is not None
            (stream,) = (stream for media, stream in near.leg.streams() if media == "video")
            statistics = stream.repair_statistics()
            assert statistics.packets_recovered > 5 and statistics.repair_packets_sent > 5
    finally:
        await asyncio.gather(far.hang_up(), near.hang_up())
        relay.close()


async def test_a_forwarded_picture_is_repaired_for_who_cannot_ask_again(
    server: ServerProcess, sources: list[Source]
) -> None:
    await server.login()
    await server.api("POST", "/conferences", {"number": "1000"})
    await server.api("PATCH", "/conferences/1000", {"forwarded": True})
    relay = Relay(4)
    port = relay.add_port((HOST, server.browser_port))
    try:
        async with Chromium(sources[0].camera) as chromium:
            sender = await chromium.page()
            await sender.goto(f"{server.url}/?room=1000&name=Sender")
            await sender.click("#join-button")
            await sender.wait_for_selector('#connection[data-state="connected"]')
            page = await chromium.page()
            await page.goto(server.url)
            sdp = await page.evaluate(_JOIN, ["1000", server.browser_port, port, 3])
            assert sdp.count("a=ssrc-group:FEC-FR") == 3
            await page.wait_for_function(f"async () => ((await ({_RECEIVED})('{SLOT}')).framesDecoded ?? 0) > 10")
            relay.change(Conditions(loss=LOSS))
            await asyncio.sleep(2.5)  # reports have told of the loss
            await assert_repaired(page, SLOT, 8.0)
    finally:
        relay.close()
