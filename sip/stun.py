"""STUN binding requests on the SIP port, by which a peer keeps its NAT open and learns its address (RFC 5626 §4.4.2).

Only what a keep-alive needs of RFC 8489: no authentication, no FINGERPRINT demanded.
"""

from __future__ import annotations

import ipaddress
import struct

MAGIC_COOKIE = 0x2112A442
_HEADER = struct.Struct("!HHI12s")
_ATTRIBUTE = struct.Struct("!HH")
_BINDING_REQUEST, _BINDING_SUCCESS, _BINDING_ERROR = 0x0001, 0x0101, 0x0111
_ERROR_CODE, _UNKNOWN_ATTRIBUTES, _XOR_MAPPED_ADDRESS = 0x0009, 0x000A, 0x0020
# Attributes below this must be understood (RFC 8489 §14); these are, or may be skipped where nobody authenticates.
_MAY_BE_SKIPPED = 0x8000
_UNDERSTOOD = frozenset({0x0006, 0x0008, 0x0014, 0x0015, 0x0003})
# A keep-alive has none or few attributes; longer ones are no keep-alives.
MAX_SIZE = 548


def is_stun(data: bytes) -> bool:
    """Whether a datagram on the SIP port is STUN: no SIP message begins with two zero bits (RFC 5626 §8)."""
    return len(data) >= _HEADER.size and data[0] < 0x40 and data[4:8] == MAGIC_COOKIE.to_bytes(4)


def answer(data: bytes, host: str, port: int) -> bytes | None:
    """The response to a binding request that came from ``host`` and ``port``; None to anything else."""
    if not is_stun(data) or len(data) > MAX_SIZE:
        return None
    kind, length, _, transaction = _HEADER.unpack_from(data)
    if kind != _BINDING_REQUEST or length != len(data) - _HEADER.size or length % 4:
        return None
    unknown = _unknown_attributes(data[_HEADER.size :])
    if unknown is None:
        return None
    if unknown:
        numbers = struct.pack(f"!{len(unknown)}H", *unknown)
        body = _attribute(_ERROR_CODE, struct.pack("!HBB", 0, 4, 20) + b"Unknown Attribute")
        return _message(_BINDING_ERROR, transaction, body + _attribute(_UNKNOWN_ATTRIBUTES, numbers))
    return _message(_BINDING_SUCCESS, transaction, _attribute(_XOR_MAPPED_ADDRESS, _mapped(host, port, transaction)))


def _unknown_attributes(data: bytes) -> list[int] | None:
    """Attributes that we would have to understand and do not; None when they are cut off."""
    unknown: list[int] = []
    while data:
        if len(data) < _ATTRIBUTE.size:
            return None
        number, length = _ATTRIBUTE.unpack_from(data)
        end = _ATTRIBUTE.size + length + -length % 4
        if end > len(data):
            return None
        if number < _MAY_BE_SKIPPED and number not in _UNDERSTOOD:
            unknown.append(number)
        data = data[end:]
    return unknown


def _mapped(host: str, port: int, transaction: bytes) -> bytes:
    address = ipaddress.ip_address(host.partition("%")[0]).packed
    mask = MAGIC_COOKIE.to_bytes(4) + transaction
    hidden = bytes(byte ^ key for byte, key in zip(address, mask, strict=False))
    return struct.pack("!BBH", 0, 1 if len(address) == 4 else 2, port ^ (MAGIC_COOKIE >> 16)) + hidden


def _attribute(number: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(number, len(value)) + value + bytes(-len(value) % 4)


def _message(kind: int, transaction: bytes, body: bytes) -> bytes:
    return _HEADER.pack(kind, len(body), MAGIC_COOKIE, transaction) + body
