"""The first messages of DTLS handshakes (RFC 6347 section 4.2)."""

from __future__ import annotations

_RANDOM = bytes(range(32))


def client_hello(cookie: bytes = b"", *, random: bytes = _RANDOM, session: bytes = b"", offset: int = 0) -> bytes:
    """A record with a ClientHello, which need not be one that can be agreed with."""
    body = b"\xfe\xfd" + random + bytes((len(session),)) + session + bytes((len(cookie),)) + cookie
    body += b"\x00\x02\xc0\x2b\x01\x00" + bytes(40)
    size = len(body).to_bytes(3, "big")
    message = b"\x01" + size + bytes((0, bool(cookie))) + offset.to_bytes(3, "big") + size + body
    return b"\x16\xfe\xff" + bytes(7) + bytes((bool(cookie),)) + len(message).to_bytes(2, "big") + message


HELLO = client_hello()


def cookie_of(message: bytes) -> bytes:
    """That in a HelloVerifyRequest, or in a ClientHello without a session."""
    if message[13] == 3:
        return message[28:]
    return message[61 : 61 + message[60]]
