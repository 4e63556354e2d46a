"""Lips and voice stay together although a network delays both by turns, by up to a second. In simulated time."""

from __future__ import annotations

import random

import numpy as np
import pytest

from bench.loss_view import freeze_ratio
from bench.network_path import Conditions, NetworkPath
from mcu.media.codec import g711
from mcu.media.conference_sync import picture_delay, sound_delay
from mcu.media.lip_sync import Delays, LipSync
from mcu.media.picture_hold import PictureHold
from mcu.media.rtp.session import PictureReceived, RtpStream, SoundReceived, StreamConfig
from mcu.media.sound.playout import PlayoutBuffer
from mcu.media.units import CodedPicture, CodedSound
from tests.media.senders import H264, PCMA

STEP = 0.005
PICTURE = b"\0\0\0\1\x67\x42\x00\x1f\xff\0\0\0\1\x68\xce\x3c\x80\0\0\0\1\x65\x88\x84" + bytes(400)
TONE = g711.encode("PCMA", (0.3 * np.sin(np.arange(160) * 2 * np.pi / 80)).astype(np.float32))
EPOCH = 1.7e9
"""Of the sender's wall clock."""
DRAWING = 0.03
"""Seconds that a picture takes from its leaving to the canvas."""


class Speaker:
    """A sender of sound and pictures on one clock, and what our side does with them."""

    def __init__(self, conditions: Conditions, seed: int, picture_late: float = 0.0) -> None:
        self.now = 100.0
        self._start = self.now
        self._late = picture_late
        self._path: NetworkPath[tuple[str, bool]] = NetworkPath(conditions, seed)
        kinds = {"audio": PCMA, "video": H264}
        self._sent: dict[str, RtpStream] = {}
        self._got: dict[str, RtpStream] = {}
        for number, (kind, codec) in enumerate(kinds.items()):
            for place, ends in enumerate((self._sent, self._got)):
                config = StreamConfig(
                    kind,  # type: ignore[arg-type]
                    10 * (number + 1) + place,
                    "speaker",
                    {codec.payload_type: codec},
                    None,
                    codec,
                )
                ends[kind] = RtpStream(config, random.Random(seed + number), self.now, EPOCH)
        self._sync, self._hold = LipSync(), PictureHold()
        self._playout = PlayoutBuffer((PCMA,))
        self._pictures = self._sounds = self._ticks = 0
        self._next_review = self.now + 1.0
        self.apart: list[tuple[float, float]] = []
        """Instant, and by how much the picture comes later than the sound that belongs to it."""
        self.shown: list[tuple[float, float]] = []
        """Instant, and how much later that is than the picture was made."""

    def change(self, conditions: Conditions) -> None:
        self._path.change(conditions, self.now)

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self._send()
            self._receive()
            while self._start + self._ticks * 0.02 <= self.now:
                self._playout.pull(self._start + self._ticks * 0.02)
                self._ticks += 1
            for unit in self._hold.due(self.now):
                self._compare(unit)
            if self.now >= self._next_review:
                self._next_review += 1.0
                self._review()
            self.now += STEP

    def _send(self) -> None:
        elapsed = self.now - self._start
        while self._sounds * 0.02 <= elapsed:
            at = self._start + self._sounds * 0.02
            self._sent["audio"].send_sound(CodedSound(TONE, 8, at, samples=160), self.now)
            self._sounds += 1
        while self._pictures / 30 + self._late <= elapsed:
            self._sent["video"].send_picture(CodedPicture(PICTURE, True, self._start + self._pictures / 30), self.now)
            self._pictures += 1
        for kind, stream in self._sent.items():
            stream.handle_timer(self.now)
            for data in stream.rtp_to_send():
                self._path.push(data, (kind, True), self.now)
            for data in stream.rtcp_to_send():
                self._path.push(data, (kind, False), self.now)

    def _receive(self) -> None:
        for data, (kind, is_rtp) in self._path.pop_due(self.now):
            stream = self._got[kind]
            (stream.receive_rtp if is_rtp else stream.receive_rtcp)(data, self.now)
        for stream in self._got.values():
            stream.handle_timer(self.now)
            for event in stream.events():
                if isinstance(event, PictureReceived):
                    self._hold.push(event.unit, self.now)
                elif isinstance(event, SoundReceived):
                    self._playout.insert(event.unit)

    def _review(self) -> None:
        sound = sound_delay(self._got["audio"], self._playout.statistics(self.now), True, self.now)
        latency = DRAWING + self._hold.margin
        picture = picture_delay(self._got["video"], latency, True, self._hold.origin, self.now)
        holds = self._sync.review(Delays(sound, picture))
        self._playout.hold_back(holds.sound)
        self._hold.goal = holds.picture

    def _compare(self, unit: CodedPicture) -> None:
        sound = sound_delay(self._got["audio"], self._playout.statistics(self.now), True, self.now)
        assert unit.timestamp is not None
        captured = self._got["video"].capture_time(unit.timestamp)
        if captured is not None:
            self.shown.append((self.now - self._start, self._since(captured) + DRAWING))
        if sound is not None and captured is not None:
            self.apart.append((self.now - self._start, self.now + DRAWING - captured - sound))

    def between(self, start: float, end: float) -> list[float]:
        return [apart for at, apart in self.apart if start <= at < end]

    def frozen(self, start: float, end: float) -> float:
        """The share of the time in which a picture stood for more than 183 ms."""
        return freeze_ratio([at for at, _ in self.shown], start, end, 1 / 30)

    def delays(self, start: float, end: float) -> list[float]:
        """Of pictures, from their making to the canvas; both ends have one clock here."""
        return [late for at, late in self.shown if start <= at < end]

    def sound_delay(self) -> float:
        """The same of sound, now."""
        sound = sound_delay(self._got["audio"], self._playout.statistics(self.now), True, self.now)
        assert sound is not None
        return self._since(self.now - sound)

    def _since(self, captured: float) -> float:
        """Seconds, from an instant of the sender's wall clock."""
        return self.now - self._start - (captured - EPOCH)


