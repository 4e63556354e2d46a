"""What bad input gets from a running server: clear refusals, one log line each, and a conference that goes on."""

from __future__ import annotations

import asyncio
import random
import re
import socket
from pathlib import Path

import pytest

from consilium.simulated_room.clip import ClipFormat, load_clip
from consilium.simulated_room.room import CallFailed, RoomSettings, SimulatedRoom
from tests.e2e.material import clip_file
from tests.peers.server import ServerProcess

# Bounded in number, to this machine only.
BAD_PACKETS = 2000


async def test_refusals_over_sip_say_why(server: ServerProcess) -> None:
    await server.login()
    await server.api("POST", "/conferences", {"number": "4000", "title": "Locked away", "pin": "4711"})
    assert await _refused(server, "ab") == 404
    assert await _refused(server, "4000") == 403
    assert await _refused(server, "4000*1234") == 403
    answer = await _invite(server, "1000", _SDP.replace("m=audio 4000 RTP/AVP 8", "m=audio 4000 RTP/AVP 4"))
    assert answer.startswith("SIP/2.0 488 ")
    assert re.search(r"(?m)^Warning: 30[0-9] ", answer), answer
    answer = await _invite(server, "1000", "v=0\r\nnonsense\r\n")
    assert answer.startswith("SIP/2.0 400 ")
    assert re.search(r"(?m)^(Warning|Reason): ", answer), answer


async def test_a_pin_dialled_along_opens_the_room(server: ServerProcess) -> None:
    await server.login()
    await server.api("POST", "/conferences", {"number": "4000", "title": "", "pin": "4711"})
    room = SimulatedRoom(RoomSettings(), None)
    try:
        await room.call(server.sip_uri("4000*4711"))
        conference = await server.api("GET", "/conferences/4000")
        assert len(conference["participants"]) == 1
    finally:
        await room.hang_up()
    assert "4711" not in server.log()


async def test_refusals_over_http_are_problem_details(server: ServerProcess) -> None:
    for path, body, status in (
        ("/conferences/ab/join", {"name": "A", "sdp": _SDP}, 404),
        ("/conferences/1000/join", {"name": "A", "sdp": "nonsense"}, 400),
        ("/conferences/1000/join", {"name": "A", "sdp": _SDP}, 406),
        ("/conferences/1000/join", {"name": "A"}, 422),
        ("/conferences", {"number": "1"}, 401),
        ("/nowhere", {}, 404),
    ):
        problem = await server.api("POST", path, body, expect=(status, 400 if status == 422 else status))
        assert problem["status"] in (status, 400) and problem["title"] and problem["detail"], problem


async def test_malformed_packets_do_not_disturb_a_call(server: ServerProcess, tmp_path: Path) -> None:
    await server.login()
    clip = await asyncio.to_thread(load_clip, clip_file("bikes.mp4"), ClipFormat(640, 360, 30, 500_000), 4.0)
    room = SimulatedRoom(RoomSettings(), clip)
    try:
        await room.call(server.sip_uri("1000"))
        await _until(lambda: room.pictures_received > 10)
        assert room.session is not None and room.session.video is not None and room.session.audio is not None
        ports = [server.sip_port, server.browser_port]
        for stream in (room.session.video, room.session.audio):
            ports += [stream.remote_port, stream.remote_port + 1]
        lines_before = server.log().count("\n")
        _throw_garbage(ports)
        before = room.pictures_received
        await _until(lambda: room.pictures_received > before + 60)
        assert server.log().count("\n") - lines_before <= 2 * len(ports), server.log()
        answer = await _invite(server, "1000", _SDP)
        assert answer.startswith("SIP/2.0 200 "), "signalling still answers"
    finally:
        await room.hang_up()
    assert await server.stop() == 0
    assert "Traceback" not in server.log()


_SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 4000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
)


async def _refused(server: ServerProcess, user: str) -> int | None:
    """Dial and return the status of the refusal."""
    room = SimulatedRoom(RoomSettings(), None)
    with pytest.raises(CallFailed) as failure:
        await room.call(server.sip_uri(user))
    await room.hang_up()
    return failure.value.status


async def _invite(server: ServerProcess, user: str, sdp: str) -> str:
    """Send one INVITE by hand over TCP and return the final response."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.sip_port)
    branch = f"z9hG4bK{random.randrange(1 << 48):x}"
    host, port = writer.get_extra_info("sockname")[:2]
    writer.write(
        (
            f"INVITE {server.sip_uri(user)} SIP/2.0\r\nVia: SIP/2.0/TCP {host}:{port};branch={branch}\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:tester@{host}>;tag={branch}\r\nTo: <{server.sip_uri(user)}>\r\n"
            f"Call-ID: {branch}@{host}\r\nCSeq: 1 INVITE\r\nContact: <sip:tester@{host}:{port};transport=tcp>\r\n"
            f"Content-Type: application/sdp\r\nContent-Length: {len(sdp)}\r\n\r\n{sdp}"
        ).encode()
    )
    answer = ""
    async with asyncio.timeout(10):
        while not re.search(r"SIP/2\.0 [2-6]\d\d[\s\S]*\r\n\r\n", answer):
            answer += (await reader.read(65536)).decode()
    writer.close()
    return answer[answer.rindex("SIP/2.0 ") :]


def _throw_garbage(ports: list[int]) -> None:
    """Random bytes, and bytes that begin like RTP, RTCP, STUN, DTLS and SIP, from a stranger's address."""
    chance = random.Random(7)
    beginnings = (
        b"", b"\x80\x60", b"\x80\xc8\x00\x06", b"\x81\xce\xff\xff", b"\x00\x01\x00\x08\x21\x12\xa4\x42",
        b"\x16\xfe\xff", b"INVITE sip:1000@x SIP/2.0\r\nVia: ", b"SIP/2.0 200 OK\r\n",
    )  # fmt: skip
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for number in range(BAD_PACKETS):
            data = beginnings[number % len(beginnings)] + chance.randbytes(chance.randrange(200))
            stranger.sendto(data, ("127.0.0.1", ports[number % len(ports)]))


async def _until(condition: object, seconds: float = 15.0) -> None:
    assert callable(condition)
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.05)
