"""Fuzz target: connectivity checks, as they come in on the port that all browsers share."""

from __future__ import annotations

import hashlib
import hmac
import socket
import struct
from collections.abc import Sequence
from contextlib import suppress

from aioice import stun

from mcu.media.packets import MediaPort
from mcu.media.transport.browser_port import BrowserListener, BrowserPort
from mcu.media.transport.ice_lite import IceLiteAgent, StunError, local_ufrag_of, parse_check

_PASSWORD = "our-password-of-the-leg"
_USERNAME = struct.pack("!HH", 0x0006, 9) + b"ours:them\0\0\0"
_SOURCE = ("192.0.2.9", 40000)
_SOCKET = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


class _Port(BrowserPort):
    """Remembers what it would send."""

    def __init__(self) -> None:
        super().__init__(lambda: 1.0)
        self.media = MediaPort(_SOCKET.fileno())
        self.sent: list[bytes] = []

    def send(self, datagrams: Sequence[bytes], address: tuple[str, int] | None) -> None:
        self.sent += datagrams


class _Deaf(BrowserListener):
    """Is told nothing, for a check is no packet of a leg's."""

    def packets_missing(self) -> None: ...
    def dtls_received(self, data: bytes) -> None:
        raise AssertionError(data)

    def rtp_received(self, packets: list[bytes]) -> None:
        raise AssertionError(packets)

    rtcp_received = dtls_received


def fuzz_one(data: bytes) -> None:
    """Any datagram is a check or StunError; what is answered was signed, and the answer can be read."""
    with suppress(StunError):
        local_ufrag_of(parse_check(data))
    for datagram in (data, _signed(data), _signed(_USERNAME + data[: len(data) // 4 * 4])):
        port = _Port()
        endpoint = port.add(IceLiteAgent("ours", _PASSWORD, "them"), _Deaf())
        port.receive_check(datagram, _SOURCE)
        assert port.strangers + len(port.sent) == 1
        for response in port.sent:
            assert endpoint.agent.selected == _SOURCE
            assert stun.parse_message(response).check_message_integrity(_PASSWORD.encode())


def _signed(attributes: bytes) -> bytes:
    """A binding request with these bytes for attributes, behind them a MESSAGE-INTEGRITY that is right."""
    head = struct.pack("!HHI12s", 0x0001, (len(attributes) + 24) & 0xFFFF, 0x2112A442, b"transaction1") + attributes
    return head + struct.pack("!HH", 0x0008, 20) + hmac.new(_PASSWORD.encode(), head, hashlib.sha1).digest()
