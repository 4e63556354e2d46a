"""Whoever is let into a call and then floods it from within gets nothing by it, and costs the others nothing.

A room in the clear and a browser both ask for key frames and lost packets without end, say anything of the network, and
send ten times what they agreed to.
"""

from __future__ import annotations

import asyncio
import datetime
import itertools
import random
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bench.forward_client import Client
from bench.forward_publisher import PAYLOAD_TYPE
from bench.forward_sdp import answered_server, offer_of
from bench.relay import HOST, Relay
from consilium.certificates import ensure_identity
from consilium.simulated_room.room import RoomSettings
from mcu.media.rtp.feedback import (
    TRANSPORT_FEEDBACK,
    BitrateLimit,
    FullIntraRequest,
    GenericNack,
    PictureLossIndication,
    ReceiverEstimatedMaximumBitrate,
    TemporaryMaximumBitrateRequest,
    frame,
)
from mcu.media.rtp.rtcp import ReceiverReport, ReportBlock, RtcpError, SenderReport, parse_compound, serialise_compound
from mcu.media.transport.dtls import load_certificate
from mcu.webrtc.extensions import TRANSPORT_SEQUENCE
from tests.e2e.attacker import Flood, Shots, Wiretap
from tests.e2e.bystanders import SOUNDS_PER_SECOND, Bystander, Got, got, small_clip
from tests.e2e.material import Source
from tests.peers.server import ServerProcess

SMALL = {"media.width": 640, "media.height": 360}
SECONDS = 2.5
PATIENCE = 15.0

# Some 16 Mbit/s of pictures from the room, where its zone and its description know of two; the browser likewise.
PACKETS_PER_SECOND = 3000
PICTURE = 1000
REPEATED = PAYLOAD_TYPE + 1
_STEP = 0.01

PICTURES_KEPT = 0.7
SOUNDS_KEPT = 0.85
# Whoever asks on and on gets one every two seconds, after the first few (``mcu.media.picture.key_frames``).
KEYFRAMES = 4
# What goes out again to whoever asks without end is no more than this times what went out at first.
AMPLIFIED = 3.0


async def test_floods_from_within_a_call_harm_nobody_else(tmp_path: Path, sources: list[Source]) -> None:
    honest, hostile = Relay(1), Relay(2)
    tap = Wiretap(hostile)
    clips = [await asyncio.to_thread(small_clip, source) for source in sources]
    names = ("one", "two", "hostile")
    rooms = [
        Bystander(RoomSettings(name=name, user=name), clip, hostile if name == "hostile" else honest)
        for name, clip in zip(names, clips, strict=True)
    ]
    *others, attacking = rooms
    async with ServerProcess(tmp_path, SMALL) as server:
        await server.login()
        try:
            await asyncio.gather(*(one.room.call(server.sip_uri("1000")) for one in rooms))
            async with hostile_browser(server, tmp_path) as client:
                reported = await _reported(tap, attacking)
                before, sent_before = await _looked_at(others, hostile)
                shots = Shots(
                    tap.ways[attacking.ports["video"]],
                    attacking.ports["video"],
                    _storm(_payload_type(tap, attacking), *reported),
                )
                storm = asyncio.create_task(_storm_of(client))
                async with Flood([shots], PACKETS_PER_SECOND) as flood:
                    during, sent = await _looked_at(others, hostile)
                storm.cancel()
                people = (await server.api("GET", "/conferences/1000"))["participants"]
        finally:
            await asyncio.gather(*(one.room.hang_up() for one in rooms))
            honest.close()
            hostile.close()
        log = server.log()
    for was, now in zip(before, during, strict=True):
        assert now.pictures > PICTURES_KEPT * was.pictures > 0, (before, during)
        assert now.sounds > SOUNDS_KEPT * SOUNDS_PER_SECOND, (before, during)
        assert now.keyframes <= KEYFRAMES, "key frames for the asking"
    assert sum(flood.sent.values()) > PACKETS_PER_SECOND * SECONDS / 2
    assert sent < AMPLIFIED * sent_before, f"asked for again and again: {sent_before:.0f}, {sent:.0f} octets a second"
    assert {one["name"] for one in people} >= {"one", "two"}
    assert "Traceback" not in log


async def _looked_at(rooms: list[Bystander], hostile: Relay) -> tuple[list[Got], float]:
    """What the honest rooms get, and how many octets a second go to the hostile one."""
    sent: list[int] = []
    hostile.tap_down = lambda data: sent.append(len(data))
    began = time.monotonic()
    seen = await got(rooms, SECONDS)
    return seen, sum(sent) / (time.monotonic() - began)


async def _reported(tap: Wiretap, room: Bystander) -> tuple[int, int, int]:
    """The room's SSRC for pictures, ours to it, and how far ours has come, out of what it reports itself."""
    async with asyncio.timeout(PATIENCE):
        while True:
            for data in tap.seen[room.ports["video"]]:
                if len(data) > 1 and 192 <= data[1] <= 223:
                    for packet in parse_compound(data):
                        if isinstance(packet, SenderReport | ReceiverReport) and packet.reports:
                            return packet.ssrc, packet.reports[0].ssrc, packet.reports[0].highest_sequence & 0xFFFF
            await asyncio.sleep(0.05)


