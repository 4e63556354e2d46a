"""A room that knows RTP and its reports only, behind a narrow link, in simulated time.

The real packet layer at both ends, the real ladder and pacer; the encoder is a rate. Sound takes its part of the link,
and the room's own picture, where it is more than the link carries, keeps the room's reports from getting through.
"""

from __future__ import annotations

import heapq
import itertools
import random
import statistics
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bench.bottleneck import KEY_FRAME, Change
from bench.network_path import Conditions, NetworkPath
from bench.report import Figures
from mcu.media.picture.key_frames import KeyFrameGate
from mcu.media.picture.rungs import rung_for_leg
from mcu.media.picture.state import Rung
from mcu.media.receiver_network import ReceiverNetwork
from mcu.media.rtp.session import KeyFrameRequested, PictureReceived, RtpStream, StreamConfig
from mcu.media.spec import CodecSpec, ConferenceSpec, RepairSpec, VideoSpec
from mcu.media.transport.pacer import Pacer
from mcu.media.transport.sockets import NetworkAddress
from mcu.media.units import CodedPicture

H264 = CodecSpec(name="H264", payload_type=99, clock_rate=90000, parameters={"packetization-mode": "1"})
FEEDBACK = frozenset({"nack", "pli", "fir"})
STEP = 0.002
DELAY = 0.02
SOUND_PACKET, SOUND_INTERVAL = 200, 0.02
CAMERA_PACKET = 1200
ADDRESS: NetworkAddress = ("192.0.2.1", 5004)


@dataclass(frozen=True)
class Instant:
    """What is so every half second. ``queue`` is that of the link, seconds; rates in bit/s; ``pictures`` a second."""

    at: float
    rung: int
    queue: float
    through: float
    pictures: float


class _Timer:
    """Nobody takes anything back here."""

    def cancel(self) -> None:
        """See the class."""


class Timers:
    """As much of an event loop as a pacer needs."""

    def __init__(self) -> None:
        self._now = 0.0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()

    def call_later(self, delay: float, callback: Callable[[], None], /) -> _Timer:
        """Run it then."""
        heapq.heappush(self._due, (self._now + delay, next(self._count), callback))
        return _Timer()

    def run(self, now: float) -> None:
        """Let it be so late."""
        while self._due and self._due[0][0] <= now:
            self._now, _, callback = heapq.heappop(self._due)
            callback()
        self._now = now


class Encoder:
    """Pictures of a rung: their sizes, with a key frame when one is wanted, whose octets those after it save."""

    def __init__(self, rung: Rung, demand: float) -> None:
        self._usual = min(1.0, demand) * rung.bitrate / rung.frame_rate / 8
        self._gate = KeyFrameGate()
        self._owed = 0.0

    def request_key_frame(self) -> None:
        """Somebody cannot decode."""
        self._gate.request()

    def picture(self, now: float) -> CodedPicture:
        """The next one."""
        key = self._gate.due(now)
        size = self._usual * KEY_FRAME
        if key:
            self._gate.made(now)
            self._owed += size - self._usual
        else:
            saved = min(self._owed, 0.4 * self._usual)
            self._owed -= saved
            size = self._usual - saved
        return CodedPicture(b"\0\0\0\1" + (b"\x65" if key else b"\x41") + b"\x80" * max(1, round(size)), key, now)


