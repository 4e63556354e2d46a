"""Accounts of SIP devices and registrations over the API."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from gatekeeper.gruu import TemporaryGruus
from gatekeeper.registrar import Registrar, RegistrarSettings, Registration
from gatekeeper.users import MemoryUserStore, UserTable
from mcu.conference.commands import AuditEntry
from mcu.control.bodies import read_body
from mcu.control.problems import ProblemOfFields
from mcu.control.sip_account_operations import MAXIMUM_BATCH, SipAccountOperations
from mcu.control.sip_accounts import SipAccounts
from mcu.ports import Operation, Problem, set_body
from sip.flow import Flow
from sip.uri import parse_uri

NOW = 1_800_000_000.0


class Audit:
    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []

    def record(self, entry: AuditEntry) -> None:
        self.entries.append(entry)


@dataclass
class Api:
    client: TestClient[web.Request, web.Application]
    registrar: Registrar
    audit: Audit


def serve(operation: Operation) -> object:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            if operation.request is not None:
                set_body(request, await read_body(request, operation.request, 1.0))
            return await operation.handler(request)
        except Problem as problem:
            fields = problem.errors if isinstance(problem, ProblemOfFields) else []
            told = {
                "code": problem.code,
                "detail": problem.detail,
                "fields": {one.field: one.message for one in fields},
            }
            return web.json_response(told, status=problem.status)

    return handle


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    store, users, audit = MemoryUserStore(), UserTable(), Audit()
    registrar = Registrar(RegistrarSettings(), TemporaryGruus(b"key", random.Random(1).randbytes))

    async def changed() -> None:
        users.replace("local", await store.all())

    accounts = SipAccounts(store, "consilium", lambda: NOW, changed)
    application = web.Application()
    for operation in SipAccountOperations(accounts, users, registrar, audit, lambda: NOW).operations():
        assert operation.access == "user"
        application.router.add_route(operation.method, operation.path, serve(operation))  # type: ignore[arg-type]
    async with TestClient(TestServer(application)) as client:
        yield Api(client, registrar, audit)


async def test_an_account_is_made_shown_changed_and_removed(api: Api) -> None:
    made = await api.client.post("/sip-users", json={"name": "4001", "password": "Room-Secret-7", "title": "手术室"})
    view = {"name": "4001", "title": "手术室", "source": "local", "contacts": 0}
    assert (made.status, await made.json()) == (201, view | {"password": None})
    listed = await (await api.client.get("/sip-users")).text()
    assert "手术室" in listed and "Room-Secret-7" not in listed and "md5" not in listed
    changed = await api.client.put("/sip-users/4001/password", json={"password": "Room-Secret-8"})
    assert changed.status == 204
    assert (await api.client.delete("/sip-users/4001")).status == 204
    assert await (await api.client.get("/sip-users")).json() == {"sip_users": []}
    assert [(entry.action, entry.subject) for entry in api.audit.entries] == [
        ("AddSipUser", "4001"),
        ("SetSipPassword", "4001"),
        ("RemoveSipUser", "4001"),
    ]
    assert "Secret" not in str(api.audit.entries)


async def test_a_password_is_made_where_none_is_given(api: Api) -> None:
    made = await (await api.client.post("/sip-users", json={"name": "4001"})).json()
    assert len(made["password"]) >= 8


async def test_many_accounts_are_made_in_one_request(api: Api) -> None:
    wanted = [{"name": f"{4000 + number}", "password": "Room-Secret-7"} for number in range(MAXIMUM_BATCH - 1)]
    made = await api.client.post("/sip-users/batch", json={"sip_users": [*wanted, {"name": "theatre"}]})
    assert made.status == 201
    views = (await made.json())["sip_users"]
    assert [view["name"] for view in views] == [*(one["name"] for one in wanted), "theatre"]
    assert [view["password"] is None for view in views] == [True] * len(wanted) + [False]
    listed = (await (await api.client.get("/sip-users")).json())["sip_users"]
    assert len(listed) == MAXIMUM_BATCH
    assert [(entry.action, entry.subject) for entry in api.audit.entries] == [("AddSipUsers", "500: 4000 … theatre")]


async def test_of_many_accounts_none_is_made_when_one_will_not_do(api: Api) -> None:
    assert (await api.client.post("/sip-users", json={"name": "4002", "password": "Room-Secret-7"})).status == 201
    wanted = [
        {"name": "4001", "password": "Room-Secret-7"},
        {"name": "A B", "password": "Room-Secret-7"},
        {"name": "4003", "password": "short"},
        {"name": "4001", "password": "Room-Secret-7"},
    ]
    answer = await api.client.post("/sip-users/batch", json={"sip_users": wanted})
    told = await answer.json()
    assert (answer.status, told["code"]) == (422, "bad_sip_user")
    assert list(told["fields"]) == ["sip_users.1", "sip_users.2", "sip_users.3"]
    assert "twice" in told["fields"]["sip_users.3"] and "Secret" not in str(told)
    taken = await api.client.post("/sip-users/batch", json={"sip_users": [wanted[0], {"name": "4002"}]})
    assert list((await taken.json())["fields"]) == ["sip_users.1"]
    for unbounded in ([], [{"name": f"{number}"} for number in range(MAXIMUM_BATCH + 1)]):
        assert (await api.client.post("/sip-users/batch", json={"sip_users": unbounded})).status == 422
    listed = (await (await api.client.get("/sip-users")).json())["sip_users"]
    assert [view["name"] for view in listed] == ["4002"]


async def test_bad_requests_say_what_is_wrong(api: Api) -> None:
    for path, method, body, status in (
        ("/sip-users", "POST", {"name": "4001", "password": "short"}, 422),
        ("/sip-users", "POST", {"name": "Großes A", "password": "Room-Secret-7"}, 422),
        ("/sip-users/4001/password", "PUT", {"password": "Room-Secret-7"}, 404),
        ("/sip-users/4001", "DELETE", None, 404),
    ):
        answer = await api.client.request(method, path, json=body)
        assert answer.status == status, path
        assert "Secret" not in await answer.text()


async def test_registrations_are_shown_also_in_foreign_codings(api: Api) -> None:
    registration = Registration(
        account="4001",
        to=parse_uri("sip:4001@h"),
        call_id="call",
        cseq=1,
        flow=Flow("udp", ("198.51.100.7", 5070), ("192.0.2.1", 5060)),
        contacts=["<sip:\udcca\udcd6@198.51.100.7>;expires=600"],
        path=["<sip:\udcff@edge.example;lr>"],
        user_agent="Room 1.0",
    )
    assert api.registrar.register(registration, NOW).status == 200
    (shown,) = (await (await api.client.get("/registrations")).json())["registrations"]
    assert (shown["account"], shown["address"], shown["transport"]) == ("4001", "198.51.100.7:5070", "udp")
    assert shown["expires_at"] == "2027-01-15T08:10:00Z"
