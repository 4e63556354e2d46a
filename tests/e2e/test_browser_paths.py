"""The ways that a browser's media take: the address that is told in public, and TCP once UDP leads nowhere."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.async_api import Page

from bench.network_path import Conditions
from bench.relay import Relay
from tests.e2e.material import Source
from tests.e2e.test_browser_networks import REMEMBER, pair_of, until_it_sees, until_pictures_flow
from tests.peers.chromium import Chromium
from tests.peers.server import ServerProcess

# All of 127.0.0.0/8 is this machine, so this is an address that nobody would guess and that leads here.
PUBLIC = "127.0.0.77"
PATIENCE = 15_000

# The server's UDP port is found by the wire of the moment; its TCP port as it is.
THROUGH_WIRE = """
const taken = RTCPeerConnection.prototype.setRemoteDescription;
RTCPeerConnection.prototype.setRemoteDescription = function (answer) {
  const udp = /^(a=candidate:\\S+ \\d+ udp \\d+) \\S+ \\d+ /gim;
  const sdp = answer.sdp.replace(udp, `$1 127.0.0.1 ${window.wire} `);
  return taken.call(this, { type: answer.type, sdp });
};
"""

_CANDIDATES = "() => window.connections.at(-1).remoteDescription.sdp.match(/^a=candidate:.*$/gm)"


async def test_the_public_address_is_told_and_used_and_tcp_takes_over_where_udp_ends(
    tmp_path: Path, sources: list[Source]
) -> None:
    camera = sources[0]
    relay = Relay(3)
    try:
        async with (
            ServerProcess(tmp_path, {"media.public_address": PUBLIC}) as server,
            Chromium(camera.camera, camera.sound) as chromium,
        ):
            await by_the_public_address(server, await chromium.page(), camera)
            await by_tcp_once_udp_is_cut(server, await chromium.page(), camera, relay)
            assert not [line for line in chromium.console if line.startswith("error")]
            assert "Traceback" not in server.log()
    finally:
        relay.close()


async def by_the_public_address(server: ServerProcess, page: Page, camera: Source) -> None:
    """It is the only one that is told, and the one that media go to."""
    await _join(server, page, REMEMBER, camera)
    told = {re.split(r"\s+", line)[4] for line in await page.evaluate(_CANDIDATES)}
    assert told == {PUBLIC}
    remote = (await pair_of(page))["remote"]
    assert (remote["address"], remote["port"], remote["protocol"]) == (PUBLIC, server.browser_port, "udp")
    await page.click("#leave-button")


async def by_tcp_once_udp_is_cut(server: ServerProcess, page: Page, camera: Source, relay: Relay) -> None:
    """In the middle of the call nothing gets through by UDP any more; the page restarts ICE and goes on by TCP.

    Browsers hesitate to choose TCP; where that takes them too long the page makes a fresh connection.
    """
    wire = relay.add_port((PUBLIC, server.browser_port))
    await _join(server, page, f"{REMEMBER}{THROUGH_WIRE}window.wire = {wire};", camera)
    remote = (await pair_of(page))["remote"]
    assert (remote["port"], remote["protocol"]) == (wire, "udp")
    relay.change(Conditions(loss=1.0))
    await page.wait_for_selector('#connection[data-state="reconnecting"]', timeout=PATIENCE)
    await page.wait_for_selector('#connection[data-state="connected"]', timeout=PATIENCE)
    await until_pictures_flow(page)
    remote = (await pair_of(page))["remote"]
    assert (remote["address"], remote["port"], remote["protocol"]) == (PUBLIC, server.browser_port, "tcp")
    await page.click("#leave-button")


async def _join(server: ServerProcess, page: Page, script: str, camera: Source) -> None:
    await page.add_init_script(script)
    await page.goto(f"{server.url}/?room=1000&name=Guest")
    await page.click("#join-button")
    await until_it_sees(page, camera)
