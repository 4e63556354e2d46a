"""Addresses that lead to one device of an account, openly or without telling which (GRUU, RFC 5627). Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from urllib.parse import quote, unquote

from sip.grammar import find_parameter
from sip.uri import SipUri

PREFIX = "tgruu."
"""Begins the user part of every temporary GRUU; no account can be called so, as names have no such dot and length."""

_NONCE = 8
_ID = 8
_MAC = 8


def public_gruu(account: str, domain: str, instance: str) -> str:
    """The public GRUU of an instance (RFC 5627 section 3.1.1)."""
    user = _escaped(account, "-_.!~*'()&=+$,/")
    return str(SipUri(domain, user, parameters=(("gr", _escaped(instance, ":-_.!~*'()/+$&[]")),)))


def instance_of(uri: SipUri) -> str | None:
    """The instance in a public GRUU; "" for a temporary one, None for any other address."""
    value = find_parameter(uri.parameters, "gr")
    return None if value is None else unquote(value, errors="surrogateescape")


def _escaped(text: str, safe: str) -> str:
    return quote(text.encode("utf-8", "surrogateescape"), safe=safe)


class TemporaryGruus:
    """Makes temporary GRUUs that need not be remembered one by one.

    Each hides the id of its instance's registration, a random one, under a fresh nonce: two of them cannot be seen
    to belong together (RFC 5627 section 3.1.2). They end when that id does. ``secret`` must survive restarts.
    """

    def __init__(self, secret: bytes, random_bytes: Callable[[int], bytes]) -> None:
        self._secret = secret
        self._random_bytes = random_bytes

    def new_id(self) -> str:
        """An id for an instance's registration."""
        return self._random_bytes(_ID).hex()

    def make(self, temporary_id: str, domain: str) -> str:
        """A new GRUU for this id."""
        nonce = self._random_bytes(_NONCE)
        hidden = _xor(bytes.fromhex(temporary_id), self._hash(b"hide", nonce))
        token = base64.b32encode(nonce + hidden + self._hash(b"sign", nonce + hidden)[:_MAC])
        return str(SipUri(domain, PREFIX + token.decode("ascii").rstrip("=").lower(), parameters=(("gr", None),)))

    def id_of(self, user: str) -> str | None:
        """The id in the user part of a GRUU; None when we did not make it."""
        if not user.startswith(PREFIX) or len(user) > 64:
            return None
        text = user.removeprefix(PREFIX).upper()
        try:
            data = base64.b32decode(text + "=" * (-len(text) % 8))
        except (binascii.Error, ValueError):
            return None
        if len(data) != _NONCE + _ID + _MAC:
            return None
        signed, mac = data[:-_MAC], data[-_MAC:]
        if not hmac.compare_digest(self._hash(b"sign", signed)[:_MAC], mac):
            return None
        return _xor(signed[_NONCE:], self._hash(b"hide", signed[:_NONCE])).hex()

    def _hash(self, purpose: bytes, data: bytes) -> bytes:
        return hmac.new(self._secret, b"gruu " + purpose + data, hashlib.sha256).digest()


def _xor(data: bytes, stream: bytes) -> bytes:
    return bytes(one ^ other for one, other in zip(data, stream, strict=False))
