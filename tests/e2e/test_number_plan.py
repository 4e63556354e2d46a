"""A real room dials by the number plan, within the bandwidth of its zone, and its call is written down."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.e2e.material import Source
from tests.peers.baresip import BaresipRoom, JackServer
from tests.peers.chromium import Chromium, wait_for_picture
from tests.peers.server import ServerProcess

ZONE = {"networks": ["127.0.0.0/8"], "budget": {"total": 1_200_000, "least": 300_000}}
RULE = {"kind": "prefix", "match": "88", "target": "room", "value": "{1}", "important": True}


async def _until(server: ServerProcess, path: str, wanted: Any, seconds: float = 20.0) -> Any:
    """The answer once ``wanted`` says that it is right."""
    async with asyncio.timeout(seconds):
        while not wanted(found := await server.api("GET", path)):
            await asyncio.sleep(0.2)
    return found


async def test_a_call_by_the_plan_is_lowered_recorded_and_its_bandwidth_given_back(
    tmp_path: Path, server: ServerProcess, sources: list[Source]
) -> None:
    await server.login()
    await server.api("PUT", "/zones/lab", ZONE)
    await server.api("PUT", "/number-plan/old-prefix", RULE)
    first = sources[0]
    async with (
        JackServer(tmp_path, f"plan{server.sip_port}") as jack,
        BaresipRoom(
            tmp_path / "room", jack, name="Theatre 2", control_port=server.sip_port + 10, video=first.video,
            sound=first.sound,
        ) as room,
    ):  # fmt: skip
        await room.dial(server.sip_uri("881000"))
        assert (await server.api("GET", "/conferences/1000"))["participants"][0]["name"] == "Theatre 2"
        zones = {zone["name"]: zone for zone in (await server.api("GET", "/zones"))["zones"]}
        assert zones["lab"]["calls"] == 1 and 300_000 < zones["lab"]["rate"] <= 1_200_000
        again = await server.api("POST", "/number-plan/dry-run", {"address": "881000", "source": "127.0.0.1"})
        assert not again["bandwidth"]["allowed"] and again["destination"]["value"] == "1000"
        (endpoint,) = (await server.api("GET", "/endpoints"))["endpoints"]
        assert (endpoint["maker"], endpoint["state"], endpoint["zone"]) == ("baresip", "in_call", "lab")
        running = await _until(
            server, "/call-records", lambda found: found["calls"] and found["calls"][0]["video"]["packets_received"] > 0
        )
        assert running["calls"][0]["lowered"].startswith("zone lab has left")
        await room.hang_up()
        ended = await _until(server, "/call-records", lambda found: found["calls"][0]["ended_at"] is not None)
    (call,) = ended["calls"]
    assert (call["reason"], call["dialled"], call["destination"], call["important"]) == (
        "left",
        "881000",
        "room 1000",
        True,
    )
    assert call["video"]["codec_received"] == "H264" and call["audio"]["rate_sent"] > 0 and call["duration"] > 0
    zones = {zone["name"]: zone for zone in (await server.api("GET", "/zones"))["zones"]}
    assert (zones["lab"]["calls"], zones["lab"]["rate"]) == (0, 0)
    assert "Traceback" not in server.log()


async def test_a_call_gives_way_to_an_important_one_and_gets_back_what_it_had(
    tmp_path: Path, server: ServerProcess, sources: list[Source]
) -> None:
    await server.login()
    await server.api("PUT", "/zones/lab", {**ZONE, "budget": {"total": 3_000_000, "least": 300_000}})
    await server.api("PUT", "/number-plan/old-prefix", RULE)
    first, second = sources[:2]

    async def ordinary() -> dict[str, Any]:
        calls: list[dict[str, Any]] = (await server.api("GET", "/call-records"))["calls"]
        return next(call for call in calls if call["dialled"] == "1000")

    async def lowered(is_lowered: bool) -> dict[str, Any]:
        async with asyncio.timeout(20):
            while bool((call := await ordinary())["lowered"]) is not is_lowered:
                await asyncio.sleep(0.2)
        return call

    async with (
        JackServer(tmp_path, f"way{server.sip_port}") as jack,
        BaresipRoom(
            tmp_path / "one", jack, name="Ward", control_port=server.sip_port + 10, video=first.video,
            sound=first.sound,
        ) as ward,
        BaresipRoom(
            tmp_path / "two", jack, name="Emergency", control_port=server.sip_port + 11, video=second.video,
            sound=second.sound,
        ) as emergency,
    ):  # fmt: skip
        await ward.dial(server.sip_uri("1000"))
        await _until(server, "/call-records", lambda found: found["calls"][0]["video"]["packets_received"] > 0)
        before = (await ordinary())["video"]["negotiated_bitrate"]
        await emergency.dial(server.sip_uri("882000"))
        assert "important" in (await lowered(True))["lowered"]
        # The room has taken the new offer: what was agreed on anew is in its record.
        await _until(server, "/call-records", lambda found: any(
            call["dialled"] == "1000" and call["video"]["negotiated_bitrate"] < before for call in found["calls"]
        ))  # fmt: skip
        zones = {zone["name"]: zone for zone in (await server.api("GET", "/zones"))["zones"]}
        assert zones["lab"]["calls"] == 2 and zones["lab"]["rate"] <= 3_000_000
        received = (await ordinary())["video"]["packets_received"]
        await _until(server, "/call-records", lambda found: any(
            call["dialled"] == "1000" and call["video"]["packets_received"] > received for call in found["calls"]
        ))  # fmt: skip
        await emergency.hang_up()
        await lowered(False)
        await _until(server, "/call-records", lambda found: any(
            call["dialled"] == "1000" and call["video"]["negotiated_bitrate"] == before for call in found["calls"]
        ))  # fmt: skip
        assert (await ordinary())["ended_at"] is None
    assert "Traceback" not in server.log()


_REMEMBER_CONNECTION = """
const Original = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Original {
  constructor(...options) { super(...options); window.usedConnection = this; }
};
"""

_RATE_SENT = """
async () => {
  const sent = async () => [...(await window.usedConnection.getStats()).values()]
    .filter((s) => s.type === 'outbound-rtp' && s.kind === 'video').reduce((sum, s) => sum + s.bytesSent, 0);
  const before = await sent();
  await new Promise((done) => setTimeout(done, 3000));
  return (await sent() - before) * 8 / 3;
}
"""


async def test_a_browser_keeps_within_the_bandwidth_of_its_zone_and_its_call_is_recorded(
    server: ServerProcess, sources: list[Source]
) -> None:
    await server.login()
    await server.api("PUT", "/zones/lab", {**ZONE, "budget": {"total": 464_000, "least": 300_000}})
    async with Chromium(sources[0].camera, sources[0].sound) as chromium:
        page = await chromium.page()
        await page.add_init_script(_REMEMBER_CONNECTION)
        await page.goto(f"{server.url}/?room=1000&name=李医生")
        await page.click("#join-button")
        await wait_for_picture(page)
        zones = {zone["name"]: zone for zone in (await server.api("GET", "/zones"))["zones"]}
        assert (zones["lab"]["calls"], zones["lab"]["rate"]) == (1, 464_000)
        assert 50_000 < await page.evaluate(_RATE_SENT) < 440_000
        second = await chromium.page()
        await second.goto(f"{server.url}/?room=1000&name=Second")
        await second.click("#join-button")
        await _until(server, "/call-records", lambda found: len(found["calls"]) == 2)
        alarms = await server.api("GET", "/alarms")
        assert [(one["topic"], one["subject"]) for one in alarms["alarms"]] == [("budget", "zone lab")]
    ended = await _until(
        server, "/call-records", lambda found: found["calls"][-1]["ended_at"] is not None, seconds=60.0
    )
    refused, call = ended["calls"]
    assert (refused["reason"], refused["status"]) == ("refused", 503)
    assert (call["kind"], call["name"], call["room"], call["zone"]) == ("browser", "李医生", "1000", "lab")
    assert call["video"]["codec_received"] == "H264" and call["video"]["packets_received"] > 0
    assert call["lowered"].startswith("zone lab has left") and call["duration"] > 0
    assert "Traceback" not in server.log()
