"""STUN on the SIP port, read back by another implementation (aioice's)."""

from __future__ import annotations

import struct

import pytest
from aioice import stun as other

from sip.stun import MAX_SIZE, answer, is_stun


def request(attributes: bytes = b"", kind: int = 0x0001) -> bytes:
    return struct.pack("!HHI12s", kind, len(attributes), 0x2112A442, b"transaction1") + attributes


@pytest.mark.parametrize("host", ["192.0.2.9", "2001:db8::9", "fe80::1%eth0"])
def test_the_asker_learns_its_address(host: str) -> None:
    query = other.Message(other.Method.BINDING, other.Class.REQUEST)
    data = answer(bytes(query), host, 40_000)
    assert data is not None
    response = other.parse_message(data)
    assert response.message_class is other.Class.RESPONSE
    assert response.transaction_id == query.transaction_id
    assert response.attributes["XOR-MAPPED-ADDRESS"] == (host.partition("%")[0], 40_000)


def test_what_peers_add_to_requests_is_skipped() -> None:
    software = struct.pack("!HH", 0x8022, 5) + b"phone\0\0\0"
    fingerprint = struct.pack("!HHI", 0x8028, 4, 1)
    assert answer(request(software + fingerprint), "192.0.2.9", 1) is not None


def test_an_attribute_that_must_be_understood_is_refused() -> None:
    data = answer(request(struct.pack("!HHI", 0x0024, 4, 1)), "192.0.2.9", 1)
    assert data is not None
    response = other.parse_message(data)
    assert response.message_class is other.Class.ERROR
    assert response.attributes["ERROR-CODE"][0] == 420
    assert data.endswith(struct.pack("!HHHH", 0x000A, 2, 0x0024, 0))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"INVITE sip:x SIP/2.0\r\n\r\n",
        request()[:19],
        request(kind=0x0101),
        request(kind=0x0011),
        request() + b"\0\0\0\0",
        request(b"\0\0"),
        request(struct.pack("!HHI", 0x8022, 40, 1)),
        request(struct.pack("!HH", 0x8022, MAX_SIZE) + bytes(MAX_SIZE)),
    ],
)
def test_everything_else_is_not_answered(data: bytes) -> None:
    assert answer(data, "192.0.2.9", 1) is None


def test_sip_is_not_taken_for_stun() -> None:
    assert is_stun(request())
    assert not is_stun(b"SIP/2.0 200 OK\r\nVia: x\r\n\r\n")
    assert not is_stun(b"\r\n\r\n")
