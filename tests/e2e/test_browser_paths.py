"""The ways that a browser's media take: the address that is told in public, and TCP once UDP leads nowhere."""

from __future__ import annotations

import asyncio
import datetime
import re
import socket
from pathlib import Path

from aioice import stun
from playwright.async_api import Page

from bench.forward_client import Client
from bench.forward_sdp import answered_server, offer_of
from bench.network_path import Conditions
from bench.relay import HOST, Relay
from consilium.certificates import ensure_identity
from mcu.media.transport.dtls import load_certificate
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


async def test_the_public_address_is_told_and_checks_are_answered_from_it(tmp_path: Path) -> None:
    """No other is told, and a browser takes an answer from no other address than the one that it has asked."""
    identity = ensure_identity(tmp_path / "client", [], datetime.datetime.now(datetime.UTC))
    certificate = load_certificate(Path(identity.certificate_file), Path(identity.private_key_file))
    async with ServerProcess(tmp_path, {"media.public_address": PUBLIC}) as server:
        client = Client(HOST, certificate, 77)
        body = {"name": "Browser", "sdp": offer_of(client, "sendonly")}
        sdp = (await server.api("POST", "/conferences/1000/join", body))["sdp"]
        assert {line.split()[4] for line in re.findall(r"a=candidate:.*", sdp)} == {PUBLIC}
        told = answered_server(sdp, PUBLIC)
        assert told.address == (PUBLIC, server.browser_port)
        check = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        check.attributes["USERNAME"] = f"{told.ufrag}:{client.ufrag}"
        check.add_message_integrity(told.password.encode())
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.setblocking(False)
            asking.connect(told.address)  # from now on the kernel lets nobody else's through
            asking.send(bytes(check))
            async with asyncio.timeout(5):
                data = await asyncio.get_running_loop().sock_recv(asking, 2048)
        answer = stun.parse_message(data)
        assert (answer.message_class, answer.transaction_id) == (stun.Class.RESPONSE, check.transaction_id)
        await client.close()
    assert "Traceback" not in server.log()


async def test_tcp_takes_over_in_a_call_whose_udp_is_cut(server: ServerProcess, sources: list[Source]) -> None:
    """Nothing gets through by UDP any more, in the middle of the call; the page restarts ICE and goes on by TCP.

    Browsers hesitate to choose TCP; where that takes them too long the page makes a fresh connection.
    """
    relay = Relay(3)
    try:
        async with Chromium(sources[0].camera, sources[0].sound) as chromium:
            page = await _joined(server, await chromium.page(), relay, sources[0])
            relay.change(Conditions(loss=1.0))
            await page.wait_for_selector('#connection[data-state="reconnecting"]', timeout=PATIENCE)
            await page.wait_for_selector('#connection[data-state="connected"]', timeout=PATIENCE)
            await until_pictures_flow(page)
            remote = (await pair_of(page))["remote"]
            assert (remote["port"], remote["protocol"]) == (server.browser_port, "tcp")
            assert not [line for line in chromium.console if line.startswith("error")]
    finally:
        relay.close()
    assert "Traceback" not in server.log()


async def _joined(server: ServerProcess, page: Page, relay: Relay, camera: Source) -> Page:
    """In a call by UDP, through the relay."""
    wire = relay.add_port((HOST, server.browser_port))
    await page.add_init_script(f"{REMEMBER}{THROUGH_WIRE}window.wire = {wire};")
    await page.goto(f"{server.url}/?room=1000&name=Guest")
    await page.click("#join-button")
    await until_it_sees(page, camera)
    remote = (await pair_of(page))["remote"]
    assert (remote["port"], remote["protocol"]) == (wire, "udp")
    return page
