"""Guessing is slowed down, and nobody else."""

from __future__ import annotations

from mcu.conference.door.throttle import Throttle, source_group


def test_the_first_attempts_are_free_then_the_wait_doubles() -> None:
    throttle = Throttle(free=3, first=10.0, longest=35.0)
    key = ("source", "room")
    assert [throttle.attempt(key, 0.0) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert throttle.attempt(key, 0.0) == 10.0
    assert throttle.attempt(key, 4.0) == 6.0
    assert throttle.attempt(key, 10.0) == 0.0
    assert throttle.attempt(key, 10.0) == 20.0
    assert throttle.attempt(key, 30.0) == 0.0
    assert throttle.attempt(key, 30.0) == 35.0


def test_keys_do_not_touch_each_other() -> None:
    throttle = Throttle(free=1)
    throttle.attempt(("attacker", "room"), 0.0)
    assert throttle.attempt(("attacker", "room"), 1.0) > 0
    assert throttle.attempt(("owner", "room"), 1.0) == 0.0


def test_success_and_long_silence_forget() -> None:
    throttle = Throttle(free=2, first=10.0, forget=100.0)
    throttle.attempt(("a",), 0.0)
    throttle.succeeded(("a",))
    throttle.attempt(("a",), 0.0)
    assert throttle.attempt(("a",), 0.0) == 0.0
    assert throttle.attempt(("a",), 1.0) > 0
    assert throttle.attempt(("a",), 101.0) == 0.0
    assert throttle.attempt(("a",), 101.0) == 0.0


def test_a_wait_longer_than_forgetting_is_not_cut_short() -> None:
    throttle = Throttle(free=1, first=200.0, forget=100.0, longest=200.0)
    throttle.attempt(("a",), 0.0)
    assert throttle.attempt(("a",), 150.0) == 50.0


def test_memory_is_bounded() -> None:
    throttle = Throttle(free=1, keys=10)
    for index in range(100):
        throttle.attempt((str(index),), 0.0)
    assert len(throttle._guessers) == 10


def test_one_guesser_has_one_address_group() -> None:
    assert source_group("2001:db8::1") == source_group("2001:db8::ffff:1") != source_group("2001:db8:0:1::1")
    assert source_group("::ffff:192.0.2.1") == source_group("192.0.2.1") == "192.0.2.1"
    assert source_group("fe80::1%eth0") == source_group("fe80::2")
    assert source_group("x" * 1000) == "x" * 64
