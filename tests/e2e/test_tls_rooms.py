"""A baresip room and the server over TLS, both ways; the server checks the room's certificate."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
from PIL import Image

from tests.e2e.checks import assert_tiles_show, until_holds
from tests.e2e.material import Source
from tests.peers.baresip import BaresipRoom, JackServer
from tests.peers.server import ServerProcess
from tests.sip.certificates import Authority

HOST = "127.0.0.1"


async def test_a_room_dials_and_is_dialled_over_tls(tmp_path: Path, sources: list[Source]) -> None:
    authority = Authority(tmp_path)
    ours, theirs = authority.issue(HOST), authority.issue(HOST)
    both = tmp_path / "room.pem"
    both.write_bytes(theirs.certificate.read_bytes() + theirs.key.read_bytes())
    settings = {
        "sip.certificate_file": ours.certificate,
        "sip.private_key_file": ours.key,
        "sip.tls_ca_file": authority.file,
        "dial_out.networks": "127.0.0.0/8",
    }
    async with ServerProcess(tmp_path, settings) as server:
        await server.login()
        room_port = server.sip_port + 12
        async with (
            JackServer(tmp_path, f"consilium{server.sip_port}") as jack,
            BaresipRoom(
                tmp_path / "room", jack, name="TLS room", control_port=server.sip_port + 10, video=sources[0].video,
                sound=sources[0].sound, transport="tls", tls_files=(both, authority.file), sip_port=room_port,
                answers=True,
            ) as room,
        ):  # fmt: skip
            await room.dial(f"sip:1000@{HOST}:{server.sip_tls_port};transport=tls")
            await _until_connected(server)

            async def sees_itself() -> None:
                await room.snapshot(tmp_path / "seen.png")
                seen = np.asarray(Image.open(tmp_path / "seen.png").convert("RGB"))
                assert_tiles_show(seen, sources[:1], sources[:1])

            await until_holds(sees_itself)
            (participant,) = (await server.api("GET", "/conferences/1000"))["participants"]
            await server.api("DELETE", f"/participants/{participant['id']}")
            await room.wait_for("CALL_CLOSED")
            room.events.clear()

            # baresip listens for TLS one port above the others.
            target = f"sip:tlsroom@{HOST}:{room_port + 1};transport=tls"
            await server.api("POST", "/conferences/1001/calls", {"targets": [target]})
            await room.wait_for("CALL_ESTABLISHED")
            await _until_connected(server, "1001")
            await room.hang_up()
            await _until_nobody_is_there(server, "1001")
    assert "Traceback" not in server.log()


async def _until_connected(server: ServerProcess, number: str = "1000") -> None:
    async with asyncio.timeout(20):
        while True:
            conference = await server.api("GET", f"/conferences/{number}")
            if [one["state"] for one in conference["participants"]] == ["connected"]:
                break
            await asyncio.sleep(0.1)


async def _until_nobody_is_there(server: ServerProcess, number: str) -> None:
    async with asyncio.timeout(10):
        while (await server.api("GET", f"/conferences/{number}"))["participants"]:
            await asyncio.sleep(0.2)
