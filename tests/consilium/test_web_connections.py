"""Slow clients hold nothing for long: heads that never end, handshakes that never begin, bodies that drip."""

from __future__ import annotations

import asyncio
import datetime
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from consilium.certificates import ensure_identity
from consilium.web_connections import PatientSite
from mcu.media.transport.sockets import bound_tcp_socket

PATIENCE = 5.0
HEAD = b"GET / HTTP/1.1\r\nHost: x\r\nX-Drip: "


async def _greet(request: web.Request) -> web.Response:
    return web.Response(text=f"hello {len(await request.read())}")


async def _echo(request: web.Request) -> web.WebSocketResponse:
    channel = web.WebSocketResponse()
    await channel.prepare(request)
    async for message in channel:
        await channel.send_str(message.data)
    return channel


@asynccontextmanager
async def site_of(context: ssl.SSLContext | None = None, **limits: float) -> AsyncIterator[PatientSite]:
    application = web.Application()
    application.router.add_route("*", "/", _greet)
    application.router.add_get("/echo", _echo)
    runner = web.AppRunner(application)
    await runner.setup()
    site = PatientSite(runner, bound_tcp_socket("127.0.0.1", 0), context, **limits)  # type: ignore[arg-type]
    await site.start()
    yield site
    await runner.cleanup()


async def connect(site: PatientSite) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", port_of(site))


def port_of(site: PatientSite) -> int:
    return int(site.name.rsplit(":", 1)[1])


async def until(site: PatientSite, waiting: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while site.waiting != waiting:
            await asyncio.sleep(0)


async def is_closed(reader: asyncio.StreamReader) -> bool:
    async with asyncio.timeout(PATIENCE):
        try:
            return await reader.read() == b""
        except ConnectionError:
            return True


async def test_requests_are_answered_also_in_pieces_and_one_after_the_other() -> None:
    async with site_of() as site:
        reader, writer = await connect(site)
        await until(site, 1)
        for octet in b"GET / HTTP/1.1\r\nHost: x\r\n\r\n":
            writer.write(bytes((octet,)))
            await writer.drain()
        assert (await reader.readuntil(b"hello 0")).startswith(b"HTTP/1.1 200")
        assert site.waiting == 0
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" * 2)
        for _ in range(2):
            assert (await reader.readuntil(b"hello 3")).startswith(b"HTTP/1.1 200")
        writer.close()
        assert site.refused == 0


async def test_a_head_that_never_ends_is_ended(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with site_of(head_seconds=0.05) as site:
        slow = [await connect(site) for _ in range(3)]
        slow[0][1].write(HEAD)
        slow[1][1].write(HEAD + b"a" * 300 + b"\r\nX-More: ")
        for reader, _ in slow:
            assert await is_closed(reader)
        assert (site.waiting, site.refused) == (0, 3)
        assert len([one for one in caplog.records if "counted from now on" in one.message]) == 1
        for _, writer in slow:
            writer.close()


async def test_drops_do_not_buy_time() -> None:
    async with site_of(head_seconds=0.1) as site:
        reader, writer = await connect(site)
        writer.write(HEAD)
        closed = asyncio.create_task(is_closed(reader))
        while not closed.done():
            writer.write(b"a")
            await asyncio.wait({closed}, timeout=0.005)
        assert closed.result() and site.refused == 1
        writer.close()


async def test_whoever_waits_longest_makes_room_and_others_are_served() -> None:
    async with site_of(max_waiting=20) as site, aiohttp.ClientSession() as client:
        slow = []
        for _ in range(50):
            slow.append(await connect(site))
            slow[-1][1].write(HEAD)
        async with client.get(site.name) as response:
            assert await response.text() == "hello 0"
        assert site.waiting <= 20 and site.refused >= 30
        assert await is_closed(slow[0][0])
        for _, writer in slow:
            writer.close()


async def test_who_floods_makes_room_and_not_another(tmp_path: Path) -> None:
    async with site_of(max_waiting=20) as site:
        reader, writer = await connect(site)
        writer.write(HEAD)
        await until(site, 1)
        elsewhere = ("127.0.0.2", 0)
        flood = [await asyncio.open_connection("127.0.0.1", port_of(site), local_addr=elsewhere) for _ in range(60)]
        assert await is_closed(flood[0][0])
        writer.write(b"done\r\n\r\n")
        assert (await reader.readuntil(b"hello 0")).startswith(b"HTTP/1.1 200")
        for _, one in [*flood, (reader, writer)]:
            one.close()


async def test_handshakes_that_never_end_are_bounded(tmp_path: Path) -> None:
    identity = ensure_identity(tmp_path, ["127.0.0.1"], datetime.datetime.now(datetime.UTC))
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(identity.certificate_file, identity.private_key_file)
    trusting = ssl.create_default_context(cafile=str(identity.certificate_file))
    async with site_of(server, max_waiting=20) as site:
        silent = [await connect(site) for _ in range(50)]
        for reader, _ in silent[:30]:
            assert await is_closed(reader)
        assert (site.waiting, site.refused) == (20, 30)
        connector = aiohttp.TCPConnector(ssl=trusting)
        async with aiohttp.ClientSession(connector=connector) as client, client.get(site.name) as response:
            assert await response.text() == "hello 0"
        for _, writer in silent:
            writer.close()


async def test_a_handshake_that_never_comes_is_ended_and_tls_works(tmp_path: Path) -> None:
    identity = ensure_identity(tmp_path, ["127.0.0.1"], datetime.datetime.now(datetime.UTC))
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(identity.certificate_file, identity.private_key_file)
    trusting = ssl.create_default_context(cafile=str(identity.certificate_file))
    async with site_of(server, head_seconds=0.2) as site:
        silent, cut = await connect(site), await connect(site)
        cut[1].write(b"\x16\x03\x01\x02\x00\x01")
        connector = aiohttp.TCPConnector(ssl=trusting)
        async with aiohttp.ClientSession(connector=connector) as client:
            async with client.get(site.name) as response:
                assert await response.text() == "hello 0"
            async with client.ws_connect(f"{site.name}/echo") as channel:
                await channel.send_str("through TLS and past the beginning")
                assert (await channel.receive()).data == "through TLS and past the beginning"
        for reader, writer in (silent, cut):
            assert await is_closed(reader)
            writer.close()
        assert site.waiting == 0
