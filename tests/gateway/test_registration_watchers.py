"""Devices that watch their own registration."""

from __future__ import annotations

import random
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable

import pytest

from gatekeeper.gruu import TemporaryGruus
from gatekeeper.registrar import Registrar, RegistrarSettings, Registration
from mcu.gateway.registration_watchers import RegistrationWatchers
from sip.errors import CallStateError
from sip.events import Event, SubscriptionEnded, SubscriptionRequested
from sip.flow import Flow
from sip.uri import parse_uri

NOW = 1_800_000_000.0
FLOW = Flow("tcp", ("198.51.100.7", 40000), ("192.0.2.1", 5060), 1)
NS = {"r": "urn:ietf:params:xml:ns:reginfo"}


class Bench:
    """The user agent's commands are only noted."""

    def __init__(self) -> None:
        self.now = NOW
        self.rejected: list[int] = []
        self.documents: list[ElementTree.Element] = []
        self.is_over = False
        self.registrar = Registrar(RegistrarSettings(), TemporaryGruus(b"key", random.Random(1).randbytes))
        self.watchers = RegistrationWatchers(self, self, self.registrar, lambda: self.now)
        self._cseq = 0

    def add_taker(self, taker: Callable[[Event], bool]) -> None:
        self.taker = taker

    def accept_subscription(self, subscription: str, content_type: str, body: bytes) -> None:
        self.notify(subscription, content_type, body)

    def reject_subscription(self, subscription: str, status: int) -> None:
        self.rejected.append(status)

    def notify(self, subscription: str, content_type: str, body: bytes) -> None:
        if self.is_over:
            raise CallStateError("over")
        assert content_type == "application/reginfo+xml"
        self.documents.append(ElementTree.fromstring(body))

    def end_subscription(self, subscription: str, reason: str = "noresource") -> None:
        raise AssertionError("nobody ends these")

    def subscribe(self, address: str = "sip:4001@h", identity: str = "4001", expires: int = 600) -> bool:
        event = SubscriptionRequested("s", "reg", address, "sip:4001@h", expires, FLOW, identity)
        return self.watchers.take(event)

    def register(self, contact: str) -> None:
        self._cseq += 1
        request = Registration("4001", parse_uri("sip:4001@h"), "call", self._cseq, FLOW, [contact])
        assert self.registrar.register(request, self.now).status == 200

    def last(self) -> tuple[str, list[tuple[str, str, str]]]:
        registration = self.documents[-1].find("r:registration", NS)
        assert registration is not None
        contacts = registration.findall("r:contact", NS)
        shown = [(one.get("state", ""), one.get("event", ""), one.findtext("r:uri", "", NS)) for one in contacts]
        return registration.get("state", ""), shown


def test_a_device_sees_its_contacts_come_and_go() -> None:
    bench = Bench()
    assert bench.subscribe()
    assert bench.last() == ("init", [])
    bench.register("<sip:a@h>")
    assert bench.last() == ("active", [("active", "created", "sip:a@h")])
    bench.register("<sip:a@h>")  # a refresh is no news
    assert len(bench.documents) == 2
    bench.now += 3601
    bench.registrar.expire(bench.now)
    assert bench.last() == ("terminated", [("terminated", "expired", "sip:a@h")])
    assert [document.get("version") for document in bench.documents] == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("address", "identity"), [("sip:4002@h", "4001"), ("sip:4001@h", ""), ("sip:h", ""), ("tel:1", "1"), ("x", "")]
)
def test_nobody_watches_others(address: str, identity: str) -> None:
    bench = Bench()
    assert bench.subscribe(address, identity)
    assert bench.rejected == [403] and bench.documents == []


def test_after_the_end_nothing_is_told() -> None:
    bench = Bench()
    bench.subscribe()
    bench.is_over = True
    bench.register("<sip:a@h>")
    bench.is_over = False
    assert bench.watchers.take(SubscriptionEnded("s", "timeout"))
    assert not bench.watchers.take(SubscriptionEnded("s", "timeout"))
    bench.register("<sip:b@h>")
    assert len(bench.documents) == 1


def test_a_mere_question_is_answered_once() -> None:
    bench = Bench()
    bench.register("<sip:a@h>")
    bench.subscribe(expires=0)
    assert bench.last() == ("active", [("active", "registered", "sip:a@h")])
    bench.register("<sip:b@h>")
    assert len(bench.documents) == 1


def test_other_packages_are_left_to_others() -> None:
    event = SubscriptionRequested("s", "conference", "sip:1@h", "sip:4001@h", 600, FLOW, "4001")
    assert not Bench().watchers.take(event)
