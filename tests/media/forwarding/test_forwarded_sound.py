"""Sound as it is for those who want it, beside those who hear the mix: over sockets, DTLS and SRTP."""

from __future__ import annotations

import itertools
import time

import pytest

from mcu.media.conference_sound import _sound_leg
from mcu.media.rtp.clock import NTP_OFFSET
from mcu.media.rtp.packet import RtpPacket
from mcu.media.rtp.redundancy import unpack_red
from mcu.media.rtp.rtcp import ReceiverReport, ReportBlock, SenderReport
from mcu.media.sound.state import SoundLeg
from mcu.media.spec import AudioSpec, LegSpec
from tests.media.forwarding.browsers import OPUS, Browser, Meeting, leg, meeting

WORD = b"\xf8\x01word"
PLACES = 3


def listener(name: str, number: int, fingerprint: str, *, forwarded: bool = True) -> LegSpec:
    """A browser whose places for voices are sent under 1000 times ``number`` and 400, 401…"""
    base = 1000 * number + 400
    places = tuple(
        AudioSpec(receive=False, send_codec=OPUS, receive_codecs=(OPUS,), ssrc=base + place) for place in range(PLACES)
    )
    made = leg(name, number, fingerprint=fingerprint)
    return made.model_copy(update={"voices": places, "forwarded_sound": forwarded})


async def join(here: Meeting, name: str, number: int, *, forwarded: bool = True) -> Browser:
    return await here.join(name, lambda told: listener(name, number, told, forwarded=forwarded))


def words(browser: Browser, number: int) -> list[int]:
    """How many packets with a word have come in each place."""
    base = 1000 * number + 400
    return [sum(packet.payload == WORD for packet in browser.got(base + place)) for place in range(PLACES)]


async def test_browsers_hear_each_other_as_they_are_and_never_themselves() -> None:
    async with meeting() as here:
        ann, bob, cat = [await join(here, name, 1 + place) for place, name in enumerate(("ann", "bob", "cat"))]

        def talk() -> None:
            ann.speak(15, payload=WORD)
            bob.speak(25, level=127)
            ann.answer(11)

        await here.until(lambda: sum(words(bob, 2)) > 5 and sum(words(cat, 3)) > 5, talk)
        for place in range(PLACES):
            got = bob.got(2400 + place)
            assert {second.sequence - first.sequence for first, second in itertools.pairwise(got)} <= {1}
            assert all(packet.payload_type == OPUS.payload_type for packet in got)

        # Once she has been silent for a moment, she is in the place beside her face.
        def breathe() -> None:
            ann.speak(15, level=127)
            ann.answer(11)

        await here.until(lambda: here.conference._voices._places["bob"][0] == "ann", breathe)
        assert here.conference._router.slots("bob")[0] == "ann"
        before = words(bob, 2)[0]
        await here.until(lambda: words(bob, 2)[0] > before + 3, talk)
        assert sum(words(ann, 1)) == 0


async def test_the_mix_has_who_is_forwarded_for_those_alone_who_hear_the_mix() -> None:
    async with meeting() as here:
        ann = await join(here, "ann", 1)
        bob = await join(here, "bob", 2)
        cat = await join(here, "cat", 3, forwarded=False)
        await here.until(lambda: sum(words(bob, 2)) > 3, lambda: ann.speak(15, payload=WORD))
        assert sum(words(cat, 3)) == 0
        assert [one.forwarded for one in _sound(here)] == [True, True, True]
        assert [one.hears_rest for one in _sound(here)] == [True, True, False]
        louder = [one.model_copy(update={"gain": 6.0} if one.id == "ann" else {}) for one in here.spec.legs]
        await here.apply(*louder)
        assert [one.forwarded for one in _sound(here)] == [False, True, True]  # who is made louder is mixed
        await here.until(lambda: True)
        before = sum(words(bob, 2))
        for _ in range(9):
            ann.speak(15, payload=WORD)
        await here.until(lambda: True)
        assert sum(words(bob, 2)) == before


def _sound(here: Meeting) -> list[SoundLeg]:
    made = [_sound_leg(leg) for leg in here.conference._legs.values()]
    return [one for one in made if one is not None]


async def test_a_muted_speaker_and_one_who_goes_back_to_the_mix_hear_no_voices() -> None:
    async with meeting() as here:
        ann, bob = await join(here, "ann", 1), await join(here, "bob", 2)

        def talk() -> None:
            ann.speak(15, payload=WORD)

        await here.until(lambda: sum(words(bob, 2)) > 3, talk)
        for change in ({"speaker_muted": True}, {"speaker_muted": False, "forwarded_sound": False}):
            changed = [one.model_copy(update=change if one.id == "bob" else {}) for one in here.spec.legs]
            await here.apply(*changed)
            rounds = itertools.count()
            await here.until(lambda: next(rounds) > 3, talk)  # noqa: B023
            before = sum(words(bob, 2))
            await here.until(lambda: next(rounds) > 12, talk)  # noqa: B023
            assert sum(words(bob, 2)) == before
        await here.apply(*(one for one in here.spec.legs if one.id != "ann"))
        assert not here.conference._voices._loudest.to("bob")


