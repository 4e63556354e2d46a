"""Somebody who sends bad packets to media ports, by the hundred, from addresses of its own or from within the wire.

On the wire means: what a client sends passes by (``bench.relay``), so that it can be sent again, cut, changed, and what
is made up comes from the client's own address.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import secrets
import socket
import struct
import threading
import time
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType

from aioice import stun

from bench.relay import Address, Relay
from mcu.media.packets import Srtp

# Another host than the one that everybody else is on: all of 127.0.0.0/8 is this machine.
STRANGER_HOST = "127.0.0.2"

_KEPT = 64
_BURST = 20
_MTU = 1200


class Wiretap:
    """What each client has sent lately to each port of the server, and the sockets that it went on from."""

    def __init__(self, relay: Relay) -> None:
        self.seen: defaultdict[Address, deque[bytes]] = defaultdict(lambda: deque(maxlen=_KEPT))
        self.ways: dict[Address, socket.socket] = {}
        relay.tap = self._keep

    def _keep(self, data: bytes, way: socket.socket, server: Address) -> None:
        self.seen[server].append(data)
        self.ways[server] = way


@dataclass(frozen=True)
class Shots:
    """Bad packets for one port, from one socket."""

    way: socket.socket
    target: Address
    packets: Sequence[bytes]


class Flood:
    """Sends ``shots`` in turn, so many packets a second, from its beginning to its end; ``sent`` by target."""

    def __init__(self, shots: Sequence[Shots], rate: int) -> None:
        self.sent: defaultdict[Address, int] = defaultdict(int)
        self._shots, self._rate = shots, rate
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flood")

    async def __aenter__(self) -> Flood:
        self._thread.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        turns = [itertools.cycle(one.packets) for one in self._shots]
        began = time.monotonic()
        for count, (one, turn) in enumerate(itertools.cycle(zip(self._shots, turns, strict=True)), 1):
            with contextlib.suppress(BlockingIOError, ConnectionError):  # a full buffer loses it, as a network would
                one.way.sendto(next(turn), one.target)
                self.sent[one.target] += 1
            if count % _BURST == 0 and self._over.wait(max(0.0, began + count / self._rate - time.monotonic())):
                return


async def knock(target: Address, packets: Sequence[bytes]) -> None:
    """Connect by TCP again and again, framed packets (RFC 4571) and bare ones in turn, until cancelled."""
    for count in itertools.count():
        try:
            _, writer = await asyncio.open_connection(*target, local_addr=(STRANGER_HOST, 0))
            for data in packets[count % 7 :: 7]:
                writer.write(data if count % 2 else struct.pack("!H", len(data)) + data)
            await writer.drain()
            writer.close()
        except OSError:
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.02)


def stranger() -> socket.socket:
    """A socket on a host that has no business with anybody."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((STRANGER_HOST, 0))
    made.setblocking(False)
    return made


def forged_media(payload_type: int, ssrc: int, payloads: Sequence[bytes], sequence: int = 0) -> list[bytes]:
    """RTP in the clear as the sender itself might send it."""
    return [
        struct.pack("!BBHII", 0x80, payload_type, (sequence + index) & 0xFFFF, (index * 960) & 0xFFFFFFFF, ssrc)
        + payload
        for index, payload in enumerate(payloads)
    ]


def forged_reports(ssrc: int) -> list[bytes]:
    """RTCP in the clear that would do harm if it were believed: goodbyes, requests for key frames, tiny rates."""
    source = struct.pack("!I", ssrc)
    report = b"\x80\xc9\x00\x01" + source
    return [
        report + b"\x81\xcb\x00\x01" + source,  # BYE
        report + b"\x81\xce\x00\x02" + source + source,  # PLI
        report + b"\x84\xce\x00\x04" + source + bytes(4) + source + b"\x07\x00\x00\x00",  # FIR
        report + b"\x83\xcd\x00\x04" + source + bytes(4) + source + b"\x00\x00\x7e\x28",  # TMMBR
        report + b"\x8f\xce\x00\x05" + source + bytes(4) + b"REMB\x01\x00\x00\x01" + source,
        report + b"\x81\xcd\x00\x03" + source + source + b"\x00\x01\xff\xff",  # NACK
    ]


