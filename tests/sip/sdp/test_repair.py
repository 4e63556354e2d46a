"""Forward error correction of pictures: offered, answered, and left alone where packets can be asked for again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sip.sdp.capabilities import LocalCapabilities, LocalMedia
from sip.sdp.codecs import read_codecs
from sip.sdp.grammar import parse
from sip.sdp.negotiation import accept_answer, answer, make_offer
from sip.sdp.session import NegotiatedSession

OURS = LocalMedia("198.51.100.7", 40000, 40002)
THEIRS = LocalMedia("192.0.2.1", 5000, 5002)
PLAIN = LocalCapabilities(feedback=frozenset(), repair=True)
BOTH = LocalCapabilities(repair=True)
WITHOUT = LocalCapabilities()


def call(caller: LocalCapabilities, called: LocalCapabilities) -> tuple[NegotiatedSession, NegotiatedSession]:
    """What both have of a call: who made it, and who took it."""
    offered = make_offer(caller, OURS, session_id=1, version=1)
    taken = answer(parse(str(offered)), called, THEIRS, session_id=2, version=1)
    return accept_answer(offered, parse(str(taken.description)), caller), taken


def repairs(session: NegotiatedSession) -> tuple[int, int] | None:
    assert session.video is not None
    repair = session.video.repair
    return None if repair is None else (repair.red.payload_type, repair.ulpfec.payload_type)


def test_two_who_know_rtp_only_agree() -> None:
    mine, theirs = call(PLAIN, PLAIN)
    assert repairs(mine) == repairs(theirs) is not None
    names = [codec.name for codec in read_codecs(theirs.description.media[1])]
    assert names[-2:] == ["red", "ulpfec"] and names.count("red") == 1
    assert mine.video is not None and mine.video.send_codec.name == "H264"
    assert "red" not in {codec.name for codec in mine.video.receive_codecs}


@pytest.mark.parametrize(
    ("caller", "called"), [(BOTH, BOTH), (PLAIN, WITHOUT), (WITHOUT, BOTH), (BOTH, WITHOUT), (WITHOUT, WITHOUT)]
)
def test_nothing_is_agreed_with_who_has_none_or_can_ask_again(
    caller: LocalCapabilities, called: LocalCapabilities
) -> None:
    mine, theirs = call(caller, called)
    assert repairs(mine) is None and repairs(theirs) is None
    assert "ulpfec" not in str(theirs.description)


def test_a_server_that_could_repeat_repairs_for_who_cannot_ask() -> None:
    mine, theirs = call(PLAIN, BOTH)
    assert repairs(mine) == repairs(theirs) is not None
    mine, theirs = call(BOTH, PLAIN)
    assert repairs(mine) == repairs(theirs) is not None


def test_an_offer_of_half_of_it_is_none() -> None:
    offered = make_offer(PLAIN, OURS, session_id=1, version=1)
    for name in ("red", "ulpfec"):
        lines = [line for line in str(offered).split("\r\n") if f" {name}/90000" not in line]
        assert repairs(answer(parse("\r\n".join(lines)), PLAIN, THEIRS, session_id=2, version=1)) is None


def test_the_next_offers_keep_it() -> None:
    mine, _ = call(PLAIN, PLAIN)
    for full in (False, True):
        again = make_offer(PLAIN, OURS, session_id=1, version=2, previous=mine.description, full=full)
        taken = answer(parse(str(again)), PLAIN, replace(THEIRS, video_port=5010), session_id=2, version=2)
        assert repairs(taken) == repairs(mine)


def test_sound_carries_earlier_frames_where_both_have_opus_and_red() -> None:
    has = LocalCapabilities(redundancy=True)
    for caller, called, agreed in ((has, has, True), (has, WITHOUT, False), (WITHOUT, has, False)):
        mine, theirs = call(caller, called)
        assert mine.audio is not None and theirs.audio is not None
        assert (mine.audio.redundancy is not None) is (theirs.audio.redundancy is not None) is agreed
        assert mine.audio.send_codec.name == "opus"
        if mine.audio.redundancy is not None:
            assert mine.audio.redundancy.parameters == {"": "96/96"}
    poor = replace(has, audio=("PCMA",))
    assert all(session.audio and session.audio.redundancy is None for session in call(has, poor))
    assert "red/" not in str(make_offer(poor, OURS, session_id=1, version=1))
