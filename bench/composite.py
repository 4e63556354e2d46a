"""What one room got of the composite, looked at when the measurement is over, so that looking costs it nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import av
from av.video.codeccontext import VideoCodecContext

from bench.time_code import Luma, read_code
from bench.traffic import RoomTraffic
from layouts.geometry import Rect
from mcu.media.picture.planes import Planes
from mcu.media.rtp.h264 import H264Depacketizer
from mcu.media.rtp.packet import RtpPacket

# A picture that was sent longer ago than this is the one of the clip's last round.
_LONGEST = 2.0


def latencies(watcher: RoomTraffic, senders: Sequence[tuple[RoomTraffic, Rect]], start: float) -> list[float]:
    """From a picture's last packet in to the last packet of the first composite that shows it, in seconds.

    ``senders`` are rooms with their tiles in the watcher's composite; what came before ``start`` is not counted.
    """
    last: dict[int, int] = {}
    found = []
    for luma, arrived in _pictures(watcher.datagrams):
        for index, (sender, tile) in enumerate(senders):
            number = read_code(luma, tile)
            if number is None or number == last.get(index):
                continue
            last[index] = number
            instants = [at for sent, at in sender.sent if sent == number and arrived - _LONGEST < at < arrived]
            if instants and arrived > start:
                found.append(arrived - instants[-1])
    return found


def _pictures(datagrams: Sequence[tuple[bytes, float]]) -> Iterator[tuple[Luma, float]]:
    """Luma and the instant of the last packet of each picture from the first key frame on."""
    decoder = VideoCodecContext.create("h264", "r")
    decoder.thread_count = 1
    depacketizer = H264Depacketizer()
    started = False
    for data, arrived in datagrams:
        packet = RtpPacket.parse(data)
        depacketizer.push(packet.payload)
        unit = depacketizer.take() if packet.marker else None
        started = started or (unit is not None and unit[1])
        for frame in decoder.decode(av.Packet(unit[0])) if unit is not None and started else ():
            yield Planes.of(frame).y, arrived
