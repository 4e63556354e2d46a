"""The floor over HTTP."""

from __future__ import annotations

from mcu.conference.door.joining import Newcomer
from tests.control.conftest import Control
from tests.control.test_conference_operations import API, ONE, code
from tests.fakes.media import sharing_leg


async def test_the_floor_is_taken_shown_and_revoked(control: Control) -> None:
    newcomer = Newcomer("OR 2", "sip", control.owner, lambda seat: sharing_leg(seat.participant_id))
    sharing = await control.manager.join("1000", newcomer)
    room = await control.join_room()
    client = await control.user()

    taken = await client.post(f"{API}/participants/{sharing.id}/floor")
    assert (taken.status, await taken.json()) == (200, {"holder": sharing.id, "queue": []})
    assert (await (await client.get(ONE)).json())["floor"]["holder"] == sharing.id
    assert await code(client, "POST", f"{API}/participants/{room.id}/floor", 409) == "no_content"

    revoked = await client.delete(f"{ONE}/floor")
    assert (revoked.status, await revoked.json()) == (200, {"holder": None, "queue": []})
    assert await code(client, "DELETE", f"{ONE}/floor", 409) == "floor_free"
    released = await client.delete(f"{API}/participants/{sharing.id}/floor")
    assert await released.json() == {"holder": None, "queue": []}
