"""Who connects and says nothing holds little, and not for long: before TLS, at the handshake, and after it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import cast

import pytest
import uvloop

from sip import connections, transport
from sip.handshakes import TlsListener
from sip.listeners import Listener, bound_socket
from sip.strangers import Strangers
from sip.tls import client_context, server_context
from tests.sip.certificates import Authority
from tests.sip.test_transports import DOMAIN, HOST, Site

PATIENCE = 10.0
ELSEWHERE = "127.0.0.2"
Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def is_closed(stream: Stream) -> bool:
    async with asyncio.timeout(PATIENCE):
        try:
            return await stream[0].read() == b""
        except ConnectionError:
            return True


async def flood(port: int, count: int, host: str = HOST) -> list[Stream]:
    """Connections from ``host`` that say nothing."""
    return [await asyncio.open_connection(HOST, port, local_addr=(host, 0)) for _ in range(count)]


async def test_with_one_too_many_the_longest_waiting_of_the_most_makes_room() -> None:
    ended: list[str] = []
    strangers = Strangers("test", 60.0, most=3)
    other = strangers.add("b", lambda: ended.append("b"))
    for number in range(3):
        strangers.add("a", partial(ended.append, f"a{number}"))
    assert ended == ["a0"] and strangers.count == 3 and strangers.refused == 1
    other.leave()
    other.leave()
    assert strangers.count == 2 and strangers.refused == 1


async def test_a_group_of_addresses_counts_as_one() -> None:
    ended: list[str] = []
    strangers = Strangers("test", 60.0, most=3, group=lambda host: host[0])
    strangers.add("b1", lambda: ended.append("b1"))
    for host in ("a1", "a2", "a3"):
        strangers.add(host, partial(ended.append, host))
    assert ended == ["a1"]


class _Echo(asyncio.Protocol):
    def connection_made(self, made: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, made)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        self._transport.write(data)


class _Port:
    """A ``TlsListener`` with an echo behind it."""

    def __init__(self, authority: Authority, strangers: Strangers) -> None:
        bound = bound_socket(Listener("tls", HOST, 0))
        self.port: int = bound.getsockname()[1]
        self.strangers = strangers
        issued = authority.issue(DOMAIN)
        context = server_context(issued.certificate, issued.key)
        self.listener = TlsListener(bound, context, _Echo, strangers)
        self._trusting = client_context(ca_file=authority.file)

    async def is_well(self) -> bool:
        """Whether somebody who means well is served."""
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection(
                HOST, self.port, ssl=self._trusting, server_hostname=DOMAIN, local_addr=(ELSEWHERE, 0)
            )
            writer.write(b"said")
            answer = await reader.readexactly(4)
            writer.close()
            return answer == b"said"

    async def until(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.strangers.count != count:
                await asyncio.sleep(0)


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_handshakes_that_never_end_are_bounded_and_others_are_served(
    tmp_path: Path, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    async def held() -> None:
        port = _Port(Authority(tmp_path), Strangers("test", 60.0, most=20))
        silent = await flood(port.port, 30)
        halfway = await flood(port.port, 10)
        for _, writer in halfway:
            writer.write(b"\x16\x03\x01\x02\x00\x01")
        for stream in silent[:20]:
            assert await is_closed(stream)
        assert port.strangers.count == 20 and port.strangers.refused == 20
        assert await port.is_well()
        # The one who means well had one of them make room, and waits no more himself.
        await port.until(19)
        port.listener.close()
        for _, writer in [*silent, *halfway]:
            writer.close()

    _run(held, loop)


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_handshake_has_its_time(tmp_path: Path, loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def ended() -> None:
        port = _Port(Authority(tmp_path), Strangers("test", 0.1))
        for stream in await flood(port.port, 3):
            assert await is_closed(stream)
        assert port.strangers.count == 0 and port.strangers.refused == 3
        assert await port.is_well()
        port.listener.close()

    _run(ended, loop)


def _run(work: Callable[[], Coroutine[None, None, None]], loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(work())


async def test_what_is_no_tls_is_refused(tmp_path: Path) -> None:
    port = _Port(Authority(tmp_path), Strangers("test", 60.0))
    (stream,) = await flood(port.port, 1)
    stream[1].write(b"OPTIONS sip:x SIP/2.0\r\n\r\n")
    async with asyncio.timeout(PATIENCE):
        while await stream[0].read(100):
            pass
    await port.until(0)
    assert port.strangers.refused == 0 and await port.is_well()
    port.listener.close()


async def test_without_descriptors_those_who_come_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sip.handshakes.EXHAUSTED_SECONDS", 0.01)
    loop = asyncio.get_running_loop()
    accept, failures = loop.sock_accept, [OSError(24, "Too many open files")] * 3

    async def failing(sock: socket.socket) -> tuple[socket.socket, object]:
        if failures:
            raise failures.pop()
        return await accept(sock)

    monkeypatch.setattr(loop, "sock_accept", failing)
    port = _Port(Authority(tmp_path), Strangers("test", 60.0))
    assert await port.is_well() and not failures
    port.listener.close()


async def test_handshakes_on_the_port_of_sip_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_HANDSHAKES", 5)
    authority = Authority(tmp_path)
    issued = authority.issue(DOMAIN)
    settings = transport.TransportSettings(server_tls=server_context(issued.certificate, issued.key))
    async with Site(Listener("tls", HOST, 0), transports=settings) as site:
        (listener,) = site.server.listeners
        silent = await flood(listener.port, 10)
        assert await is_closed(silent[0])
        trusting = client_context(ca_file=authority.file)
        stream = await asyncio.open_connection(HOST, listener.port, ssl=trusting, server_hostname=DOMAIN)
        stream[1].write(b"\r\n\r\n")
        async with asyncio.timeout(PATIENCE):
            assert await stream[0].readexactly(2) == b"\r\n"
        for _, writer in [*silent, stream]:
            writer.close()


async def test_who_says_nothing_on_the_port_of_sip_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MAX_SILENT", 5)
    async with Site(Listener("tcp", HOST, 0)) as site:
        (listener,) = site.server.listeners
        (quiet,) = await flood(listener.port, 1, ELSEWHERE)
        quiet[1].write(b"\r\n\r\n")
        async with asyncio.timeout(PATIENCE):
            assert await quiet[0].readexactly(2) == b"\r\n"
        silent = await flood(listener.port, 12)
        for stream in silent[:7]:
            assert await is_closed(stream)
        quiet[1].write(b"\r\n\r\n")
        async with asyncio.timeout(PATIENCE):
            assert await quiet[0].readexactly(2) == b"\r\n"
        for _, writer in [*silent, quiet]:
            writer.close()
