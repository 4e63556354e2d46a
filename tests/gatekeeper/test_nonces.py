"""Nonces: life, foreign ones, counts, replay, bounded memory."""

from __future__ import annotations

import random

import pytest

from gatekeeper.nonces import Nonces, NonceState

START = 1_800_000_000.0


def make(secret: bytes = b"secret", started_at: float = START, remembered: int = 100, seed: int = 1) -> Nonces:
    return Nonces(secret, random.Random(seed).randbytes, started_at, life=300, remembered=remembered)


def test_a_nonce_is_fresh_for_its_life() -> None:
    nonces = make()
    nonce = nonces.make(START)
    assert nonces.state(nonce, START + 299) is NonceState.FRESH
    assert nonces.state(nonce, START + 301) is NonceState.STALE
    assert nonces.state(nonce, START - 301) is NonceState.STALE  # the clock was set back


@pytest.mark.parametrize("nonce", ["", "abc", "=" * 28, "A" * 28, "ü" * 28, "A" * 4000])
def test_what_we_did_not_make_is_foreign(nonce: str) -> None:
    assert make().state(nonce, START) is NonceState.FOREIGN
    assert not make().use(nonce, 1, START)


def test_another_secret_makes_foreign_nonces() -> None:
    assert make(b"other").state(make().make(START), START) is NonceState.FOREIGN


def test_nonces_differ() -> None:
    nonces = make()
    assert len({nonces.make(START) for _ in range(100)}) == 100


def test_each_count_is_good_once_in_any_near_order() -> None:
    nonces = make()
    nonce = nonces.make(START)
    assert [nonces.use(nonce, count, START) for count in (1, 3, 2, 2, 3, 1, 4)] == [
        True, True, True, False, False, False, True,
    ]  # fmt: skip
    assert nonces.use(nonce, 100, START)
    assert not nonces.use(nonce, 5, START)  # too far back to know
    assert nonces.use(nonce, 99, START)


def test_a_client_without_counts_uses_a_nonce_once() -> None:
    nonces = make()
    nonce = nonces.make(START)
    assert nonces.use(nonce, None, START)
    assert not nonces.use(nonce, None, START)
    assert not nonces.use(nonce, 1, START)


def test_a_nonce_from_before_the_start_is_only_stale() -> None:
    nonce = make(started_at=START).make(START + 10)
    after_restart = make(started_at=START + 20)
    assert after_restart.state(nonce, START + 21) is NonceState.STALE


def test_forgetting_never_allows_a_replay() -> None:
    nonces = make(remembered=10)
    used = [nonces.make(START + second) for second in range(30)]
    for nonce in used:
        assert nonces.use(nonce, 1, START + 30)
    for nonce in used[:20]:
        assert nonces.state(nonce, START + 30) is NonceState.STALE
    for nonce in used[20:]:
        assert nonces.state(nonce, START + 30) is NonceState.FRESH
        assert not nonces.use(nonce, 1, START + 30)


def test_challenges_that_nobody_answers_cost_no_memory() -> None:
    nonces = make()
    for _ in range(1000):
        nonces.state(nonces.make(START), START)
    assert not nonces._used
