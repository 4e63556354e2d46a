"""Who may shake hands with a port whose peer nobody has proved: many may begin, and one wins."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from mcu.media.transport.dtls import DtlsError
from mcu.media.transport.dtls_contest import MAX_BEGUN, MAX_RIVALS, DtlsContest
from mcu.media.transport.sockets import NetworkAddress
from tests.media.transport.hellos import HELLO, client_hello, cookie_of

PEER: NetworkAddress = ("192.0.2.1", 5000)


class Handshake:
    """Stands for an association: does what the test says, and keeps what it gets."""

    def __init__(self, send: Callable[[bytes], None], cookie: bytes | None) -> None:
        self.send, self.cookie = send, cookie
        self.received: list[bytes] = []
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed = False
        self.connected = False

    def receive_dtls(self, data: bytes) -> None:
        self.received.append(data)

    async def handshake(self) -> None:
        await self.over
        self.connected = True

    async def close(self) -> None:
        await asyncio.sleep(0)
        self.closed = True

    def keys(self) -> tuple[str, bytes, bytes]:
        return "suite", b"local", b"remote"


class Contest:
    """A contest and what has come of it."""

    def __init__(self) -> None:
        self.made: list[Handshake] = []
        self.sent: list[tuple[bytes, NetworkAddress]] = []
        self.won: list[NetworkAddress] = []
        self.contest = DtlsContest(
            self._make, lambda data, address: self.sent.append((data, address)), lambda: PEER, self.won.append
        )

    def _make(self, send: Callable[[bytes], None], cookie: bytes | None) -> Handshake:  # type: ignore[override]
        self.made.append(Handshake(send, cookie))
        return self.made[-1]

    def begin(self, address: NetworkAddress) -> bytes:
        """Begin from an address that is to show first that it gets what is sent there; its ClientHello."""
        before = len(self.sent)
        self.contest.receive_dtls(HELLO, address)
        (question,) = (data for data, at in self.sent[before:] if at == address)
        del self.sent[before:]
        hello = client_hello(cookie_of(question))
        self.contest.receive_dtls(hello, address)
        return hello


@pytest.fixture
async def field() -> Contest:
    return Contest()


def other(number: int) -> NetworkAddress:
    return ("203.0.113.9", 1000 + number)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_each_address_has_an_association_and_the_first_to_end_well_wins(field: Contest) -> None:
    contest = field.contest
    hello = field.begin(other(1))
    contest.receive_dtls(HELLO, PEER)
    contest.receive_dtls(hello, other(1))
    first, peer = field.made
    assert (first.received, peer.received) == ([hello, hello], [HELLO])
    assert first.cookie == cookie_of(hello) and peer.cookie is None
    peer.send(b"flight")
    assert field.sent == [(b"flight", PEER)]
    shaking = asyncio.create_task(contest.handshake())
    assert contest.keys() is None and not contest.connected
    peer.over.set_result(None)
    await asyncio.wait_for(shaking, 1)
    await settle()
    assert field.won == [PEER] and contest.connected and contest.keys() is not None
    assert first.closed and not peer.closed
    contest.receive_dtls(b"\x15later", PEER)
    contest.receive_dtls(HELLO, other(2))
    assert peer.received[1:] == [b"\x15later", HELLO] and len(field.made) == 2
    await contest.close()
    assert peer.closed


async def test_a_stranger_that_fails_is_forgotten_and_the_peer_that_fails_is_told(field: Contest) -> None:
    contest = field.contest
    shaking = asyncio.create_task(contest.handshake())
    field.begin(other(1))
    field.made[0].over.set_exception(DtlsError("another certificate"))
    await settle()
    assert not shaking.done() and field.made[0].closed
    contest.receive_dtls(HELLO, PEER)
    field.made[1].over.set_exception(DtlsError("the wrong certificate"))
    with pytest.raises(DtlsError, match="the wrong"):
        await asyncio.wait_for(shaking, 1)
    await contest.close()


async def test_what_is_no_beginning_begins_nothing(field: Contest) -> None:
    for data in (b"", b"\x16", HELLO[:13], b"\x14" + HELLO[1:], HELLO[:13] + b"\x02" + bytes(40)):
        field.contest.receive_dtls(data, PEER)
    assert field.made == [] and field.contest.ignored == 5


async def test_a_flood_of_strangers_is_bounded_and_leaves_the_peer_its_place(field: Contest) -> None:
    contest = field.contest
    contest.receive_dtls(HELLO, PEER)
    for number in range(3 * MAX_BEGUN):
        field.begin(other(number))
    await settle()
    assert len(field.made) == MAX_BEGUN and contest.ignored == 3 * MAX_BEGUN + 2 * MAX_BEGUN + 1
    assert len([one for one in field.made if not one.closed]) == MAX_RIVALS
    assert not field.made[0].closed
    field.made[0].over.set_result(None)
    await settle()
    assert field.won == [PEER]
    await contest.close()
    assert all(one.closed for one in field.made)


async def test_the_peer_may_begin_whatever_strangers_have_begun(field: Contest) -> None:
    for number in range(2 * MAX_BEGUN):
        field.begin(other(number))
    field.contest.receive_dtls(HELLO, PEER)
    field.made[-1].over.set_result(None)
    await settle()
    assert field.won == [PEER]
    await field.contest.close()


async def test_a_flood_in_the_name_of_others_begins_nothing_and_the_peer_behind_a_nat_comes_through(
    field: Contest,
) -> None:
    contest = field.contest
    for number in range(10 * MAX_BEGUN):
        contest.receive_dtls(HELLO, other(number))
        contest.receive_dtls(client_hello(bytes(20)), other(number))
    await settle()
    assert field.made == []
    # What they are sent is one datagram each time, shorter than theirs.
    assert len(field.sent) == 20 * MAX_BEGUN and all(len(data) < len(HELLO) for data, _ in field.sent)
    field.begin(other(1))
    field.made[0].over.set_result(None)
    await settle()
    assert field.won == [other(1)]
    await contest.close()
