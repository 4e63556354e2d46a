"""Many rooms with sound alone, cheap enough to run beside the server that is measured: all they say is coded before."""

from __future__ import annotations

import multiprocessing
import selectors
import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from bench.audio_senders import HEADER_SIZE, Sent, Voice, send_all
from mcu.media.codec.audio_encoder import EncoderKey, make_encoder
from mcu.media.sound.samples import TICK_SAMPLES, Sound, level_dbfs
from mcu.media.spec import CodecSpec
from mcu.media.thread_priority import come_first

OPUS = CodecSpec(name="opus", payload_type=111, clock_rate=48_000, channels=2, parameters={"useinbandfec": "1"})
PCMA = CodecSpec(name="PCMA", payload_type=8, clock_rate=8_000)

_RECEIVE_SIZE = 2048
# <asm-generic/socket.h>; Python has no name for it.
SO_TIMESTAMPNS = 35
_TIME = struct.Struct("@qq")


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
    """One room: its socket, what it says, and what it has heard where it listens.

    ``marked`` is when the marked frames were sent, known once ``Rooms`` has stopped.
    """

    codec: CodecSpec
    server_port: int
    voice: Voice
    listens: bool = False
    level_id: int | None = None
    heard: list[tuple[float, bytes]] = field(default_factory=list)
    marked: list[float] = field(default_factory=list)
    on_said: Callable[[Voice], None] | None = None

    def open(self) -> None:
        """Bind; the kernel drops what nobody reads."""
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.connect(("127.0.0.1", self.server_port))
        self.socket.setblocking(False)

    @property
    def port(self) -> int:
        return int(self.socket.getsockname()[1])

    def say(self, voice: Voice) -> None:
        """From the next frame on."""
        self.voice = voice
        if self.on_said is not None:
            self.on_said(voice)


class Rooms:
    """Sends for all of them from a process of its own, which does nothing else, and hears for some from a thread."""

    def __init__(self, rooms: Sequence[Room]) -> None:
        """To be made before there are other threads: the process is a copy of this one."""
        self.rooms = rooms
        self._stopping = threading.Event()
        for index, room in enumerate(rooms):
            room.open()
            room.on_said = partial(self._order, index)
        context = multiprocessing.get_context("fork")
        self._orders, theirs = context.Pipe()
        self._process = context.Process(target=send_all, args=(rooms, theirs), daemon=True)
        self._process.start()
        theirs.close()
        self._hearing = threading.Thread(target=self._hear, daemon=True)
        self.late = 0

    def start(self) -> None:
        self._orders.send(None)
        self._hearing.start()

    def stop(self) -> None:
        """Afterwards it is known when marked frames were sent, and how often senders were late."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        if self._hearing.is_alive():
            self._hearing.join()
            self._orders.send(None)
            sent: Sent = self._orders.recv()
            self.late = sent.late
            for room, marked in zip(self.rooms, sent.marked, strict=True):
                room.marked = marked
        else:
            self._process.kill()
        self._process.join()
        for room in self.rooms:
            room.socket.close()

    def _order(self, index: int, voice: Voice) -> None:
        self._orders.send((index, voice))

    def _hear(self) -> None:
        come_first()
        # The kernel says when a packet came, by the other clock.
        ahead = time.time() - time.monotonic()
        with selectors.DefaultSelector() as selector:
            for room in self.rooms:
                if room.listens:
                    selector.register(room.socket, selectors.EVENT_READ, room)
            while not self._stopping.is_set():
                for key, _ in selector.select(0.1):
                    try:
                        data, ancillary, _, _ = key.data.socket.recvmsg(_RECEIVE_SIZE, socket.CMSG_SPACE(_TIME.size))
                    except ConnectionRefusedError:  # the server has closed its port already
                        continue
                    if len(data) > HEADER_SIZE and data[1] & 0x7F == key.data.codec.payload_type:
                        seconds, nanoseconds = _TIME.unpack(ancillary[0][2])
                        key.data.heard.append((seconds + nanoseconds * 1e-9 - ahead, data))


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
