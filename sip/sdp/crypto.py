"""``a=crypto``: SRTP keys in the description itself (SDES, RFC 4568; GCM suites by RFC 7714).

Such keys are as secret as the signalling that carries them: only TLS from hop to hop keeps them so. None of the values
here shows its key in a ``repr``; only ``str`` of a description has it, and that goes on the wire and nowhere else.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from sip.sdp.grammar import Attribute

MAX_LINES = 16  # of one m-line; the longest offers in the field have about eight


@dataclass(frozen=True)
class Suite:
    """A crypto suite: its name in SDP, and the octets of its master key and salt."""

    name: str
    key_octets: int
    salt_octets: int

    @property
    def octets(self) -> int:
        """Of key and salt together, as ``inline`` carries them."""
        return self.key_octets + self.salt_octets


SUITES = {
    suite.name: suite
    for suite in (
        Suite("AEAD_AES_256_GCM", 32, 12),
        Suite("AEAD_AES_128_GCM", 16, 12),
        Suite("AES_CM_128_HMAC_SHA1_80", 16, 14),
        Suite("AES_CM_128_HMAC_SHA1_32", 16, 14),
    )
}
"""What we speak, the strongest first. Our offers list them in this order; of an offer the first one counts."""

# RFC 4568 section 6.3: parameters that weaken a stream, or need a key derivation that the library does not have.
_UNUSABLE = ("UNENCRYPTED_SRTP", "UNENCRYPTED_SRTCP", "UNAUTHENTICATED_SRTP")
# These may be passed over: a hint for the replay window, and the order of a FEC that is not agreed.
_HARMLESS = ("WSH", "FEC_ORDER", "FEC_KEY")

MAX_MKI = 128  # octets (RFC 4568 section 9.2)
_MKI = re.compile(r"([0-9]{1,39}):([0-9]{1,3})")

_LIFETIME = re.compile(r"(2\^[0-9]{1,2}|[0-9]{1,20})")


@dataclass(frozen=True)
class CryptoLine:
    """One usable ``a=crypto`` line. ``key`` is master key and salt of its writer: what it sends is encrypted so.

    ``mki`` is the master key identifier that its packets carry (RFC 3711 section 3.1), mostly none.
    """

    tag: str
    suite: Suite
    key: bytes = field(repr=False)
    mki: bytes = b""

    @property
    def attribute(self) -> Attribute:
        """The line as we write it: no lifetime, so that the suite's own counts."""
        mki = f"|{int.from_bytes(self.mki)}:{len(self.mki)}" if self.mki else ""
        return Attribute("crypto", f"{self.tag} {self.suite.name} inline:{base64.b64encode(self.key).decode()}{mki}")


def read_crypto(values: Iterable[str]) -> tuple[CryptoLine, ...]:
    """The lines that we can use, in their order; unknown suites and whatever is malformed are left out.

    Lines with several keys are left out as well: nothing says when their writer goes over from one to the next, and no
    room is known that does.
    """
    found = []
    for value in list(values)[:MAX_LINES]:
        line = _read_line(value)
        if line is not None:
            found.append(line)
    return tuple(found)


def _read_line(value: str) -> CryptoLine | None:
    words = value.split()
    if len(words) < 3 or not re.fullmatch(r"[0-9]{1,9}", words[0]):
        return None
    suite = SUITES.get(words[1].upper())
    if suite is None or not all(_is_bearable(parameter) for parameter in words[3:]):
        return None
    method, _, content = words[2].partition(":")
    if method.lower() != "inline" or ";" in content:
        return None
    encoded, *extras = content.split("|")
    if extras and _LIFETIME.fullmatch(extras[0]):
        del extras[0]
    mki = _read_mki(extras[0]) if extras else b""
    key = _decode(encoded)
    if mki is None or len(extras) > 1 or key is None or len(key) != suite.octets:
        return None
    return CryptoLine(words[0], suite, key, mki)


def _read_mki(text: str) -> bytes | None:
    """``value:length`` (RFC 4568 section 6.1), the length in octets."""
    found = _MKI.fullmatch(text)
    if found is None or not 1 <= int(found[2]) <= MAX_MKI:
        return None
    value, size = int(found[1]), int(found[2])
    return value.to_bytes(size) if value < 1 << 8 * size else None


def _is_bearable(parameter: str) -> bool:
    """Whether a session parameter lets us use the line; one with a minus sign asks for no more than tolerance."""
    name = parameter.partition("=")[0].upper()
    if name in _UNUSABLE:
        return False
    return name in _HARMLESS or name.startswith("-") or parameter.upper() == "KDR=0"


def _decode(encoded: str) -> bytes | None:
    """Base64, also without its padding, which some devices leave off."""
    bare = encoded.rstrip("=")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