CALM = Conditions(delay=0.02)
BUNCHED, SCATTERED = Conditions(delay=0.02, jitter=1.0), Conditions(delay=0.02, scatter=1.0)


@pytest.mark.parametrize("network", [BUNCHED, SCATTERED], ids=["in order", "overtaking"])
@pytest.mark.parametrize("seed", [1, 2])
def test_jitter_of_a_second_that_begins_in_a_call_is_survived_with_lips_in_step(network: Conditions, seed: int) -> None:
    speaker = Speaker(CALM, seed)
    speaker.run(5)
    speaker.change(network)
    speaker.run(20)
    assert speaker.frozen(7, 25) < 0.03
    apart = speaker.between(7, 25)
    assert abs(float(np.median(apart))) < 0.04, np.percentile(apart, [5, 50, 95])
    assert float(np.percentile(np.abs(apart), 90)) < 0.15


@pytest.mark.parametrize("network", [BUNCHED, SCATTERED], ids=["in order", "overtaking"])
def test_nobody_is_late_any_more_once_the_jitter_is_over(network: Conditions) -> None:
    speaker = Speaker(CALM, 3)
    speaker.run(10)
    before, sound_before = float(np.median(speaker.delays(8, 10))), speaker.sound_delay()
    speaker.change(network)
    speaker.run(8)
    assert speaker.sound_delay() > 0.5
    speaker.change(CALM)
    speaker.run(20)
    assert float(np.median(speaker.delays(36, 38))) < before + 0.02
    assert speaker.sound_delay() < sound_before + 0.02
    assert speaker.frozen(18, 38) < 0.01


def test_a_quiet_network_makes_nobody_wait() -> None:
    speaker = Speaker(CALM, 1)
    speaker.run(30)
    assert float(np.percentile(speaker.delays(5, 30), 95)) < 0.02 + DRAWING + 0.03
    assert speaker.sound_delay() < 0.02 + 0.07
    assert speaker.frozen(1, 30) == 0.0


def test_on_a_good_network_a_late_picture_is_waited_for() -> None:
    speaker = Speaker(Conditions(delay=0.02), 1, picture_late=0.15)
    speaker.run(20)
    assert abs(float(np.median(speaker.between(12, 20)))) < 0.03
