"""Packets of strangers, and of somebody on the wire, thrown at every media port of a call that goes on.

Nothing of it is heard, ends anything or costs anybody pictures; it is counted, and not logged by the packet.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import struct
import time
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np
import numpy.typing as npt
from aioice import stun
from playwright.async_api import Page, Route

from bench.relay import HOST, Relay
from consilium.simulated_room.room import RoomSettings
from mcu.media import spec as media_spec
from mcu.media.codec.audio_encoder import EncoderKey, make_encoder
from tests.e2e import attacker
from tests.e2e.attacker import Flood, Shots, Wiretap
from tests.e2e.bystanders import SOUNDS_PER_SECOND, Bystander, Got, got, small_clip
from tests.e2e.checks import ABSENT, PRESENT
from tests.e2e.material import RATE, Source, tone_level
from tests.e2e.test_browser_networks import REMEMBER
from tests.peers.chromium import Chromium, wait_for_picture
from tests.peers.server import ServerProcess

ENCRYPTIONS: tuple[Literal["none", "sdes", "dtls"], ...] = ("none", "sdes", "dtls")
SMALL = {"media.width": 640, "media.height": 360}
SECONDS = 2.5
PACKETS_PER_SECOND = 4000
FORGED = 2600.0
PATIENCE = 20.0

# Of what came before the flood. Beside other tests a machine is not even; a server that worked on each packet in vain
# would not get through half.
PICTURES_KEPT = 0.7
SOUNDS_KEPT = 0.85
# A busy machine sends a late frame; what is thrown away for good is many.
CONCEALED = 0.1

# Of what was sent; the kernel's buffers may lose some.
COUNTED = 0.5

_SEEN = """
async () => {
  const stats = [...(await window.connections.at(-1).getStats()).values()];
  const most = (kind, name) => stats.filter((one) => one.type === 'inbound-rtp' && one.kind === kind)
    .reduce((best, one) => ((one[name] ?? 0) > (best[name] ?? 0) ? one : best), {});
  const picture = most('video', 'framesDecoded'), sound = most('audio', 'totalSamplesReceived');
  return [picture.framesDecoded ?? 0, sound.totalSamplesReceived ?? 0, sound.concealedSamples ?? 0];
}
"""


async def test_a_flood_of_bad_packets_does_a_call_no_harm(tmp_path: Path, sources: list[Source]) -> None:
    relay = Relay(7)
    tap = Wiretap(relay)
    shots: list[Shots] = []
    clips = [await asyncio.to_thread(small_clip, source) for source in sources]
    rooms = [
        Bystander(RoomSettings(name=how, user=how, encryption=how, save=tmp_path / f"{how}.mkv"), clip, relay)
        for how, clip in zip(ENCRYPTIONS, clips, strict=True)
    ]
    async with ServerProcess(tmp_path, SMALL) as server:
        await server.login()
        async with Chromium(sources[0].camera, sources[0].sound) as chromium:
            try:
                await asyncio.gather(*(one.room.call(server.sip_uri("1000")) for one in rooms))
                page = await _join(server, await chromium.page(), relay)
                before = await _got(rooms, page, 1.0)
                lines = server.log().count("\n")
                shots += _shots(server, rooms, tap)
                knocking = asyncio.create_task(attacker.knock((HOST, server.browser_port), shots[0].packets))
                async with Flood(shots, PACKETS_PER_SECOND) as flood:
                    during = await _got(rooms, page, SECONDS)
                    people = (await server.api("GET", "/conferences/1000"))["participants"]
                knocking.cancel()
                logged = server.log().count("\n") - lines
                await page.click("#leave-button")
            finally:
                await asyncio.gather(*(one.room.hang_up() for one in rooms))
                relay.close()
                for shot in shots:
                    shot.way.close()
        assert await server.stop() == 0
        log = server.log()
    _assert_unharmed(before, during)
    assert [one["state"] for one in people] == ["connected"] * 4, people
    assert logged <= 2 * len(tap.ways), log
    assert "Traceback" not in log
    _assert_counted(log, flood, server.browser_port, {*(port for one in rooms for _, port in one.ports.values())})
    for one, source in zip(rooms, sources, strict=True):
        assert one.room.settings.save is not None
        heard = await asyncio.to_thread(_sound_of, one.room.settings.save)
        assert tone_level(heard, FORGED) < ABSENT, f"{source.name} hears what was forged"
        for other in sources:
            assert other is source or tone_level(heard, other.frequency) > PRESENT, other.name


async def _join(server: ServerProcess, page: Page, relay: Relay) -> Page:
    """A browser whose media pass the wire too. It sees and hears the others, and soon sends nothing itself."""
    port = relay.add_port((HOST, server.browser_port))

    async def rerouted(route: Route) -> None:
        response = await route.fetch()
        body = json.loads(await response.text())
        sdp = re.sub(r"a=candidate:\S+ \d+ tcp .*\r\n", "", body["sdp"])
        body["sdp"] = sdp.replace(f" {server.browser_port} typ host", f" {port} typ host")
        await route.fulfill(response=response, json=body)

    await page.add_init_script(REMEMBER)
    await page.route("**/join", rerouted)
    await page.goto(f"{server.url}/?room=1000&name=Browser")
    await page.click("#join-button")
    await wait_for_picture(page)
    for button in ("#microphone-button", "#camera-button"):
        await page.click(button)
    return page


async def _got(rooms: list[Bystander], page: Page, seconds: float) -> list[Got]:
    """What everybody gets while so much time goes by; the browser comes last."""
    began, before = time.monotonic(), await page.evaluate(_SEEN)
    by_rooms = await got(rooms, seconds)
    passed, after = time.monotonic() - began, await page.evaluate(_SEEN)
    pictures, samples, concealed = (now - was for now, was in zip(after, before, strict=True))
    assert concealed < CONCEALED * samples, f"the browser had to make up {concealed} of {samples} samples"
    return [*by_rooms, Got(pictures / passed, samples * SOUNDS_PER_SECOND / RATE / passed, 0)]


def _assert_unharmed(before: list[Got], during: list[Got]) -> None:
    for was, now in zip(before, during, strict=True):
        assert now.pictures > PICTURES_KEPT * was.pictures > 0, (before, during)
        assert now.sounds > SOUNDS_KEPT * SOUNDS_PER_SECOND, (before, during)
        # Requests of all the time would bring three in two seconds and a half; an honest one may fall into the time.
        assert now.keyframes <= 2, "somebody who is nobody got key frames"


def _shots(server: ServerProcess, rooms: list[Bystander], tap: Wiretap) -> list[Shots]:
    """Those of strangers first, then as many from within the wire."""
    outside, inside = [], []
    for target, way in tap.ways.items():
        is_plain = target[0] == HOST and target[1] - target[1] % 2 in {port for _, port in rooms[0].ports.values()}
        theirs, own = _bad(list(tap.seen[target]), is_plain)
        outside.append(Shots(attacker.stranger(), target, theirs))
        inside.append(Shots(way, target, own))
        if target[1] != server.browser_port:  # RTCP has come on the same port, but the one above is open too
            outside.append(Shots(outside[-1].way, (target[0], target[1] + 1), theirs))
    assert len(inside) == 3 * 2 + 1, list(tap.ways)
    return [*outside, *inside]


def _bad(seen: list[bytes], is_plain: bool) -> tuple[list[bytes], list[bytes]]:
    """What a stranger sends to a port, and what comes from the client's own address: in the clear the latter cannot
    be told from the client itself, but for what no client sends.
    """
    rng = random.Random(7)
    media = [data for data in seen if len(data) > 12 and data[0] >= 128]
    rtp = [data for data in media if not 192 <= data[1] <= 223]
    ssrc = struct.unpack_from("!I", media[-1], 8 if rtp else 4)[0]
    harmful: list[bytes] = attacker.forged_reports(ssrc)
    if rtp:
        (sequence,) = struct.unpack_from("!H", rtp[-1], 2)
        harmful += attacker.forged_media(rtp[-1][1] & 0x7F, ssrc, _forged_sound(), sequence + 1)
    encrypted = attacker.under_other_keys(harmful)
    absurd = attacker.absurd_reports(ssrc, rng)
    checks = attacker.checks_that_prove_nothing(_username(seen))
    odd = [*absurd, *checks, *attacker.handshakes(rng), *attacker.rubbish(rng)]
    theirs = [*media, *harmful, *encrypted, *odd]
    own = [*rtp, *absurd, *checks] if is_plain else [*attacker.damaged(seen, rng), *odd, *harmful, *encrypted]
    rng.shuffle(theirs)
    rng.shuffle(own)
    return theirs, own


def _username(seen: list[bytes]) -> str:
    """That of the checks that have passed by; without any, one that looks like it."""
    for data in seen:
        if data[0] < 4:
            name: Any = stun.parse_message(data).attributes.get("USERNAME")
            if name:
                return str(name)
    return "abcd:efgh"


def _forged_sound() -> list[bytes]:
    """A loud tone in Opus that nobody in the call makes."""
    codec = media_spec.CodecSpec(name="opus", payload_type=96, clock_rate=48_000, channels=2)
    encoder = make_encoder(EncoderKey.of(codec))
    samples = np.sin(2 * np.pi * FORGED * np.arange(RATE) / RATE).astype(np.float32) * np.float32(0.7)
    return [encoder.encode(block) for block in np.split(samples, 50)]


def _assert_counted(log: str, flood: Flood, browser_port: int, room_ports: set[int]) -> None:
    """The log says at the end of each port how much of this there was."""
    told = {
        int(port): int(strangers) + int(forged)
        for port, strangers, forged in re.findall(r"media port (\d+): (\d+) datagrams of strangers, (\d+) that", log)
    }
    for port in room_ports:
        assert told[port] > COUNTED * flood.sent[HOST, port] / 2, (port, told, dict(flood.sent))
    assert len(re.findall(r"browser streams: a connection from 127\.0\.0\.2 is refused", log)) == 1
    (strangers,) = re.findall(r"browser port: (\d+) datagrams of strangers in all", log)
    (forged,) = re.findall(r"browser port: (\d+) datagrams of a browser that did not authenticate", log)
    assert int(strangers) + int(forged) > COUNTED * flood.sent[HOST, browser_port], log


def _sound_of(path: Path) -> npt.NDArray[np.float32]:
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
        return np.concatenate(
            [out.to_ndarray()[0] for frame in container.decode(audio=0) for out in resampler.resample(frame)]
        )
