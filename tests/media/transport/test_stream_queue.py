"""On a stream too slow for everything sound and control go first, and pictures give way."""

from __future__ import annotations

import struct

from mcu.media.transport.framing import FrameReader
from mcu.media.transport.stream_queue import MAX_OTHERS, MAX_PICTURES, StreamQueue

SOUND, PICTURE = 111, 96
STUN, DTLS, RTCP = b"\x01\x01" + bytes(30), b"\x16\xfe\xfd" + bytes(30), b"\x80\xc8" + bytes(30)


def rtp(payload_type: int, number: int, size: int = 100) -> bytes:
    return struct.pack("!BBHII", 0x80, payload_type, number, 0, 1).ljust(size, b"\0")


def everything(queue: StreamQueue, step: int = 4096) -> list[bytes]:
    reader, found = FrameReader(), []
    while data := queue.take(step):
        found += reader.feed(data)
    return found


def test_sound_and_control_overtake_pictures() -> None:
    queue = StreamQueue({SOUND})
    pictures = [rtp(PICTURE, number) for number in range(50)]
    others = [rtp(SOUND, 1), STUN, RTCP, rtp(SOUND, 2), DTLS]
    for packet in [*pictures, *others]:
        queue.put(packet)
    assert everything(queue, 300) == [*others, *pictures]
    assert queue.dropped == 0


def test_sound_that_comes_between_goes_next() -> None:
    queue = StreamQueue({SOUND})
    for number in range(10):
        queue.put(rtp(PICTURE, number))
    assert FrameReader().feed(queue.take(100)) == [rtp(PICTURE, 0)]
    queue.put(rtp(SOUND, 7))
    assert FrameReader().feed(queue.take(100)) == [rtp(SOUND, 7)]


def test_pictures_that_find_no_room_are_dropped_and_sound_is_not() -> None:
    queue = StreamQueue({SOUND})
    for number in range(400):
        queue.put(rtp(PICTURE, number, 1200))
        if number % 20 == 0:
            queue.put(rtp(SOUND, number))
    sent = everything(queue)
    pictures = [packet for packet in sent if packet[1] == PICTURE]
    assert pictures == [rtp(PICTURE, number, 1200) for number in range(MAX_PICTURES // 1200)]
    assert [packet for packet in sent if packet[1] == SOUND] == [rtp(SOUND, number) for number in range(0, 400, 20)]
    assert queue.dropped == 400 - len(pictures)
    queue.put(rtp(PICTURE, 1000))
    assert everything(queue) == [rtp(PICTURE, 1000)], "there is room again"


def test_of_sound_the_oldest_makes_room() -> None:
    queue = StreamQueue({SOUND})
    count = 2 * MAX_OTHERS // 100
    for number in range(count):
        queue.put(rtp(SOUND, number))
    kept = MAX_OTHERS // 100
    assert everything(queue) == [rtp(SOUND, number) for number in range(count - kept, count)]
    assert queue.dropped == count - kept
