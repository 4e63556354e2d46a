"""Digest authentication as a server: Authorization read, responses checked, challenges written (RFC 7616, RFC 8760)."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import unquote_to_bytes

from sip.errors import SipParseError
from sip.grammar import is_token, quote, split_outside_quotes, unquote

MAXIMUM_LENGTH = 4096
"""Of an Authorization header; real ones stay under 600 characters."""

MAXIMUM_PARAMETERS = 24
"""RFC 7616 knows 14."""

MAXIMUM_USER_NAME = 256

_HEX = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{64}")
_COUNT = re.compile(r"[0-9a-fA-F]{8}")


class Algorithm(Enum):
    """Hash algorithms by the names they have in headers (RFC 8760 section 2.1)."""

    SHA_256 = "SHA-256"
    MD5 = "MD5"

    @property
    def hash(self) -> Callable[[bytes], str]:
        """The hash of bytes, in hex."""
        if self is Algorithm.MD5:
            # Not for its strength: it is what older devices speak. Off by setting where none is left.
            return lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest()
        return lambda data: hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class DigestCredentials:
    """An Authorization header. ``count`` and ``client_nonce`` are None for a client without qop (RFC 2069)."""

    user: str
    realm: str
    nonce: str
    uri: str = field(repr=False)  # may hold a PIN
    response: str = field(repr=False)
    algorithm: Algorithm | None
    count: int | None = None
    count_text: str = ""
    client_nonce: str | None = None


def parse_authorization(text: str) -> DigestCredentials:
    """One Authorization header. ``algorithm`` is None for one that we do not know. Raises SipParseError."""
    if len(text) > MAXIMUM_LENGTH:
        raise SipParseError("an Authorization header is too long")
    scheme, _, rest = text.strip().partition(" ")
    if scheme.lower() != "digest":
        raise SipParseError("only digest authentication is known")
    values = _parameters(rest)
    missing = [name for name in ("realm", "nonce", "uri", "response") if name not in values]
    if missing:
        raise SipParseError(f"an Authorization header lacks {missing[0]}")
    if _HEX.fullmatch(values["response"]) is None:
        raise SipParseError("a digest response is malformed")
    count_text, client_nonce = _quality(values)
    name = values.get("algorithm", "MD5").upper()
    return DigestCredentials(
        user=_user_name(values),
        realm=values["realm"],
        nonce=values["nonce"],
        uri=values["uri"],
        response=values["response"].lower(),
        algorithm=next((known for known in Algorithm if known.value == name), None),
        count=int(count_text, 16) if count_text else None,
        count_text=count_text,
        client_nonce=client_nonce,
    )


def _parameters(text: str) -> dict[str, str]:
    pieces = split_outside_quotes(text, ",")
    if len(pieces) > MAXIMUM_PARAMETERS:
        raise SipParseError("an Authorization header has too many parameters")
    values: dict[str, str] = {}
    for piece in pieces:
        name, equals, value = piece.partition("=")
        name = name.strip().lower()
        if not name and not equals:
            continue
        if not equals or not is_token(name):
            raise SipParseError("an Authorization header is malformed")
        if name in values:
            raise SipParseError(f"an Authorization header gives {name} twice")
        values[name] = unquote(value.strip())
    return values


def _user_name(values: dict[str, str]) -> str:
    """``username``, or ``username*`` in the coding of RFC 5987 (RFC 7616 section 3.4)."""
    name = values.get("username")
    if name is None:
        charset, _, rest = values.get("username*", "").partition("'")
        _, _, coded = rest.partition("'")
        if charset.lower() != "utf-8" or not coded:
            raise SipParseError("an Authorization header lacks username")
        name = unquote_to_bytes(coded.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")
    if not name or len(name) > MAXIMUM_USER_NAME:
        raise SipParseError("a user name is empty or too long")
    return name


def _quality(values: dict[str, str]) -> tuple[str, str | None]:
    """Nonce count as it was written, and client nonce; ("", None) without qop."""
    quality = values.get("qop", "").lower()
    if not quality:
        return "", None
    if quality != "auth":
        raise SipParseError("only qop=auth was offered")
    count, client_nonce = values.get("nc", ""), values.get("cnonce", "")
    if _COUNT.fullmatch(count) is None or not client_nonce:
        raise SipParseError("a nonce count or client nonce is missing")
    return count, client_nonce


def user_hash(algorithm: Algorithm, user: str, realm: str, password: str) -> str:
    """H(A1) of RFC 7616 section 3.4.2: what a server must know of a password to check digests with it."""
    return algorithm.hash(_bytes(f"{user}:{realm}:{password}"))


def expected_response(credentials: DigestCredentials, algorithm: Algorithm, ha1: str, method: str) -> str:
    """The response that proves the password (RFC 7616 section 3.4.1)."""
    ha2 = algorithm.hash(_bytes(f"{method}:{credentials.uri}"))
    if credentials.client_nonce is None:
        return algorithm.hash(_bytes(f"{ha1}:{credentials.nonce}:{ha2}"))
    count, client_nonce = credentials.count_text, credentials.client_nonce
    return algorithm.hash(_bytes(f"{ha1}:{credentials.nonce}:{count}:{client_nonce}:auth:{ha2}"))


def is_right(credentials: DigestCredentials, algorithm: Algorithm, ha1: str, method: str) -> bool:
    """Whether the response proves the password.

    ``uri`` need not be the Request-URI: proxies on the way change that (RFC 3261 section 22.4, item 5).
    """
    return hmac.compare_digest(
        expected_response(credentials, algorithm, ha1, method).encode("ascii"), credentials.response.encode("ascii")
    )


def challenge(realm: str, nonce: str, algorithms: Iterable[Algorithm], *, stale: bool) -> list[str]:
    """WWW-Authenticate headers, strongest first: a client takes the topmost that it knows (RFC 8760 section 2.3)."""
    suffix = ", stale=TRUE" if stale else ""
    return [
        f'Digest realm={quote(realm)}, nonce="{nonce}", algorithm={algorithm.value}, qop="auth"{suffix}'
        for algorithm in algorithms
    ]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
