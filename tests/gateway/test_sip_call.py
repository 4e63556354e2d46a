"""Our side of a call's offers and answers: versions, lines, and what counts as sent."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.conference.door.joining import Seat
from mcu.gateway.sip_call import CallDescriptions, CallSession
from mcu.gateway.sip_media import RoomMedia, room_capabilities
from sip.sdp.grammar import SdpError, SessionDescription, parse
from sip.sdp.negotiation import NotAcceptable
from tests.gateway.world import HOLD, MALFORMED, OFFER, SOUND_ONLY, USELESS

ROOM = RoomMedia("0.0.0.0", "192.0.2.1", 20000, 20002, 11, 12)
SLIDES = "m=application 3238 UDP/BFCP *\r\n"


def descriptions() -> CallDescriptions:
    return CallDescriptions(ROOM, room_capabilities(), session_id=7)


def exchange(ours: CallDescriptions, offer: str) -> SessionDescription:
    """The peer offers, we answer."""
    description = ours.answer(offer).description
    ours.sent(description, is_offer=False)
    return description


def test_the_version_counts_what_was_sent_and_is_new() -> None:
    ours = descriptions()
    first = ours.answer(OFFER).description
    assert (first.origin.session_id, first.origin.version) == (7, 1)
    assert ours.answer(HOLD).description.origin.version == 1  # a draft: nothing was sent so far
    ours.sent(first, is_offer=False)
    assert ours.answer(OFFER).description == first
    assert ours.answer(HOLD).description.origin.version == 2
    assert ours.answer(HOLD).description.origin.version == 2
    assert exchange(ours, HOLD).origin.version == 2
    assert exchange(ours, OFFER).origin.version == 3


def test_lines_and_payload_types_stay_in_later_offers() -> None:
    ours = descriptions()
    exchange(ours, OFFER + SLIDES)
    offer = ours.offer()
    assert [(media.media, media.port) for media in offer.media] == [
        ("audio", 20000),
        ("video", 20002),
        ("application", 0),
    ]
    assert offer.media[0].formats[0] == "8" and "0" in offer.media[0].formats
    assert ours.offer() == offer


def test_a_line_that_was_refused_comes_back_in_our_next_offer() -> None:
    ours = descriptions()
    assert exchange(ours, SOUND_ONLY).media[1].port == 0
    assert ours.offer().media[1].port == 20002


def test_an_answer_is_taken_once_and_only_to_an_offer() -> None:
    ours = descriptions()
    with pytest.raises(ValueError, match="no offer"):
        ours.take_answer(OFFER)
    ours.sent(ours.offer(), is_offer=True)
    assert ours.awaits_answer
    session = ours.take_answer(OFFER.replace("96", "102"))
    assert session.audio is not None and session.video is not None
    with pytest.raises(ValueError, match="no offer"):
        ours.take_answer(OFFER)


@pytest.mark.parametrize(("body", "error"), [(MALFORMED, SdpError), (USELESS, NotAcceptable)])
def test_an_answer_of_no_use_is_one_error(body: str, error: type[Exception]) -> None:
    ours = descriptions()
    ours.sent(ours.offer(), is_offer=True)
    with pytest.raises(error):
        ours.take_answer(body)
    with pytest.raises(error):
        descriptions().answer(body)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([OFFER, HOLD, SOUND_ONLY, None, "draft"]), max_size=12))
def test_whatever_happens_versions_never_fall_nor_skip_and_lines_never_vanish(steps: list[str | None]) -> None:
    ours, last = descriptions(), None
    for step in steps:
        if step == "draft":
            ours.offer()
            continue
        if step is None:
            description = ours.offer()
            ours.sent(description, is_offer=True)
        else:
            description = exchange(ours, step)
        assert parse(str(description)) == description
        if last is not None:
            assert len(description.media) >= len(last.media)
            rise = description.origin.version - last.origin.version
            assert rise in (0, 1) and (rise == 1) == (description != last)
        last = description


def test_a_seat_without_media_until_the_peer_answers() -> None:
    session = CallSession(Seat("p", "c", "1000"), "手术室", ROOM, descriptions())
    assert not session.has_media
    session.leg = session.make_leg(None)
    assert (session.leg.id, session.leg.name, session.leg.audio, session.leg.video) == ("p", "手术室", None, None)
    assert not session.has_media
    session.leg = session.make_leg(session.descriptions.answer(OFFER))
    assert session.has_media and session.leg.audio is not None and session.leg.audio.ssrc == 11
