"""Cookies for those who begin a DTLS handshake from an address that nobody has proved (RFC 6347 section 4.2.1). Pure.

Whoever gives another's address never sees the cookie, so that neither an association nor its flights can be had in
somebody's name. Nothing is kept for it, and what is sent is shorter than what came.
"""

from __future__ import annotations

import hashlib
import hmac

from mcu.media.transport.sockets import NetworkAddress

# Octets of a record before its content (RFC 6347 section 4.1), and of a message before its body (section 4.2.2).
_RECORD, _MESSAGE = 13, 12
_HANDSHAKE, _CLIENT_HELLO, _HELLO_VERIFY_REQUEST = 22, 1, 3
# The version in such a request is that of DTLS 1.0 whatever is agreed on afterwards (section 4.2.1).
_DTLS_1_0 = b"\xfe\xff"
_RANDOM = 32
_COOKIE = 20


def is_client_hello(data: bytes) -> bool:
    """The first message of a handshake, in the clear."""
    return len(data) > _RECORD and data[0] == _HANDSHAKE and data[_RECORD] == _CLIENT_HELLO


class DtlsCookies:
    """``secret``: nobody else's, and as long as an association may take to begin the same."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def question(self, hello: bytes, source: NetworkAddress) -> bytes | None:
        """What a ClientHello is answered with: come back with this cookie. None for what is none."""
        found = _parse(hello)
        if found is None:
            return None
        cookie = self._cookie(found[0], source)
        body = _DTLS_1_0 + bytes((len(cookie),)) + cookie
        size = len(body).to_bytes(3, "big")
        message = bytes((_HELLO_VERIFY_REQUEST,)) + size + bytes(2) + bytes(3) + size + body
        # The record has the number of that which it answers.
        return bytes((_HANDSHAKE,)) + _DTLS_1_0 + hello[3:11] + len(message).to_bytes(2, "big") + message

    def answer(self, hello: bytes, source: NetworkAddress) -> bytes | None:
        """The cookie in a ClientHello, if it is the one that this address was told; else None."""
        found = _parse(hello)
        if found is None or not hmac.compare_digest(found[1], self._cookie(found[0], source)):
            return None
        return found[1]

    def _cookie(self, random: bytes, source: NetworkAddress) -> bytes:
        told = f"{source[0]} {source[1]} ".encode() + random
        return hmac.digest(self._secret, told, hashlib.sha256)[:_COOKIE]


def _parse(hello: bytes) -> tuple[bytes, bytes] | None:
    """Random and cookie of a ClientHello, or of the first part of one; None for what is none."""
    message = hello[_RECORD:]
    if not is_client_hello(hello) or any(message[6:9]):  # a later part
        return None
    at = _MESSAGE + 2 + _RANDOM
    random = message[_MESSAGE + 2 : at]
    session = message[at : at + 1]
    at += 1 + (session[0] if session else 0)
    length = message[at : at + 1]
    cookie = message[at + 1 : at + 1 + length[0]] if length else b""
    return (random, cookie) if length and len(cookie) == length[0] else None
