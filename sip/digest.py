"""Digest credentials in answer to a challenge (RFC 3261 §22, RFC 7616, RFC 8760). Pure: the nonce of ours comes in."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from sip.errors import SipParseError
from sip.grammar import find_parameter, is_token, parse_parameters, quote, split_list, unquote

_HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


@dataclass(frozen=True)
class Credentials:
    """An account at another server."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Challenge:
    """A ``WWW-Authenticate`` or ``Proxy-Authenticate`` that can be answered.

    ``algorithm`` is "MD5" or "SHA-256", with ``is_session`` for their "-sess" forms, as ``written`` by the server.
    ``qop``: "auth", "auth-int" or "" for RFC 2069. ``is_stale``: the password was right, only the nonce is too old.
    """

    realm: str
    nonce: str
    algorithm: str = "MD5"
    is_session: bool = False
    written: str | None = None
    qop: str = "auth"
    opaque: str | None = None
    is_stale: bool = False


def parse_challenge(text: str) -> Challenge:
    """Raises SipParseError when it is malformed, no digest, or asks for what we do not have."""
    scheme, _, rest = text.strip().partition(" ")
    if scheme.lower() != "digest":
        raise SipParseError("the authentication scheme is unknown")
    parameters = parse_parameters(split_list(rest))
    realm, nonce = find_parameter(parameters, "realm"), find_parameter(parameters, "nonce")
    if realm is None or nonce is None:
        raise SipParseError("a challenge lacks realm or nonce")
    written = find_parameter(parameters, "algorithm")
    algorithm = unquote(written or "MD5").upper()
    is_session = algorithm.endswith("-SESS")
    algorithm = algorithm.removesuffix("-SESS")
    if algorithm not in _HASHES:
        raise SipParseError("the digest algorithm is unknown")
    opaque = find_parameter(parameters, "opaque")
    return Challenge(
        realm=unquote(realm),
        nonce=unquote(nonce),
        algorithm=algorithm,
        is_session=is_session,
        written=unquote(written) if written and is_token(unquote(written)) else None,
        qop=_choose_qop(find_parameter(parameters, "qop")),
        opaque=None if opaque is None else unquote(opaque),
        is_stale=unquote(find_parameter(parameters, "stale") or "").lower() == "true",
    )


def _choose_qop(value: str | None) -> str:
    offered = [item.strip().lower() for item in unquote(value or "").split(",") if item.strip()]
    for qop in ("auth", "auth-int"):
        if qop in offered:
            return qop
    if offered:
        raise SipParseError("the quality of protection is unknown")
    return ""


def choose_challenge(values: Iterable[str]) -> Challenge | None:
    """The topmost challenge that we can answer (RFC 8760 §2.4), or None."""
    for value in values:
        try:
            return parse_challenge(value)
        except SipParseError:
            continue
    return None


def authorization(
    challenge: Challenge, credentials: Credentials, method: str, uri: str, body: bytes, cnonce: str, count: int = 1
) -> str:
    """The value of ``Authorization`` or ``Proxy-Authorization``; ``count``: how often this nonce was used, from 1."""
    digest = _digest_of(challenge, credentials, method, uri, body, cnonce, count)
    fields = [
        f"username={quote(credentials.user)}",
        f"realm={quote(challenge.realm)}",
        f"nonce={quote(challenge.nonce)}",
        f"uri={quote(uri)}",
        f'response="{digest}"',
    ]
    if challenge.written is not None:
        fields.append(f"algorithm={challenge.written}")
    if challenge.qop:
        fields += [f"qop={challenge.qop}", f"nc={count:08x}"]
    if challenge.qop or challenge.is_session:
        fields.append(f'cnonce="{cnonce}"')
    if challenge.opaque is not None:
        fields.append(f"opaque={quote(challenge.opaque)}")
    return "Digest " + ", ".join(fields)


def _digest_of(
    challenge: Challenge, credentials: Credentials, method: str, uri: str, body: bytes, cnonce: str, count: int
) -> str:
    def hashed(data: str | bytes) -> str:
        octets = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
        return _HASHES[challenge.algorithm](octets, usedforsecurity=False).hexdigest()

    first = hashed(f"{credentials.user}:{challenge.realm}:{credentials.password}")
    if challenge.is_session:
        first = hashed(f"{first}:{challenge.nonce}:{cnonce}")
    second = f"{method}:{uri}" + (f":{hashed(body)}" if challenge.qop == "auth-int" else "")
    if not challenge.qop:
        return hashed(f"{first}:{challenge.nonce}:{hashed(second)}")
    return hashed(f"{first}:{challenge.nonce}:{count:08x}:{cnonce}:{challenge.qop}:{hashed(second)}")
