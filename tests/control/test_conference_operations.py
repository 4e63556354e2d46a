"""Conferences and participants over HTTP."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from mcu.control.settings import ControlSettings
from mcu.media.facts import RecordingProgress
from mcu.media.spec import DecorationSpec, ProcessingSpec, SeatingSpec
from mcu.ports import MediaError
from tests.control.conftest import Client, Control

API = "/api/v1"
ONE = f"{API}/conferences/1000"

PRESENCE = {
    "role": "member",
    "pin": None,
    "hidden": False,
    "gain": 0.0,
    "listen_gain": 0.0,
    "music": False,
    "muted_by_chair": [],
    "hide_self": False,
    "seating": None,
    "content_choice": "auto",
    "forwarded": None,
    "has_slots": False,
    "forwarded_sound": None,
    "has_voices": False,
    "picture_limit": None,
}


async def code(client: Client, method: str, path: str, status: int, json: object = None) -> str:
    """The code of the problem that this is answered with."""
    response = await client.request(method, path, json=json)
    body = await response.json(content_type="application/problem+json")
    assert (response.status, body["status"]) == (status, status), body
    assert body["title"] and body["detail"]
    return str(body["code"])


async def test_a_room_is_made_shown_changed_and_forgotten(control: Control) -> None:
    client = await control.user()
    made = await client.post(f"{API}/conferences", json={"number": "1000", "title": "Board", "pin": "4711"})
    assert made.status == 201
    view = await made.json()
    assert {name: view.pop(name) for name in ("seating", "decoration", "processing")} == {
        "seating": SeatingSpec().model_dump(),
        "decoration": DecorationSpec().model_dump(),
        "processing": ProcessingSpec().model_dump(),
    }
    assert view == {
        "number": "1000",
        "title": "Board",
        "active": False,
        "permanent": True,
        "locked": False,
        "layout": "auto",
        "broadcast": None,
        "forwarded": False,
        "forwarded_sound": False,
        "microphones_muted": False,
        "pin_required": True,
        "chair_pin": False,
        "participants": [],
        "recording": None,
        "started_at": None,
        "calls": [],
        "floor": {"holder": None, "queue": []},
    }
    assert await code(client, "POST", f"{API}/conferences", 409, {"number": "1000"}) == "number_taken"
    changed = await client.patch(ONE, json={"title": "New", "pin": None})
    assert (await changed.json())["pin_required"] is False
    assert [one["title"] for one in (await (await client.get(f"{API}/conferences")).json())["conferences"]] == ["New"]
    assert await code(client, "DELETE", ONE, 409) == "not_active"
    assert (await client.delete(f"{ONE}?forget=true")).status == 204
    assert await code(client, "GET", ONE, 404) == "unknown_conference"
    assert await code(client, "DELETE", f"{ONE}?forget=true", 404) == "unknown_conference"


async def test_a_running_conference_and_its_participants(control: Control) -> None:
    room, browser = await control.join_room(), await control.join(name="李医生")
    client = await control.user()
    view = await (await client.get(ONE)).json()
    assert view["active"] and not view["permanent"] and view["started_at"].endswith("Z")
    listed = await (await client.get(f"{ONE}/participants")).json()
    assert listed["participants"] == view["participants"]
    assert view["participants"] == [
        {
            "id": room.id,
            "name": "Room 3",
            "kind": "sip",
            "microphone_muted": False,
            "speaker_muted": False,
            "camera_muted": False,
            "has_audio": True,
            "has_video": True,
            "has_content": False,
            "speaking": False,
            "joined_at": "2026-01-02T03:04:05Z",
            "state": "connected",
            "layout": None,
            "watch": None,
            "camera_control": False,
            "camera_presets": None,
            **PRESENCE,
        },
        {
            "id": browser.id,
            "name": "李医生",
            "kind": "browser",
            "microphone_muted": False,
            "speaker_muted": False,
            "camera_muted": False,
            "has_audio": True,
            "has_video": False,
            "has_content": False,
            "speaking": False,
            "joined_at": "2026-01-02T03:04:05Z",
            "state": "connecting",
            "layout": None,
            "watch": None,
            "camera_control": False,
            "camera_presets": None,
            **PRESENCE,
        },
    ]


async def test_layout_and_lock(control: Control) -> None:
    await control.join_room()
    client = await control.user()
    changed = await (await client.patch(ONE, json={"layout": "4", "locked": True})).json()
    assert (changed["layout"], changed["locked"]) == ("4", True)
    assert control.media.only.layout == "4"
    assert await code(client, "PATCH", ONE, 422, {"layout": "nonsense"}) == "unknown_layout"
    assert await code(client, "PATCH", f"{API}/conferences/9999", 404, {}) == "unknown_conference"
    assert "auto" in (await (await client.get(f"{API}/layouts")).json())["layouts"]


async def test_what_participants_see(control: Control) -> None:
    room, browser = await control.join_room(), await control.join()
    user = await control.user()
    path = f"{API}/participants/{room.id}"
    shown = await (await user.patch(path, json={"layout": "1+5"})).json()
    assert (shown["layout"], shown["watch"]) == ("1+5", None)
    shown = await (await user.patch(path, json={"watch": browser.id})).json()
    assert (shown["layout"], shown["watch"]) == ("1+5", browser.id)
    assert {leg.id: leg.watch for leg in control.media.only.legs} == {room.id: browser.id, browser.id: None}
    shown = await (await user.patch(path, json={"layout": None})).json()
    assert (shown["layout"], shown["watch"]) == (None, None)
    assert await code(user, "PATCH", path, 404, {"watch": "nobody"}) == "unknown_participant"
    assert await code(user, "PATCH", path, 422, {"layout": "nonsense"}) == "unknown_layout"

    shown = await (await user.patch(ONE, json={"broadcast": room.id})).json()
    assert shown["broadcast"] == room.id == control.media.only.watch
    assert (await (await user.patch(ONE, json={"broadcast": None})).json())["broadcast"] is None


async def test_keys_and_cameras_of_a_room(control: Control) -> None:
    room = await control.join_room()
    user = await control.user()
    path = f"{API}/participants/{room.id}"
    assert await code(user, "POST", f"{path}/camera", 409, {"pan": 1}) == "no_camera"
    assert await code(user, "POST", f"{path}/camera", 422, {"pan": 2}) == "invalid_body"
    assert await code(user, "POST", f"{path}/digits", 422, {"digits": "12x"}) == "invalid_body"
    assert await code(user, "POST", f"{path}/digits", 422, {"digits": "12#"}) == "invalid"


async def test_ending_a_conference_keeps_its_room(control: Control) -> None:
    client = await control.user()
    await client.post(f"{API}/conferences", json={"number": "1000", "pin": "4711"})
    await control.join_room("2000")
    await control.join(pin="4711")
    assert (await client.delete(ONE)).status == 204
    view = await (await client.get(ONE)).json()
    assert not view["active"] and view["pin_required"]
    assert (await client.patch(f"{API}/conferences/2000", json={"active": False})).status == 204
    assert await code(client, "GET", f"{API}/conferences/2000", 404) == "unknown_conference"
    assert await code(client, "PATCH", ONE, 422, {"active": True}) == "invalid"


async def test_recording(control: Control) -> None:
    await control.join_room()
    client = await control.user()
    started = await client.post(f"{ONE}/recording")
    recording = await started.json()
    assert started.status == 201 and recording["state"] == "starting"
    control.media.report(
        RecordingProgress(conference=control.media.only.id, recording=recording["id"], seconds=2.5, bytes=9)
    )
    shown = (await (await client.get(ONE)).json())["recording"]
    assert (shown["state"], shown["seconds"]) == ("recording", 2.5)
    assert await code(client, "POST", f"{ONE}/recording", 409) == "already_recording"
    stopped = await client.delete(f"{ONE}/recording")
    assert stopped.status == 200 and (await stopped.json())["state"] == "stopped"
    assert await code(client, "DELETE", f"{ONE}/recording", 409) == "not_recording"
    control.media.refuse = MediaError("no worker")
    assert await code(client, "POST", f"{ONE}/recording", 503) == "media"


async def test_participants_are_muted_renamed_and_removed(control: Control) -> None:
    room = await control.join_room()
    client = await control.user()
    one = f"{API}/participants/{room.id}"
    changed = await (await client.patch(one, json={"microphone_muted": True, "name": "Room\u202e X"})).json()
    assert (changed["microphone_muted"], changed["name"]) == (True, "Room X")
    assert control.media.only.legs[0].microphone_muted
    assert (await (await client.patch(one, json={})).json())["microphone_muted"]
    assert await code(client, "PATCH", one, 422, {"name": "\u0000"}) == "invalid"
    assert (await client.delete(one)).status == 204
    assert await code(client, "DELETE", one, 404) == "unknown_participant"
    assert await code(client, "PATCH", one, 404, {}) == "unknown_participant"
    await control.manager.settle()
    assert control.owner.ended == [(room.id, "kicked")]


async def test_a_participants_token_reaches_itself_and_its_conference_only(control: Control) -> None:
    me, other, elsewhere = await control.join(), await control.join(), await control.join("2000")
    client = await control.as_participant(me)
    assert (await client.get(ONE)).status == 200
    assert (await client.get(f"{ONE}/participants")).status == 200
    assert (await client.get(f"{API}/layouts")).status == 200
    assert await code(client, "GET", f"{API}/conferences/2000", 403) == "forbidden"
    assert await code(client, "GET", f"{API}/conferences/2000/participants", 403) == "forbidden"
    assert await code(client, "GET", f"{API}/conferences/7777", 403) == "forbidden"
    assert (await client.patch(f"{API}/participants/{me.id}", json={"camera_muted": True})).status == 200
    for victim in (other, elsewhere):
        path = f"{API}/participants/{victim.id}"
        assert await code(client, "PATCH", path, 403, {"microphone_muted": True}) == "forbidden"
        assert await code(client, "DELETE", path, 403) == "forbidden"
    for method, path in (
        ("GET", "/conferences"),
        ("PATCH", "/conferences/1000"),
        ("DELETE", "/conferences/1000"),
        ("POST", "/conferences/1000/recording"),
        ("DELETE", "/conferences/1000/recording"),
        ("GET", "/session"),
        ("DELETE", "/session"),
    ):
        assert await code(client, method, API + path, 403, {}) == "forbidden"
    assert (await client.delete(f"{API}/participants/{me.id}")).status == 204
    assert await code(client, "GET", ONE, 401) == "login_needed"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"number": 1000},
        {"number": "1000", "extra": 1},
        {"number": "1000", "pin": "12"},
        {"number": "1000", "pin": 1234},
        {"number": "../x"},
        {"number": "1000", "title": "x" * 129},
        [],
        None,
        "1000",
    ],
)
async def test_bodies_of_another_shape_are_refused_by_field(control: Control, body: object) -> None:
    client = await control.user()
    response = await client.post(f"{API}/conferences", data=json.dumps(body).encode(), headers=JSON)
    problem = await response.json(content_type="application/problem+json")
    assert response.status == 422 and problem["code"] == "invalid_body" and problem["errors"]


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe", b"[" * 3000, b'{"number": "\\ud800"}', b"\x00"])
async def test_malformed_json_is_told_apart(control: Control, data: bytes) -> None:
    client = await control.user()
    response = await client.post(f"{API}/conferences", data=data, headers=JSON)
    assert response.status == 400
    assert (await response.json(content_type=None))["code"] == "malformed_json"


async def test_size_and_type_of_bodies_are_checked(control: Control) -> None:
    client = await control.user()
    big = await client.post(f"{API}/conferences", data=b" " * 5000, headers=JSON)
    assert big.status == 413 and (await big.json(content_type=None))["code"] == "body_too_large"
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        wrong = await client.post(f"{API}/conferences", data=b'{"number":"1"}', headers={"Content-Type": kind})
        assert wrong.status == 415 and (await wrong.json(content_type=None))["code"] == "wrong_content_type"


@pytest.fixture
def control_settings(control_settings: ControlSettings) -> ControlSettings:
    return replace(control_settings, body_seconds=0.2)


async def test_a_body_that_does_not_come_is_given_up(control: Control) -> None:
    client = await control.user()
    token = client.session.headers["Authorization"]
    reader, writer = await asyncio.open_connection(client.host, client.port)
    head = f"POST {API}/conferences HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n"
    writer.write(f"{head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{".encode())
    async with asyncio.timeout(5):
        assert b" 408 " in await reader.readline()
    writer.close()


async def test_a_chair_steers_its_conference_over_the_api_and_no_other(control: Control) -> None:
    account = await control.user()
    room = {"number": "1000", "title": "Board", "pin": "4711", "chair_pin": "815815"}
    view = await (await account.post(f"{API}/conferences", json=room)).json()
    assert view["chair_pin"] is True and "815815" not in str(view)
    chair, member = await control.join(pin="815815"), await control.join(pin="4711")
    elsewhere = await control.join("2000")
    client = await control.as_participant(chair)
    view = await (await client.patch(ONE, json={"layout": "1+5", "locked": True, "seating": {"mode": "voice"}})).json()
    assert (view["layout"], view["locked"], view["seating"]["mode"]) == ("1+5", True, "voice")
    assert [one["role"] for one in view["participants"]] == ["chair", "member"]
    muted = await client.patch(f"{API}/participants/{member.id}", json={"microphone_muted": True, "gain": 3})
    assert (await muted.json())["muted_by_chair"] == ["microphone"]
    assert (await client.get(f"{API}/logos")).status == 200
    for method, path, body in (
        ("PATCH", "/conferences/1000", {"title": "Mine"}),
        ("PATCH", "/conferences/1000", {"pin": None}),
        ("PATCH", "/conferences/1000", {"chair_pin": None}),
        ("DELETE", "/conferences/1000?forget=true", None),
        ("PATCH", "/conferences/2000", {"layout": "4"}),
        ("DELETE", "/conferences/2000", None),
        ("POST", "/conferences/2000/calls", {"targets": ["1"]}),
        ("GET", "/conferences/2000/calls", None),
        ("PATCH", f"/participants/{elsewhere.id}", {"microphone_muted": True}),
        ("DELETE", f"/participants/{elsewhere.id}", None),
        ("POST", "/conferences", {"number": "3000"}),
        ("GET", "/conferences", None),
        ("DELETE", "/layouts/x", None),
    ):
        assert await code(client, method, API + path, 403, body) == "forbidden", (method, path)
    plain = await control.as_participant(member)
    assert await code(plain, "PATCH", ONE, 403, {"layout": "1"}) == "forbidden"
    assert await code(plain, "PATCH", f"{API}/participants/{member.id}", 403, {"microphone_muted": False}) == (
        "muted_by_chair"
    )
    assert (await client.delete(f"{API}/participants/{member.id}")).status == 204
    assert (await account.patch(f"{API}/participants/{chair.id}", json={"role": "member"})).status == 200
    assert await code(client, "PATCH", ONE, 403, {"layout": "1"}) == "forbidden", "its role was taken away"
    assert (await account.patch(f"{API}/participants/{chair.id}", json={"role": "chair"})).status == 200
    assert (await client.delete(ONE)).status == 204


@pytest.mark.parametrize("change", [{"chair_pin": "4711"}, {"pin": "815815"}])
async def test_the_two_pins_of_a_room_differ(control: Control, change: dict[str, str]) -> None:
    client = await control.user()
    both = {"number": "1000", "pin": "4711", "chair_pin": "4711"}
    assert await code(client, "POST", f"{API}/conferences", 422, both) == "invalid"
    await client.post(f"{API}/conferences", json=both | {"chair_pin": "815815"})
    assert await code(client, "PATCH", ONE, 422, change) == "invalid"


async def test_a_picture_that_is_lowered_is_told(control: Control) -> None:
    room = await control.join_room()
    running = control.manager._core.with_participant(room.id)
    assert running is not None
    running.conference = running.conference.changed(room.id, lambda one: replace(one, largest_picture=(1280, 720)))
    view = await (await (await control.user()).get(f"{ONE}/participants")).json()
    assert view["participants"][0]["picture_limit"] == [1280, 720]


async def test_everybody_is_muted_and_unmuted(control: Control) -> None:
    client = await control.user()
    participant = await control.join()
    for muted in (True, False):
        answer = await client.patch(f"{API}/conferences/1000", json={"microphones_muted": muted})
        view = await answer.json()
        (one,) = [one for one in view["participants"] if one["id"] == participant.id]
        assert (view["microphones_muted"], one["microphone_muted"]) == (muted, muted)
        assert one["muted_by_chair"] == (["microphone"] if muted else [])
