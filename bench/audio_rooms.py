"""Many rooms with sound alone, cheap enough to run beside the server that is measured: all they say is coded before."""

from __future__ import annotations

import contextlib
import random
import selectors
import socket
import struct
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mcu.media.codec.audio_encoder import EncoderKey, make_encoder, rtp_samples
from mcu.media.rtp.packet import pack_extensions
from mcu.media.sound.samples import TICK, TICK_SAMPLES, Sound, level_dbfs
from mcu.media.spec import CodecSpec
from mcu.media.thread_priority import come_first

OPUS = CodecSpec(name="opus", payload_type=111, clock_rate=48_000, channels=2, parameters={"useinbandfec": "1"})
PCMA = CodecSpec(name="PCMA", payload_type=8, clock_rate=8_000)

# Sends are spread over a tick in so many bursts: rooms are not in step with each other.
BURSTS = 20
_HEADER = struct.Struct("!BBHII")
_RECEIVE_SIZE = 2048


@dataclass(frozen=True)
class Voice:
    """Coded frames that a room says again and again; None is a frame that is not sent (DTX).

    ``marks`` are frames whose beginning a listener will look for; ``levels`` how loud each frame is, in dB below full
    scale (RFC 6464).
    """

    frames: tuple[bytes | None, ...]
    marks: frozenset[int] = frozenset()
    levels: tuple[int, ...] = ()


def coded(codec: CodecSpec, sound: Sound, marks: Sequence[int] = ()) -> Voice:
    """Whole ticks of ``sound``; said twice and the second time kept, so that the end fits the beginning."""
    encoder = make_encoder(EncoderKey.of(codec))
    ticks = sound[: sound.size // TICK_SAMPLES * TICK_SAMPLES].reshape(-1, TICK_SAMPLES)
    for tick in ticks:
        encoder.encode(tick)
    levels = tuple(min(127, round(-level_dbfs(tick))) for tick in ticks)
    return Voice(tuple(encoder.encode(tick) for tick in ticks), frozenset(marks), levels)


def paused(voice: Voice, every: int = 20) -> Voice:
    """The voice of a sender with DTX in a pause: a frame now and then (RFC 6716 section 2.1.9: each 400 ms)."""
    frames = tuple(frame if index % every == 0 else None for index, frame in enumerate(voice.frames))
    return Voice(frames, levels=voice.levels)


@dataclass
class Room:
    """One room: its socket, what it says, and what it has heard where it listens."""

    codec: CodecSpec
    server_port: int
    voice: Voice
    listens: bool = False
    level_id: int | None = None
    sequence: int = field(default_factory=lambda: random.randrange(1 << 15))
    timestamp: int = field(default_factory=lambda: random.randrange(1 << 31))
    ssrc: int = field(default_factory=lambda: random.randrange(1, 1 << 32))
    position: int = 0
    heard: list[tuple[float, bytes]] = field(default_factory=list)
    marked: list[float] = field(default_factory=list)

    def open(self) -> None:
        """Bind; the kernel drops what nobody reads."""
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.connect(("127.0.0.1", self.server_port))
        self.socket.setblocking(False)
        self.steps = rtp_samples(self.codec)

    @property
    def port(self) -> int:
        return int(self.socket.getsockname()[1])

    def say(self, voice: Voice) -> None:
        """From the next frame on."""
        self.voice, self.position = voice, 0

    def send(self) -> None:
        """The next frame."""
        voice = self.voice
        index = self.position % len(voice.frames)
        frame = voice.frames[index]
        self.position += 1
        if frame is not None:
            extension, first = b"", 0x80
            if self.level_id is not None and voice.levels:
                extension, first = pack_extensions([(self.level_id, bytes((voice.levels[index],)))]), 0x90
            header = _HEADER.pack(first, self.codec.payload_type, self.sequence, self.timestamp & 0xFFFFFFFF, self.ssrc)
            self.sequence = (self.sequence + 1) & 0xFFFF
            if index in voice.marks:
                self.marked.append(time.monotonic())
            with contextlib.suppress(ConnectionRefusedError):  # the server has closed its port already
                self.socket.send(header + extension + frame)
        self.timestamp += self.steps


class Rooms:
    """Sends for all of them from one thread, and hears for some from another."""

    def __init__(self, rooms: Sequence[Room]) -> None:
        self.rooms = rooms
        self._stopping = threading.Event()
        for room in rooms:
            room.open()
        self._threads = [threading.Thread(target=target, daemon=True) for target in (self._send, self._hear)]
        self.late = 0

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        if self._stopping.is_set():
            return
        self._stopping.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()
        for room in self.rooms:
            room.socket.close()

    def _send(self) -> None:
        come_first()  # what else the machine does must not make rooms late
        bursts = [self.rooms[start::BURSTS] for start in range(BURSTS)]
        deadline = time.monotonic()
        while not self._stopping.is_set():
            for burst in bursts:
                deadline += TICK / BURSTS
                pause = deadline - time.monotonic()
                if pause > 0:
                    time.sleep(pause)
                elif pause < -TICK / 2:
                    self.late += 1
                for room in burst:
                    room.send()

    def _hear(self) -> None:
        come_first()
        with selectors.DefaultSelector() as selector:
            for room in self.rooms:
                if room.listens:
                    selector.register(room.socket, selectors.EVENT_READ, room)
            while not self._stopping.is_set():
                for key, _ in selector.select(0.1):
                    data = key.data.socket.recv(_RECEIVE_SIZE)
                    if len(data) > _HEADER.size and data[1] & 0x7F == key.data.codec.payload_type:
                        key.data.heard.append((time.monotonic(), data))


def tone(frequency: float, seconds: float, amplitude: float) -> Sound:
    """A sine; whole periods where the frequency is whole and the time is whole seconds."""
    made: Sound = (amplitude * np.sin(2 * np.pi * frequency * np.arange(round(seconds * 48_000)) / 48_000)).astype(
        np.float32
    )
    return made


def noise(seconds: float, amplitude: float, seed: int) -> Sound:
    """Room noise."""
    made: Sound = (amplitude * np.random.default_rng(seed).standard_normal(round(seconds * 48_000))).astype(np.float32)
    return made
