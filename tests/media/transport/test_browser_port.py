"""One port for all browsers: checks name the leg, everything else goes by address."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import AsyncIterator

import pytest
from aioice import stun

from mcu.media.transport.browser_port import CONSENT_SECONDS, MAX_ADDRESSES, BrowserPort
from tests.media.transport.checks import agent, check
from tests.media.transport.sockets import PATIENCE, Box, peer
from tests.peers.ports import port_block


class Leg(Box):
    """Keeps what it is told, whatever it is."""

    dtls_received = rtcp_received = Box.put

    def rtp_received(self, packets: list[bytes]) -> None:
        for packet in packets:
            self.put(packet)


@pytest.fixture
def number() -> int:
    return port_block(1)[0]


@pytest.fixture
async def port(number: int) -> AsyncIterator[BrowserPort]:
    port = BrowserPort(lambda: 7.0)
    await port.open("127.0.0.1", number)
    yield port
    port.close()


async def test_a_proven_address_belongs_to_its_leg(port: BrowserPort, number: int) -> None:
    one, two = Leg(), Leg()
    first, second = port.add(agent("one"), one), port.add(agent("two"), two)
    async with peer() as a, peer() as b:
        for each, name in ((a, "one"), (b, "two")):
            each.send(check(f"{name}:them"), number)
            assert stun.parse_message(await each.next()).attributes["XOR-MAPPED-ADDRESS"] == each.address
        a.send(b"\x16from a", number)
        b.send(b"\x16from b", number)
        await one.until(b"\x16from a")
        await two.until(b"\x16from b")
        assert (one.items, two.items) == ([b"\x16from a"], [b"\x16from b"])
        assert first.agent.last_check == 7.0
        first.send_dtls(b"to a")
        second.send_dtls(b"to b")
        second.send_dtls(b"to b too")
        assert (await a.next(), await b.next(), await b.next()) == (b"to a", b"to b", b"to b too")
    assert port.strangers == 0


async def test_strangers_are_counted_and_not_delivered(
    port: BrowserPort, number: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    box = Leg()
    endpoint = port.add(agent(), box)
    endpoint.send_dtls(b"to nobody yet")
    async with peer() as browser, peer() as stranger:
        for data in (b"\x16media", check("nobody:them"), check(password="wrong"), check(None), b"\x00" * 20, b"?"):
            stranger.send(data, number)
        browser.send(check(), number)
        await browser.next()
        browser.send(b"\x16media of the browser", number)
        await box.until(b"\x16media of the browser")
        assert stranger.received.empty()  # nobody learns from us whether a leg exists
    assert box.items == [b"\x16media of the browser"]
    assert port.strangers == 6
    assert len([record for record in caplog.records if "is refused" in record.message]) == 1


async def test_a_browser_roams_to_another_network(port: BrowserPort, number: int) -> None:
    box = Leg()
    endpoint = port.add(agent(), box)
    async with peer() as wifi, peer() as mobile:
        wifi.send(check(nominate=True), number)
        await wifi.next()
        mobile.send(check(), number)
        await mobile.next()
        mobile.send(b"\x16early", number)
        await box.until(b"\x16early")
        endpoint.send_dtls(b"still to the first")
        assert await wifi.next() == b"still to the first"
        mobile.send(check(nominate=True), number)
        await mobile.next()
        endpoint.send_dtls(b"now here")
        assert await mobile.next() == b"now here"
        wifi.send(b"\x16late", number)
        await box.until(b"\x16late")
    assert port.strangers == 0


async def test_an_address_moves_on_with_the_page_that_uses_it(port: BrowserPort, number: int) -> None:
    before, after = Leg(), Leg()
    old = port.add(agent("old"), before)
    port.add(agent("new"), after)
    async with peer() as browser:
        for name in ("old", "new", "new"):
            browser.send(check(f"{name}:them"), number)
            await browser.next()
        old.close()
        browser.send(b"\x16media", number)
        await after.until(b"\x16media")
    assert before.items == []


async def test_addresses_are_bounded_and_the_nominated_one_stays(port: BrowserPort) -> None:
    endpoint = port.add(agent(), Leg())
    port.send = lambda datagram, address: None  # type: ignore[method-assign]
    port.receive_check(check(nominate=True), ("192.0.2.9", 1))
    for number in range(2, 3 * MAX_ADDRESSES):
        port.receive_check(check(), ("192.0.2.9", number))
    assert len(endpoint.addresses) == len(port._by_address) == MAX_ADDRESSES
    assert endpoint.agent.selected == ("192.0.2.9", 1) and ("192.0.2.9", 1) in endpoint.addresses


async def test_a_leg_that_left_is_a_stranger(port: BrowserPort, number: int) -> None:
    box = Leg()
    endpoint = port.add(agent(), box)
    with pytest.raises(ValueError, match="in use"):
        port.add(agent(), box)
    async with peer() as browser:
        browser.send(check(), number)
        await browser.next()
        endpoint.close()
        endpoint.close()
        browser.send(b"\x16media", number)
        browser.send(check(), number)
        async with asyncio.timeout(PATIENCE):
            while port.strangers < 2:
                await asyncio.sleep(0)
    assert port.strangers == 2 and box.items == []
    port.add(agent(), box)


async def test_a_taken_port_is_told(number: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", number))
        port = BrowserPort(lambda: 0.0)
        with pytest.raises(OSError) as caught:
            await port.open("127.0.0.1", number)
        assert caught.value.errno == errno.EADDRINUSE
        port.close()
        port.send(b"dropped", ("127.0.0.1", number))


# ICE begins anew


async def test_ice_restarts_while_media_flow_on(port: BrowserPort, number: int) -> None:
    box = Leg()
    endpoint = port.add(agent("old"), box)
    async with peer() as wifi, peer() as mobile:
        wifi.send(check("old:them", nominate=True), number)
        await wifi.next()
        endpoint.restart(agent("new", "again"))
        endpoint.send_dtls(b"still here")
        assert await wifi.next() == b"still here"
        wifi.send(check("old:them", nominate=True), number)
        await wifi.next()  # checks that were under way count until the new ones have found a way
        mobile.send(check("new:again"), number)
        await mobile.next()
        endpoint.send_dtls(b"still to the first")
        assert await wifi.next() == b"still to the first"
        mobile.send(check("new:again", nominate=True), number)
        await mobile.next()
        endpoint.send_dtls(b"now here")
        assert await mobile.next() == b"now here"
        mobile.send(b"\x16media", number)
        await box.until(b"\x16media")
        assert port.strangers == 0
        wifi.send(check("old:them", nominate=True), number)
        mobile.send(check("new:again"), number)
        await mobile.next()
        assert port.strangers == 1, "the old credentials are no good any more"
    assert endpoint.agent.selected == mobile.address
    port.add(agent("old"), box)
    endpoint.close()
    port.add(agent("new"), box)


async def test_a_restart_may_change_the_browsers_credentials_alone(port: BrowserPort, number: int) -> None:
    endpoint = port.add(agent("ours"), Leg())
    async with peer() as browser:
        browser.send(check("ours:them"), number)
        await browser.next()
        endpoint.restart(agent("ours", "other"))
        browser.send(check("ours:them"), number)
        browser.send(check("ours:other"), number)
        await browser.next()
    assert port.strangers == 1 and endpoint.previous is None


async def test_restarts_one_after_the_other_keep_but_one_old_set(port: BrowserPort) -> None:
    endpoint, other = port.add(agent("a"), Leg()), port.add(agent("other"), Leg())
    for name in ("b", "c", "d"):
        endpoint.restart(agent(name))
    assert sorted(port._by_ufrag) == ["c", "d", "other"]
    with pytest.raises(ValueError, match="in use"):
        endpoint.restart(agent("other"))
    endpoint.close()
    other.close()
    assert port._by_ufrag == {}


# Consent


async def test_who_stops_checking_gets_nothing_until_it_checks_again(number: int) -> None:
    now = 100.0
    port = BrowserPort(lambda: now)
    await port.open("127.0.0.1", number)
    gone, here, box = port.add(agent("gone"), Leg()), port.add(agent("here"), Leg()), Leg()
    gone.listener, lost = box, []
    gone.on_lost = lost.append
    here.on_lost = lambda seconds: pytest.fail("it checks")
    async with peer() as one, peer() as two:
        for browser, name in ((one, "gone"), (two, "here")):
            browser.send(check(f"{name}:them", nominate=True), number)
            await browser.next()
        now = 120.0
        two.send(check("here:them"), number)
        await two.next()
        port.end_consent(100.0 + CONSENT_SECONDS - 0.1)
        assert lost == []
        port.end_consent(131.0)
        port.end_consent(140.0)
        assert lost == [31.0] and gone.agent.selected is None
        gone.send_dtls(b"into the void")
        here.send_dtls(b"to you")
        assert await two.next() == b"to you" and one.received.empty()
        one.send(b"\x16still sending", number)
        one.send(check("gone:them"), number)
        await one.next()
        assert port.strangers == 1 and box.items == []
        gone.send_dtls(b"there you are")
        assert await one.next() == b"there you are"
    port.close()


async def test_checks_of_a_nominated_path_are_answered_below_and_count_as_consent(number: int) -> None:
    now = 100.0
    port = BrowserPort(lambda: now)
    await port.open("127.0.0.1", number)
    endpoint = port.add(agent(), Leg())
    taken = []
    receive_check = port.receive_check
    port.receive_check = lambda *check: taken.append(check) or receive_check(*check)  # type: ignore[method-assign,func-returns-value]
    lost: list[float] = []
    endpoint.on_lost = lost.append
    async with peer() as browser:
        for nominate in (False, True, True, False):
            now += CONSENT_SECONDS - 1
            browser.send(check(nominate=nominate), number)
            answer = stun.parse_message(await browser.next())
            assert answer.attributes["XOR-MAPPED-ADDRESS"] == browser.address
        assert len(taken) == 2, "up to the one that nominates"
        port.end_consent(now + CONSENT_SECONDS - 1)
        assert lost == [] and endpoint.agent.last_check == now
        port.end_consent(now + CONSENT_SECONDS)
        assert lost == [CONSENT_SECONDS]
        browser.send(check(nominate=True), number)
        await browser.next()
        assert len(taken) == 3 and endpoint.agent.selected == browser.address
    port.close()


async def test_after_a_restart_checks_come_up_until_the_new_ones_nominate(port: BrowserPort, number: int) -> None:
    endpoint = port.add(agent("old"), Leg())
    async with peer() as browser:
        browser.send(check("old:them", nominate=True), number)
        await browser.next()
        endpoint.restart(agent("new"))
        for name, nominate in (("old", True), ("new", False), ("new", True), ("new", True)):
            browser.send(check(f"{name}:them", nominate=nominate), number)
            await browser.next()
        assert endpoint.previous is None
        browser.send(check("old:them"), number)
        browser.send(check("new:them", password="forged"), number)
        browser.send(check("new:them"), number)
        await browser.next()
        assert port.strangers == 2, "old credentials are nobody's, and a forged check is refused as ever"


async def test_a_browser_that_another_port_knew_has_time_to_check(number: int) -> None:
    port = BrowserPort(lambda: 50.0)
    await port.open("127.0.0.1", number)
    endpoint, lost = port.add(agent(), Leg()), []
    endpoint.on_lost = lost.append
    endpoint.restore([("127.0.0.1", 9)], ("127.0.0.1", 9))
    port.end_consent(50.0 + CONSENT_SECONDS - 1)
    assert lost == [] and endpoint.agent.selected == ("127.0.0.1", 9)
    port.end_consent(50.0 + CONSENT_SECONDS)
    assert lost == [CONSENT_SECONDS]
    port.close()


async def test_a_handshake_is_begun_from_proven_addresses_alone(port: BrowserPort, number: int) -> None:
    box = Leg()
    endpoint = port.add(agent(), box)
    client_hello = b"\x16\xfe\xff" + bytes(10) + b"\x01" + bytes(60)
    async with peer() as browser, peer() as stranger:
        for _ in range(20):  # a race: the stranger's comes first, whatever it does
            stranger.send(client_hello, number)
        stranger.send(check(password="wrong"), number)
        stranger.send(client_hello, number)
        browser.send(check(nominate=True), number)
        await browser.next()
        stranger.send(client_hello, number)
        browser.send(b"\x16the browser's", number)
        await box.until(b"\x16the browser's")
        assert box.items == [b"\x16the browser's"] and port.strangers == 23
        endpoint.send_dtls(b"\x16to it alone")
        assert await browser.next() == b"\x16to it alone" and stranger.received.empty()


# Both families


async def test_one_port_takes_browsers_of_both_families(number: int) -> None:
    port = BrowserPort(lambda: 7.0)
    await port.open("::", number)
    four, six = Leg(), Leg()
    one, other = port.add(agent("four"), four), port.add(agent("six"), six)
    async with peer() as by_four, peer(host="::1") as by_six:
        for browser, name in ((by_four, "four"), (by_six, "six")):
            browser.send(check(f"{name}:them", nominate=True), number)
            response = stun.parse_message(await browser.next())
            assert response.attributes["XOR-MAPPED-ADDRESS"] == browser.address[:2]
            browser.send(b"\x16" + name.encode(), number)
        await four.until(b"\x16four")
        await six.until(b"\x16six")
        assert (one.addresses, other.addresses) == ([by_four.address], [by_six.address[:2]])
        one.send_dtls(b"to four")
        other.send_dtls(b"to six")
        assert (await by_four.next(), await by_six.next()) == (b"to four", b"to six")
    port.close()
