"""Rooms whose media is encrypted, by keys in the description or by DTLS, meet rooms whose media is not."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from consilium.simulated_room.clip import ClipFormat
from consilium.simulated_room.room import CallFailed, RoomSettings, SimulatedRoom
from consilium.simulated_room.test_card import make_test_card
from sip.sdp.capabilities import LocalCapabilities
from sip.sdp.security import DtlsAgreement, Encryption, Method, SdesAgreement
from tests.e2e.checks import LISTENED, assert_hears, assert_tiles_show, until_holds
from tests.e2e.material import Source
from tests.peers.baresip import BaresipRoom, JackServer
from tests.peers.server import ServerProcess

KEYS = "inline:"
# What baresip says in its log once a stream's keys are there.
SECURED = {"srtp": "video: SRTP is Enabled", "srtp-mand": "video: SRTP is Enabled", "dtls_srtp": "complete (video/RTP)"}
REQUIRED = {"media.encryption": "required"}
AGREEMENTS = {"sdes": SdesAgreement, "dtls": DtlsAgreement}
CLIP = ClipFormat(640, 360, 15, 400_000)


@pytest.mark.parametrize(
    ("encryption", "ice"), [("srtp", False), ("srtp-mand", False), ("dtls_srtp", False), ("dtls_srtp", True)]
)
async def test_an_encrypted_room_and_a_plain_one_see_and_hear_each_other(
    tmp_path: Path, server: ServerProcess, sources: list[Source], encryption: str, ice: bool
) -> None:
    first, second = sources[:2]
    await server.login()
    async with (
        JackServer(tmp_path, f"consilium{server.sip_port}") as jack,
        BaresipRoom(
            tmp_path / "first", jack, name="First room", control_port=server.sip_port + 10, video=first.video,
            sound=first.sound, encryption=encryption, ice=ice,
        ) as secure,
        BaresipRoom(
            tmp_path / "second", jack, name="Second room", control_port=server.sip_port + 11, video=second.video,
            sound=second.sound,
        ) as plain,
    ):  # fmt: skip
        await secure.dial(server.sip_uri("1000"))
        await plain.dial(server.sip_uri("1000"))
        await _until_connected(server, 2)
        for room, own, other in ((secure, first, second), (plain, second, first)):

            async def sees_both_and_hears_the_other(
                room: BaresipRoom = room, own: Source = own, other: Source = other
            ) -> None:
                await room.snapshot(tmp_path / "seen.png")
                seen = np.asarray(Image.open(tmp_path / "seen.png").convert("RGB"))
                assert_tiles_show(seen, [first, second], [first, second])
                assert_hears(room.heard()[-LISTENED:], [other], own=own)

            await until_holds(sees_both_and_hears_the_other)
        assert SECURED[encryption] in secure.log()
        await secure.hang_up()
        await plain.hang_up()
    assert KEYS not in server.log()
    assert "Traceback" not in server.log()


@pytest.mark.parametrize("method", ["sdes", "dtls"])
async def test_where_encryption_is_required_only_rooms_that_encrypt_come_in(tmp_path: Path, method: Method) -> None:
    clip = await asyncio.to_thread(make_test_card, CLIP)
    encrypting = LocalCapabilities(encryption=Encryption.REQUIRED, offer_method=method, offer_feedback_profile=True)
    async with ServerProcess(tmp_path, REQUIRED) as server:
        plain = SimulatedRoom(RoomSettings(name="Plain"), clip)
        secure = SimulatedRoom(RoomSettings(name="Secure", capabilities=encrypting), clip)
        try:
            with pytest.raises(CallFailed, match="encryption is required here") as refusal:
                await plain.call(server.sip_uri("1000"))
            assert refusal.value.status == 488
            await secure.call(server.sip_uri("1000"))
            assert secure.session is not None
            assert [type(stream.security) for stream in secure.session.streams] == [AGREEMENTS[method]] * 2
            assert all(stream.reduced_size_rtcp for stream in secure.session.streams)
            await _until(lambda: secure.pictures_received > 20 and secure.sounds_received > 20)
        finally:
            await plain.hang_up()
            await secure.hang_up()
        assert KEYS not in server.log()


@pytest.mark.parametrize(("encryption", "ice"), [("srtp-mand", True), ("dtls_srtp", False), ("dtls_srtp", True)])
async def test_a_room_that_is_called_is_offered_what_it_encrypts_with(
    tmp_path: Path, sources: list[Source], encryption: str, ice: bool
) -> None:
    first = sources[0]
    async with ServerProcess(tmp_path, {**REQUIRED, "dial_out.networks": "127.0.0.0/8", "dial_out.ice": ice}) as server:
        await server.login()
        room_port = server.sip_port + 30
        async with (
            JackServer(tmp_path, f"consilium{server.sip_port}") as jack,
            BaresipRoom(
                tmp_path / "room", jack, name="Called room", control_port=server.sip_port + 10, video=first.video,
                sound=first.sound, sip_port=room_port, answers=True, encryption=encryption, ice=ice,
            ) as room,
        ):  # fmt: skip
            target = f"sip:calledroom@127.0.0.1:{room_port}"
            await server.api("POST", "/conferences/1000/calls", {"targets": [target]})
            await room.wait_for("CALL_ESTABLISHED")
            await _until_connected(server, 1)

            async def pictures_are_secured() -> None:
                assert SECURED[encryption] in room.log()

            await until_holds(pictures_are_secured)
            await room.hang_up()
        assert KEYS not in server.log() and "Traceback" not in server.log()


@pytest.mark.parametrize("method", ["none", "sdes", "dtls"])
async def test_the_room_of_the_command_line_encrypts_as_it_is_told(tmp_path: Path, method: str) -> None:
    async with ServerProcess(tmp_path, REQUIRED) as server:
        program = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "consilium", "room", "--call", server.sip_uri("1000"), "--size", "360p"),
            *("--encryption", method, "--seconds", "4"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert program.stdout is not None and program.stderr is not None
        if method == "none":
            _, errors = await program.communicate()
            assert program.returncode == 1 and b"encryption is required here" in errors
            return
        assert b"In the call" in await program.stdout.readline()
        said, errors = await program.communicate()
        assert program.returncode == 0 and not errors, errors.decode()
        pictures, sounds = (int(word) for word in said.decode().split() if word.isdecimal())
        assert sounds > 100 and pictures > 0
        assert KEYS not in server.log() and "Traceback" not in server.log()


@pytest.mark.parametrize("method", ["sdes", "dtls"])
async def test_a_killed_worker_is_replaced_and_goes_on_with_the_keys(server: ServerProcess, method: Method) -> None:
    clip = await asyncio.to_thread(make_test_card, CLIP)
    rooms = [SimulatedRoom(RoomSettings(name=name, encryption=method), clip) for name in ("One", "Two")]
    try:
        for room in rooms:
            await room.call(server.sip_uri("1000"))
        await _until(lambda: all(room.pictures_received > 10 for room in rooms))
        workers = [
            child for child in psutil.Process(server.pid).children() if "mcu.media.worker" in " ".join(child.cmdline())
        ]
        os.kill(workers[0].pid, signal.SIGKILL)
        await asyncio.sleep(1.0)
        before = [(room.pictures_received, room.sounds_received) for room in rooms]
        await _until(
            lambda: all(
                room.pictures_received > pictures + 20 and room.sounds_received > sounds + 40
                for room, (pictures, sounds) in zip(rooms, before, strict=True)
            )
        )
        assert all(room.reoffers_received == 0 and not room.ended.is_set() for room in rooms)
    finally:
        for room in rooms:
            await room.hang_up()


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.1)


async def _until_connected(server: ServerProcess, count: int) -> None:
    async with asyncio.timeout(20):
        while True:
            conference = await server.api("GET", "/conferences/1000")
            if [one["state"] for one in conference["participants"]] == ["connected"] * count:
                break
            await asyncio.sleep(0.1)
