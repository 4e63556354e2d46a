"""What packets of composed and decoded pictures cost: processor time for each, compiled and in plain Python.

Both do the same with the same 1080p stream of 3 Mbit/s, by turns, and the best turn of each counts: the one that was
disturbed least. The Python is the reference that tests compare the compiled code with.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

from bench.report import Benchmark, Figures
from mcu.media import packets as compiled
from mcu.media.rtp.session import PictureReceived, RtpStream, StreamConfig
from mcu.media.spec import CodecSpec
from mcu.media.units import CodedPicture
from tests.reference import h264, history, joiner, packet, reorder, source, vp8

_RATE, _SECONDS = 30, 2
_PICTURE, _KEY_FRAME = 12_000, 60_000
_START_CODE = b"\0\0\0\1"
_SETS = _START_CODE + b"\x67\x42\xc0\x1f" + bytes(range(1, 22)) + _START_CODE + b"\x68\xce\x3c\x80"
_HEAD = (99, 4000, 90_000, 5)
_EXTENSIONS = b"\xbe\xde\x00\x01\x32\x01\x02\x03"
_H264 = CodecSpec(name="H264", payload_type=99, clock_rate=90_000, parameters={"packetization-mode": "1"})
_TURNS = 7

Work = Callable[[], int]
"""Does something once for the whole stream; how many packets it was done for."""


async def run(seconds: float) -> Figures:
    """Measure each step for an equal part of ``seconds``."""
    units = _access_units(random.Random(1))
    cases = _cases(units)
    figures: Figures = {}
    for name, (ours, readable) in cases.items():
        mine, theirs = _compare(ours, readable, seconds / (len(cases) + 3))
        figures[f"{name}_us"], figures[f"{name}_python_us"] = round(mine, 3), round(theirs, 3)
        figures[f"{name}_ratio"] = round(mine / theirs, 3)
    share = seconds / (len(cases) + 3)
    for receivers in (1, 10):
        figures[f"send_to_{receivers}_us"] = round(_best(_sending(units, receivers), share), 3)
    figures["receive_us"] = round(_best(_receiving(units), share), 3)
    return figures


def _access_units(rng: random.Random) -> list[bytes]:
    found = []
    for index in range(_RATE * _SECONDS):
        key = index == 0
        size = _KEY_FRAME if key else round(_PICTURE * rng.uniform(0.6, 1.4))
        body = bytes(rng.choices(range(1, 256), k=size))
        found.append((_SETS if key else b"") + _START_CODE + (b"\x65\x88" if key else b"\x41\x9a") + body)
    return found


def _cases(units: list[bytes]) -> dict[str, tuple[Work, Work]]:
    payloads = [compiled.H264Packetizer(1).packetize(unit) for unit in units]
    frames = [compiled.Vp8Packetizer().packetize(unit) for unit in units]
    run = [data for unit in units for data in compiled.H264Packetizer(1).packets(unit, *_HEAD, _EXTENSIONS)]
    flat_payloads = [payload for picture in payloads for payload in picture]

    # A copy each time, since what was cut last is not cut again.
    def cut(packetizer: Any) -> Work:
        return lambda: sum(len(packetizer.packets(bytes(bytearray(unit)), *_HEAD, _EXTENSIONS)) for unit in units)

    def cut_readably(packetizer: Any) -> Work:
        return lambda: sum(
            len(packet.write_packets(packetizer.packetize(unit), True, *_HEAD, _EXTENSIONS)) for unit in units
        )

    return {
        "packetise_h264": (cut(compiled.H264Packetizer(1)), cut_readably(h264.H264Packetizer(1))),
        "packetise_vp8": (cut(compiled.Vp8Packetizer()), cut_readably(vp8.Vp8Packetizer())),
        "parse": (_parse(compiled.parse_header, run), _parse(packet.parse_header, run)),
        "depacketise_h264": (
            _join(compiled.H264Depacketizer(), payloads),
            _join(h264.H264Depacketizer(), payloads),
        ),
        "depacketise_vp8": (_join(compiled.Vp8Depacketizer(), frames), _join(vp8.Vp8Depacketizer(), frames)),
        "count": (
            _count(lambda: compiled.SourceNumbers(0, 0, 90_000, 0.0), len(run)),
            _count(lambda: source.Source(0, 0, 90_000, 0.0), len(run)),
        ),
        "reorder_and_join": (
            _reorder(
                lambda: compiled.ReorderBuffer(_CompiledJoiner({99: compiled.H264Depacketizer()}, _ignore), True, 0),
                flat_payloads,
            ),
            _reorder(
                lambda: reorder.ReorderBuffer(_ReadableJoiner({99: h264.H264Depacketizer()}, _ignore), True, 0),
                flat_payloads,
            ),
        ),
        "repeat": (
            _repeat(compiled.RetransmissionCache(), compiled.repetition, run),
            _repeat(history.RetransmissionCache(), packet.repetition, run),
        ),
    }


def _parse(parse: Callable[[bytes], Any], run: list[bytes]) -> Work:
    def work() -> int:
        for data in run:
            parse(data)
        return len(run)

    return work


def _join(depacketizer: Any, pictures: list[tuple[bytes, ...]]) -> Work:
    def work() -> int:
        count = 0
        for payloads in pictures:
            for payload in payloads:
                depacketizer.push(payload)
            depacketizer.take()
            count += len(payloads)
        return count

    return work


def _count(make: Callable[[], Any], count: int) -> Work:
    def work() -> int:
        numbers = make()
        for number in range(count):
            numbers.receive(number & 0xFFFF, number // 10 * 3000, number * 0.003)
        return count

    return work


class _Finishing:
    """What both joiners need: pictures are dropped when they are whole, for what is measured comes before."""

    depacketizer: Any

    def finish(self, now: float) -> None:
        self.depacketizer.reset()

    def gap(self, now: float) -> None:
        self.depacketizer.cut()


class _CompiledJoiner(_Finishing, compiled.PacketJoiner):
    pass


class _ReadableJoiner(_Finishing, joiner.PacketJoiner):
    pass


def _ignore(error: Exception) -> None:
    """There are none."""


def _disordered(count: int) -> list[int]:
    """Numbers with one in fifty late by a few."""
    rng, numbers = random.Random(2), list(range(count))
    return sorted(numbers, key=lambda number: number + (rng.randrange(3, 12) if rng.random() < 0.02 else 0))


def _reorder(make: Callable[[], Any], payloads: list[bytes]) -> Work:
    """Restore the order and join, as they follow each other."""
    numbers = _disordered(len(payloads))

    def work() -> int:
        buffer = make()
        for number in numbers:
            buffer.receive(number, number // 10, number % 10 == 9, 99, payloads[number], number * 0.003)
        return len(numbers)

    return work


def _repeat(cache: Any, repeat: Callable[..., bytes], run: list[bytes]) -> Work:
    """Keep all packets, and wrap one in ten once more by RTX."""

    def work() -> int:
        for number, data in enumerate(run):
            cache.store(int.from_bytes(data[2:4]), data)
            if number % 10 == 0:
                repeat(data, 20, 100, number, 6)
        return len(run)

    return work


def _config(ssrc: int) -> StreamConfig:
    return StreamConfig("video", ssrc, "c", {99: _H264}, None, _H264, frozenset({"nack", "pli"}), abs_send_time_id=3)


def _sending(units: list[bytes], receivers: int) -> Work:
    """One composed stream to so many receivers."""
    streams = [RtpStream(_config(number + 1), random.Random(number), 0.0, 0.0) for number in range(receivers)]

    def work() -> int:
        count = 0
        for index, unit in enumerate(units):
            picture = CodedPicture(unit, index == 0, index / _RATE)
            for stream in streams:
                stream.send_picture(picture, picture.time)
                count += len(stream.rtp_to_send())
        return count

    return work


def _receiving(units: list[bytes]) -> Work:
    """A received stream, from datagrams to pictures."""
    sender = RtpStream(_config(1), random.Random(1), 0.0, 0.0)
    runs = []
    for index, unit in enumerate(units):
        sender.send_picture(CodedPicture(unit, index == 0, index / _RATE), index / _RATE)
        runs.append(sender.rtp_to_send())

    def work() -> int:
        receiver, pictures = RtpStream(_config(2), random.Random(2), 0.0, 0.0), 0
        for index, packets in enumerate(runs):
            receiver.receive_rtp_run(packets, index / _RATE)
            pictures += sum(isinstance(event, PictureReceived) for event in receiver.events())
        assert pictures == len(units)
        return sum(map(len, runs))

    return work


def _compare(ours: Work, readable: Work, seconds: float) -> tuple[float, float]:
    mine = theirs = float("inf")
    for _ in range(_TURNS):
        mine = min(mine, _turn(ours, seconds / _TURNS / 2))
        theirs = min(theirs, _turn(readable, seconds / _TURNS / 2))
    return mine, theirs


def _best(work: Work, seconds: float) -> float:
    return min(_turn(work, seconds / _TURNS) for _ in range(_TURNS))


def _turn(work: Work, seconds: float) -> float:
    """Microseconds for each packet."""
    until, count, start = time.monotonic() + seconds, 0, time.process_time()
    while not count or time.monotonic() < until:
        count += work()
    return (time.process_time() - start) / count * 1e6


BENCHMARK = Benchmark(
    summary="what packets of composed pictures cost: compiled, beside the same in Python",
    run=run,
    seconds=20,
    aims={"packetise_h264_ratio": "≤ 0.5", "depacketise_h264_ratio": "≤ 0.5", "receive_us": "≤ 0.5"},
)
