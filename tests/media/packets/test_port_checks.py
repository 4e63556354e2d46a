"""Connectivity checks that the compiled port answers itself, beside what ``IceLiteAgent`` says of the same."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator

import pytest
from aioice import stun

from mcu.media.packets import MediaPort, PacketKind
from mcu.media.transport.ice_lite import IceLiteAgent, StunError, parse_check
from tests.fuzz.mutation import Mutator
from tests.media.transport.checks import PASSWORD, agent, check

NAME = b"ours:them"
NOW = 50.0


class Browser:
    """On an IPv4 or IPv6 socket, with a port that knows its address and its credentials."""

    def __init__(self, host: str, port_host: str) -> None:
        self.own = socket.socket(socket.AF_INET6 if ":" in port_host else socket.AF_INET, socket.SOCK_DGRAM)
        if ":" in port_host:
            self.own.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.own.bind((port_host, 0))
        self.own.setblocking(False)
        self.udp = self.client(host)
        self.media = MediaPort(self.own.fileno())
        self.peer = self.media.open_peer()
        self.address: tuple[str, int] = self.udp.getsockname()[:2]
        self.media.set_addresses(self.peer, [self.address], self.address)
        self.media.answer_checks(self.peer, NAME, PASSWORD.encode())

    def client(self, host: str) -> socket.socket:
        client = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        client.bind((host, 0))
        client.settimeout(2)
        client.connect((host, self.own.getsockname()[1]))
        return client

    def answer(self, data: bytes, client: socket.socket | None = None) -> bytes | None:
        """What the port itself says to it; None where it is handed up."""
        client = client or self.udp
        client.send(data)
        handed_up = self.media.receive(NOW)
        if handed_up:
            address = client.getsockname()[:2]
            assert handed_up == [(PacketKind.STUN, 0, data, address)]
            return None
        return client.recv(2048)

    def close(self) -> None:
        self.udp.close()
        self.own.close()


@pytest.fixture(params=[("127.0.0.1", "127.0.0.1"), ("::1", "::"), ("127.0.0.1", "::")])
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    made = Browser(*request.param)
    yield made
    made.close()


def reference(data: bytes, source: tuple[str, int]) -> bytes | None:
    """What the readable agent, whose path has been nominated, answers; None for a refusal."""
    leg = agent()
    leg.selected, leg.nominated = source, True
    try:
        return leg.receive_check(parse_check(data), source, NOW)
    except StunError:
        return None


@pytest.mark.parametrize("nominate", [False, True])
def test_a_check_of_the_path_in_use_is_answered_as_the_reference_does(browser: Browser, nominate: bool) -> None:
    assert browser.media.last_check(browser.peer) == 0.0
    data = check(nominate=nominate)
    answer = browser.answer(data)
    assert answer is not None and answer == reference(data, browser.address)
    assert browser.media.last_check(browser.peer) == NOW


def signed(attributes: bytes) -> bytes:
    """A binding request with these attributes, by our password."""
    body = attributes + bytes(24)
    plain = b"\x00\x01" + len(body).to_bytes(2) + b"\x21\x12\xa4\x42transaction2" + attributes
    return plain + b"\x00\x08\x00\x14" + stun.message_integrity(plain, PASSWORD.encode())


def attribute(kind: int, value: bytes) -> bytes:
    return kind.to_bytes(2) + len(value).to_bytes(2) + value + bytes(-len(value) % 4)


def with_attribute(kind: int, value: bytes) -> bytes:
    """A good check with one more attribute."""
    return signed(attribute(0x0006, NAME) + attribute(kind, value))


@pytest.mark.parametrize("kind", [0xC057, 0xC001, 0x8070])
def test_attributes_that_may_be_ignored_are(browser: Browser, kind: int) -> None:
    data = with_attribute(kind, b"\x00\x01\x03")
    answer = browser.answer(data)
    assert answer is not None and answer == reference(data, browser.address)


@pytest.mark.parametrize(
    "data",
    [
        check(password="another password, of nobody"),
        check(password=None),
        check("ours:others"),
        check("theirs:them"),
        check(None),
        check(kind=stun.Class.INDICATION),
        check(kind=stun.Class.RESPONSE),
        check(method=stun.Method.ALLOCATE),
        check()[:-4],
        check() + bytes(4),
        check()[:-1] + b"?",  # FINGERPRINT
        with_attribute(0x0026, b""),  # has to be understood, and is not
        with_attribute(0x0006, NAME),  # named twice
        with_attribute(0x0024, bytes(8)),  # a priority has four octets
        with_attribute(0x0001, b"x" * 560),
        b"\x00\x01" + bytes(18),
        b"\x00",
    ],
)
def test_what_is_no_such_check_is_handed_up(browser: Browser, data: bytes) -> None:
    assert browser.answer(data) is None
    assert browser.media.last_check(browser.peer) == 0.0


def test_what_changes_something_is_handed_up(browser: Browser) -> None:
    host = browser.address[0]
    with browser.client(host) as other, browser.client(host) as stranger:
        known = other.getsockname()[:2]
        browser.media.set_addresses(browser.peer, [browser.address, known], browser.address)
        assert browser.answer(check(nominate=True), other) is None, "another path is to be used"
        assert browser.answer(check(), other) == reference(check(), known)
        assert browser.answer(check(), stranger) is None, "another address"
        browser.media.set_addresses(browser.peer, [browser.address], None)
        assert browser.answer(check()) is None, "no path is in use"


def test_after_a_restart_nothing_is_answered_by_the_old_credentials(browser: Browser) -> None:
    browser.media.answer_checks(browser.peer, b"", b"")
    assert browser.answer(check()) is None
    browser.media.answer_checks(browser.peer, b"new:them", PASSWORD.encode())
    assert browser.answer(check()) is None
    assert browser.answer(check("new:them")) is not None


def test_credentials_have_bounds(browser: Browser) -> None:
    browser.media.answer_checks(browser.peer, b"n" * 513, b"p" * 256)
    for name, password in ((b"n" * 514, b"p"), (b"n", b"p" * 257)):
        with pytest.raises(ValueError, match="octets"):
            browser.media.answer_checks(browser.peer, name, password)
    with pytest.raises(KeyError):
        browser.media.answer_checks(browser.peer + 1, b"n", b"p")


def test_odd_checks_are_answered_only_where_the_reference_answers_them_alike() -> None:
    """Damaged ones, and such as are signed for whatever they hold."""
    browser = Browser("127.0.0.1", "127.0.0.1")
    named, nominating = attribute(0x0006, NAME), attribute(0x0025, b"")
    usual = named + attribute(0x0024, bytes(4)) + attribute(0x802A, bytes(8)) + attribute(0xC057, b"\x00\x01")
    whole = Mutator([check(), check(nominate=True), signed(usual)], random.Random(11))
    parts = Mutator([named, usual, usual + nominating, nominating, attribute(0x8022, b"name")], random.Random(12))
    answered = 0
    for _ in range(2000):
        attributes = parts.next()[:500]
        for data in (whole.next()[:1400], signed(attributes), signed(attributes + bytes(-len(attributes) % 4) + named)):
            if not data or data[0] >= 4:
                continue
            answer = browser.answer(data)
            if answer is not None:
                answered += 1
                assert answer == reference(data, browser.address)
    assert answered > 100
    browser.close()


def test_the_reference_is_an_agent_of_the_same_name() -> None:
    assert isinstance(agent(), IceLiteAgent) and f"{agent().local_ufrag}:{agent().remote_ufrag}".encode() == NAME
