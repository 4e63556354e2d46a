"""The clients of ``bench forward`` against both servers: what one sends, the other gets and can read."""

from __future__ import annotations

import asyncio
import shutil
import struct
import tempfile
from pathlib import Path

import pytest
from aiortc.rtcdtlstransport import RTCCertificate

from bench.forward import Target, own_address
from bench.forward_client import Client
from bench.forward_conference import Conference
from bench.forward_janus import Janus
from bench.forward_publisher import PAYLOAD_TYPE
from tests.peers.ports import port_block

KEY_FRAME = b"\x67\x42\xe0\x1f", b"\x68\xce", b"\x65\x88\x84"
PACKETS = 20


def key_frame(number: int, ssrc: int) -> list[bytes]:
    return [
        struct.pack("!BBHII", 0x80, PAYLOAD_TYPE | (part == 2) << 7, 3 * number + part, 3000 * number, ssrc) + unit
        for part, unit in enumerate(KEY_FRAME)
    ]


async def what_arrives(server: Target, host: str) -> bytes | None:
    """Publish until the receiver has got enough; its newest packet."""
    certificate = RTCCertificate.generateCertificate()
    sender, receiver = Client(host, certificate, 0x20000001), Client(host, certificate, 0x30000000)
    try:
        await server.publish(sender)
        sender.send(key_frame(0, sender.ssrc))
        await server.receive(receiver)
        for number in range(1, 500):
            sender.send(key_frame(number, sender.ssrc))
            await asyncio.sleep(0.02)
            for client in (sender, receiver):
                client.drain()
                client.look_after(0.1 * number)
            if receiver.packets >= PACKETS:
                break
        return receiver.newest_packet()
    finally:
        await sender.close()
        await receiver.close()


@pytest.mark.e2e
async def test_our_server_forwards_between_the_clients() -> None:
    host = own_address()
    async with Conference(host) as server:
        packet = await what_arrives(server, host)
    assert packet is not None and packet[12:] in KEY_FRAME


@pytest.mark.e2e
@pytest.mark.skipif(own_address().startswith("127."), reason="Janus leaves loopback out, and there is nothing else")
@pytest.mark.skipif(shutil.which("janus") is None, reason="Debian's package janus is not installed: make tools")
async def test_janus_forwards_between_the_clients() -> None:
    host = own_address()
    # Not pytest's folder, which Janus as another user could not read.
    with tempfile.TemporaryDirectory() as folder:
        async with Janus(Path(folder), host, list(port_block(40))) as server:
            packet = await what_arrives(server, host)
    assert packet is not None and packet[12:] in KEY_FRAME