async def test_reports_on_a_face_are_by_the_clock_of_the_mix_that_its_voice_is_in() -> None:
    """Who hears the mix has the face in time with that: later than its voice came by what playout and mixing take."""
    async with meeting() as here:
        ann, bob = await join(here, "ann", 1, forwarded=False), await join(here, "bob", 2, forwarded=False)
        behind = 3_600.0

        def wall(now: float) -> int:
            return int((now + 1e9 - behind + NTP_OFFSET) * 2**32)

        def talk() -> None:
            now = time.monotonic()
            ann.speak(15)
            ann.answer(11)
            ann.report(SenderReport(15, wall(now), ann.numbers[15] * 960, 1, 1))
            ann.report(SenderReport(11, wall(now), ann.numbers[11] * 3000, 1, 1))

        def told() -> list[SenderReport]:
            return [one for one in bob.told(SenderReport) if one.ssrc == 2100]

        def delay() -> float | None:
            return here.conference._sound_delay("ann", time.monotonic())

        await here.until(lambda: delay() is not None, talk)
        arrival, measured = here.conference._arrival_delay("ann"), delay()
        assert arrival is not None and measured is not None and abs(measured - arrival) < 0.5
        # On a bad network playout takes long; so much later is what was captured with the picture in the mix.
        long = 2.0
        here.conference._router._sound_delay = lambda leg_id, now: arrival + long
        before = len(told())
        await here.until(lambda: len(told()) > before + 1, talk)
        report, got = told()[-1], [packet.timestamp for packet in bob.got(2100)]
        age = (len(got) - 1 - got.index(report.rtp_timestamp)) * 0.02
        assert report.ntp_time / 2**32 - NTP_OFFSET == pytest.approx(time.time() - age + long, abs=0.5)
        assert not bob.got(2400)


async def test_reports_on_a_voice_and_its_face_are_by_one_clock() -> None:
    """A receiver holds lips and voice together by these (RFC 3550 section 6.4.1)."""
    async with meeting() as here:
        ann, bob = await join(here, "ann", 1), await join(here, "bob", 2)
        behind, late = 86_400.0, 0.25  # ann's clock is a day behind, and her pictures come later than her voice

        def wall(now: float) -> int:
            return int((now + 1e9 - behind + NTP_OFFSET) * 2**32)

        def talk() -> None:
            now = time.monotonic()
            ann.speak(15, payload=WORD)
            ann.answer(11)
            ann.report(SenderReport(15, wall(now), ann.numbers[15] * 960, 1, 1))
            ann.report(SenderReport(11, wall(now - late), ann.numbers[11] * 3000, 1, 1))

        def told(*ssrcs: int) -> list[SenderReport]:
            return [one for one in bob.told(SenderReport) if one.ssrc in ssrcs]

        await here.until(lambda: len(told(2400, 2401, 2402)) > 2 and len(told(2100)) > 2, talk)
        voice, face = told(2400, 2401, 2402)[-1], told(2100)[-1]
        apart = (voice.ntp_time - face.ntp_time) / 2**32
        # What was sent together is as far apart as it was at its capture.
        steps = _from_end(bob, voice) - _from_end(bob, face)
        assert apart - 0.02 * steps == pytest.approx(late, abs=0.15)
        assert abs(voice.ntp_time / 2**32 - NTP_OFFSET - time.time()) < 2


def _from_end(browser: Browser, report: SenderReport) -> int:
    """Which packet a report is about, counted back from the last."""
    stamps = [packet.timestamp for packet in browser.got(report.ssrc)]
    return stamps.index(report.rtp_timestamp) - len(stamps)


async def test_who_loses_sound_gets_earlier_frames_with_it_and_nobody_else() -> None:
    red = 63
    async with meeting() as here:
        ann = await join(here, "ann", 1)

        def knows_red(name: str, number: int, told: str) -> LegSpec:
            made = listener(name, number, told)
            return made.model_copy(
                update={"voices": tuple(one.model_copy(update={"redundancy": red}) for one in made.voices)}
            )

        bob = await here.join("bob", lambda told: knows_red("bob", 2, told))
        cat = await here.join("cat", lambda told: knows_red("cat", 3, told))

        def talk() -> None:
            ann.speak(15, payload=WORD)

        await here.until(lambda: sum(words(bob, 2)) > 5 and sum(words(cat, 3)) > 5, talk)
        place = next(2400 + index for index, count in enumerate(words(bob, 2)) if count)
        bob.report(ReceiverReport(7, (ReportBlock(place, 51, 0, 0, 0),)))  # a fifth

        def redundant(browser: Browser) -> list[RtpPacket]:
            return [packet for packet in browser.packets if packet.payload_type == red]

        await here.until(lambda: len(redundant(bob)) > 5, talk)
        assert not redundant(cat)
        blocks = unpack_red(redundant(bob)[-1].payload)
        assert [offset for _, offset, _ in blocks] == [5 * 960, 3 * 960, 960, 0]
        assert {(kind, data) for kind, _, data in blocks} == {(OPUS.payload_type, WORD)}
