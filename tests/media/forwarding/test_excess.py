"""A browser that sends many times what it was told to harms nobody who would see it: it is not passed on."""

from __future__ import annotations

from mcu.media.forwarding.sources import LEAST_EXCESS
from mcu.media.leg_rates import receive_bitrate
from tests.media.forwarding.browsers import leg, meeting

OCTETS = 1150
PER_TICK = 100
TICKS_PER_SECOND = 50


async def test_a_flood_of_pictures_reaches_nobody_and_what_follows_it_does() -> None:
    async with meeting() as here:
        ann, bob, cat = [
            await here.join(name, lambda told, name=name, number=number: leg(name, number, fingerprint=told))
            for number, name in enumerate(("ann", "bob", "cat"), 1)
        ]
        assert OCTETS * 8 * PER_TICK * TICKS_PER_SECOND > 2 * LEAST_EXCESS > 2 * receive_bitrate(here.spec.legs[0])

        def send(times: int = 1) -> None:
            for _ in range(times):
                ann.answer(11)
            bob.answer(22)

        def of_ann() -> int:
            return len([packet for packet in cat.packets if len(packet.payload) > OCTETS])

        ann.size = OCTETS
        await here.until(lambda: of_ann() > 20 and len(cat.got(3102)) > 5 and len(cat.got(3100)) > 5, send)

        # For as long as it floods, others get nothing of it, and each other as before.
        counts: list[tuple[int, int]] = []

        def flood() -> None:
            send(PER_TICK)
            counts.append((of_ann(), len(cat.packets) - of_ann()))

        def is_spared() -> bool:
            return len(counts) > 30 and counts[-1][0] == counts[-20][0] and counts[-1][1] >= counts[-20][1] + 15

        await here.until(is_spared, flood)

        spared = of_ann()
        await here.until(lambda: of_ann() > spared + 20, send)
        first = next(packet for packet in cat.packets[::-1] if len(packet.payload) > OCTETS)
        begun = [packet for packet in cat.got(first.ssrc) if len(packet.payload) > OCTETS][spared]
        assert begun.payload[4] == 0, "it begins again with a key frame"
