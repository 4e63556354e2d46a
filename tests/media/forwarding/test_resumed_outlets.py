"""Slots of a leg that another process served before."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from mcu.media.forwarding.outlets import SKIP_LIFE, LegOutlets
from mcu.media.packets import MediaPort
from mcu.media.rtp.clock import NtpClock
from mcu.media.rtp.rtcp import ReceiverReport, ReportBlock
from mcu.media.spec import CodecSpec, VideoSpec

VP8 = CodecSpec(name="VP8", payload_type=96, clock_rate=90_000)
ALL_LOST = ReceiverReport(7, (ReportBlock(2100, 255, 1500, 1700, 0, 0, 0),))


@pytest.fixture
def udp() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.setblocking(False)
        yield udp


@pytest.mark.parametrize("resumed", [True, False])
def test_numbers_left_out_are_no_loss_of_the_network(udp: socket.socket, resumed: bool) -> None:
    port = MediaPort(udp.fileno())
    outlets = LegOutlets(
        port, port.open_peer(), "bob", lambda datagrams: None, lambda ssrc: 100, NtpClock(0.0, 1e9), resumed
    )
    outlets.update([VideoSpec(send_codec=VP8, receive_codecs=(VP8,), ssrc=2100)])
    outlets.receive_rtcp(ALL_LOST, 10.0)
    assert outlets.feedback(10.0).reports == (0 if resumed else 1)
    outlets.receive_rtcp(ALL_LOST, 10.0 + SKIP_LIFE)
    assert outlets.feedback(13.0).reports == (1 if resumed else 2)
