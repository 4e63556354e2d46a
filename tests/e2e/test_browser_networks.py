"""Browsers on networks that are not as usual: UDP blocked, gone silent for a while, IPv6."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import psutil
from playwright.async_api import Page

from tests.e2e.checks import ALIKE, luma
from tests.e2e.material import Source, likeness
from tests.peers.chromium import Chromium, look, wait_for_picture
from tests.peers.server import ServerProcess

PATIENCE = 40.0

# As on a network where some find no way: these candidates of the answer are as good as not there.
WITHOUT = """
const take = RTCPeerConnection.prototype.setRemoteDescription;
RTCPeerConnection.prototype.setRemoteDescription = function (answer) {
  const sdp = answer.sdp.replace(/^a=candidate:\\S+ \\d+ WHAT.*\\r\\n/gim, '');
  return take.call(this, { type: answer.type, sdp });
};
"""

REMEMBER = """
const Original = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Original {
  constructor(...options) { super(...options); (window.connections ??= []).push(this); }
};
"""

_PAIR = """
async () => {
  const stats = await window.connections.at(-1).getStats();
  const transport = [...stats.values()].find((one) => one.type === 'transport');
  const pair = stats.get(transport.selectedCandidatePairId);
  return { local: stats.get(pair.localCandidateId), remote: stats.get(pair.remoteCandidateId) };
}
"""


_DECODED = """
async () => {
  const stats = [...(await window.connections.at(-1).getStats()).values()];
  return Math.max(0, ...stats.filter((one) => one.type === 'inbound-rtp').map((one) => one.framesDecoded ?? 0));
}
"""


async def pair_of(page: Page) -> dict[str, Any]:
    """The candidates that the page's newest connection uses."""
    pair: dict[str, Any] = await page.evaluate(_PAIR)
    return pair


async def until_pictures_flow(page: Page) -> None:
    """Until a dozen pictures more than now are decoded."""
    before = await page.evaluate(_DECODED)
    await page.wait_for_function(
        f"async (before) => (await ({_DECODED})()) > before + 12", arg=before, timeout=PATIENCE * 1000
    )


def is_replaced(server: ServerProcess, killed: int) -> bool:
    """Whether another worker has the port of browsers."""
    try:
        return server.worker_pid() != killed
    except (ValueError, psutil.Error):
        return False  # none has, or one just goes


async def until_it_sees(page: Page, source: Source) -> None:
    """Until the main picture shows the page's own camera, alone in the conference."""
    await wait_for_picture(page)
    async with asyncio.timeout(PATIENCE):
        while likeness(luma(await look(page)), source) < ALIKE:
            await asyncio.sleep(0.1)


# While it is set the page is told that nothing comes, as when its network has changed under it.
SILENCE = """
const measure = RTCPeerConnection.prototype.getStats;
RTCPeerConnection.prototype.getStats = function (...options) {
  if (!window.silent) return measure.apply(this, options);
  this.last ??= measure.apply(this, options);
  return this.last;
};
"""

_CREDENTIALS = "() => window.connections[0].remoteDescription.sdp.match(/ice-ufrag:(\\S+)/)[1]"


async def test_by_tcp_where_udp_is_blocked_and_by_another_way_when_all_is_silent(
    server: ServerProcess, sources: list[Source]
) -> None:
    bunny = sources[0]
    async with Chromium(bunny.camera, bunny.sound) as chromium:
        await by_tcp(server, await chromium.page(), bunny)
        await after_a_restart_of_ice(server, await chromium.page(), bunny)
        assert not [line for line in chromium.console if line.startswith("error")]
    assert "Traceback" not in server.log()


async def by_tcp(server: ServerProcess, page: Page, camera: Source) -> None:
    """In the call by TCP, also when its worker has been replaced."""
    await page.add_init_script(REMEMBER + WITHOUT.replace("WHAT", "udp "))
    await page.goto(f"{server.url}/?room=1000&name=Guest")
    await page.click("#join-button")
    await until_it_sees(page, camera)
    pair = await pair_of(page)
    assert (pair["remote"]["protocol"], pair["remote"]["port"]) == ("tcp", server.browser_port)

    # Its successor listens on the same port, and the browser connects again by itself.
    killed = server.worker_pid()
    os.kill(killed, signal.SIGKILL)
    async with asyncio.timeout(PATIENCE):
        while not is_replaced(server, killed):
            await asyncio.sleep(0.05)
    await until_pictures_flow(page)
    assert (await pair_of(page))["remote"]["protocol"] == "tcp"
    await page.click("#leave-button")


async def after_a_restart_of_ice(server: ServerProcess, page: Page, camera: Source) -> None:
    """The page hears nothing, and looks for another way on the same connection."""
    await page.add_init_script(REMEMBER + SILENCE)
    await page.goto(f"{server.url}/?room=1000&name=Guest")
    await page.click("#join-button")
    await until_it_sees(page, camera)
    before = await page.evaluate(_CREDENTIALS)
    await page.evaluate("() => { window.silent = true; }")
    await page.wait_for_selector('#connection[data-state="reconnecting"]')
    await page.wait_for_function(f"(before) => ({_CREDENTIALS})() !== before", arg=before)
    await page.evaluate("() => { window.silent = false; }")
    await page.wait_for_selector('#connection[data-state="connected"]')
    await until_pictures_flow(page)
    assert await page.evaluate("() => window.connections.length") == 1, "it is the same connection"
    pair = await pair_of(page)
    assert pair["remote"]["usernameFragment"] == await page.evaluate(_CREDENTIALS) != before


# A page may ask for a certificate of RSA, which older programs always have.
RSA = """
RTCPeerConnection.generateCertificate({
  name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256',
}).then((certificate) => { window.certificate = certificate; });
const WithoutCertificate = window.RTCPeerConnection;
window.RTCPeerConnection = class extends WithoutCertificate {
  constructor(options) { super({ ...options, certificates: [window.certificate] }); }
};
"""


_OWN = "() => window.certificate.getFingerprints()[0].value.toUpperCase()"
_SHOWN = "() => window.connections.at(-1).localDescription.sdp.match(/a=fingerprint:sha-256 (\\S+)/)[1].toUpperCase()"


async def test_a_browser_comes_by_ipv6_and_another_with_rsa_by_ipv4(tmp_path: Path, sources: list[Source]) -> None:
    bunny = sources[0]
    async with ServerProcess(tmp_path, {"web.host": "::"}) as server, Chromium(bunny.camera, bunny.sound) as chromium:
        for host, others, more in (("[::1]", r"udp \d+ [\d.]+ ", ""), ("127.0.0.1", r"udp \d+ [\da-f:]+ ", RSA)):
            page = await chromium.page()
            await page.add_init_script(REMEMBER + WITHOUT.replace("WHAT", others) + more)
            await page.goto(f"https://{host}:{server.https_port}/?room=1000&name=Guest")
            if more:
                await page.wait_for_function("() => window.certificate")
            await page.click("#join-button")
            await until_it_sees(page, bunny)
            remote = (await pair_of(page))["remote"]
            assert remote["protocol"] == "udp" and (":" in remote["address"]) == (":" in host)
            if more:
                assert await page.evaluate(_SHOWN) == await page.evaluate(_OWN)
            await page.click("#leave-button")
        assert "Traceback" not in server.log()
