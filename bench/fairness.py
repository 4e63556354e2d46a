"""A machine that is short of CPU: pictures give way, the least important first, and sound does not.

A real worker makes five pictures of 720p30 with a text that runs through them, four of them views that somebody has
chosen for himself, while processes that do nothing but count take the processors away. What is counted is what arrives
on the sockets of the rooms, by the kernel's own clock, and the late sound ticks that the worker reports.
"""

from __future__ import annotations

import asyncio
import datetime
import itertools
import multiprocessing
import socket
import struct
import tempfile
from pathlib import Path

from bench.report import Benchmark, Figures, percentile
from consilium.certificates import Identity, ensure_identity
from consilium.pages import FONT, WEB_CLIENT
from mcu.media.facts import ConferenceStatistics, Fact
from mcu.media.pool import WorkerPool
from mcu.media.spec import (
    Address,
    AudioSpec,
    CodecSpec,
    ConferenceSpec,
    DecorationSpec,
    LegSpec,
    PlainTransport,
    VideoSpec,
    WorkerSettings,
)
from tests.peers.ports import port_block

PCMA = CodecSpec(name="PCMA", payload_type=8, clock_rate=8000)
H264 = CodecSpec(name="H264", payload_type=96, clock_rate=90000, parameters={"packetization-mode": "1"})

LAYOUTS = (None, "4", "9", "1+5", "1+7")
"""What the rooms see: the first one what all see, the others a view of their own."""

SO_TIMESTAMPNS = 35
"""<asm-generic/socket.h>; Python has no name for it. The kernel then says when a packet came (socket(7))."""
_TIME = struct.Struct("@qq")

SETTLE_SECONDS = 4.0
STATISTICS_SECONDS = 2.5


async def run(seconds: float, burners: int = 4) -> Figures:
    """So many seconds of calm, and as many with ``burners`` processes that take the processor away."""
    ports = port_block(8 * len(LAYOUTS) + 2)
    rooms = [Room(ports[8 * index], layout) for index, layout in enumerate(LAYOUTS)]
    statistics: list[ConferenceStatistics] = []

    def take(fact: Fact) -> None:
        if isinstance(fact, ConferenceStatistics):
            statistics.append(fact)

    with tempfile.TemporaryDirectory(prefix="consilium-bench-") as folder:
        identity = ensure_identity(Path(folder), [], datetime.datetime.now(datetime.UTC))
        pool = WorkerPool([_settings(identity, ports[-1])])
        pool.on_fact(take)
        await pool.start()
        try:
            spec = ConferenceSpec(
                id="fairness",
                revision=1,
                width=1280,
                height=720,
                legs=tuple(room.leg() for room in rooms),
                decoration=DecorationSpec(caption="A text that runs through the picture. " * 4, scroll=True),
            )
            await pool.apply(spec)
            await asyncio.sleep(SETTLE_SECONDS)
            calm = await _phase(rooms, statistics, seconds)
            processes = [multiprocessing.Process(target=_burn, daemon=True) for _ in range(burners)]
            for process in processes:
                process.start()
            try:
                short = await _phase(rooms, statistics, seconds)
            finally:
                for process in processes:
                    process.kill()
                    process.join()
        finally:
            await pool.stop()
            for room in rooms:
                room.close()
    return {"burners": burners, "calm": calm, "short_of_cpu": short}


class Room:
    """Two sockets that count what comes."""

    def __init__(self, first_port: int, layout: str | None) -> None:
        self.first_port = first_port
        self.layout = layout
        self._sockets = {name: _bound(first_port + 4 + 2 * index) for index, name in enumerate(("audio", "video"))}

    def leg(self) -> LegSpec:
        port = self.first_port
        return LegSpec(
            id=f"leg{port}",
            name=f"Room {port}",
            layout=self.layout,
            transport=PlainTransport(
                local_host="127.0.0.1",
                audio_port=port,
                video_port=port + 2,
                audio_remote=Address(host="127.0.0.1", port=port + 4),
                video_remote=Address(host="127.0.0.1", port=port + 6),
            ),
            audio=AudioSpec(send_codec=PCMA, receive_codecs=(PCMA,), ssrc=port),
            video=VideoSpec(send_codec=H264, receive_codecs=(H264,), ssrc=port + 1),
        )

    def take(self) -> tuple[list[float], int]:
        """When sound packets came, and how many pictures, since the last call."""
        sounds, pictures = (_received(self._sockets[name]) for name in ("audio", "video"))
        return sorted(sounds.values()), len(pictures)

    def close(self) -> None:
        for one in self._sockets.values():
            one.close()


async def _phase(rooms: list[Room], statistics: list[ConferenceStatistics], seconds: float) -> Figures:
    for room in rooms:
        room.take()
    late = statistics[-1].late_audio_ticks if statistics else 0
    loop = asyncio.get_running_loop()
    began, pictures = loop.time(), [0] * len(rooms)
    sounds: list[list[float]] = [[] for _ in rooms]
    while loop.time() - began < seconds:
        await asyncio.sleep(0.2)
        for index, room in enumerate(rooms):
            sound, picture = room.take()
            sounds[index] += sound
            pictures[index] += picture
    elapsed = loop.time() - began
    await asyncio.sleep(STATISTICS_SECONDS)
    gaps = [1000 * (after - before) for times in sounds for before, after in itertools.pairwise(times)]
    return {
        "late_sound_ticks": statistics[-1].late_audio_ticks - late,
        "sound_packets_per_second": round(sum(map(len, sounds)) / len(rooms) / elapsed, 1),
        "sound_gap_ms_p99": percentile(gaps, 99),
        "sound_gap_ms_max": percentile(gaps, 100),
        "fps_common": round(pictures[0] / elapsed, 1),
        "fps_own_views": round(sum(pictures[1:]) / (len(rooms) - 1) / elapsed, 1),
    }


def _received(one: socket.socket) -> dict[int, float]:
    """By their RTP timestamps, when packets came."""
    found: dict[int, float] = {}
    while True:
        try:
            data, ancillary, _, _ = one.recvmsg(2048, socket.CMSG_SPACE(_TIME.size))
        except BlockingIOError:
            return found
        if not 192 <= data[1] <= 223:  # RTCP
            seconds, nanoseconds = _TIME.unpack(ancillary[0][2])
            found.setdefault(struct.unpack_from("!I", data, 4)[0], seconds + nanoseconds * 1e-9)


def _bound(port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    made.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    made.bind(("127.0.0.1", port))
    made.setblocking(False)
    return made


def _burn() -> None:
    while True:
        sum(range(10_000))


def _settings(identity: Identity, port: int) -> WorkerSettings:
    return WorkerSettings(
        index=0,
        browser_host="127.0.0.1",
        browser_port=port,
        certificate_file=str(identity.certificate_file),
        private_key_file=str(identity.private_key_file),
        font_file=str(WEB_CLIENT.parent / "node_modules" / FONT),
        log_level="WARNING",
    )


BENCHMARK = Benchmark(
    summary="short of CPU: sound keeps its ticks, pictures of the least important views give way",
    run=run,
    seconds=12.0,
    aims={"short_of_cpu.late_sound_ticks": "0", "short_of_cpu.sound_gap_ms_max": "under 60: a frame every 20"},
    options=(("burners", 4, "processes that take the processor away"),),
)
