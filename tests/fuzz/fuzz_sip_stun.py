"""Fuzz target: STUN on the SIP port."""

from __future__ import annotations

import struct

from aioice import stun as other

from sip.stun import answer, is_stun


def fuzz_one(data: bytes) -> None:
    """Nothing raises; what is answered was a request, and another implementation can read the answer."""
    header = struct.pack("!HHI12s", 0x0001, len(data) & 0xFFFC, 0x2112A442, b"transaction1")
    for datagram in (data, header + data[: len(data) & 0xFFFC]):
        response = answer(datagram, "192.0.2.9", 40_000)
        if response is None:
            continue
        assert is_stun(datagram)
        message = other.parse_message(response)
        assert message.transaction_id == datagram[8:20]
