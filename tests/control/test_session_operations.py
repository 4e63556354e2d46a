"""Logging in and out over HTTP."""

from __future__ import annotations

from tests.control.conftest import PASSWORD, Control


async def test_login_gives_a_token_and_strict_cookies(control: Control) -> None:
    client = await control.stranger()
    response = await client.post("/api/v1/session", json={"name": "doctor", "password": PASSWORD})
    body = await response.json()
    assert response.status == 201
    assert body["name"] == "doctor" and len(body["token"]) >= 43
    cookie = response.headers.getall("Set-Cookie")
    assert len(cookie) == 2
    assert all("HttpOnly" in one and "SameSite=Strict" in one and "Path=/" in one for one in cookie)
    who = await client.get("/api/v1/session", headers={"Authorization": f"Bearer {body['token']}"})
    assert (await who.json())["name"] == "doctor"
