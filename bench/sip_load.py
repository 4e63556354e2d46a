"""A light SIP load generator: registrations and calls by templates over UDP, from many loopback addresses.

It knows just enough SIP to drive a server hard without costing much itself; it is no user agent. Addresses are of
127.0.0.0/8 only.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import itertools
import re
import secrets
import time
from dataclasses import dataclass, field

Address = tuple[str, int]

# RFC 3261 timer T1, and how often a request is sent before it counts as failed.
RETRANSMIT_AFTER = 0.5
TRIES = 6

_STATUS = re.compile(rb"SIP/2\.0 (\d{3})")
_CSEQ = re.compile(rb"(?im)^CSeq:\s*(\d+)\s+(\w+)")
_CALL_ID = re.compile(rb"(?im)^(?:Call-ID|i):\s*(\S+)")
_TO_TAG = re.compile(rb"(?im)^(?:To|t):.*;tag=([^;\s>]+)")
_CONTACT = re.compile(rb"(?im)^(?:Contact|m):[^<]*<([^>]+)>")
_CHALLENGE = re.compile(r'(realm|nonce|algorithm|qop|opaque)\s*=\s*(?:"([^"]*)"|([^\s,]+))')


class LoadError(Exception):
    """A request was answered otherwise than it should, or not at all."""


@dataclass(frozen=True)
class Reply:
    """A final response."""

    status: int
    data: bytes = field(repr=False)

    def find(self, pattern: re.Pattern[bytes]) -> str:
        """What a header has; raises LoadError when it is missing."""
        found = pattern.search(self.data)
        if found is None:
            raise LoadError(f"a {self.status} without {pattern.pattern!r}")
        return found[1].decode()

    @property
    def to_tag(self) -> str:
        return self.find(_TO_TAG)

    @property
    def contact(self) -> str:
        return self.find(_CONTACT)


class LoadSocket(asyncio.DatagramProtocol):
    """One source address. Requests are matched to final responses by Call-ID and CSeq."""

    def __init__(self, server: Address) -> None:
        self._server = server
        self._transport: asyncio.DatagramTransport | None = None
        self._waiting: dict[tuple[bytes, bytes], asyncio.Future[Reply]] = {}
        self.local: Address = ("", 0)
        self.retransmissions = 0

    @classmethod
    async def open(cls, server: Address, host: str) -> LoadSocket:
        """Bind to a loopback address; raises ValueError for any other."""
        if not ipaddress.ip_address(host).is_loopback or not ipaddress.ip_address(server[0]).is_loopback:
            raise ValueError("load goes to and comes from loopback only")
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.create_datagram_endpoint(lambda: cls(server), local_addr=(host, 0))
        protocol._transport = transport
        protocol.local = transport.get_extra_info("sockname")[:2]
        return protocol

    def close(self) -> None:
        """Close the socket."""
        if self._transport is not None:
            self._transport.close()

    def send(self, data: bytes) -> None:
        """Send once, expecting nothing."""
        assert self._transport is not None
        self._transport.sendto(data, self._server)

    async def request(self, data: bytes) -> Reply:
        """Send with retransmission until a final response comes. Raises LoadError."""
        key = _key(data)
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[key] = future
        try:
            for attempt in range(TRIES):
                self.send(data)
                self.retransmissions += attempt > 0
                try:
                    return await asyncio.wait_for(asyncio.shield(future), RETRANSMIT_AFTER * 2**attempt)
                except TimeoutError:
                    continue
            raise LoadError("no answer")
        finally:
            del self._waiting[key]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        found = _STATUS.match(data)
        if found is None:
            self._answer(data)
            return
        status = int(found[1])
        future = self._waiting.get(_key(data))
        if future is not None and status >= 200 and not future.done():
            future.set_result(Reply(status, data))

    def _answer(self, request: bytes) -> None:
        """200 to whatever the server asks in a call (BYE, OPTIONS, a refresh without body)."""
        if request.startswith(b"ACK"):
            return
        kept = [line for line in request.split(b"\r\n\r\n")[0].split(b"\r\n")[1:]
                if line.lower().startswith((b"via:", b"from:", b"to:", b"call-id:", b"cseq:"))]  # fmt: skip
        self.send(b"\r\n".join([b"SIP/2.0 200 OK", *kept, b"Content-Length: 0", b"", b""]))


def _key(data: bytes) -> tuple[bytes, bytes]:
    call_id, cseq = _CALL_ID.search(data), _CSEQ.search(data)
    if call_id is None or cseq is None:
        return b"", b""
    return call_id[1], cseq[1]


@dataclass
class Endpoint:
    """A room: an account, its source socket, its registration."""

    socket: LoadSocket
    server: Address
    user: str
    password: str = field(repr=False)
    call_id: str = field(default_factory=lambda: secrets.token_hex(8))
    cseq: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    challenge: dict[str, str] = field(default_factory=dict, repr=False)
    nonce_count: int = 0

    async def register(self, expires: int = 3600) -> float:
        """Register or refresh; returns the milliseconds that it took. Raises LoadError."""
        start = time.monotonic()
        reply = await self.socket.request(self._register(expires))
        if reply.status == 401:
            self.challenge = read_challenge(reply.data)
            self.nonce_count = 0
            reply = await self.socket.request(self._register(expires))
        if reply.status != 200:
            raise LoadError(f"REGISTER of {self.user}: {reply.status}")
        return (time.monotonic() - start) * 1000

    def _register(self, expires: int) -> bytes:
        host = self.server[0]
        local = f"{self.socket.local[0]}:{self.socket.local[1]}"
        return "\r\n".join(
            [
                f"REGISTER sip:{host} SIP/2.0",
                f"Via: SIP/2.0/UDP {local};branch=z9hG4bK{secrets.token_hex(8)};rport",
                "Max-Forwards: 70",
                f"From: <sip:{self.user}@{host}>;tag={self.user}",
                f"To: <sip:{self.user}@{host}>",
                f"Call-ID: {self.call_id}",
                f"CSeq: {next(self.cseq)} REGISTER",
                f"Contact: <sip:{self.user}@{local}>",
                f"Expires: {expires}",
                *self._authorization("REGISTER", f"sip:{host}"),
                "User-Agent: load",
                "Content-Length: 0",
                "",
                "",
            ]
        ).encode()

    def _authorization(self, method: str, uri: str) -> list[str]:
        if not self.challenge:
            return []
        self.nonce_count += 1
        return [digest_line(self.challenge, self.user, self.password, method, uri, self.nonce_count)]


def read_challenge(data: bytes) -> dict[str, str]:
    """The parameters of the first challenge in a 401. Raises LoadError."""
    for line in data.decode().split("\r\n"):
        if line.lower().startswith("www-authenticate:"):
            return {name: quoted or plain for name, quoted, plain in _CHALLENGE.findall(line)}
    raise LoadError("a 401 without a challenge")


def digest_line(challenge: dict[str, str], user: str, password: str, method: str, uri: str, count: int) -> str:
    """The Authorization header that answers a challenge (RFC 8760: MD5 or SHA-256, qop auth)."""
    algorithm = challenge.get("algorithm", "MD5")
    make = hashlib.sha256 if algorithm.upper() == "SHA-256" else hashlib.md5

    def digest(text: str) -> str:
        return make(text.encode()).hexdigest()

    cnonce, nc = secrets.token_hex(4), f"{count:08x}"
    first = digest(f"{user}:{challenge['realm']}:{password}")
    second = digest(f"{method}:{uri}")
    response = digest(f"{first}:{challenge['nonce']}:{nc}:{cnonce}:auth:{second}")
    line = (
        f'Authorization: Digest username="{user}", realm="{challenge["realm"]}", nonce="{challenge["nonce"]}", '
        f'uri="{uri}", response="{response}", algorithm={algorithm}, qop=auth, nc={nc}, cnonce="{cnonce}"'
    )
    return line + (f', opaque="{challenge["opaque"]}"' if "opaque" in challenge else "")


# A session whose media are off: nothing is sent, nothing wanted.
_SDP = (
    "v=0\r\no=- {id} 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
    "m=audio {port} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=inactive\r\n"
)


@dataclass
class LoadCall:
    """A call without media."""

    socket: LoadSocket
    server: Address
    number: str
    call_id: str = field(default_factory=lambda: secrets.token_hex(8))
    to_tag: str = ""
    contact: str = ""

    async def invite(self) -> float:
        """Call; returns the milliseconds from INVITE to 200. Raises LoadError."""
        start = time.monotonic()
        body = _SDP.format(id=secrets.randbits(30), host=self.socket.local[0], port=4000)
        reply = await self.socket.request(self._message("INVITE", 1, body))
        taken = (time.monotonic() - start) * 1000
        if reply.status != 200:
            raise LoadError(f"INVITE: {reply.status}")
        self.to_tag, self.contact = reply.to_tag, reply.contact
        self.socket.send(self._message("ACK", 1))
        return taken

    async def bye(self) -> None:
        """Hang up. Raises LoadError."""
        reply = await self.socket.request(self._message("BYE", 2))
        if reply.status != 200:
            raise LoadError(f"BYE: {reply.status}")

    def _message(self, method: str, cseq: int, body: str = "") -> bytes:
        host = f"{self.server[0]}:{self.server[1]}"
        local = f"{self.socket.local[0]}:{self.socket.local[1]}"
        tag = f";tag={self.to_tag}" if self.to_tag else ""
        return "\r\n".join(
            [
                f"{method} {self.contact or f'sip:{self.number}@{host}'} SIP/2.0",
                f"Via: SIP/2.0/UDP {local};branch=z9hG4bK{secrets.token_hex(8)};rport",
                "Max-Forwards: 70",
                f"From: <sip:load@{local}>;tag={self.call_id}",
                f"To: <sip:{self.number}@{host}>{tag}",
                f"Call-ID: {self.call_id}",
                f"CSeq: {cseq} {method}",
                f"Contact: <sip:load@{local}>",
                *(["Content-Type: application/sdp"] if body else []),
                f"Content-Length: {len(body)}",
                "",
                body,
            ]
        ).encode()


def bad_register(server: Address, local: Address, number: int) -> bytes:
    """A REGISTER as a guesser sends it: another account and a wrong answer to no challenge of ours each time."""
    user = f"{number % 9999}@{server[0]}"
    return (
        f"REGISTER sip:{server[0]} SIP/2.0\r\nVia: SIP/2.0/UDP {local[0]}:{local[1]};branch=z9hG4bKx{number}\r\n"
        f"Max-Forwards: 70\r\nFrom: <sip:{user}>;tag=x\r\nTo: <sip:{user}>\r\n"
        f"Call-ID: bad{number}\r\nCSeq: 1 REGISTER\r\nContact: <sip:x@{local[0]}>\r\n"
        f'Authorization: Digest username="{number % 9999}", realm="x", nonce="{number}", uri="sip:x", response="0"\r\n'
        "Content-Length: 0\r\n\r\n"
    ).encode()
