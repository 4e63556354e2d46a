"""Forwarding in a real conference: sockets, DTLS, SRTP. Browsers send pictures and get those of others."""

from __future__ import annotations

import itertools
import struct
import time

from mcu.media.facts import SlotsChanged
from mcu.media.rtp.clock import NTP_OFFSET
from mcu.media.rtp.packet import RtpPacket
from mcu.media.rtp.rtcp import (
    GenericNack,
    PictureLossIndication,
    ReceiverEstimatedMaximumBitrate,
    ReceiverReport,
    ReportBlock,
    SenderReport,
)
from mcu.media.spec import LegSpec, PlainTransport
from tests.media.forwarding.browsers import MID, REPAIRED, REPEAT, RID, RIDS, VP8, Browser, Meeting, leg, meeting, video
from tests.peers.ports import port_block


async def join(here: Meeting, name: str, number: int, rids: tuple[str, ...] = ()) -> Browser:
    return await here.join(name, lambda told: leg(name, number, rids=rids, fingerprint=told))


def shown(here: Meeting, name: str) -> tuple[str | None, ...]:
    """Whom the slots of a leg show by the last word."""
    told = [fact.shown for fact in here.facts if isinstance(fact, SlotsChanged) and fact.leg == name]
    return told[-1] if told else ()


def numbered(packets: list[RtpPacket]) -> bool:
    """Whether sequence numbers and picture ids go on by one, over all changes of the source."""
    ids = [struct.unpack_from("!H", packet.payload, 2)[0] & 0x7FFF for packet in packets]
    steps = [(second.sequence - first.sequence) & 0xFFFF for first, second in itertools.pairwise(packets)]
    return set(steps) <= {1} and all(second - first == 1 for first, second in itertools.pairwise(ids))


async def test_two_browsers_see_each_other_and_nothing_is_composed() -> None:
    async with meeting() as here:
        ann, bob = await join(here, "ann", 1), await join(here, "bob", 2)

        def send() -> None:
            ann.answer(11)
            bob.answer(22)

        await here.until(lambda: len(bob.got(2100)) > 5 and len(ann.got(1100)) > 5, send)
        assert shown(here, "ann") == ("bob", None) and shown(here, "bob") == ("ann", None)
        got = bob.got(2100)
        assert got[0].payload[4] == 0 and got[0].payload_type == 96  # it begins with a key frame
        assert numbered(got)
        assert not bob.got(2000) and not ann.got(1000)

        def reports() -> list[SenderReport]:
            return [report for report in bob.told(SenderReport) if report.ssrc == 2100]

        await here.until(reports, send)
        assert reports()[0].rtp_timestamp in [packet.timestamp for packet in bob.got(2100)]
        assert 0 < reports()[0].packet_count <= len(bob.got(2100))
        assert abs(reports()[0].ntp_time / 2**32 - NTP_OFFSET - time.time()) < 2  # our clock, as in the mix
        await here.until(lambda: any(report.reports for report in ann.told(ReceiverReport)), send)
        block = next(report.reports[0] for report in ann.told(ReceiverReport) if report.reports)
        assert (block.ssrc, block.packets_lost) == (11, 0)
        await here.until(
            lambda: any(estimate.ssrcs == (11,) for estimate in ann.told(ReceiverEstimatedMaximumBitrate)), send
        )


async def test_what_is_lost_is_asked_for_and_sent_again_both_ways() -> None:
    async with meeting() as here:
        ann, bob = await join(here, "ann", 1), await join(here, "bob", 2)
        await here.until(lambda: len(bob.got(2100)) > 3, lambda: ann.answer(11))
        ann.picture(11, lost=True)
        missing = ann.numbers[11]
        lost = ann.packet(11, missing)

        def asked() -> int:
            return sum(missing in nack.lost for nack in ann.told(GenericNack) if nack.media_ssrc == 11)

        for number in (1, 2):  # the first repetition of all only tells under which SSRC they come
            await here.until(lambda: asked() == number, lambda: ann.answer(11))  # noqa: B023
            repeated = struct.pack("!H", missing) + lost.payload
            ann.send(RtpPacket(REPEAT, number, lost.timestamp, 12, repeated, True, extensions={1: b"0"}))
        before = len(bob.got(2100))
        await here.until(lambda: len(bob.got(2100)) > before)
        sequences = sorted(packet.sequence for packet in bob.got(2100))
        assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))

        wanted = bob.got(2100)[-2]
        bob.report(ReceiverReport(7, ()), GenericNack(7, 2100, (wanted.sequence,)))
        await here.until(lambda: bob.got(2101))
        again = bob.got(2101)[0]
        assert again.payload_type == REPEAT and again.payload == struct.pack("!H", wanted.sequence) + wanted.payload

        key_frames = len(ann.told(PictureLossIndication))
        bob.report(ReceiverReport(7, ()), PictureLossIndication(7, 2100))
        await here.until(lambda: len(ann.told(PictureLossIndication)) > key_frames, lambda: ann.answer(11))


