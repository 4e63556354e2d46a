"""Two ``RtpStream`` ends joined in memory by a seeded network, with a clock that jumps from event to event."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mcu.media.rtp.session import KeyFrameRequested, RtpStream, StreamConfig, StreamEvent
from mcu.media.spec import CodecSpec
from mcu.media.units import CodedPicture

H264 = CodecSpec(name="H264", payload_type=99, clock_rate=90000, parameters={"packetization-mode": "1"})
H264_MODE0 = CodecSpec(name="H264", payload_type=98, clock_rate=90000)
VP8 = CodecSpec(name="VP8", payload_type=96, clock_rate=90000)
OPUS = CodecSpec(name="opus", payload_type=111, clock_rate=48000, channels=2)
PCMA = CodecSpec(name="PCMA", payload_type=8, clock_rate=8000)
G722 = CodecSpec(name="G722", payload_type=9, clock_rate=8000)

START_CODE = b"\x00\x00\x00\x01"
SPS = bytes.fromhex("6742c01fd9005005bb016a02020280000003008000001e478c1924")
PPS = bytes.fromhex("68cb8cb2")

# Far more than happens in one call: a deadline that handle_timer does not move must fail a test, not hang it.
MAX_STEPS = 100_000


def video_config(
    ssrc: int, codec: CodecSpec = H264, feedback: frozenset[str] = frozenset(), **more: object
) -> StreamConfig:
    return StreamConfig("video", ssrc, f"cname{ssrc}", {codec.payload_type: codec}, None, codec, feedback, **more)  # type: ignore[arg-type]


def audio_config(ssrc: int, codec: CodecSpec = OPUS, dtmf: int | None = 101, **more: Any) -> StreamConfig:
    return StreamConfig("audio", ssrc, f"cname{ssrc}", {codec.payload_type: codec}, dtmf, codec, **more)


def stream(config: StreamConfig, now: float = 0.0, wallclock: float = 1_700_000_000.0) -> RtpStream:
    return RtpStream(config, random.Random(config.ssrc), now, wallclock)


def noise(rng: random.Random, size: int) -> bytes:
    """Bytes without zeros, so that no start code is among them."""
    return bytes(rng.randrange(1, 256) for _ in range(size))


def access_unit(rng: random.Random, size: int, keyframe: bool) -> bytes:
    """An access unit of one slice, with parameter sets when it is a key frame; nothing a decoder would take."""
    if keyframe:
        return START_CODE + SPS + START_CODE + PPS + START_CODE + b"\x65\x88" + noise(rng, size)
    return START_CODE + b"\x41\x9a" + noise(rng, size)


@dataclass
class Conditions:
    """What the network does to each datagram on its way."""

    loss: float = 0.0
    duplicate: float = 0.0
    delay: float = 0.02
    jitter: float = 0.0


@dataclass
class Link:
    """Carries everything that ``a`` and ``b`` send, both ways, and runs their timers."""

    a: RtpStream
    b: RtpStream
    conditions: Conditions = field(default_factory=Conditions)
    seed: int = 1
    now: float = 0.0
    lose: Callable[[bytes], bool] = lambda data: False

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self._flying: list[tuple[float, int, RtpStream, bool, bytes]] = []
        self._count = 0
        self.events: dict[RtpStream, list[tuple[float, StreamEvent]]] = {self.a: [], self.b: []}

    def pump(self) -> None:
        """Take what both ends have to send and to tell."""
        for sender, receiver in ((self.a, self.b), (self.b, self.a)):
            for is_rtp, packets in ((True, sender.rtp_to_send()), (False, sender.rtcp_to_send())):
                for data in packets:
                    self._launch(receiver, is_rtp, data)
            self.events[sender] += [(self.now, event) for event in sender.events()]

    def _launch(self, receiver: RtpStream, is_rtp: bool, data: bytes) -> None:
        conditions, rng = self.conditions, self.rng
        if self.lose(data) or rng.random() < conditions.loss:
            return
        copies = 2 if rng.random() < conditions.duplicate else 1
        for _ in range(copies):
            arrival = self.now + conditions.delay + rng.random() * conditions.jitter
            self._count += 1
            heapq.heappush(self._flying, (arrival, self._count, receiver, is_rtp, data))

    def run(self, until: float) -> None:
        """Let time pass."""
        self.pump()
        for _ in range(MAX_STEPS):
            deadlines = [end.next_deadline() for end in (self.a, self.b)]
            at = min([d for d in deadlines if d is not None] + [f[0] for f in self._flying[:1]], default=until)
            if at > until:
                break
            self.now = max(self.now, at)
            while self._flying and self._flying[0][0] <= self.now:
                _, _, receiver, is_rtp, data = heapq.heappop(self._flying)
                (receiver.receive_rtp if is_rtp else receiver.receive_rtcp)(data, self.now)
            for end, deadline in zip((self.a, self.b), deadlines, strict=True):
                if deadline is not None and deadline <= self.now:
                    end.handle_timer(self.now)
            self.pump()
        else:
            raise AssertionError("a timer is due again and again without effect")
        self.now = until

    def of(self, end: RtpStream, kind: type) -> list[StreamEvent]:
        """The events of this kind that ``end`` told so far."""
        return [event for _, event in self.events[end] if type(event) is kind]


class Camera:
    """Sends 30 pictures a second over ``a``; a key frame first, and when it is asked for one."""

    def __init__(self, link: Link, size: int = 12_000, key_size: int = 60_000, answers: bool = True) -> None:
        self.link, self.size, self.key_size, self.answers = link, size, key_size, answers
        self.rng = random.Random(7)
        self.sent: list[CodedPicture] = []
        self._seen = 0

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds * 30)):
            requests = len(self.link.of(self.link.a, KeyFrameRequested))
            keyframe = not self.sent or (self.answers and requests > self._seen)
            self._seen = requests
            data = access_unit(self.rng, self.key_size if keyframe else self.size, keyframe)
            unit = CodedPicture(data, keyframe, self.link.now)
            self.sent.append(unit)
            self.link.a.send_picture(unit, self.link.now)
            self.link.run(self.link.now + 1 / 30)
