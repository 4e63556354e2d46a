"""Whom the server may call by itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.dial_policy import DialPolicy, UnusableTarget, dial_policy, is_allowed, target_uri
from tests.fuzz import fuzz_dial_target

POLICY = dial_policy(["rooms.example", ".Clinic.Example.", " "], ["10.0.0.0/8", "2001:db8::/32"])


def test_nobody_may_be_called_unless_said_so() -> None:
    uri = target_uri("sip:anybody@rooms.example")
    assert uri is not None and not is_allowed(uri, DialPolicy())


@pytest.mark.parametrize(
    ("target", "allowed"),
    [
        ("sip:a@rooms.example", True),
        ("sips:a@ROOMS.example.:5061", True),
        ("a@rooms.example;transport=tcp", True),
        ("sip:a@sub.rooms.example", False),
        ("sip:a@ward.clinic.example", True),
        ("sip:a@clinic.example", False),
        ("sip:a@evilclinic.example", False),
        ("sip:a@10.1.2.3", True),
        ("sip:a@11.1.2.3", False),
        ("sip:a@[2001:db8::5]", True),
        ("sip:a@[2001:db9::5]", False),
        ("sip:a@[::ffff:10.1.2.3]", True),
        ("sip:a@[::ffff:11.1.2.3]", False),
        ("sip:10.1.2.3@evil.example", False),
    ],
)
def test_hosts_by_name_and_network(target: str, allowed: bool) -> None:
    uri = target_uri(target)
    assert uri is not None and is_allowed(uri, POLICY) is allowed


def test_a_uri_is_cleaned_of_what_is_not_for_a_request() -> None:
    uri = target_uri("sip:a@rooms.example;transport=tcp;lr;x=y?Replaces=1")
    assert str(uri) == "sip:a@rooms.example;transport=tcp"


def test_a_bare_name_is_for_the_registrar() -> None:
    assert target_uri("手术室2") is None
    assert target_uri("1044") is None


@pytest.mark.parametrize(
    "target",
    [
        "",
        " ",
        "x" * 257,
        "two words",
        "<sip:a@b>",
        'a"b',
        "tel:+861012345678",
        "sip:a@b@c d",
        "sip:",
        "a@b;maddr=1.2.3.4",
    ],
)
def test_what_is_no_address(target: str) -> None:
    with pytest.raises(UnusableTarget):
        target_uri(target)


def test_settings_with_a_wrong_network_are_refused() -> None:
    with pytest.raises(ValueError, match=r"10\.0\.0\.0/99"):
        dial_policy([], ["10.0.0.0/99"])


@given(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace"))))
def test_anything_is_an_address_or_one_error(data: bytes) -> None:
    fuzz_dial_target.fuzz_one(data)
