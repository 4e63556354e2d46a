"""A leg is looked at when something of it is due, and says when that is."""

from __future__ import annotations

import random
import socket
import struct

import pytest

from mcu.media.leg import SILENCE_REPORT, MediaLeg
from mcu.media.rtp.reorder import NACK_DELAY
from mcu.media.spec import Address, CodecSpec, LegSpec, PlainTransport, VideoSpec
from tests.peers.ports import port_block

H264 = CodecSpec(name="H264", payload_type=96, clock_rate=90_000)


class Listener:
    """LegListener that counts silences."""

    def __init__(self) -> None:
        self.silences = 0

    def leg_silent(self, leg: MediaLeg, seconds: float) -> None:
        self.silences += 1

    def __getattr__(self, name: str) -> object:
        return lambda *arguments: None


class Timed:
    """A leg with a clock that a test turns; ``due`` is what it has said last."""

    def __init__(self) -> None:
        self.now = 100.0
        self.due = float("inf")
        self.listener = Listener()
        own = port_block(4)[0]
        self._peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._peer.bind(("127.0.0.1", 0))
        remote = Address(host="127.0.0.1", port=self._peer.getsockname()[1])
        spec = LegSpec(
            id="leg",
            name="leg",
            transport=PlainTransport(local_host="127.0.0.1", video_port=own, video_remote=remote),
            video=VideoSpec(ssrc=7, receive_codecs=(H264,), send_codec=H264, feedback=("nack", "pli")),
        )
        self.leg = MediaLeg(spec, self.listener, clock=lambda: self.now, rng=random.Random(1))
        self.leg.on_due = self._told

    def _told(self, when: float) -> None:
        self.due = when

    def run_until(self, end: float) -> int:
        """Wake the leg as it wishes; how often that was."""
        runs = 0
        while self.due <= end:
            self.now = max(self.now, self.due)
            self.due = float("inf")
            self.leg.handle_timer(self.now)
            runs += 1
        self.now = end
        return runs

    def hear(self, sequence: int) -> None:
        """A packet of a picture comes in."""
        packet = struct.pack("!BBHII", 0x80, 96, sequence, 0, 9) + b"\x41\x9a" + bytes(20)
        self.leg._reception.receive_rtp("video", packet)

    async def close(self) -> None:
        await self.leg.close()
        self._peer.close()


@pytest.fixture
async def timed() -> Timed:
    made = Timed()
    await made.leg.open(None)
    return made


async def test_an_idle_leg_is_woken_for_reports_only(timed: Timed) -> None:
    assert timed.run_until(160.0) <= 60.0 / 1.0 + 60.0 / SILENCE_REPORT
    assert timed.listener.silences == 60.0 / SILENCE_REPORT
    await timed.close()


async def test_a_lost_packet_makes_it_due_in_time(timed: Timed) -> None:
    timed.run_until(101.0)
    for sequence in (1, 2, 3):
        timed.hear(sequence)
    timed.hear(5)
    assert timed.due <= timed.now + NACK_DELAY
    await timed.close()


async def test_who_is_heard_is_not_silent(timed: Timed) -> None:
    for sequence in range(30):
        timed.hear(sequence)
        timed.run_until(timed.now + 1.0)
    assert timed.listener.silences == 0
    timed.run_until(timed.now + SILENCE_REPORT + 0.1)
    assert timed.listener.silences == 1
    await timed.close()


async def test_a_leg_that_may_be_heard_again_is_given_time(timed: Timed) -> None:
    timed.leg.update(timed.leg.spec.model_copy(update={"held": True}))
    timed.run_until(120.0)
    before = timed.listener.silences
    timed.leg.update(timed.leg.spec.model_copy(update={"held": False}))
    timed.run_until(120.0 + SILENCE_REPORT - 0.1)
    assert timed.listener.silences == before
    timed.run_until(120.0 + SILENCE_REPORT + 0.1)
    assert timed.listener.silences == before + 1
    await timed.close()
