"""Asking for key frames: at once, not too often, until one comes."""

from __future__ import annotations

import itertools

from mcu.media.rtp.keyframe_request import FIRST_REPEAT, MAX_INTERVAL, MIN_INTERVAL, OVERDUE, KeyFrameRequester


def requests(requester: KeyFrameRequester, until: float) -> list[float]:
    times = []
    while (deadline := requester.next_deadline()) is not None and deadline <= until:
        assert requester.due(deadline)
        assert not requester.due(deadline)
        times.append(round(deadline, 3))
    return times


def test_the_first_request_goes_at_once_and_repetitions_slow_down() -> None:
    requester = KeyFrameRequester()
    assert requester.next_deadline() is None
    requester.want(1.0)
    times = requests(requester, 30.0)
    assert times[:2] == [1.0, 1.0 + FIRST_REPEAT]
    steps = [round(b - a, 2) for a, b in itertools.pairwise(times)]
    assert steps == sorted(steps)
    assert steps[-1] == MAX_INTERVAL


def test_wanting_twice_is_wanting_once() -> None:
    requester = KeyFrameRequester()
    requester.want(1.0)
    requester.want(1.01)
    assert requests(requester, 1.1) == [1.0]


def test_a_new_want_soon_after_waits_for_the_rate_limit() -> None:
    requester = KeyFrameRequester()
    requester.want(1.0)
    requests(requester, 1.0)
    requester.received()
    assert not requester.wanting
    assert requester.next_deadline() is None
    requester.want(1.1)
    assert requests(requester, 1.5) == [1.0 + MIN_INTERVAL]


def test_a_key_frame_that_came_in_part_is_asked_for_again_soon() -> None:
    requester = KeyFrameRequester()
    requester.want(1.0)
    requests(requester, 1.0)
    requester.lost()
    assert requests(requester, 1.4) == [1.0 + MIN_INTERVAL]


def test_overdue_is_said_once_per_want() -> None:
    requester = KeyFrameRequester()
    requester.want(1.0)
    assert not requester.overdue(1.0)
    assert requester.overdue(1.0 + OVERDUE)
    assert not requester.overdue(5.0)
    requester.received()
    requester.want(6.0)
    assert requester.overdue(7.5)