class NarrowRoom:
    """``demand`` is the share of a rung's rate that its pictures need; ``camera`` the rate of what the room sends, over
    another link of the same rate, which its reports share. With ``repair`` it mends losses by repair packets.
    """

    def __init__(
        self,
        changes: Sequence[Change],
        *,
        most: int = 2_000_000,
        loss: float = 0.0,
        queue: float = 0.3,
        camera: float = 0.0,
        demand: float = 1.0,
        feedback: frozenset[str] = FEEDBACK,
        repair: RepairSpec | None = None,
        jitter: float = 0.0,
        seed: int = 1,
    ) -> None:
        self._changes = deque(changes)
        self._conditions = Conditions(
            rate=self._changes.popleft().rate, queue=queue, delay=DELAY, loss=loss, jitter=jitter
        )
        self._there: NetworkPath[str] = NetworkPath(self._conditions, seed)
        self._back: NetworkPath[str] = NetworkPath(self._conditions, seed + 1)
        self._now = self._start = 100.0
        self._conference = ConferenceSpec(id="meeting", revision=1, width=1280, height=720, bitrate=most)
        self._video = VideoSpec(send_codec=H264, receive_codecs=(H264,), ssrc=1, max_bitrate=most)
        self._sender, self._receiver = (
            RtpStream(
                StreamConfig("video", ssrc, "end", {99: H264}, None, H264, feedback, repair=repair),
                random.Random(seed + ssrc),
                self._now,
                1.7e9,
            )
            for ssrc in (1, 2)
        )
        self._most, self._demand, self._camera = most, demand, camera
        self._timers = Timers()
        self._timers.run(self._now)
        self._pacer = Pacer(self._leave, self._timers)
        self.network = ReceiverNetwork()
        self._share = 0.0
        self._rung = self._chosen()
        self._encoder = Encoder(self._rung, demand)
        self._next_picture = self._next_sound = self._next_camera = self._now
        self._octets = self._pictures = 0
        self.instants: list[Instant] = []
        self.deaf = False
        """Whether no report of the room arrives."""

    def run(self, seconds: float) -> list[Instant]:
        """Let so many seconds pass; all instants so far."""
        for step in range(1, round(seconds / STEP) + 1):
            self._now += STEP
            self._step()
            if step % round(0.5 / STEP) == 0:
                self._note()
        return self.instants

    def _note(self) -> None:
        queue = max(0.0, self._there._link_free - self._now)
        at = round(self._now - self._start, 1)
        self.instants.append(Instant(at, self._rung.bitrate, queue, self._octets * 16, self._pictures * 2))
        self._octets = self._pictures = 0

    def _chosen(self) -> Rung:
        rate = min(self._most, self.network.rate or self._most)
        return rung_for_leg(
            self._conference, self._video.model_copy(update={"max_bitrate": int(rate / (1 + self._share))})
        )

    def _step(self) -> None:
        if self._changes and self._now - self._start >= self._changes[0].at:
            self._conditions = replace(self._conditions, rate=self._changes.popleft().rate)
            self._there.change(self._conditions, self._now)
            self._back.change(self._conditions, self._now)
        if self._now >= self._next_picture:
            self._next_picture += 1 / self._rung.frame_rate
            self._sender.send_picture(self._encoder.picture(self._now), self._now, self._pacer.wait(ADDRESS))
            self._pacer.send(self._sender.rtp_to_send(), ADDRESS)
        if self._now >= self._next_sound:
            self._next_sound += SOUND_INTERVAL
            self._there.push(bytes(SOUND_PACKET), "sound", self._now)
        while self._camera and self._now >= self._next_camera:
            self._next_camera += CAMERA_PACKET * 8 / self._camera
            self._back.push(bytes(CAMERA_PACKET), "camera", self._now)
        self._pass_on()
        for end in (self._sender, self._receiver):
            deadline = end.next_deadline()
            if deadline is not None and deadline <= self._now:
                end.handle_timer(self._now)
                self._listen()

    def _pass_on(self) -> None:
        self._timers.run(self._now)
        self._pacer.send_ahead(self._sender.rtp_to_send(), ADDRESS)
        for path, reports in ((self._there, self._sender.rtcp_to_send()), (self._back, self._receiver.rtcp_to_send())):
            for data in reports:
                path.push(data, "report", self._now)
        for data, kind in self._there.pop_due(self._now):
            if kind == "picture":
                self._octets += len(data)
                self._receiver.receive_rtp(data, self._now)
            elif kind == "report":
                self._receiver.receive_rtcp(data, self._now)
        self._pictures += sum(isinstance(event, PictureReceived) for event in self._receiver.events())
        for data, kind in self._back.pop_due(self._now):
            if kind == "report" and not self.deaf:
                self._sender.receive_rtcp(data, self._now)
                self._listen()
        if any(isinstance(event, KeyFrameRequested) for event in self._sender.events()):
            self._encoder.request_key_frame()

    def _leave(self, datagrams: Sequence[bytes], address: NetworkAddress) -> int:
        for data in datagrams:
            self._there.push(data, "picture", self._now)
        return len(datagrams)

    def _listen(self) -> None:
        """A report has come, as when a conference hears of one."""
        self._share = self._sender.repair_share
        feedback = self._sender.receiver_feedback(self._now)
        if self.network.reported(feedback, self._rung.bitrate, self._most, self._now):
            self._pacer.follow(self.network.rate)
        rung = self._chosen()
        if rung != self._rung:
            self._rung, self._encoder = rung, Encoder(rung, self._demand)


_NARROW_AT, _WIDE_AT, _END = 4.0, 12.0, 32.0
_WIDE, _NARROW = 6e6, 1e6


def room_figures(camera: float, loss: float, seeds: int) -> Figures:
    """A link of 6, 1 and again 6 Mbit/s, means of so many calls: what gets through while it is narrow, how long the
    queue is then, what share of the pictures comes in all of that time, and seconds until three quarters of the former
    rate have come back.
    """
    used, queues, pictures, backs = [], [], [], []
    changes = (Change(0, _WIDE), Change(_NARROW_AT, _NARROW), Change(_WIDE_AT, _WIDE))
    for seed in range(1, seeds + 1):
        instants = NarrowRoom(changes, camera=camera, loss=loss, seed=seed).run(_END)
        narrow = [one for one in instants if _NARROW_AT < one.at <= _WIDE_AT]
        before = max(one.rung for one in instants if one.at <= _NARROW_AT)
        settled = narrow[len(narrow) // 2 :]
        used.append(statistics.mean(one.through for one in settled))
        queues.append(statistics.mean(one.queue for one in settled))
        pictures.append(statistics.mean(one.pictures for one in narrow) / 30)
        back = next((one.at for one in instants if one.at > _WIDE_AT and one.rung >= 0.75 * before), _END)
        backs.append(back - _WIDE_AT)
    return {
        "narrow_mbit_s": round(statistics.mean(used) / 1e6, 2),
        "narrow_queue_s": round(statistics.mean(queues), 3),
        "narrow_pictures": round(statistics.mean(pictures), 2),
        "recover_s": round(statistics.mean(backs), 1),
        "recover_worst_s": round(max(backs), 1),
    }
