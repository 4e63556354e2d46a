"""RTP of many rooms on one thread: every picture was coded and cut long before, what comes back is counted."""

from __future__ import annotations

import random
import select
import struct
import threading
import time
from collections.abc import Sequence

from bench.caller import PictureCall
from consilium.simulated_room.clip import ClipPicture
from mcu.media.rtp.h264 import H264Packetizer
from mcu.media.rtp.packet import is_rtcp

_HEADER = struct.Struct("!BBHII")
_CLOCK_RATE = 90_000
# More than a key frame of a composite; what the socket still holds then comes with the next round.
_MOST_AT_ONCE = 500


class RoomTraffic:
    """One room's picture both ways. ``sent`` is (number in the clip, instant of its last packet) while ``keep``.

    ``datagrams`` are those received while ``keep``, with the instant of each.
    """

    def __init__(self, call: PictureCall, phase: float) -> None:
        self.call = call
        self.phase = phase
        self.keep = False
        self.sent: list[tuple[int, float]] = []
        self.datagrams: list[tuple[bytes, float]] = []
        self.pictures = 0
        """Pictures received: packets with the marker bit (RFC 6184 section 5.1)."""
        self.packets = 0
        self.lost = 0
        self._expected: int | None = None
        self._ssrc = random.SystemRandom().randrange(1, 1 << 32)
        self._sequence = 0
        self.count = 0
        call.udp.connect(call.remote)

    def send(self, number: int, payloads: Sequence[bytes]) -> None:
        """Send the next picture."""
        timestamp = (self.count * _CLOCK_RATE // 30) & 0xFFFFFFFF
        send, sequence, last = self.call.udp.send, self._sequence, len(payloads) - 1
        for index, payload in enumerate(payloads):
            kind = self.call.payload_type | (0x80 if index == last else 0)
            send(_HEADER.pack(0x80, kind, (sequence + index) & 0xFFFF, timestamp, self._ssrc) + payload)
        self._sequence += last + 1
        self.count += 1
        if self.keep:
            self.sent.append((number, time.monotonic()))

    def receive(self) -> None:
        """Take what has come."""
        receive = self.call.udp.recv
        for _ in range(_MOST_AT_ONCE):
            try:
                data = receive(2048)
            except (BlockingIOError, ConnectionRefusedError):
                return
            if len(data) < _HEADER.size or is_rtcp(data):
                continue
            if self.keep:
                self.datagrams.append((data, time.monotonic()))
            sequence = (data[2] << 8) | data[3]
            if self._expected is not None:
                self.lost += (sequence - self._expected) & 0x7FFF
            self._expected = (sequence + 1) & 0xFFFF
            self.packets += 1
            self.pictures += data[1] >> 7


class Traffic:
    """Plays a clip, again and again, into every room that was added. ``close`` ends the thread."""

    def __init__(self, clip: Sequence[ClipPicture], frame_rate: int) -> None:
        self.rooms: tuple[RoomTraffic, ...] = ()
        self._clip = [H264Packetizer(1).packetize(picture.data) for picture in clip]
        self._interval = 1 / frame_rate
        self._poll = select.epoll()
        self._start = time.monotonic()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="traffic", daemon=True)
        self._thread.start()

    def add(self, call: PictureCall) -> RoomTraffic:
        """Begin to send and receive; rooms are spread over the time of a picture, as independent cameras are."""
        room = RoomTraffic(call, phase=len(self.rooms) * 0.382 % 1 * self._interval)
        room.phase += (time.monotonic() - self._start) // self._interval * self._interval
        self._poll.register(call.udp.fileno(), select.EPOLLIN)
        self.rooms = (*self.rooms, room)
        return room

    def close(self) -> None:
        """Stop sending."""
        self._stopped = True
        self._thread.join()
        self._poll.close()

    def _run(self) -> None:
        while not self._stopped:
            rooms = self.rooms
            for room in rooms:
                if self._due(room) <= time.monotonic():
                    number = room.count % len(self._clip)
                    room.send(number, self._clip[number])
            first = min(map(self._due, rooms), default=time.monotonic() + self._interval)
            ready = {number for number, _ in self._poll.poll(max(first - time.monotonic(), 0))}
            for room in rooms:
                if room.call.udp.fileno() in ready:
                    room.receive()

    def _due(self, room: RoomTraffic) -> float:
        return self._start + room.phase + room.count * self._interval
