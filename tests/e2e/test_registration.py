"""Devices register at the real SIP server: baresip over UDP and TCP, SIPp by the thousand, and those that may not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from consilium.config import load_settings
from consilium.registration import Registry
from mcu.control.database import Database
from mcu.control.registration_tables import SipUserTable
from mcu.control.sip_accounts import SipAccounts
from sip.agent import UserAgent
from sip.events import CallConfirmed, CallProgress, Event, IncomingCall
from sip.listeners import Listener
from sip.server import SipServer
from tests.peers import sipp
from tests.peers.baresip_endpoint import BaresipEndpoint

HOST = "127.0.0.1"
PASSWORD = "Room-Secret-7"
SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n"


class RegistryServer:
    """A SIP server with a registry and no media; calls are answered and, once confirmed, ended."""

    def __init__(self, folder: Path, assignments: Sequence[str] = ()) -> None:
        self.folder = folder
        self._settings = load_settings(None, {}, assignments)
        self.identities: list[str] = []
        self.progress: list[int] = []

    async def __aenter__(self) -> RegistryServer:
        self.database = await Database.open(self.folder / "consilium.sqlite3")
        self.registry = await Registry.open(self._settings, self.database)
        self.agent = UserAgent()
        self.registry.attach(self.agent)
        self.server = SipServer(self.agent, [Listener("udp", HOST, 0), Listener("tcp", HOST, 0)], self._on_event)
        await self.server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.server.stop()
        await self.registry.close()
        await self.database.close()

    def _on_event(self, event: Event) -> None:
        if isinstance(event, IncomingCall):
            self.identities.append(event.identity)
            self.agent.accept(event.call, SDP)
        elif isinstance(event, CallConfirmed):
            self.agent.hang_up(event.call)
        elif isinstance(event, CallProgress):
            self.progress.append(event.status)

    def port(self, transport: str = "udp") -> int:
        return next(one.port for one in self.server.listeners if one.transport == transport)

    async def add_accounts(self, *names: str) -> None:
        accounts = SipAccounts(SipUserTable(self.database), "consilium", time.time)
        for name in names:
            await accounts.add(name, PASSWORD)
        await self.registry.read_users()

    def contacts(self, address: str) -> list[str]:
        return [reach.contact for reach in self.registry.registrar.locate(address, time.time())]

    async def sipp(
        self, scenario: str, users: Sequence[tuple[str, str]], transport: str = "udp", rate: int = 10
    ) -> sipp.SippResult:
        """Run a scenario once for each user with its password."""
        lines = [f"{name};[authentication username={name} password={password}]" for name, password in users]
        injected = self.folder / "users.csv"
        injected.write_text("\n".join(["SEQUENTIAL", *lines]) + "\n")
        arguments = [f"{HOST}:{self.port(transport)}", "-inf", str(injected), "-m", str(len(users)), "-r", str(rate)]
        async with sipp.Sipp(scenario, *arguments, port=sipp.free_port(), transport=transport) as running:
            return await running.result()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RegistryServer]:
    async with RegistryServer(tmp_path) as running:
        yield running


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_baresip_registers_refreshes_and_unregisters(tmp_path: Path, transport: str) -> None:
    lives = ["registrar.shortest_life=10", "registrar.default_life=60"]
    async with RegistryServer(tmp_path, lives) as server:
        await server.add_accounts("4001")
        registrar = f"{HOST}:{server.port(transport)}"
        refreshed: list[float] = []
        server.registry.registrar.on_change(
            lambda change: refreshed.append(change.binding.expires_at) if change.binding is not None else None
        )
        async with BaresipEndpoint(
            tmp_path / "room", user="4001", password=PASSWORD, registrar=registrar, transport=transport, life=10
        ):
            await until(lambda: bool(server.contacts("4001")))
            (reach,) = server.registry.registrar.locate("sip:4001@anywhere.example", time.time())
            assert reach.flow is not None and reach.flow.transport == transport
            assert reach.user_agent.startswith("baresip")
            assert server.registry.registrar.account_of(reach.flow, time.time()) == "4001"
            await until(lambda: len(refreshed) == 2, seconds=15)
            assert 8 < refreshed[1] - refreshed[0] < 11
        await until(lambda: not server.contacts("4001"))


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_registered_endpoint_is_called_the_way_it_came(
    server: RegistryServer, tmp_path: Path, transport: str
) -> None:
    await server.add_accounts("4001")
    registrar = f"{HOST}:{server.port(transport)}"
    async with BaresipEndpoint(
        tmp_path / "room", user="4001", password=PASSWORD, registrar=registrar, transport=transport
    ):
        await until(lambda: bool(server.contacts("4001")))
        (reach,) = server.registry.registrar.locate("4001", time.time())
        call = server.agent.invite(reach.contact, SDP, "sip:1000@127.0.0.1", flow=reach.flow)
        await until(lambda: 180 in server.progress)
        server.agent.cancel(call)


async def test_baresip_with_a_wrong_password_is_not_registered(server: RegistryServer, tmp_path: Path) -> None:
    await server.add_accounts("4001")
    registrar = f"{HOST}:{server.port()}"
    async with BaresipEndpoint(tmp_path / "room", user="4001", password="wrong", registrar=registrar):
        await until(lambda: server.agent.statistics.refused >= 2)
    assert server.contacts("4001") == []


@pytest.mark.parametrize(("transport", "count"), [("udp", 1000), ("tcp", 100)])
async def test_sipp_registers_1000_endpoints(server: RegistryServer, transport: str, count: int) -> None:
    """GK-1: the built-in registry."""
    names = [f"room{number}" for number in range(count)]
    await server.add_accounts(*names)
    result = await server.sipp("register", [(name, PASSWORD) for name in names], transport, rate=75)
    assert result.succeeded, result.trouble
    assert server.registry.registrar.endpoints == count


async def test_registrations_outlive_a_restart(tmp_path: Path) -> None:
    async with RegistryServer(tmp_path) as before:
        await before.add_accounts("4001", "4002")
        result = await before.sipp("register", [("4001", PASSWORD), ("4002", PASSWORD)])
        assert result.succeeded, result.trouble
        contacts = before.contacts("4001")
        await SipUserTable(before.database).remove("4002")
    async with RegistryServer(tmp_path) as after:
        assert after.contacts("4001") == contacts != []
        assert after.contacts("4002") == []  # its account was removed meanwhile


async def test_wrong_passwords_and_unknown_names_get_the_same(server: RegistryServer) -> None:
    await server.add_accounts("4001")
    for name in ("4001", "nobody"):
        result = await server.sipp("register_refused", [(name, "guessed")])
        assert result.succeeded, result.trouble


async def test_an_unregistered_caller_proves_its_account(tmp_path: Path) -> None:
    async with RegistryServer(tmp_path, ["callers.unregistered=refuse", f"callers.challenge={HOST}"]) as server:
        await server.add_accounts("4001")
        result = await server.sipp("call_with_password", [("4001", PASSWORD)])
        assert result.succeeded, result.trouble
        assert server.identities == ["4001"]
