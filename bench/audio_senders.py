"""The mouths of the rooms of ``bench.audio``, in a process of their own: what else goes on does not make them late."""

from __future__ import annotations

import contextlib
import gc
import random
import socket
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Protocol

from mcu.media.codec.audio_encoder import rtp_samples
from mcu.media.rtp.packet import pack_extensions
from mcu.media.sound.samples import TICK
from mcu.media.spec import CodecSpec
from mcu.media.thread_priority import come_first

# Sends are spread over a tick in so many bursts: rooms are not in step with each other.
BURSTS = 20
_HEADER = struct.Struct("!BBHII")
HEADER_SIZE = _HEADER.size


@dataclass(frozen=True)
class Voice:
    """Coded frames that a room says again and again; None is a frame that is not sent (DTX).

    ``marks`` are frames whose beginning a listener will look for; ``levels`` how loud each frame is, in dB below full
    scale (RFC 6464).
    """

    frames: tuple[bytes | None, ...]
    marks: frozenset[int] = frozenset()
    levels: tuple[int, ...] = ()


class Speaker(Protocol):
    """What is to be known of a room to send for it; ``socket`` is connected."""

    codec: CodecSpec
    voice: Voice
    level_id: int | None
    socket: socket.socket


@dataclass(frozen=True)
class Sent:
    """What there was: for each room when its marked frames were sent, and how often a burst was late."""

    marked: list[list[float]]
    late: int


@dataclass
class _Mouth:
    socket: socket.socket
    payload_type: int
    steps: int
    level_id: int | None
    voice: Voice
    position: int = 0
    sequence: int = field(default_factory=lambda: random.randrange(1 << 15))
    timestamp: int = field(default_factory=lambda: random.randrange(1 << 31))
    ssrc: int = field(default_factory=lambda: random.randrange(1, 1 << 32))
    marked: list[float] = field(default_factory=list)

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
            header = _HEADER.pack(first, self.payload_type, self.sequence, self.timestamp & 0xFFFFFFFF, self.ssrc)
            self.sequence = (self.sequence + 1) & 0xFFFF
            if index in voice.marks:
                self.marked.append(time.monotonic())
            with contextlib.suppress(ConnectionRefusedError):  # the server has closed its port already
                self.socket.send(header + extension + frame)
        self.timestamp += self.steps


def send_all(rooms: Sequence[Speaker], orders: Connection) -> None:
    """The process: None on ``orders`` is to begin, and later to end, which is answered with ``Sent``; else it is the
    number of a room and what it says from its next frame on.
    """
    mouths = [
        _Mouth(room.socket, room.codec.payload_type, rtp_samples(room.codec), room.level_id, room.voice)
        for room in rooms
    ]
    _obey(mouths, orders, wait=True)
    gc.disable()  # a pause of its own would make all of them late
    come_first()
    late = 0
    bursts = [mouths[start::BURSTS] for start in range(BURSTS)]
    deadline = time.monotonic()
    while _obey(mouths, orders, wait=False):
        for burst in bursts:
            deadline += TICK / BURSTS
            pause = deadline - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            elif pause < -TICK / 2:
                late += 1
            for mouth in burst:
                mouth.send()
    orders.send(Sent([mouth.marked for mouth in mouths], late))


def _obey(mouths: Sequence[_Mouth], orders: Connection, *, wait: bool) -> bool:
    """Take orders, until the one to begin where it is waited for; False for the one to end."""
    while wait or orders.poll():
        order: tuple[int, Voice] | None = orders.recv()
        if order is None:
            return False
        index, voice = order
        mouths[index].voice, mouths[index].position = voice, 0
    return True
