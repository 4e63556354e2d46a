"""Hashes and tokens."""

from __future__ import annotations

import pytest

from mcu.conference.door.hashing import Cost, Hasher
from mcu.conference.door.tokens import ParticipantTokens, new_token, token_hash


async def test_a_hash_knows_its_secret_and_no_other() -> None:
    hasher = Hasher(Cost(log_n=4))
    hashed = await hasher.hash("4711")
    assert hashed != await hasher.hash("4711")
    assert await hasher.verify("4711", hashed)
    assert not await hasher.verify("4712", hashed)
    assert await Hasher(Cost(log_n=5)).verify("4711", hashed)
    hasher.close()


async def test_nobody_has_no_secret() -> None:
    assert not await Hasher(Cost(log_n=4)).verify("", None)


@pytest.mark.parametrize(
    "hashed",
    ["", "scrypt", "scrypt$4$8$1$!$!", "scrypt$x$8$1$AA==$AA==", "md5$4$8$1$AA==$AA==", "scrypt$60$8$1$AA==$AA=="],
)
async def test_a_broken_hash_fits_no_secret(hashed: str) -> None:
    assert not await Hasher(Cost(log_n=4)).verify("4711", hashed)


def test_tokens_are_random_and_kept_as_hashes() -> None:
    tokens = ParticipantTokens()
    token = tokens.issue("p1")
    assert len(token) >= 43 and token != new_token()
    assert token not in repr(vars(tokens)) and token_hash(token) in repr(vars(tokens))
    assert tokens.participant_id(token) == "p1"
    assert tokens.participant_id("") is None and tokens.participant_id("\ud800") is None


def test_a_second_token_makes_the_first_void() -> None:
    tokens = ParticipantTokens()
    first, second = tokens.issue("p1"), tokens.issue("p1")
    assert tokens.participant_id(first) is None and tokens.participant_id(second) == "p1"
    tokens.revoke("p1")
    tokens.revoke("p1")
    assert tokens.participant_id(second) is None and vars(tokens) == {"_participants": {}, "_hashes": {}}
