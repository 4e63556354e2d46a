"""The documents of event packages, read by somebody else's XML parser."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from xml.etree import ElementTree

import pytest

from sip.conference_info import (
    ConferenceInfo,
    ConferenceUser,
    EndpointStatus,
    MediaDirection,
    UserMedia,
)
from sip.reg_info import ContactEvent, RegInfo, RegisteredContact
from sip.xml_text import escaped

_CONFERENCE = "{urn:ietf:params:xml:ns:conference-info}"
_REG = "{urn:ietf:params:xml:ns:reginfo}"


def test_a_conference_with_two_rooms() -> None:
    users = (
        ConferenceUser(
            "sip:p1@192.0.2.2",
            '会诊室 <1> & "2"',
            EndpointStatus.CONNECTED,
            joined_at=datetime(2026, 5, 1, 10, 0, 1, 5000, tzinfo=timezone(timedelta(hours=8))),
            media=(UserMedia("1", "audio", MediaDirection.BOTH), UserMedia("2", "video", MediaDirection.RECEIVE)),
        ),
        ConferenceUser("sip:p2@192.0.2.2", "", EndpointStatus.ON_HOLD, dialed_out=True),
    )
    root = ElementTree.fromstring(ConferenceInfo("sip:1000@192.0.2.2", 7, "Ward round", True, users).to_xml())
    assert root.tag == f"{_CONFERENCE}conference-info"
    assert root.attrib == {"entity": "sip:1000@192.0.2.2", "state": "full", "version": "7"}
    assert [child.tag.removeprefix(_CONFERENCE) for child in root] == [
        "conference-description",
        "conference-state",
        "users",
    ]
    assert root.findtext(f".//{_CONFERENCE}subject") == "Ward round"
    assert root.findtext(f".//{_CONFERENCE}user-count") == "2"
    assert root.findtext(f".//{_CONFERENCE}locked") == "true"
    first, second = root.iter(f"{_CONFERENCE}user")
    assert first.findtext(f"{_CONFERENCE}display-text") == '会诊室 <1> & "2"'
    assert first.findtext(f".//{_CONFERENCE}when") == "2026-05-01T02:00:01Z"
    media = [
        (item.get("id"), item.findtext(f"{_CONFERENCE}type"), item.findtext(f"{_CONFERENCE}status"))
        for item in first.iter(f"{_CONFERENCE}media")
    ]
    assert media == [("1", "audio", "sendrecv"), ("2", "video", "recvonly")]
    assert second.findtext(f".//{_CONFERENCE}status") == "on-hold"
    assert second.findtext(f".//{_CONFERENCE}joining-method") == "dialed-out"


def test_an_empty_conference() -> None:
    root = ElementTree.fromstring(ConferenceInfo("sip:1@h", 0, "", False, (), active=False).to_xml())
    assert root.findtext(f".//{_CONFERENCE}active") == "false"
    assert not list(root.iter(f"{_CONFERENCE}user"))


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ((), "init"),
        ((ContactEvent.REGISTERED,), "active"),
        ((ContactEvent.EXPIRED, ContactEvent.REFRESHED), "active"),
        ((ContactEvent.UNREGISTERED,), "terminated"),
    ],
)
def test_registrations(events: tuple[ContactEvent, ...], state: str) -> None:
    contacts = tuple(RegisteredContact(str(n), f"sip:{n}@h", event, 60) for n, event in enumerate(events))
    root = ElementTree.fromstring(RegInfo("sip:room@example.com", "a7", 3, contacts).to_xml())
    registration = root.find(f"{_REG}registration")
    assert registration is not None
    assert (registration.get("state"), registration.get("aor")) == (state, "sip:room@example.com")
    for event, contact in zip(events, registration, strict=True):
        assert contact.findtext(f"{_REG}uri", "").startswith("sip:")
        assert (contact.get("event"), contact.get("expires")) == (event.value, "60" if event.is_active else None)


def test_names_that_xml_cannot_carry() -> None:
    name = "\x00\x1b\ud800\ufffe a"
    user = ConferenceUser("sip:a@h", name, EndpointStatus.CONNECTED, joined_at=datetime.now(UTC))
    root = ElementTree.fromstring(ConferenceInfo("sip:1@h", 1, name, False, (user,)).to_xml())
    assert root.findtext(f".//{_CONFERENCE}subject") == "\ufffd\ufffd\ufffd\ufffd a"
    assert escaped("'\t\n") == "&apos;\t\n"
