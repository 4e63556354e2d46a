"""Calls out and chat over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from mcu.conference.calls import CallAnswered, CallFailed, CallRequest, TargetRefused
from mcu.conference.people.chat import MAXIMUM_TEXT
from tests.control.conftest import Control

CALLS, CHAT = "/api/v1/conferences/1000/calls", "/api/v1/conferences/1000/chat"


class FakeCaller:
    """Calls that ring until ``outcome`` is there."""

    def __init__(self) -> None:
        self.outcome: asyncio.Future[CallAnswered | CallFailed] = asyncio.get_running_loop().create_future()

    def check(self, target: str) -> str:
        if target == "evil":
            raise TargetRefused("Not this one.", is_policy=True)
        return target.upper()

    async def call(self, request: CallRequest, on_ringing: Callable[[], None]) -> CallAnswered | CallFailed:
        on_ringing()
        return await asyncio.shield(self.outcome)


@pytest.fixture
async def caller(control: Control) -> FakeCaller:
    control.manager.outgoing.caller = caller = FakeCaller()
    return caller


async def test_rooms_are_called_listed_and_given_up(control: Control, caller: FakeCaller) -> None:
    client = await control.user()
    made = await client.post(CALLS, json={"targets": ["ward", "theatre"], "retries": 2})
    assert made.status == 201
    calls = (await made.json())["calls"]
    assert [(call["target"], call["name"], call["attempts"]) for call in calls] == [
        ("ward", "WARD", 3),
        ("theatre", "THEATRE", 3),
    ]
    shown = (await (await client.get(CALLS)).json())["calls"]
    assert [call["state"] for call in shown] == ["ringing", "ringing"]
    assert (await (await client.get("/api/v1/conferences/1000")).json())["calls"] == shown
    assert (await client.delete(f"{CALLS}/{calls[0]['id']}")).status == 204
    assert (await client.delete(f"{CALLS}/{calls[0]['id']}")).status == 404
    assert (await client.delete(CALLS)).status == 204
    assert (await (await client.get(CALLS)).json())["calls"] == []


async def test_a_failed_call_is_shown_until_it_is_forgotten(control: Control, caller: FakeCaller) -> None:
    client = await control.user()
    await client.post(CALLS, json={"targets": ["ward"]})
    caller.outcome.set_result(CallFailed("Busy\nHere", 486))
    for _ in range(5):
        await asyncio.sleep(0)
    (call,) = (await (await client.get(CALLS)).json())["calls"]
    assert (call["state"], call["status"], call["reason"]) == ("failed", 486, "Busy Here")
    assert (await client.delete(f"{CALLS}/{call['id']}")).status == 204


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"targets": ["evil"]}, 403, "call_not_allowed"),
        ({"targets": []}, 422, "invalid_body"),
        ({"targets": ["x"] * 51}, 422, "invalid_body"),
        ({"targets": ["x" * 257]}, 422, "invalid_body"),
        ({"targets": ["x"], "retries": 11}, 422, "invalid_body"),
    ],
)
async def test_calls_that_cannot_be(
    control: Control, caller: FakeCaller, body: dict[str, object], status: int, code: str
) -> None:
    client = await control.user()
    answer = await client.post(CALLS, json=body)
    assert (answer.status, (await answer.json())["code"]) == (status, code)
    assert control.manager.conferences() == []


async def test_only_accounts_call(control: Control, caller: FakeCaller) -> None:
    participant = await control.join()
    client = await control.as_participant(participant)
    assert (await client.post(CALLS, json={"targets": ["ward"]})).status == 403
    assert (await (await control.stranger()).post(CALLS, json={"targets": ["ward"]})).status == 401


async def test_where_nobody_can_be_called_that_is_said(control: Control) -> None:
    client = await control.user()
    answer = await client.post(CALLS, json={"targets": ["ward"]})
    assert (answer.status, (await answer.json())["code"]) == (403, "call_not_allowed")
    assert (await client.get("/api/v1/conferences/nowhere/calls")).status == 404


async def test_everybody_in_the_conference_writes_and_reads(control: Control) -> None:
    participant = await control.join(name="Dr. Li")
    own, user = await control.as_participant(participant), await control.user()
    said = await own.post(CHAT, json={"text": " 片子\n\x07second "})
    assert said.status == 201
    assert (await said.json())["participant_id"] == participant.id
    assert (await user.post(CHAT, json={"text": "<b>hi</b>"})).status == 201
    messages = (await (await own.get(CHAT)).json())["messages"]
    assert [(message["name"], message["text"]) for message in messages] == [
        ("Dr. Li", "片子\nsecond"),
        ("doctor", "<b>hi</b>"),
    ]


async def test_the_chat_is_the_conference_s_own(control: Control) -> None:
    await control.join("1000")
    other = await control.as_participant(await control.join("2000"))
    assert (await other.get(CHAT)).status == 403
    assert (await other.post(CHAT, json={"text": "x"})).status == 403
    assert (await (await control.stranger()).get(CHAT)).status == 401
    assert (await (await control.user()).get("/api/v1/conferences/3000/chat")).status == 404


async def test_messages_are_bounded_in_size_and_rate(control: Control) -> None:
    own = await control.as_participant(await control.join())
    assert (await own.post(CHAT, json={"text": "x" * (MAXIMUM_TEXT + 1)})).status == 422
    assert (await own.post(CHAT, json={"text": " \x00 "})).status == 422
    statuses = [(await own.post(CHAT, json={"text": str(number)})).status for number in range(10)]
    assert statuses == [201] * 8 + [429] * 2
    control.time.advance(2.0)
    assert (await own.post(CHAT, json={"text": "again"})).status == 201
