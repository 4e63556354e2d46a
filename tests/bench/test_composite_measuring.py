"""What the benchmarks of the composite measure with: clips, traffic, and the reference's command line."""

from __future__ import annotations

import socket
import struct
from fractions import Fraction
from pathlib import Path

import av
import pytest

from bench.caller import PictureCall
from bench.compose import cpu_ratio
from bench.ffmpeg_reference import Coding, Composite, NoFfmpeg, cpu_per_second
from bench.real_clip import real_clip, write_mp4
from bench.time_code import read_code
from bench.traffic import RoomTraffic
from consilium.simulated_room.clip import ClipFormat, ClipPicture
from layouts.geometry import Rect
from mcu.media.picture.planes import Planes

SHAPE = ClipFormat(width=640, height=360, frame_rate=30, bitrate=800_000)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> tuple[ClipPicture, ...]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        made = real_clip("carphone_pristine.mp4", SHAPE)
        assert real_clip("carphone_pristine.mp4", SHAPE) == made, "what was kept is what was made"
    return made


def test_every_picture_of_a_clip_carries_its_number(clip: tuple[ClipPicture, ...]) -> None:
    decoder = av.VideoCodecContext.create("h264", "r")
    decoder.thread_count = 1
    numbers = [
        read_code(Planes.of(frame).y, Rect(0, 0, 640, 360))
        for picture in clip
        for frame in decoder.decode(av.Packet(picture.data))
    ]
    assert numbers == list(range(len(clip)))
    assert clip[0].keyframe


def test_the_file_for_the_reference_has_the_clips_length(clip: tuple[ClipPicture, ...], tmp_path: Path) -> None:
    write_mp4(clip, SHAPE.frame_rate, tmp_path / "clip.mp4")
    with av.open(str(tmp_path / "clip.mp4")) as container:
        stream = container.streams.video[0]
        times = [frame.time for frame in container.decode(stream)]
        assert stream.duration is not None and stream.time_base is not None
        assert stream.duration * stream.time_base == pytest.approx(Fraction(len(clip), 30))
    assert times == pytest.approx([index / 30 for index in range(len(clip))])


async def test_the_reference_makes_the_pictures_that_it_is_measured_for(
    clip: tuple[ClipPicture, ...], tmp_path: Path
) -> None:
    file = tmp_path / "clip.mp4"
    write_mp4(clip, SHAPE.frame_rate, file)
    tiles = (Rect(2, 46, 156, 88), Rect(162, 46, 156, 88))
    one = Composite(320, 180, tiles, (0, 1))
    other = Composite(320, 180, tiles[:1], (1,))
    assert await cpu_per_second([file, file], [one, other], Coding(300_000, 150_000, "baseline"), 1.0) > 0
    with pytest.raises(NoFfmpeg):
        await cpu_per_second(
            [tmp_path / "missing.mp4"],
            [Composite(320, 180, tiles[:1], (0,))],
            Coding(300_000, 150_000, "baseline"),
            1.0,
        )


def test_pictures_and_gaps_are_counted() -> None:
    server, room = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    try:
        for one in (server, room):
            one.bind(("127.0.0.1", 0))
            one.setblocking(False)
        traffic = RoomTraffic(PictureCall("room", room, server.getsockname(), 97, ""), 0.0)
        traffic.keep = True
        for sequence, marker in ((65534, 0), (65535, 1), (0, 0), (3, 1), (4, 1)):
            packet = struct.pack("!BBHII", 0x80, 97 | marker << 7, sequence, 0, 5) + b"x"
            server.sendto(packet, room.getsockname())
        server.sendto(struct.pack("!BBHI", 0x80, 201, 1, 5), room.getsockname())
        traffic.receive()
        assert (traffic.packets, traffic.pictures, traffic.lost) == (5, 3, 2)
        assert len(traffic.datagrams) == 5
        traffic.send(7, (b"one", b"two"))
        sent = [server.recv(100) for _ in range(2)]
        assert [(data[1], data[12:]) for data in sent] == [(97, b"one"), (97 | 0x80, b"two")]
        assert [number for number, _ in traffic.sent] == [7]
    finally:
        server.close()
        room.close()


def test_pictures_that_fell_out_are_no_gain() -> None:
    assert cpu_ratio(0.6, 30.0, 0.6) == 1.0
    assert cpu_ratio(0.6, 27.0, 0.6) == 1.111
    assert cpu_ratio(0.6, 15.0, 0.6) is None
