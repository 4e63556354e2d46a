"""Browsers that count packets: one row of numbers for all that they are sent, feedback both ways, layers by it."""

from __future__ import annotations

import struct
import time
from dataclasses import replace

from mcu.media.facts import NumbersReached
from mcu.media.rtp.packet import RtpPacket
from mcu.media.spec import LegSpec
from tests.media.forwarding.browsers import RIDS, Browser, Meeting, leg, meeting
from tests.media.packets.twcc_reference import Feedback, number_of

TWCC = 5


async def join(here: Meeting, name: str, number: int, rids: tuple[str, ...] = ()) -> Browser:
    def make(told: str) -> LegSpec:
        plain = leg(name, number, rids=rids, fingerprint=told, slots=1)
        counted = {"transport_sequence_id": TWCC}
        assert plain.audio is not None and plain.video is not None
        return plain.model_copy(
            update={
                "audio": plain.audio.model_copy(update=counted),
                "video": plain.video.model_copy(update=counted),
                "slots": tuple(slot.model_copy(update=counted) for slot in plain.slots),
            }
        )

    return await here.join(name, make)


def numbers(browser: Browser) -> list[int]:
    found = [number_of(packet.serialise(), TWCC) for packet in browser.packets]
    assert None not in found
    return [number for number in found if number is not None]


def tell(browser: Browser, told: dict[int, float], queue: float) -> None:
    """Feedback on what has come since the last, ``queue`` seconds later than by rights. Packets leave as they come."""
    fresh = [number for number in numbers(browser) if number not in told]
    if not fresh:
        return
    now = time.monotonic()
    for number in fresh:
        told[number] = now
    arrivals = [told.get(number) for number in range(fresh[0], fresh[-1] + 1)]
    ticks = tuple(None if at is None else int((at + queue) * 4000) for at in arrivals)
    ssrc = browser.packets[-1].ssrc
    feedback = Feedback(77, ssrc, fresh[0], 0, ticks).serialise()
    for data in browser.dtls.protect_rtcp([feedback]):
        browser.peer.send(data, browser.port)


async def test_a_browser_is_told_of_its_packets_and_tells_of_ours() -> None:
    async with meeting() as here:
        ann, bob = await join(here, "ann", 1), await join(here, "bob", 2)
        heard: list[int] = []

        def send() -> None:
            asked = ann.asked.get(11, 0)
            ann.answer(11)
            number = ann.numbers[11] + 1000
            packet = ann.packet(12, number, key=asked == 0)
            extensions = {**packet.extensions, TWCC: struct.pack("!H", number)}
            ann.send(replace(packet, ssrc=11, sequence=ann.numbers[11] + 1, extensions=extensions))
            ann.numbers[11] += 1
            heard.append(number)

        raw: list[Feedback] = []
        unprotect = ann.dtls.unprotect_rtcp

        def spy(data: bytes) -> bytes | None:
            plain = unprotect(data)
            if plain is not None and plain[1] == 205 and plain[0] & 31 == 15:
                raw.append(Feedback.parse(plain))
            return plain

        ann.dtls.unprotect_rtcp = spy  # type: ignore[method-assign]
        told: dict[int, float] = {}

        def both() -> None:
            send()
            tell(bob, told, 0.0)

        await here.until(lambda: len(raw) > 3 and len(bob.got(2100)) > 10 and bob.got(2050), both)
        leg_of_bob = here.conference._legs["bob"]
        await here.until(lambda: leg_of_bob.network() is not None, both)

        assert sorted(numbers(bob)) == list(range(min(numbers(bob)), min(numbers(bob)) + len(bob.packets)))
        reported = [one.first + place for one in raw for place, at in enumerate(one.arrivals) if at is not None]
        assert set(reported) <= set(heard) and raw[0].media == 11 and len(set(reported)) > 5
        network = leg_of_bob.network()
        assert network is not None and network.rate is None and network.loss == 0.0
        assert network.round_trip is not None and network.round_trip < 1.0

        def reached() -> bool:
            numbers_told = [fact.legs["bob"] for fact in here.facts if isinstance(fact, NumbersReached)]
            return bool(numbers_told) and (numbers_told[-1].transport_sequence or 0) > min(numbers(bob))

        await here.until(reached, both)


async def test_a_queue_that_grows_brings_a_smaller_layer() -> None:
    async with meeting() as here:
        ann, bob = await join(here, "ann", 1, RIDS), await join(here, "bob", 2)
        told: dict[int, float] = {}
        began: list[float] = []

        def rid_of(packet: RtpPacket) -> int:
            return len(packet.payload)

        def tick() -> None:
            for _ in range(3):
                ann.answer(11, 13, 15, rids=RIDS)
            if len(bob.got(2100)) > 60 and rid_of(bob.got(2100)[-1]) > 1000:
                began.append(time.monotonic())
            # From then on a queue grows by 0.4 s a second.
            tell(bob, told, 0.0 if not began else 0.4 * (time.monotonic() - began[0]))

        await here.until(lambda: began and rid_of(bob.got(2100)[-1]) < 1000, tick)
        network = here.conference._legs["bob"].network()
        assert network is not None and network.rate is not None and network.queueing is not None
        assert network.queueing > 0.02
