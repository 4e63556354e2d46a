"""Firefox on networks that are not as usual: UDP blocked, the path cut, another address all of a sudden.

Its made-up camera goes out, comes back in the composed picture, and is counted by its own statistics.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from bench.network_path import Conditions
from bench.relay import HOST, Relay
from tests.e2e.test_browser_networks import REMEMBER, WITHOUT
from tests.e2e.test_firefox import is_made_up
from tests.peers import firefox
from tests.peers.firefox import Firefox, FirefoxPage
from tests.peers.server import ServerProcess

pytestmark = pytest.mark.skipif(not firefox.available(), reason="firefox-esr is not installed")

PATIENCE = 15.0

# What an answer says of the server's UDP port is said of the one that leads there by the wire of the moment.
THROUGH_WIRE = """
const taken = RTCPeerConnection.prototype.setRemoteDescription;
RTCPeerConnection.prototype.setRemoteDescription = function (answer) {
  const udp = /^(a=candidate:\\S+ \\d+ udp \\d+ \\S+) \\d+ /gim;
  const tcp = /^a=candidate:\\S+ \\d+ tcp .*\\r\\n/gim;
  const sdp = answer.sdp.replace(tcp, '').replace(udp, `$1 ${window.wire} `);
  return taken.call(this, { type: answer.type, sdp });
};
"""

# Firefox has no report of the transport, but says of a pair that it is the one.
_STATE = """
async () => {
  const stats = await window.connections.at(-1).getStats();
  const all = [...stats.values()];
  const pair = all.find((one) => one.type === 'candidate-pair' && one.selected);
  const picture = (type) => all.filter((one) => one.type === type && one.kind === 'video');
  return {
    decoded: Math.max(0, ...picture('inbound-rtp').map((one) => one.framesDecoded ?? 0)),
    remote: pair ? stats.get(pair.remoteCandidateId) : null,
    codecs: [...new Set(picture('inbound-rtp').concat(picture('outbound-rtp'))
      .map((one) => stats.get(one.codecId)?.mimeType).filter(Boolean))],
    connections: window.connections.length,
  };
}
"""

_CREDENTIALS = "() => window.connections[0].remoteDescription.sdp.match(/ice-ufrag:(\\S+)/)[1]"
_IS = "(state) => document.querySelector('#connection').dataset.state === state"


async def test_firefox_by_tcp_by_a_restart_of_ice_and_from_another_address(server: ServerProcess) -> None:
    relay, other = Relay(1), Relay(2)
    try:
        async with Firefox() as fox:
            await by_tcp(server, fox)
            await by_wires(server, fox, relay, other)
            assert not [line for line in fox.console if line.startswith("error")], fox.console
    finally:
        relay.close()
        other.close()
    assert "Traceback" not in server.log()


async def by_tcp(server: ServerProcess, fox: Firefox) -> None:
    """Media over a TCP connection that the browser opens (RFC 6544), framed (RFC 4571)."""
    page = await _join(server, fox, REMEMBER + WITHOUT.replace("WHAT", "udp "))
    state = await _flows(page)
    assert (state["remote"]["protocol"], state["remote"]["port"]) == ("tcp", server.browser_port)
    await page.click("#leave-button")


async def by_wires(server: ServerProcess, fox: Firefox, relay: Relay, other: Relay) -> None:
    """First the address changes under the call, then its path is cut, and the page finds another on its connection."""
    # Firefox leaves loopback out where there is another interface.
    wires = [one.add_port((HOST, server.browser_port), "") for one in (relay, other)]
    page = await _join(server, fox, REMEMBER + THROUGH_WIRE + f"window.wire = {wires[0]};")
    state = await _flows(page)
    assert (state["remote"]["protocol"], state["remote"]["port"]) == ("udp", wires[0])
    # Without the plug-in that it would fetch, this Firefox has no H.264: it gets and sends VP8.
    assert state["codecs"] == ["video/VP8"]

    before = await page.evaluate(_CREDENTIALS)
    relay.rebind()
    state = await _flows(page)
    assert state["remote"]["port"] == wires[0] and state["connections"] == 1

    await page.evaluate(f"() => {{ window.wire = {wires[1]}; }}")
    relay.change(Conditions(loss=1.0))
    cut = time.monotonic()
    await page.wait_for(f"() => ({_CREDENTIALS})() !== '{before}'", seconds=PATIENCE)
    state = await _flows(page)
    assert state["remote"]["port"] == wires[1] and state["connections"] == 1, "it is the same connection"
    await page.wait_for(_IS, "connected")
    assert time.monotonic() - cut < PATIENCE
    await page.click("#leave-button")


async def _join(server: ServerProcess, fox: Firefox, script: str) -> FirefoxPage:
    page = await fox.page(f"{server.url}/?room=1000&name=Fox", script)
    await page.click("#join-button")
    await page.wait_for_picture()
    async with asyncio.timeout(PATIENCE):
        while not is_made_up(await page.look()):
            await asyncio.sleep(0.1)
    return page


async def _flows(page: FirefoxPage) -> dict[str, Any]:
    """How things are once a dozen pictures more than now are decoded."""
    before = (await page.evaluate(_STATE))["decoded"]
    await page.wait_for(f"async (before) => (await ({_STATE})()).decoded > before + 12", before, seconds=PATIENCE)
    state: dict[str, Any] = await page.evaluate(_STATE)
    return state
