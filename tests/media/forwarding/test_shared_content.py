"""What a browser shares goes to other browsers as it is; rooms get it composed."""

from __future__ import annotations

import itertools
import time

from mcu.media.facts import LegStatistics, SlotsChanged
from mcu.media.rtp.rtcp import (
    PictureLossIndication,
    ReceiverEstimatedMaximumBitrate,
    ReceiverReport,
    ReportBlock,
)
from mcu.media.spec import LegSpec, PlainTransport, Tiles, VideoSpec
from tests.media.forwarding.browsers import H264, REPAIRED, RID, SIZES, VP8, Browser, Meeting, leg, meeting, video
from tests.peers.ports import port_block

SCREEN = "2"
"""The mid of the second picture."""


def sharing_leg(name: str, number: int, fingerprint: str, *, forwarded: bool = False) -> LegSpec:
    """A browser that can share, with a place for what others share under 1000 times ``number`` and 300."""
    base = 1000 * number
    made = leg(name, number, slots=1, forwarded=forwarded, fingerprint=fingerprint)
    content = video(base + 200).model_copy(update={"mid": SCREEN})
    return made.model_copy(update={"content": content, "shared": video(base + 300, receive=False)})


async def join(here: Meeting, name: str, number: int, *, forwarded: bool = False) -> Browser:
    return await here.join(name, lambda told: sharing_leg(name, number, told, forwarded=forwarded))


def shared(here: Meeting, name: str) -> str | None:
    told = [fact.shared for fact in here.facts if isinstance(fact, SlotsChanged) and fact.leg == name]
    return told[-1] if told else None


def asked(browser: Browser, ssrc: int) -> int:
    return sum(one.media_ssrc == ssrc for one in browser.told(PictureLossIndication))


async def test_browsers_composed_and_forwarded_get_it_as_it_is_and_nobody_decodes_it() -> None:
    async with meeting() as here:
        ann, bob = await join(here, "ann", 1), await join(here, "bob", 2)
        cat = await join(here, "cat", 3, forwarded=True)
        await here.apply(*here.spec.legs, content_from="ann")

        def share() -> None:
            ann.answer(14, mid=SCREEN)

        await here.until(lambda: len(bob.got(2300)) > 9 and len(cat.got(3300)) > 9, share)
        assert shared(here, "bob") == shared(here, "cat") == "ann" and shared(here, "ann") is None
        assert not ann.got(1300) and not bob.got(2200) and not cat.got(3200)
        steps = [second.sequence - first.sequence for first, second in itertools.pairwise(bob.got(2300))]
        assert set(steps) == {1} and bob.got(2300)[0].payload[4] == 0
        sources = here.conference._legs["ann"].sources
        assert sources is not None
        await here.until(lambda: not sources.layers("content")[0].delivered, share)  # type: ignore[union-attr]
        assert not here.conference._pictures.composes_shared()
        sent = {fact.media: fact for fact in _statistics(here, "bob")}
        assert 9 < sent["content"].packets_sent <= len(bob.got(2300)) + 2

        await here.apply(*here.spec.legs, content_from=None)
        await here.until(lambda: shared(here, "bob") is None, share)


def _statistics(here: Meeting, name: str) -> list[LegStatistics]:
    facts = here.conference.statistics(time.monotonic())
    return [fact for fact in facts if isinstance(fact, LegStatistics) and fact.leg == name]