def _payload_type(tap: Wiretap, room: Bystander) -> int:
    return next(
        data[1] & 0x7F for data in tap.seen[room.ports["video"]] if data[0] >= 128 and not 192 <= data[1] <= 223
    )


def _storm(payload_type: int, ours: int, theirs: int, highest: int) -> list[bytes]:
    """Pictures that are none, and feedback that asks for everything."""
    rng = random.Random(3)
    pictures = [
        struct.pack("!BBHII", 0x80, payload_type | (number % 8 == 7) << 7, number & 0xFFFF, number // 8 * 3000, ours)
        + rng.randbytes(PICTURE)
        for number in range(2000)
    ]
    # About as fast as the numbers of what is asked for go on.
    feedback = [data for later in range(600) for data in _feedback(ours, theirs, highest + later, later)]
    mixed: list[bytes] = []
    for first, second, said in zip(pictures[::2], pictures[1::2], itertools.cycle(feedback)):
        mixed += [first, second, said]
    return mixed


def _feedback(ours: int, theirs: int, highest: int, number: int) -> list[bytes]:
    """For key frames, for the last few hundred packets, for rates of all sizes; reports of loss that never was."""
    lost = tuple((highest - back) & 0xFFFF for back in range(400, 0, -1))
    said = (
        PictureLossIndication(ours, theirs),
        FullIntraRequest(ours, ((theirs, number & 0xFF),)),
        GenericNack(ours, theirs, lost),
        ReceiverEstimatedMaximumBitrate(ours, 8000 if number % 2 else 4_000_000_000, (theirs,)),
        TemporaryMaximumBitrateRequest(ours, (BitrateLimit(theirs, 8000, 40),)),
    )
    block = ReportBlock(theirs, number & 0xFF, 0x7FFFFF, number * 7919, 0xFFFFFFFF, number, number)
    return [serialise_compound([ReceiverReport(ours, (block,)), one]) for one in said]


@asynccontextmanager
async def hostile_browser(server: ServerProcess, folder: Path) -> AsyncIterator[Client]:
    """A peer that does all that a browser does, and has agreed to count packets."""
    identity = ensure_identity(folder / "tls", [], datetime.datetime.now(datetime.UTC))
    client = Client(HOST, load_certificate(Path(identity.certificate_file), Path(identity.private_key_file)), 77)
    # Only what is repeated by RTX is counted (RFC 4588).
    counting = (
        f"a=extmap:3 {TRANSPORT_SEQUENCE}\r\na=rtcp-fb:{PAYLOAD_TYPE} transport-cc\r\n"
        f"a=rtpmap:{REPEATED} rtx/90000\r\na=fmtp:{REPEATED} apt={PAYLOAD_TYPE}\r\n"
    )
    offer = offer_of(client, "sendonly").replace(f"SAVPF {PAYLOAD_TYPE}", f"SAVPF {PAYLOAD_TYPE} {REPEATED}")
    offer = offer.replace("a=sendonly\r\n", "a=sendrecv\r\n" + counting)
    joined = await server.api("POST", "/conferences/1000/join", {"name": "Browser", "sdp": offer})
    assert "transport-cc" in joined["sdp"] and TRANSPORT_SEQUENCE in joined["sdp"]
    await client.connect(answered_server(joined["sdp"], HOST))
    try:
        yield client
    finally:
        await client.close()


async def _storm_of(client: Client) -> None:
    """As the room's, until it is cancelled, and what was never sent is said to have come, at absurd times."""
    rng = random.Random(5)
    theirs = 1
    for number in itertools.count():
        client.drain()
        for data in client.rtcp:
            theirs = next((one.ssrc for one in _parsed(data) if isinstance(one, SenderReport)), theirs)
        client.rtcp.clear()
        said = [*_feedback(client.ssrc, theirs, rng.randrange(1 << 16), number), *_counted_nonsense(client.ssrc, rng)]
        for data in said:
            client.send_rtcp(data)
        client.send([_picture_of(client, 10 * number + one, rng) for one in range(10)])
        client.look_after(time.monotonic())
        await asyncio.sleep(_STEP)


def _parsed(data: bytes) -> list[object]:
    try:
        return list(parse_compound(data))
    except RtcpError:
        return []


def _picture_of(client: Client, number: int, rng: random.Random) -> bytes:
    head = struct.pack(
        "!BBHII", 0x80, PAYLOAD_TYPE | (number % 8 == 7) << 7, number & 0xFFFF, number // 8 * 3000, client.ssrc
    )
    return head + rng.randbytes(PICTURE)


def _counted_nonsense(ours: int, rng: random.Random) -> list[bytes]:
    """Transport-wide feedback (format 15): everything has come at once, nothing has, or what no chunk may say."""
    said = []
    for chunks in (b"\x20\xff" * 2, b"\x1f\xff" * 2, rng.randbytes(4), b"\xff\xff" * 2):
        base, count, time_of = rng.randrange(1 << 16), rng.choice((1, 14, 255, 0xFFFF)), rng.randrange(1 << 24)
        body = struct.pack("!IIHH", ours, 0, base, count) + time_of.to_bytes(3, "big") + bytes((rng.randrange(256),))
        body += chunks + rng.randbytes(4 * rng.randrange(70))
        said.append(frame(TRANSPORT_FEEDBACK, 15, body))
    return said
