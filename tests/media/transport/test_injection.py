"""What others put on the wire: nothing of it reaches a leg, all of it is counted, and no packet is logged."""

from __future__ import annotations

import logging
import random
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from mcu.media.packets import Srtp
from mcu.media.transport.browser_port import BrowserEndpoint, BrowserPort
from tests.media.transport.checks import agent, check
from tests.media.transport.sockets import Box, Peer, peer
from tests.peers.ports import port_block

SUITES = {"AEAD_AES_128_GCM": 28, "AES_CM_128_HMAC_SHA1_80": 30}
LAST = b"the last one"


class Leg(Box):
    """Keeps what it is told, whatever it is."""

    dtls_received = rtcp_received = Box.put

    def rtp_received(self, packets: list[bytes]) -> None:
        for packet in packets:
            self.put(packet)


def rtp(sequence: int, payload: bytes = b"media", ssrc: int = 5) -> bytes:
    return struct.pack("!BBHII", 0x80, 96, sequence, 0, ssrc) + payload


def rtcp(ssrc: int = 5) -> bytes:
    return struct.pack("!BBHI", 0x80, 201, 1, ssrc)


class Scene:
    """A leg with keys, its browser, and packets of that browser."""

    def __init__(self, suite: str, number: int, port: BrowserPort, endpoint: BrowserEndpoint, box: Leg, browser: Peer):
        self.suite, self.number, self.port, self.endpoint, self.box, self.browser = (
            suite, number, port, endpoint, box, browser,
        )  # fmt: skip
        self.keys = bytes(range(SUITES[suite]))
        endpoint.set_keys(suite, bytes(SUITES[suite]), self.keys)
        self.outbound = Srtp(suite, self.keys, inbound=False)
        self._sequence = 100

    def protected(self, packet: bytes) -> bytes:
        control = 192 <= packet[1] <= 223
        (made,) = (self.outbound.protect_rtcp if control else self.outbound.protect_rtp)([packet])
        assert made is not None
        return made

    async def delivered(self, bad: list[bytes], attacker: Peer | None = None) -> list[bytes]:
        """What the leg gets of these, sent from the browser's own address or an attacker's."""
        for start in range(0, len(bad), 32):
            for data in bad[start : start + 32]:
                (attacker or self.browser).send(data, self.number)
            # One of the browser's own behind them tells when they have been worked on; sockets keep the order.
            mark = rtp(self.next_sequence(), LAST)
            self.browser.send(self.protected(mark), self.number)
            await self.box.until(mark)
        return [item for item in self.box.items if LAST not in item]

    def next_sequence(self) -> int:
        self._sequence += 1
        return self._sequence

    @property
    def refused(self) -> int:
        return self.endpoint.media.refused(self.endpoint.peer)


@asynccontextmanager
async def scene_of(suite: str) -> AsyncIterator[Scene]:
    number = port_block(1)[0]
    port = BrowserPort(lambda: 7.0)
    await port.open("127.0.0.1", number)
    try:
        async with peer() as browser:
            box = Leg()
            endpoint = port.add(agent(), box)
            browser.send(check(), number)
            await browser.next()
            yield Scene(suite, number, port, endpoint, box, browser)
    finally:
        port.close()


@pytest.fixture(params=sorted(SUITES))
async def scene(request: pytest.FixtureRequest) -> AsyncIterator[Scene]:
    async with scene_of(request.param) as scene:
        yield scene


async def test_media_under_other_keys_are_refused(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    other = Srtp(scene.suite, bytes(range(1, 1 + SUITES[scene.suite])), inbound=False)
    forged = [*other.protect_rtp([rtp(n) for n in range(50)]), *other.protect_rtcp([rtcp()] * 50)]
    assert await scene.delivered([data for data in forged if data is not None]) == []
    assert scene.refused == 100 and caplog.records == []


async def test_replays_are_refused(scene: Scene) -> None:
    packets = [scene.protected(packet) for packet in (rtp(1), rtp(2), rtcp(), rtcp())]
    assert await scene.delivered(packets) == [rtp(1), rtp(2), rtcp(), rtcp()]
    assert await scene.delivered(packets * 20) == [rtp(1), rtp(2), rtcp(), rtcp()]
    assert scene.refused == 80


async def test_packets_that_are_cut_are_refused_at_every_length(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    whole = [scene.protected(rtp(1, b"media" * 20)), scene.protected(rtcp() * 6)]
    # Below two octets there is nothing that would say whose it is.
    cut = [data[:length] for data in whole for length in range(2, len(data))]
    assert await scene.delivered(cut) == []
    assert scene.refused == len(cut) and caplog.records == []


async def test_media_in_the_clear_are_refused(scene: Scene) -> None:
    clear = [rtp(1), rtcp(), rtcp() + struct.pack("!I", 1) + bytes(16), rtp(2, bytes(1400))]
    assert await scene.delivered(clear * 10) == []
    assert scene.refused == 40


async def test_absurd_packets_are_refused(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    rng = random.Random(7)
    # Whatever comes after a first octet that says RTP or RTCP: lengths, counts, extensions that lie.
    absurd = [
        bytes((rng.choice((0x80, 0x8F, 0x90, 0xBF)), rng.randrange(256))) + rng.randbytes(rng.randrange(0, 300))
        for _ in range(300)
    ]
    absurd += [b"\x9f\xc8\xff\xff" + bytes(40), b"\x90\x60" + bytes(10) + b"\xbe\xde\xff\xff" + bytes(30)]
    assert await scene.delivered(absurd) == []
    assert scene.refused == len(absurd) and caplog.records == []


async def test_the_browsers_own_packets_from_another_address_are_a_strangers(scene: Scene) -> None:
    packets = [scene.protected(rtp(sequence)) for sequence in range(20)]
    async with peer() as stranger:
        assert await scene.delivered(packets, stranger) == []
        stranger.send(check(None), scene.number)
        stranger.send(check(password="wrong"), scene.number)
        assert await scene.delivered(packets[:1]) == [rtp(0)]
    assert scene.refused == 0 and scene.port.strangers == 22


async def test_how_many_there_were_is_told_at_the_end(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with peer() as stranger:
        assert await scene.delivered([rtp(1), rtcp()] * 5) == []
        assert await scene.delivered([rtp(1)] * 3, stranger) == []
    scene.endpoint.close()
    scene.port.close()
    assert [record.getMessage() for record in caplog.records] == [
        "browser port: 10 datagrams of a browser that did not authenticate",
        "browser port: 3 datagrams of strangers in all",
    ]
