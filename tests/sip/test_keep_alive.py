"""Pings, and pauses after failures; the clock is a number."""

from __future__ import annotations

from sip.keep_alive import LONGEST_PAUSE, MAX_IDLE, MAX_REMEMBERED, PONG_TIME, KeepAlive, Pauses, Pulse


def test_silence_is_answered_by_a_ping_and_a_pong_quiets_it() -> None:
    pulse = KeepAlive(25.0, 100.0)
    assert pulse.check(124.0) is Pulse.NOTHING
    assert pulse.check(125.0) is Pulse.PING
    assert pulse.check(126.0) is Pulse.NOTHING
    pulse.heard(126.0)
    assert pulse.check(150.0) is Pulse.NOTHING
    assert pulse.check(151.0) is Pulse.PING


def test_a_peer_that_answered_once_and_then_not_is_dead() -> None:
    pulse = KeepAlive(25.0, 0.0)
    assert pulse.check(25.0) is Pulse.PING
    pulse.heard(25.1)
    assert pulse.check(51.0) is Pulse.PING
    assert pulse.check(51.0 + PONG_TIME - 0.1) is Pulse.NOTHING
    assert pulse.check(51.0 + PONG_TIME) is Pulse.DEAD


def test_a_peer_that_never_answers_pings_is_pinged_on() -> None:
    pulse = KeepAlive(25.0, 0.0)
    told = [pulse.check(float(now)) for now in range(0, 101, 5)]
    assert told.count(Pulse.PING) == 4 and Pulse.DEAD not in told


def test_a_connection_that_nobody_needs_is_closed() -> None:
    pulse = KeepAlive(25.0, 0.0)
    pulse.used(100.0)
    now = 0.0
    while pulse.check(now) is not Pulse.IDLE:
        pulse.heard(now)  # pongs do not make it needed
        now += 5.0
    assert now == 100.0 + MAX_IDLE


def test_each_failure_doubles_the_pause_up_to_a_limit() -> None:
    pauses, now, lengths = Pauses(), 0.0, []
    for _ in range(8):
        assert pauses.may_try("a", now)
        pauses.failed("a", now)
        start = now
        while not pauses.may_try("a", now):
            now += 0.5
        lengths.append(now - start)
    assert lengths == [1, 2, 4, 8, 16, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]
    assert pauses.may_try("b", 0.0)
    pauses.failed("a", now)
    pauses.reached("a")
    assert pauses.may_try("a", now)


def test_only_so_many_failures_are_remembered() -> None:
    pauses = Pauses()
    for place in range(MAX_REMEMBERED + 1):
        pauses.failed(place, 0.0)
    assert pauses.may_try(0, 0.5) and not pauses.may_try(MAX_REMEMBERED, 0.5)
