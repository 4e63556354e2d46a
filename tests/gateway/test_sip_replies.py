"""Every reason to refuse has a status that fits, and words for the people in the room."""

from __future__ import annotations

import pytest

from mcu.conference.door.joining import JoinCode, JoinRefused
from mcu.gateway.sip_replies import end_reason, refusal_of
from sip.sdp.grammar import SdpError
from sip.sdp.negotiation import NotAcceptable
from sip.warning import Warning


@pytest.mark.parametrize("code", JoinCode)
def test_every_refusal_of_the_conference_has_a_status(code: JoinCode) -> None:
    refusal = refusal_of(JoinRefused(code, "Because."))
    assert 400 <= refusal.status < 600
    assert (refusal.phrase, refusal.warning, refusal.retry_after) == ("Because.", Warning(399, "Because."), None)


@pytest.mark.parametrize(("seconds", "told"), [(0.0, 1), (0.2, 1), (15.0, 15), (15.2, 16)])
def test_when_to_try_again_is_never_too_early(seconds: float, told: int) -> None:
    refusal = refusal_of(JoinRefused(JoinCode.TOO_MANY_ATTEMPTS, "Wait.", seconds))
    assert (refusal.status, refusal.retry_after) == (480, told)  # RFC 3261 section 20.33: 403 has no Retry-After


def test_offers_are_refused_with_what_is_wrong_with_them() -> None:
    refusal = refusal_of(NotAcceptable("no audio codec in common", 305))
    assert (refusal.status, refusal.warning) == (488, Warning(305, "no audio codec in common"))
    refusal = refusal_of(SdpError("no port", 3))
    assert (refusal.status, refusal.warning) == (400, Warning(399, "line 3: no port"))


def test_reasons_are_words() -> None:
    assert end_reason("kicked") == "You were removed from the conference"
    assert end_reason("The chair closed the room") == "The chair closed the room"