async def test_to_whom_it_does_not_get_through_it_is_composed() -> None:
    async with meeting() as here:
        ann, bob = await join(here, "ann", 1), await join(here, "bob", 2)
        cat = await join(here, "cat", 3)
        ann.size = 1100
        await here.apply(*here.spec.legs, content_from="ann")
        await here.until(lambda: bob.got(2300) and cat.got(3300), lambda: ann.answer(14, mid=SCREEN))

        def complain() -> None:
            ann.answer(14, mid=SCREEN)
            told = ReceiverEstimatedMaximumBitrate(7, 70_000, (2300,))
            bob.report(ReceiverReport(7, (ReportBlock(2300, 0, 0, 0, 0),)), told)

        await here.until(lambda: shared(here, "bob") is None, complain)
        assert shared(here, "cat") == "ann" and here.conference._pictures.composes_shared()
        before = len(bob.got(2300))
        await here.until(lambda: _delivered(here, "ann"), lambda: ann.answer(14, mid=SCREEN))
        assert len(bob.got(2300)) <= before + 2


async def test_who_has_little_room_gets_it_in_half_its_size() -> None:
    async with meeting() as here:
        ann = await here.join("ann", lambda told: in_sizes(sharing_leg("ann", 1, told)))
        bob, cat = await join(here, "bob", 2), await join(here, "cat", 3)
        await here.apply(*here.spec.legs, content_from="ann")

        def share() -> None:
            ann.answer(14, 15, rids=("q", "f"), mid=SCREEN)

        await here.until(lambda: _sizes(bob, 2300)[-3:] == _sizes(cat, 3300)[-3:] == ["f"] * 3, share)

        def complain() -> None:
            share()
            told = ReceiverEstimatedMaximumBitrate(7, 70_000, (2300,))
            bob.report(ReceiverReport(7, (ReportBlock(2300, 0, 0, 0, 0),)), told)

        await here.until(lambda: _sizes(bob, 2300)[-9:] == ["q"] * 9, complain)
        assert _sizes(cat, 3300)[-1] == "f" and shared(here, "bob") == "ann"
        assert not here.conference._pictures.composes_shared()


def in_sizes(spec: LegSpec) -> LegSpec:
    """It shares in two encodings."""
    assert spec.content is not None
    content = spec.content.model_copy(update={"rids": ("q", "f"), "rid_id": RID, "repaired_rid_id": REPAIRED})
    return spec.model_copy(update={"content": content})


def _sizes(browser: Browser, ssrc: int) -> list[str]:
    """Of which encoding each picture was."""
    return ["f" if len(packet.payload) > SIZES["f"] else "q" for packet in browser.got(ssrc)]


async def test_the_next_who_shares_is_shown_from_a_key_frame_on() -> None:
    async with meeting() as here:
        ann, bob = await join(here, "ann", 1), await join(here, "bob", 2)
        cat = await join(here, "cat", 3)
        await here.apply(*here.spec.legs, content_from="ann")
        await here.until(lambda: len(bob.got(2300)) > 3, lambda: ann.answer(14, mid=SCREEN))
        before = len(bob.got(2300))
        await here.apply(*here.spec.legs, content_from="cat")

        def both() -> None:
            ann.answer(14, mid=SCREEN)
            cat.answer(34, mid=SCREEN)

        await here.until(lambda: len(bob.got(2300)) > before + 9 and len(ann.got(1300)) > 3, both)
        got = bob.got(2300)
        assert {second.sequence - first.sequence for first, second in itertools.pairwise(got)} == {1}
        assert shared(here, "bob") == shared(here, "ann") == "cat" and asked(cat, 34) > 0


async def test_rooms_and_who_wants_it_among_the_people_get_it_composed_beside() -> None:
    async with meeting() as here:
        ports = port_block(4)
        bare = {"mid": None, "mid_id": None, "receive": False}
        room = LegSpec(
            id="room",
            name="room",
            transport=PlainTransport(local_host="127.0.0.1", video_port=ports[0], content_port=ports[2]),
            video=video(9000).model_copy(update=bare),
            content=video(9002).model_copy(update=bare),
        )
        await here.apply(room)
        ann, bob = await join(here, "ann", 1), await join(here, "bob", 2)
        await here.apply(*here.spec.legs, content_from="ann")
        await here.until(lambda: bob.got(2300), lambda: ann.answer(14, mid=SCREEN))
        pictures = here.conference._pictures
        assert pictures.composes_shared() and _delivered(here, "ann")
        tiled = [one.model_copy(update={"content_choice": "tile"} if one.id == "bob" else {}) for one in here.spec.legs]
        await here.apply(*tiled)
        await here.until(lambda: shared(here, "bob") is None, lambda: ann.answer(14, mid=SCREEN))


