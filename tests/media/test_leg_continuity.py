"""What the control side tells a worker of the legs that another had."""

from __future__ import annotations

import base64
from itertools import count

from mcu.media.facts import LegConnected, NumbersReached
from mcu.media.leg_continuity import LegContinuity
from mcu.media.spec import (
    ConferenceSpec,
    Continuation,
    LegNumbers,
    LegSpec,
    PathNumbers,
    SdesKeys,
    SentNumbers,
    WebRtcTransport,
)
from tests.fakes.media import room_leg

FIRST, SECOND, THIRD, ELSEWHERE = (0, 0), (0, 1), (0, 2), (1, 0)
KEY = base64.b64encode(bytes(28)).decode()
KEYS = SdesKeys(suite="AEAD_AES_128_GCM", local=KEY, remote=KEY)
BROWSER = LegSpec(
    id="b",
    name="Browser",
    transport=WebRtcTransport(
        local_ufrag="u", local_password="p" * 24, remote_ufrag="r", remote_password="q", fingerprints=()
    ),
)
NUMBERS = LegNumbers(paths={"audio": PathNumbers(sent={7: SentNumbers(sequence=900)})})


def spec(*legs: LegSpec) -> ConferenceSpec:
    return ConferenceSpec(id="c", revision=1, legs=legs)


def told(continuity: LegContinuity, worker: tuple[int, int], leg: LegSpec) -> Continuation:
    (found,) = continuity.told_to(worker, spec(leg)).legs
    assert found.continuation is not None
    return found.continuation


def reached(leg: LegSpec) -> NumbersReached:
    return NumbersReached(conference="c", legs={leg.id: NUMBERS})


def connected() -> LegConnected:
    return LegConnected(conference="c", leg="b", bundled=KEYS)


def remembering() -> LegContinuity:
    return LegContinuity(count(100).__next__)


def test_a_successor_is_told_the_seed_and_the_last_numbers() -> None:
    continuity, leg = remembering(), room_leg("a")
    assert told(continuity, FIRST, leg) == Continuation(seed=100)
    continuity.reached(reached(leg), FIRST)
    assert told(continuity, SECOND, leg) == Continuation(seed=100, ahead=1, numbers=NUMBERS)


def test_a_worker_is_told_numbers_once() -> None:
    continuity, leg = remembering(), room_leg("a")
    told(continuity, FIRST, leg)
    continuity.reached(reached(leg), FIRST)
    told(continuity, SECOND, leg)
    assert told(continuity, SECOND, leg) == Continuation(seed=100)


def test_workers_that_died_unheard_are_counted() -> None:
    continuity, leg = remembering(), room_leg("a")
    told(continuity, FIRST, leg)
    continuity.reached(reached(leg), FIRST)
    told(continuity, SECOND, leg)
    assert told(continuity, THIRD, leg) == Continuation(seed=100, ahead=2, numbers=NUMBERS)
    unheard = room_leg("z")
    told(continuity, FIRST, unheard)
    assert told(continuity, SECOND, unheard).ahead == 1


def test_what_a_replaced_worker_still_says_changes_nothing() -> None:
    continuity, leg = remembering(), room_leg("a")
    told(continuity, FIRST, leg)
    told(continuity, SECOND, leg)
    continuity.reached(reached(leg), FIRST)
    assert told(continuity, THIRD, leg) == Continuation(seed=100, ahead=2)


def test_a_browsers_keys_go_to_the_successor_on_the_same_port_alone() -> None:
    continuity = remembering()
    told(continuity, FIRST, BROWSER)
    continuity.connected(connected(), spec(BROWSER), FIRST)
    assert told(continuity, FIRST, BROWSER).keys is None
    assert told(continuity, SECOND, BROWSER).keys == KEYS
    assert told(continuity, SECOND, BROWSER).keys is None
    assert told(continuity, ELSEWHERE, BROWSER).keys is None
    assert KEY not in repr(continuity._records) and KEY not in repr(connected())


def test_an_offer_made_anew_is_a_handshake_made_anew() -> None:
    continuity = remembering()
    told(continuity, FIRST, BROWSER)
    continuity.connected(connected(), spec(BROWSER), FIRST)
    other = BROWSER.transport.model_copy(update={"local_ufrag": "v"})
    assert told(continuity, SECOND, BROWSER.model_copy(update={"transport": other})).keys is None


def test_who_left_is_forgotten() -> None:
    continuity, leg = remembering(), room_leg("a")
    told(continuity, FIRST, leg)
    continuity.reached(reached(leg), FIRST)
    continuity.keep(set())
    assert told(continuity, SECOND, leg) == Continuation(seed=101)
