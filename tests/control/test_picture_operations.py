"""Picture and sound over HTTP: modes, decoration, layouts and logos; and what is no such thing."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcu.control.bodies import parse_body
from mcu.control.conference_operations import ConferenceChange
from mcu.control.participant_operations import ParticipantChange
from mcu.control.picture_operations import NewLayout
from mcu.ports import Problem
from tests.control.conftest import Control
from tests.control.test_conference_operations import API, ONE, code
from tests.control.test_png import png

HALVES = [{"left": 0, "top": 0, "width": 0.5, "height": 1}, {"left": 0.5, "top": 0, "width": 0.5, "height": 1}]


async def test_seating_decoration_and_sound_are_changed_in_parts(control: Control) -> None:
    room = await control.join_room()
    client = await control.user()
    body = {
        "seating": {"mode": "lecture", "lecturer": room.id, "pins": {"2": room.id}},
        "decoration": {"banner": "远程会诊", "fill": "crop"},
        "processing": {"tones": True},
    }
    view = await (await client.patch(ONE, json=body)).json()
    assert (view["seating"]["mode"], view["seating"]["pins"]) == ("lecture", {"2": room.id})
    assert (view["decoration"]["banner"], view["decoration"]["clock"]) == ("远程会诊", False)
    assert view["processing"] == {"level": False, "denoise": False, "tones": True}
    spec = control.media.only
    assert (spec.seating.lecturer, spec.seating.pins, spec.decoration.fill) == (room.id, {2: room.id}, "crop")
    assert view["participants"][0]["pin"] == 2


async def test_a_participant_is_placed_and_adjusted(control: Control) -> None:
    room = await control.join_room()
    client = await control.user()
    body = {"role": "expert", "pin": 0, "hidden": True, "gain": -3.5, "listen_gain": 2, "music": True}
    view = await (await client.patch(f"{API}/participants/{room.id}", json=body)).json()
    assert {name: view[name] for name in body} == body
    assert (control.media.only.legs[0].gain, control.media.only.seating.pins) == (-3.5, {0: room.id})
    view = await (await client.patch(f"{API}/participants/{room.id}", json={"pin": None})).json()
    assert view["pin"] is None and view["role"] == "expert"


async def test_a_participant_chooses_its_own_view_and_nothing_else(control: Control) -> None:
    browser = await control.join()
    own = await control.as_participant(browser)
    path = f"{API}/participants/{browser.id}"
    view = await (
        await own.patch(path, json={"hide_self": True, "content_choice": "tile", "seating": {"mode": "voice"}})
    ).json()
    assert (view["hide_self"], view["content_choice"], view["seating"]["mode"]) == (True, "tile", "voice")
    view = await (await own.patch(path, json={"seating": None})).json()
    assert view["seating"] is None
    assert (view["forwarded"], view["has_slots"]) == (None, False)
    for chosen in (True, False, None):
        assert (await (await own.patch(path, json={"forwarded": chosen})).json())["forwarded"] is chosen
        assert (await (await own.patch(path, json={"forwarded_sound": chosen})).json())["forwarded_sound"] is chosen
    for body in ({"role": "chair"}, {"pin": 0}, {"hidden": False}, {"gain": 20}):
        assert await code(own, "PATCH", path, 403, body) == "forbidden"
    assert await code(own, "PATCH", ONE, 403, {"seating": {"mode": "voice"}}) == "forbidden"
    assert await code(own, "PATCH", ONE, 403, {"forwarded": True}) == "forbidden"
    assert await code(own, "POST", f"{API}/layouts", 403, {"name": "x", "cells": HALVES}) == "forbidden"


async def test_the_chair_says_whether_browsers_get_pictures_as_they_are(control: Control) -> None:
    await control.join()
    client = await control.user()
    view = await (await client.patch(ONE, json={"forwarded": True})).json()
    assert (await (await client.patch(ONE, json={"forwarded_sound": True})).json())["forwarded_sound"] is True
    assert view["forwarded"] is True and control.manager.conference("1000") is not None
    view = await (await client.patch(ONE, json={"forwarded": False})).json()
    assert view["forwarded"] is False


async def test_a_chairs_mute_is_told_and_holds(control: Control) -> None:
    browser = await control.join()
    path = f"{API}/participants/{browser.id}"
    user, own = await control.user(), await control.as_participant(browser)
    view = await (await user.patch(path, json={"microphone_muted": True})).json()
    assert view["muted_by_chair"] == ["microphone"]
    assert await code(own, "PATCH", path, 403, {"microphone_muted": False}) == "muted_by_chair"
    view = await (await user.patch(path, json={"microphone_muted": False})).json()
    assert view["muted_by_chair"] == [] and not view["microphone_muted"]


async def test_layouts_of_ones_own_over_http(control: Control) -> None:
    await control.join_room()
    client = await control.user()
    made = await client.post(f"{API}/layouts", json={"name": "会诊 1+1", "cells": HALVES})
    assert made.status == 201 and (await made.json())["custom"] is True
    listed = await (await client.get(f"{API}/layouts")).json()
    assert listed["layouts"][0] == "auto" and listed["layouts"][-1] == "会诊 1+1"
    assert [one["name"] for one in listed["details"]] == listed["layouts"][1:]
    assert listed["details"][-1]["cells"] == HALVES
    assert all(one["cells"] for one in listed["details"])
    await client.patch(ONE, json={"layout": "会诊 1+1"})
    assert control.media.only.layouts[0].name == control.media.only.layout == "会诊 1+1"
    path = f"{API}/layouts/会诊 1+1".replace("+", "%2B")
    assert await code(client, "DELETE", path, 409) == "in_use"
    await client.patch(ONE, json={"layout": "auto"})
    assert (await client.delete(path)).status == 204
    assert await code(client, "DELETE", path, 422) == "unknown_layout"
    overlapping = [{"left": 0, "top": 0, "width": 1, "height": 1}, HALVES[0]]
    problem = {"name": "over", "cells": overlapping}
    assert await code(client, "POST", f"{API}/layouts", 422, problem) == "invalid"
    assert (await client.post(f"{API}/layouts", json=problem | {"overlap": True})).status == 201


async def test_logos_are_uploaded_shown_and_removed(control: Control) -> None:
    await control.join_room()
    client = await control.user()
    made = await client.post(f"{API}/logos", data=png(), headers={"Content-Type": "image/png"})
    assert made.status == 201
    logo = await made.json()
    assert (logo["width"], logo["height"]) == (40, 20)
    assert (await (await client.get(f"{API}/logos")).json())["logos"] == [logo]
    picture = await client.get(f"{API}/logos/{logo['id']}")
    assert picture.content_type == "image/png" and (await picture.read()).startswith(b"\x89PNG")
    view = await (await client.patch(ONE, json={"decoration": {"logo": logo["id"]}})).json()
    assert view["decoration"]["logo"] == logo["id"]
    assert control.media.only.decoration.logo == f"logos/{logo['id']}.png"
    assert await code(client, "DELETE", f"{API}/logos/{logo['id']}", 409) == "in_use"
    await client.patch(ONE, json={"decoration": {"logo": None}})
    assert (await client.delete(f"{API}/logos/{logo['id']}")).status == 204
    assert await code(client, "GET", f"{API}/logos/{logo['id']}", 404) == "unknown_logo"
    assert await code(client, "GET", f"{API}/logos/..%2Fconsilium", 404) == "unknown_logo"
    refused = await client.post(f"{API}/logos", data=b"GIF89a", headers={"Content-Type": "image/png"})
    assert refused.status == 422 and (await refused.json())["code"] == "invalid"
    refused = await client.post(f"{API}/logos", data=png(), headers={"Content-Type": "image/gif"})
    assert refused.status == 415
    refused = await client.post(f"{API}/logos", data=bytes(5000), headers={"Content-Type": "image/png"})
    assert refused.status == 413


@pytest.mark.parametrize(
    "body",
    [
        {"seating": {"mode": "chaos"}},
        {"seating": {"mode": None}},
        {"seating": {"hold": -1}},
        {"seating": {"hold": "3"}},
        {"seating": {"switch_after": 31}},
        {"seating": {"interval": 0}},
        {"seating": {"pins": {"-1": "a"}}},
        {"seating": {"pins": {"64": "a"}}},
        {"seating": {"pins": {"one": "a"}}},
        {"seating": {"pins": {"0": ""}}},
        {"seating": {"seat": 1}},
        {"decoration": {"banner": "x" * 121}},
        {"decoration": {"caption": "x" * 501}},
        {"decoration": {"watermark": "x" * 65}},
        {"decoration": {"logo_corner": "middle"}},
        {"decoration": {"fill": "stretch"}},
        {"decoration": {"logo": 7}},
        {"processing": {"level": "yes"}},
    ],
)
async def test_bad_changes_of_a_conference_are_named(control: Control, body: dict[str, object]) -> None:
    await control.join_room()
    client = await control.user()
    assert await code(client, "PATCH", ONE, 422, body) == "invalid_body"
    assert len(control.media.history) == 1, "nothing has been changed"


_NUMBERS = st.floats() | st.integers(-3, 3) | st.none() | st.text(max_size=3)
_JSON = st.recursive(_NUMBERS | st.booleans(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
    st.sampled_from(["left", "top", "width", "height", "mode", "pins", "0", "banner", "gain", "pin"]), inner, max_size=4
), max_leaves=12)  # fmt: skip


# On a busy machine the first inputs take long: the models are built for them.
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from([NewLayout, ConferenceChange, ParticipantChange]), st.dictionaries(
    st.sampled_from(["name", "cells", "overlap", "seating", "decoration", "processing", "gain", "pin", "role"]), _JSON
))  # fmt: skip
def test_any_json_is_read_within_bounds_or_refused(model: type, body: dict[str, object]) -> None:
    try:
        read = parse_body(json.dumps(body).encode(), model)
    except Problem as problem:
        assert problem.status in (400, 422)
        return
    if isinstance(read, NewLayout):
        assert all(math.isfinite(number) for cell in read.cells for number in cell.model_dump().values())
    if isinstance(read, ParticipantChange) and read.gain is not None:
        assert -40 <= read.gain <= 20
