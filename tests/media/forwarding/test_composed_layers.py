"""The canvas is fed the encoding that is nearest to the tile that it has for somebody."""

from __future__ import annotations

from tests.media.forwarding.browsers import RIDS, Meeting, leg, meeting


def delivered(here: Meeting) -> list[bool]:
    sources = here.conference._legs["ann"].sources
    return [] if sources is None else [one is not None and one.delivered for one in sources.layers()]


async def test_the_decoder_gets_the_layer_of_the_largest_tile() -> None:
    async with meeting() as here:
        ann = await here.join("ann", lambda told: leg("ann", 1, forwarded=False, rids=RIDS, fingerprint=told))
        await here.join("bob", lambda told: leg("bob", 2, forwarded=False, fingerprint=told))
        tile: tuple[int, int] | None = (160, 90)
        here.conference._router._largest_tile = lambda leg_id: tile

        def send() -> None:
            ann.answer(11, 13, 15, rids=RIDS)

        await here.until(lambda: delivered(here) == [True, False, False], send)
        tile = (1280, 720)
        await here.until(lambda: delivered(here) == [False, False, True], send)
        tile = None  # on no canvas now: as if all had equal tiles
        await here.until(lambda: delivered(here) == [True, False, False], send)
        # What has been asked for really comes from the pipeline.
        assert here.conference._pictures.largest_tile("nobody") is None
        await here.until(lambda: here.conference._pictures.largest_tile("ann") is not None, send)
        found = here.conference._pictures.largest_tile("ann")
        assert found is not None and 100 < found[0] <= 320
