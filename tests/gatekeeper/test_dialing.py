"""Where dialled addresses lead."""

from __future__ import annotations

import pytest

from gatekeeper.dialing import DialSettings, Refused, RoomDestination, resolve

ANY = DialSettings()


@pytest.mark.parametrize(
    ("uri", "number", "pin"),
    [
        ("sip:1000@192.0.2.1", "1000", None),
        ("sips:1000@host.example:5061;transport=tcp", "1000", None),
        ("sip:1000*1234@[2001:db8::1]", "1000", "1234"),
        ("sip:1000%2a1234@host", "1000", "1234"),
        ("sip:1000*@host", "1000", None),
        ("sip:+861000@host;user=phone", "861000", None),
        ("sip:1000;phone-context=x@host", "1000", None),
        ("sip:TumorBoard@host", "tumorboard", None),
        ("tel:+86-10-1000;phone-context=example.com", "86101000", None),
    ],
)
def test_addresses_that_lead_to_a_room(uri: str, number: str, pin: str | None) -> None:
    assert resolve(uri, ANY) == RoomDestination(number, pin)


@pytest.mark.parametrize(
    ("uri", "status"),
    [
        ("sip:host", 404),
        ("sip:../etc@host", 404),
        ("sip:%00%01@host", 404),
        ("sip:1000*12a4@host", 404),
        ("sip:1000*1*2@host", 404),
        ("sip:" + "1" * 33 + "@host", 404),
        ("sip:会诊@host", 404),
        ("mailto:1000@host", 416),
        ("nonsense", 400),
        ("", 400),
        ("sip:" + "1" * 5000 + "@host", 414),
    ],
)
def test_addresses_that_lead_nowhere(uri: str, status: int) -> None:
    refused = resolve(uri, ANY)
    assert isinstance(refused, Refused)
    assert refused.status == status
    assert refused.reason


def test_the_bare_address_leads_to_the_default_room() -> None:
    assert resolve("sip:host", DialSettings(default_room="9000")) == RoomDestination("9000")


def test_foreign_domains_are_refused_where_domains_are_set() -> None:
    settings = DialSettings(domains=frozenset({"clinic.example"}))
    assert resolve("sip:1000@Clinic.Example", settings) == RoomDestination("1000")
    assert resolve("sip:1000@elsewhere.example", settings) == Refused(
        404, "This server does not answer for that domain"
    )


def test_a_pin_shows_in_no_repr() -> None:
    assert "1234" not in repr(resolve("sip:1000*1234@host", ANY))