def absurd_reports(ssrc: int, rng: random.Random, count: int = 60) -> list[bytes]:
    """RTCP whose lengths and counts lie."""
    source = struct.pack("!I", ssrc)
    fixed = [
        b"\x81\xc9\xff\xff" + source,
        b"\x9f\xc8\x00\x06" + source + bytes(20),
        b"\x80\xc8\x00\x00",
        b"\x81\xca\x00\x01",
    ]
    return fixed + [
        bytes((0x80 | rng.randrange(64), rng.randrange(192, 224)))
        + struct.pack("!H", rng.choice((0, 1, 2, 7, 300, 0xFFFF)))
        + source * rng.randrange(2)
        + rng.randbytes(rng.randrange(0, 120))
        for _ in range(count)
    ]


def checks_that_prove_nothing(username: str) -> list[bytes]:
    """Connectivity checks without integrity, and with that of another password; each would nominate its address."""
    made = []
    for password in (None, secrets.token_hex(12)):
        request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
        request.attributes["USERNAME"] = username
        request.attributes["PRIORITY"] = 0x6E0001FF
        request.attributes["ICE-CONTROLLING"] = 1
        request.attributes["USE-CANDIDATE"] = None
        if password is not None:
            request.add_message_integrity(password.encode())
            request.add_fingerprint()
        made.append(bytes(request))
    return made


def handshakes(rng: random.Random) -> list[bytes]:
    """DTLS records: alerts in the clear that would end an association, and what looks like beginnings."""
    head = b"\xfe\xfd" + bytes(6)  # DTLS 1.2, epoch 0
    close, fatal = b"\x15" + head + b"\x01\x00\x02\x01\x00", b"\x15" + head + b"\x02\x00\x02\x02\x28"
    hellos = [
        b"\x16" + head + struct.pack("!BH", index, 60) + b"\x01\x00\x00\x30" + rng.randbytes(56) for index in range(10)
    ]
    return [
        close,
        fatal,
        *hellos,
        b"\x14" + head + b"\x03\x00\x01\x01",
        b"\x17" + head + b"\x04\x00\x20" + rng.randbytes(32),
    ]


def damaged(seen: Sequence[bytes], rng: random.Random) -> list[bytes]:
    """What a client has sent, again, cut at any length, and with a bit turned over."""
    media = [data for data in seen if len(data) > 20 and data[0] >= 128]
    cut = [data[: rng.randrange(1, len(data))] for data in media]
    turned = []
    for data in media:
        at = rng.randrange(12, len(data))
        turned.append(data[:at] + bytes((data[at] ^ 1 << rng.randrange(8),)) + data[at + 1 :])
    return [*media, *cut, *turned]


def under_other_keys(packets: Sequence[bytes], suite: str = "AES_CM_128_HMAC_SHA1_80") -> list[bytes]:
    """The same packets, encrypted by somebody who does not know the keys."""
    other = Srtp(suite, secrets.token_bytes(30 if suite.startswith("AES") else 28), inbound=False)
    done = [
        (other.protect_rtcp if 192 <= data[1] <= 223 else other.protect_rtp)([data])[0] for data in packets
    ]  # fmt: skip
    return [data for data in done if data is not None]


def rubbish(rng: random.Random, count: int = 40) -> list[bytes]:
    """Anything, with first octets of everything that is told apart (RFC 7983)."""
    return [
        bytes((rng.choice((0, 1, 19, 20, 22, 63, 64, 127, 128, 144, 191, 192, 255)),))
        + rng.randbytes(rng.randrange(0, _MTU))
        for _ in range(count)
    ]
