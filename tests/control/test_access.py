"""A stranger gets in nowhere; a foreign page gets nothing done; every answer carries its armour."""

from __future__ import annotations

import re

import pytest
from aiohttp import web

from mcu.control.openapi import route_path
from mcu.control.session_operations import LoginBody
from mcu.ports import Actor, ActorKind, Operation, Problem, actor_of, body_of
from tests.control.conftest import PASSWORD, Control

PUBLIC = {"GET /api/v1/health", "POST /api/v1/session", "GET /api/v1/events", "GET /api/v1/openapi.json"}


@pytest.fixture
def more_operations() -> list[Operation]:
    async def whoami(request: web.Request) -> web.Response:
        actor = actor_of(request)
        return web.json_response([actor.kind.value, actor.id, actor.name])

    async def echo(request: web.Request) -> web.Response:
        return web.json_response({"name": body_of(request, LoginBody).name})

    async def fail(request: web.Request) -> web.Response:
        raise LookupError("inner secret")

    async def refuse(request: web.Request) -> web.Response:
        raise Problem(418, "Teapot", "It is one.", "teapot", retry_after=7)

    return [
        Operation("GET", "/test/public", whoami, "Who", "public"),
        Operation("GET", "/test/participant", whoami, "Who", "participant"),
        Operation("GET", "/test/user", whoami, "Who"),
        Operation("POST", "/test/echo", echo, "Echo", request=LoginBody),
        Operation("GET", "/test/fail", fail, "Fail", "public"),
        Operation("GET", "/test/refuse", refuse, "Refuse", "public"),
        Operation("GET", "//test/root", whoami, "Who", "public"),
    ]


async def test_a_stranger_gets_in_nowhere(control: Control) -> None:
    await control.join()
    client = await control.stranger()
    document = await (await client.get("/api/v1/openapi.json")).json()
    tried = 0
    for path, methods in document["paths"].items():
        for method in methods:
            if f"{method.upper()} {path}" in PUBLIC or "/test/" in path:
                continue
            for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic YTpi"}):
                url = path.replace("{number}", "1000").replace("{id}", "id2").replace("{name}", "9")
                response = await client.request(method.upper(), url, headers=headers, json={})
                assert response.status == 401, (method, path)
                assert (await response.json(content_type=None))["code"] == "login_needed"
                tried += 1
    assert tried > 30
    conference = control.manager.conference("1000")
    assert conference is not None and len(conference.participants) == 1


async def test_nothing_of_a_strangers_body_is_looked_at(control: Control) -> None:
    client = await control.stranger()
    assert (await client.post("/api/v1/conferences", data=b"{" * 9999)).status == 401


async def test_handlers_learn_who_asks(control: Control) -> None:
    participant = await control.join(name="Li")
    stranger, user, joined = await control.stranger(), await control.user(), await control.as_participant(participant)
    path = "/api/v1/test"
    assert await (await stranger.get(f"{path}/public")).json() == ["anonymous", "", ""]
    assert await (await user.get(f"{path}/public")).json() == ["user", "doctor", "doctor"]
    assert await (await user.get(f"{path}/participant")).json() == ["user", "doctor", "doctor"]
    assert await (await joined.get(f"{path}/participant")).json() == ["participant", participant.id, "Li"]
    assert (await joined.get(f"{path}/user")).status == 403
    assert await (await stranger.get("/test/root")).json() == ["anonymous", "", ""]
    body = {"name": "n", "password": "p"}
    assert await (await user.post(f"{path}/echo", json=body)).json() == {"name": "n"}


async def test_errors_are_problems_and_tell_nothing_of_the_inside(
    control: Control, caplog: pytest.LogCaptureFixture
) -> None:
    client = await control.stranger()
    failed = await client.get("/api/v1/test/fail?token=s3cret")
    assert failed.status == 500 and failed.content_type == "application/problem+json"
    assert "secret" not in await failed.text()
    assert "LookupError" in caplog.text and "s3cret" not in caplog.text
    refused = await client.get("/api/v1/test/refuse")
    assert refused.status == 418 and refused.headers["Retry-After"] == "7"
    assert await refused.json(content_type=None) == {
        "type": "/api/docs#teapot",
        "title": "Teapot",
        "status": 418,
        "detail": "It is one.",
        "code": "teapot",
    }
    missing = await client.get("/api/v1/nowhere")
    assert missing.status == 404 and (await missing.json(content_type=None))["code"] == "not_found"
    wrong = await client.put("/api/v1/conferences", json={})
    assert wrong.status == 405 and (await wrong.json(content_type=None))["code"] == "method_not_allowed"
    assert wrong.headers["Allow"] == "GET,HEAD,POST"


async def test_every_answer_carries_the_security_headers(control: Control) -> None:
    client = await control.stranger()
    for path in ("/api/v1/health", "/api/v1/nowhere", "/api/v1/conferences", "/nowhere", "/api/docs"):
        headers = (await client.get(path)).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY" and headers["Referrer-Policy"] == "no-referrer"
        assert headers["Server"] == "Consilium"
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy
        assert "unsafe-eval" not in policy and re.search(r"script-src", policy) is None
        assert ("unsafe-inline" in policy) == (path == "/api/docs")
    assert (await client.get("/api/v1/health")).headers["Cache-Control"] == "no-store"


async def test_websockets_of_a_page_go_home_only(control: Control) -> None:
    client = await control.stranger()
    policy = (await client.get("/api/v1/health", headers={"Host": "meet.example:8443"})).headers
    assert "connect-src 'self' ws://meet.example:8443 wss://meet.example:8443;" in policy["Content-Security-Policy"]
    evil = (await client.get("/api/v1/health", headers={"Host": "x; script-src *"})).headers
    assert "script-src" not in evil["Content-Security-Policy"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://[bad"},
        {"Origin": "http://127.0.0.1.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_foreign_page_gets_nothing_done(control: Control, headers: dict[str, str]) -> None:
    client = await control.user()
    response = await client.post("/api/v1/conferences", json={"number": "1000"}, headers=headers)
    assert response.status == 403 and (await response.json(content_type=None))["code"] == "foreign_origin"
    assert await control.manager.rooms() == []
    login = await client.post("/api/v1/session", json={"name": "doctor", "password": PASSWORD}, headers=headers)
    assert login.status == 403 and "Set-Cookie" not in login.headers


async def test_our_own_page_gets_things_done(control: Control) -> None:
    client = await control.user()
    origin = f"http://{client.host}:{client.port}"
    response = await client.post("/api/v1/conferences", json={"number": "1000"}, headers={"Origin": origin})
    assert response.status == 201


async def test_a_failed_token_does_not_fall_back_on_the_cookie(control: Control) -> None:
    login = await control.accounts.login("doctor", PASSWORD, "")
    client = await control.stranger()
    headers = {"Cookie": f"consilium_session={login.token}", "Authorization": "Bearer wrong"}
    assert (await client.get("/api/v1/session", headers=headers)).status == 401


def test_an_account_is_no_participant() -> None:
    assert Actor(ActorKind.USER).is_user and Actor(ActorKind.SYSTEM).is_user
    assert not Actor(ActorKind.PARTICIPANT).is_user and not Actor(ActorKind.ANONYMOUS).is_user


def test_paths_from_the_root_keep_one_slash() -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response()

    assert route_path(Operation("GET", "//x/y", handler, "")) == "/x/y"
    assert route_path(Operation("GET", "/x/y", handler, "")) == "/api/v1/x/y"