def _delivered(here: Meeting, name: str) -> bool:
    sources = here.conference._legs[name].sources
    source = None if sources is None else sources.layers("content")[0]
    return source is not None and source.delivered


async def test_a_page_that_is_hidden_gets_no_pictures_until_it_is_seen_again() -> None:
    async with meeting() as here:
        ann, bob = await join(here, "ann", 1, forwarded=True), await join(here, "bob", 2, forwarded=True)
        await here.apply(*here.spec.legs, content_from="ann")

        def send() -> None:
            ann.answer(11)
            ann.answer(14, mid=SCREEN)

        await here.until(lambda: bob.got(2100) and bob.got(2300), send)
        here.conference.show_tiles("bob", Tiles(hidden=True))
        await here.until(lambda: _routed(here, "bob") == 0, send)
        quiet = len(bob.packets)
        requests = asked(ann, 11), asked(ann, 14)
        for _ in range(20):
            send()
        await here.until(lambda: True)
        assert len(bob.packets) <= quiet + 2
        here.conference.show_tiles("bob", Tiles(people={"ann": (640, 360)}, shared=(0, 0)))
        before = len(bob.got(2100)), len(bob.got(2300))
        await here.until(lambda: len(bob.got(2100)) > before[0] + 3, send)
        assert asked(ann, 11) > requests[0] and len(bob.got(2300)) == before[1]  # slides are not on the screen


def _routed(here: Meeting, name: str) -> int:
    outlets = here.conference._legs[name].outlets
    return 0 if outlets is None else sum(outlets.shown(place) is not None for place in range(len(outlets.slots)))


def mixed(name: str, number: int, fingerprint: str, codec: str) -> LegSpec:
    """A browser that sends one codec, with slots that take both."""
    base = 1000 * number
    mine = H264 if codec == "H264" else VP8
    slot = VideoSpec(
        receive=False, send_codec=H264, receive_codecs=(H264, VP8), ssrc=base + 100, rtx_ssrc=base + 101,
        repeats={102: 103, 96: 97}, mid="9", mid_id=1,
    )  # fmt: skip
    made = leg(name, number, codec=mine, fingerprint=fingerprint)
    return made.model_copy(update={"slots": (slot,)})


async def test_one_slot_shows_senders_of_either_codec_in_turn() -> None:
    async with meeting() as here:
        ann = await here.join("ann", lambda told: mixed("ann", 1, told, "VP8"))
        bob = await here.join("bob", lambda told: mixed("bob", 2, told, "VP8"))
        cat = await here.join("cat", lambda told: mixed("cat", 3, told, "H264"))
        cat.codec = H264

        def send() -> None:
            ann.answer(11)
            cat.answer(33)

        await here.until(lambda: len(bob.got(2100)) > 3, send)
        assert {packet.payload_type for packet in bob.got(2100)} == {96}
        watching = [one.model_copy(update={"watch": "cat"} if one.id == "bob" else {}) for one in here.spec.legs]
        await here.apply(*watching)
        await here.until(lambda: bob.got(2100)[-1].payload_type == 102, send)
        first = next(packet for packet in bob.got(2100) if packet.payload_type == 102)
        assert first.payload[0] == 0x65  # it begins with a key frame
        await here.apply(
            *(one.model_copy(update={"watch": "ann" if one.id == "bob" else None}) for one in here.spec.legs)
        )
        await here.until(lambda: bob.got(2100)[-1].payload_type == 96, send)
        assert {second.sequence - one.sequence for one, second in itertools.pairwise(bob.got(2100))} == {1}
