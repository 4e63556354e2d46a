"""Capacity over HTTP."""

from __future__ import annotations

import pytest

from mcu.media.facts import Capacity
from mcu.media.port_meter import WorkerPortMeter
from mcu.ports import PortMeter
from tests.control.conftest import Control
from tests.control.test_conference_operations import API, code


@pytest.fixture
def meter() -> PortMeter:
    return WorkerPortMeter(lambda: Capacity(ports=2.5))


async def test_ports_are_told_to_users_only(control: Control) -> None:
    room = await control.join_room("1000")
    client = await control.user()
    told = await (await client.get(f"{API}/capacity")).json()
    assert told == {"total": 2.5, "used": 1.28, "free": 1.22, "conferences": [{"number": "1000", "ports": 1.28}]}
    assert await code(await control.stranger(), "GET", f"{API}/capacity", 401) == "login_needed"
    assert await code(await control.as_participant(room), "GET", f"{API}/capacity", 403) == "forbidden"


async def test_an_own_picture_without_ports_is_a_problem_of_capacity(control: Control) -> None:
    room = await control.join_room("1000")
    await control.join_room("1000")
    client = await control.user()
    body = {"layout": "1"}
    assert await code(client, "PATCH", f"{API}/participants/{room.id}", 503, json=body) == "capacity"
