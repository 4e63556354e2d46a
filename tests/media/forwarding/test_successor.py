"""A worker that died: its successor forwards on, though browsers no more say which packets are of which picture."""

from __future__ import annotations

import time

from mcu.media.conference_media import ConferenceMedia
from mcu.media.facts import LegConnected, NumbersReached
from mcu.media.leg_transport import BrowserAccess
from mcu.media.rtp.packet import RtpPacket
from mcu.media.spec import Continuation, LegSpec
from mcu.media.transport.browser_port import BrowserPort
from tests.media.forwarding.browsers import RIDS, Browser, Meeting, leg, meeting, vp8
from tests.media.picture.material import FONT


async def join(here: Meeting, name: str, number: int, rids: tuple[str, ...] = ()) -> Browser:
    def make(told: str) -> LegSpec:
        return leg(name, number, rids=rids, fingerprint=told).model_copy(
            update={"continuation": Continuation(seed=number)}
        )

    return await here.join(name, make)


def continued(here: Meeting, one: LegSpec) -> LegSpec:
    """The leg with what the worker has told of it."""
    keys = next(fact.bundled for fact in here.facts if isinstance(fact, LegConnected) and fact.leg == one.id)
    numbers = [fact.legs[one.id] for fact in here.facts if isinstance(fact, NumbersReached) and one.id in fact.legs]
    assert one.continuation is not None
    after = Continuation(seed=one.continuation.seed, ahead=1, numbers=numbers[-1], keys=keys)
    return one.model_copy(update={"continuation": after})


async def test_a_successor_forwards_on_without_a_handshake() -> None:
    async with meeting() as here:
        ann, bob = await join(here, "ann", 1, RIDS), await join(here, "bob", 2)
        ssrcs = (11, 13, 15)
        await here.until(lambda: len(bob.got(2100)) > 5, lambda: ann.answer(*ssrcs, rids=RIDS))

        def known() -> bool:
            told = [fact.legs["ann"] for fact in here.facts if isinstance(fact, NumbersReached) and "ann" in fact.legs]
            return bool(told) and len(told[-1].pictures) == 3

        await here.until(known, lambda: ann.answer(*ssrcs, rids=RIDS))
        dead, access = here.conference, here.conference._browsers
        access.port.close()
        port = BrowserPort(time.monotonic)
        await port.open("127.0.0.1", here.port)
        here.conference = ConferenceMedia("meeting", FONT, BrowserAccess(port, access.certificate), here.facts.append)
        try:
            before = bob.got(2100)[-1]
            await here.apply(*(continued(here, one) for one in here.spec.legs))

            def send() -> None:
                for ssrc in ssrcs:  # no word of mid and rid any more
                    number = ann.numbers[ssrc] = ann.numbers[ssrc] + 1
                    payload = vp8(number, key=number % 10 == 0) + bytes(50)
                    ann.send(RtpPacket(96, number, number * 3000, ssrc, payload, True))

            await here.until(lambda: bob.got(2100)[-1].sequence != before.sequence, send)
            count = len(bob.got(2100))
            await here.until(lambda: len(bob.got(2100)) > count + 10, send)
            ahead = (bob.got(2100)[-1].sequence - before.sequence) & 0xFFFF
            assert 0 < ahead < 0x8000
        finally:
            await dead.close()
            await here.conference.close()
            port.close()
