"""Logging in and out over HTTP."""

from __future__ import annotations

import pytest
from aiohttp import ClientResponse

from mcu.control.accounts import SESSION_LIFE
from mcu.control.conference_operations import ConferenceChange, NewConference
from mcu.control.event_socket import TokenMessage
from mcu.control.session_operations import LoginBody, PasswordBody
from tests.control.conftest import PASSWORD, Client, Control

SESSION = "/api/v1/session"


async def login(client: Client, name: str = "doctor", password: str = PASSWORD) -> ClientResponse:
    return await client.post(SESSION, json={"name": name, "password": password})


async def test_login_gives_a_token_and_strict_cookies(control: Control) -> None:
    client = await control.stranger()
    response = await login(client)
    body = await response.json()
    assert response.status == 201
    assert body["name"] == "doctor" and len(body["token"]) >= 43
    cookies = response.headers.getall("Set-Cookie")
    assert len(cookies) == 2
    assert all("HttpOnly" in one and "SameSite=Strict" in one and "Path=/" in one for one in cookies)
    other = await control.connect({"Authorization": f"Bearer {body['token']}"})
    assert (await (await other.get(SESSION)).json())["name"] == "doctor"


async def test_the_cookie_alone_is_a_login(control: Control) -> None:
    client = await control.stranger()
    await login(client)
    # The test server is reached by its address, for which aiohttp's cookie jar keeps nothing by itself.
    token = (await (await login(client)).json())["token"]
    response = await client.get(SESSION, headers={"Cookie": f"consilium_session={token}"})
    assert response.status == 200


async def test_unknown_names_and_wrong_passwords_get_the_same_answer(control: Control) -> None:
    client = await control.stranger()
    wrong, unknown = await login(client, password="wrong"), await login(client, name="nobody")
    assert wrong.status == unknown.status == 401
    assert await wrong.json() == await unknown.json()
    assert "Set-Cookie" not in wrong.headers and wrong.headers["WWW-Authenticate"] == "Bearer"


async def test_a_participants_token_in_the_session_cookie_is_nothing(control: Control) -> None:
    participant = await control.join()
    token = control.manager.tokens.issue(participant.id)
    client = await control.stranger()
    response = await client.get("/api/v1/conferences/1000", headers={"Cookie": f"consilium_session={token}"})
    assert response.status == 401


async def test_logout_makes_the_token_void(control: Control) -> None:
    client = await control.user()
    assert (await client.get(SESSION)).status == 200
    assert (await client.delete(SESSION)).status == 204
    assert (await client.get(SESSION)).status == 401


async def test_a_session_ends_after_its_time(control: Control) -> None:
    client = await control.user()
    control.time.advance(SESSION_LIFE.total_seconds() - 1)
    assert (await client.get(SESSION)).status == 200
    control.time.advance(1)
    assert (await client.get(SESSION)).status == 401


async def test_too_many_tries_are_told_to_wait(control: Control) -> None:
    client = await control.stranger()
    for _ in range(5):
        assert (await login(client, password="wrong")).status == 401
    response = await login(client)
    assert response.status == 429 and response.headers["Retry-After"] == "15"
    control.time.advance(15)
    assert (await login(client)).status == 201


async def test_a_change_of_password_ends_other_sessions(control: Control) -> None:
    client, other = await control.user(), await control.user()
    change = {"old_password": PASSWORD, "new_password": "Another-1-word"}
    assert (await client.put(f"{SESSION}/password", json=change | {"old_password": "x"})).status == 403
    weak = await client.put(f"{SESSION}/password", json=change | {"new_password": "short1A"})
    assert weak.status == 422 and (await weak.json())["code"] == "weak_password"
    assert (await client.put(f"{SESSION}/password", json=change)).status == 204
    assert (await client.get(SESSION)).status == 200
    assert (await other.get(SESSION)).status == 401
    assert (await login(client)).status == 401
    assert (await login(client, password="Another-1-word")).status == 201


async def test_secrets_show_in_no_answer_and_no_log(control: Control, caplog: pytest.LogCaptureFixture) -> None:
    client = await control.stranger()
    response = await client.post(SESSION, json={"name": "doctor", "password": {"s3cret": 1}})
    assert response.status == 422 and "s3cret" not in await response.text()
    await login(client, password="s3cret-pass")
    await control.database.write(lambda connection: None)
    entries = await control.audit.newest(10)
    assert "s3cret" not in repr(entries)
    assert "s3cret" not in caplog.text


def test_secrets_show_in_no_repr() -> None:
    bodies = (
        LoginBody(name="doctor", password="s3cret"),
        PasswordBody(old_password="s3cret", new_password="s3cret"),
        NewConference(number="1000", pin="471147"),
        ConferenceChange(pin="471147"),
        TokenMessage(token="s3cret"),
    )
    assert "s3cret" not in repr(bodies) and "471147" not in repr(bodies)
