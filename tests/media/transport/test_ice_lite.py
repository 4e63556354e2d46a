"""A lite agent proves that it knows its password, and notes what the browser nominates."""

from __future__ import annotations

import pytest
from aioice import stun

from mcu.media.transport.ice_lite import MAX_CHECK_SIZE, StunError, is_stun, local_ufrag_of, parse_check
from tests.media.transport.checks import PASSWORD, agent, check

HERE = ("192.0.2.9", 40000)
THERE = ("2001:db8::9", 50000)


def test_a_check_is_answered_with_the_address_that_it_came_from() -> None:
    leg = agent()
    for source in (HERE, THERE):
        response = stun.parse_message(leg.receive_check(parse_check(check()), source, 5.0))
        assert response.message_class is stun.Class.RESPONSE and response.transaction_id == b"transaction1"
        assert response.attributes["XOR-MAPPED-ADDRESS"] == source
        assert response.check_message_integrity(PASSWORD.encode())
        assert "FINGERPRINT" in response.attributes
    assert leg.last_check == 5.0


def test_media_go_to_the_first_address_until_another_is_nominated() -> None:
    leg = agent()
    assert leg.selected is None
    leg.receive_check(parse_check(check()), HERE, 1.0)
    leg.receive_check(parse_check(check()), THERE, 2.0)
    assert leg.selected == HERE
    leg.receive_check(parse_check(check(nominate=True)), THERE, 3.0)
    assert leg.selected == THERE


@pytest.mark.parametrize(
    "data",
    [
        check(password="another password"),
        check(password=None),
        check("ours:somebody"),
        check("ours"),
        check("ours:them:more"),
    ],
    ids=["wrong password", "no integrity", "wrong peer", "half a name", "too long a name"],
)
def test_a_check_that_proves_nothing_changes_nothing(data: bytes) -> None:
    leg = agent()
    with pytest.raises(StunError):
        leg.receive_check(parse_check(data), HERE, 1.0)
    assert leg.selected is None and leg.last_check is None


def test_what_follows_the_integrity_is_not_believed() -> None:
    plain = check()
    # USE-CANDIDATE (0x0025) behind MESSAGE-INTEGRITY, in front of which everything is signed; no fingerprint then.
    cut = plain[:-8]
    forged = cut[:2] + (len(cut) - 20 + 4).to_bytes(2) + cut[4:] + b"\x00\x25\x00\x00"
    leg = agent()
    leg.receive_check(parse_check(check()), HERE, 1.0)
    leg.receive_check(parse_check(forged), THERE, 2.0)
    assert leg.selected == HERE


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (check(kind=stun.Class.INDICATION), "not a binding request"),
        (check(kind=stun.Class.RESPONSE), "not a binding request"),
        (check(method=stun.Method.ALLOCATE), "not a binding request"),
        (check()[:-1], "malformed"),
        (check()[:-1] + b"\xff", "malformed"),  # the fingerprint
        (check() + bytes(MAX_CHECK_SIZE), "too long"),
    ],
)
def test_what_is_no_check_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(StunError, match=why):
        parse_check(data)


def test_the_leg_is_named_by_the_first_half_of_the_username() -> None:
    assert local_ufrag_of(parse_check(check("ours:them"))) == "ours"
    for name in (None, "ours"):
        with pytest.raises(StunError, match="USERNAME"):
            local_ufrag_of(parse_check(check(name)))


def test_datagrams_are_told_apart_by_their_first_bytes() -> None:
    assert is_stun(check())
    for other in (b"", b"\x00", b"\x16\xfe\xfd" + bytes(40), b"\x80\x60" + bytes(40), bytes(20), check()[:19]):
        assert not is_stun(other)


def test_no_password_shows_in_a_repr() -> None:
    assert PASSWORD not in repr(agent())
