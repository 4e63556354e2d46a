"""A room asks by SIP who is in its conference, of a whole server."""

from __future__ import annotations

from tests.peers import sipp
from tests.peers.server import ServerProcess


async def test_a_room_sees_who_is_in_its_conference(server: ServerProcess) -> None:
    result = await sipp.call("roster", "127.0.0.1", server.sip_port, service="1000")
    assert result.succeeded, result.trouble
