"""Fuzz target: connectivity checks, as they come in on the port that all browsers share."""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Sequence
from contextlib import suppress

from aioice import stun

from mcu.media.transport.browser_port import BrowserPort
from mcu.media.transport.ice_lite import IceLiteAgent, StunError, local_ufrag_of, parse_check

_PASSWORD = "our-password-of-the-leg"
_USERNAME = struct.pack("!HH", 0x0006, 9) + b"ours:them\0\0\0"
_SOURCE = ("192.0.2.9", 40000)


class _Port(BrowserPort):
    """Remembers what it would send."""

    def __init__(self) -> None:
        super().__init__(lambda: 1.0)
        self.sent: list[bytes] = []

    def send(self, datagrams: Sequence[bytes], address: tuple[str, int]) -> None:
        self.sent += datagrams


def fuzz_one(data: bytes) -> None:
    """Any datagram is a check or StunError; what is answered was signed, and the answer can be read."""
    with suppress(StunError):
        local_ufrag_of(parse_check(data))
    for datagram in (data, _signed(data), _signed(_USERNAME + data[: len(data) // 4 * 4])):
        port = _Port()
        heard: list[bytes] = []
        endpoint = port.add(IceLiteAgent("ours", _PASSWORD, "them"), heard.append)
        port.receive(datagram, _SOURCE)
        assert not heard and port.strangers + len(port.sent) == 1
        for response in port.sent:
            assert endpoint.agent.selected == _SOURCE
            assert stun.parse_message(response).check_message_integrity(_PASSWORD.encode())


def _signed(attributes: bytes) -> bytes:
    """A binding request with these bytes for attributes, behind them a MESSAGE-INTEGRITY that is right."""
    head = struct.pack("!HHI12s", 0x0001, (len(attributes) + 24) & 0xFFFF, 0x2112A442, b"transaction1") + attributes
    return head + struct.pack("!HH", 0x0008, 20) + hmac.new(_PASSWORD.encode(), head, hashlib.sha1).digest()