async def test_the_layer_follows_the_number_of_pictures_and_what_gets_through() -> None:
    async with meeting() as here:
        ann, bob = await join(here, "ann", 1, RIDS), await join(here, "bob", 2)
        layers = (11, 13, 15)

        def send() -> None:
            ann.answer(*layers, rids=RIDS)

        def sizes() -> set[int]:
            return {len(packet.payload) for packet in bob.got(2100)[-3:]}

        large, middle, small = (len(ann.packet(11, 1, rid=rid).payload) for rid in reversed(RIDS))
        await here.until(lambda: sizes() == {large}, send)  # alone
        cat = await join(here, "cat", 3)

        def send_both() -> None:
            send()
            cat.answer(33)

        await here.until(lambda: sizes() == {middle}, send_both)
        assert numbered(bob.got(2100)) and set(shown(here, "bob")) == {"ann", "cat"}

        def complain() -> None:
            send_both()
            bob.report(
                ReceiverReport(7, (ReportBlock(2100, 0, 0, 0, 0),)),
                ReceiverEstimatedMaximumBitrate(7, 70_000, (2100, 2102)),
            )

        await here.until(lambda: sizes() == {small}, complain)
        assert numbered(bob.got(2100))


async def test_who_speaks_gets_a_slot() -> None:
    async with meeting() as here:
        ann = await join(here, "ann", 1)
        others = [await join(here, name, 2 + place) for place, name in enumerate(("bob", "cat", "dan"))]

        def send() -> None:
            for place, other in enumerate(others):
                other.answer(22 + 11 * place)

        await here.until(lambda: shown(here, "ann") == ("bob", "cat"), send)
        here.conference._speaker_changed("dan")
        await here.until(lambda: shown(here, "ann") == ("bob", "dan"), send)
        before = len(ann.got(1102))
        await here.until(lambda: len(ann.got(1102)) > before + 3, send)
        assert numbered(ann.got(1102))


async def test_rooms_are_composed_for_who_is_forwarded_to() -> None:
    async with meeting() as here:
        ports = port_block(4)
        room = LegSpec(
            id="room",
            name="room",
            transport=PlainTransport(local_host="127.0.0.1", video_port=ports[0]),
            video=video(9000, VP8).model_copy(update={"mid": None, "mid_id": None, "send": False}),
        )
        await here.apply(room)
        ann, bob = await join(here, "ann", 1), await join(here, "bob", 2)

        def send() -> None:
            ann.answer(11)
            bob.answer(22)

        await here.until(lambda: bob.got(2100) and bob.got(2000), send)
        assert here.conference._pictures.composed() == {"room"}
        await here.apply(*here.spec.legs[1:])
        composed = len(bob.got(2000))
        forwarded = len(bob.got(2100))
        await here.until(lambda: len(bob.got(2100)) > forwarded + 20, send)
        assert here.conference._pictures.composed() == frozenset() and len(bob.got(2000)) < composed + 10

        # Back to the composed picture: nothing more comes in the slots, and everybody is in it.
        await here.apply(*(one.model_copy(update={"forwarded": False}) for one in here.spec.legs))
        await here.until(lambda: shown(here, "bob") == (None, None), send)
        composed = len(bob.got(2000))
        await here.until(lambda: len(bob.got(2000)) > composed + 3, send)
        assert here.conference._pictures.composed() == {"ann", "bob"}


async def test_who_leaves_is_shown_no_more() -> None:
    async with meeting() as here:
        ann, bob = await join(here, "ann", 1), await join(here, "bob", 2)
        await here.until(lambda: bob.got(2100), lambda: ann.answer(11))
        await here.apply(*(one for one in here.spec.legs if one.id != "ann"))
        await here.until(lambda: shown(here, "bob") == (None, None))
        bob.report(ReceiverReport(7, ()), PictureLossIndication(7, 2100), GenericNack(7, 2100, (1, 2)))
        await here.until(lambda: any(fact.kind == "slots_changed" for fact in here.facts))


async def test_odd_packets_are_no_pictures() -> None:
    async with meeting() as here:
        ann, bob = await join(here, "ann", 1, RIDS), await join(here, "bob", 2)
        odd: list[dict[int, bytes]] = [{}, {REPAIRED: b"q"}, {RID: b"\xff\xfe"}, {RID: b"unknown"}]
        for ssrc in range(100, 160):
            for extensions in odd:
                ann.send(RtpPacket(96 + ssrc % 2, 1, 1, ssrc, b"", extensions={MID: b"0", **extensions}))
        await here.until(lambda: bob.got(2100), lambda: ann.answer(11, rids=("q",)))
        assert shown(here, "bob") == ("ann", None)
