"""Real worker processes under their supervision."""

from __future__ import annotations

import asyncio
import datetime
import os
import signal
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from consilium.certificates import Identity, ensure_identity
from mcu.media import pool as pool_module
from mcu.media.facts import Fact, LegFailed, LegFlowing
from mcu.media.numbering import REPORT_AFTER
from mcu.media.pool import WorkerPool
from mcu.media.rtp.beginning import AHEAD
from mcu.media.spec import (
    Address,
    AudioSpec,
    CodecSpec,
    ConferenceSpec,
    LegSpec,
    PlainTransport,
)
from mcu.ports import MediaError
from tests.media.workers import PATIENCE, worker_settings
from tests.peers.ports import port_block

PCMA = CodecSpec(name="PCMA", payload_type=8, clock_rate=8000)
PCMU = CodecSpec(name="PCMU", payload_type=0, clock_rate=8000)


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return ensure_identity(tmp_path_factory.mktemp("tls"), [], datetime.datetime.now(datetime.UTC))


@dataclass(frozen=True)
class Ports:
    """Ports for one worker."""

    browser: int
    rtp_first: int


@pytest.fixture
def ports() -> Ports:
    block = port_block(10)
    return Ports(block[0], block[2])


def leg(leg_id: str, port: int, codec: CodecSpec = PCMA) -> LegSpec:
    """A room with sound alone, which sends to ``port``."""
    return LegSpec(
        id=leg_id,
        name="Room",
        transport=PlainTransport(local_host="127.0.0.1", audio_port=port),
        audio=AudioSpec(send_codec=codec, receive_codecs=(codec,), ssrc=7),
    )


def conference(*legs: LegSpec, revision: int = 1) -> ConferenceSpec:
    return ConferenceSpec(id="c", revision=revision, width=320, height=180, legs=legs)


class Listening:
    """What a pool has reported."""

    def __init__(self, pool: WorkerPool) -> None:
        self.facts: list[Fact] = []
        self.restarted: asyncio.Queue[list[str]] = asyncio.Queue()
        self._changed = asyncio.Event()
        pool.on_fact(self._take)
        pool.on_restart(lambda ids: self.restarted.put_nowait(list(ids)))

    def _take(self, fact: Fact) -> None:
        self.facts.append(fact)
        self._changed.set()

    async def until(self, kind: type[Fact]) -> Fact:
        """The first fact of this kind, come or still to come."""
        async with asyncio.timeout(PATIENCE):
            while True:
                for fact in self.facts:
                    if isinstance(fact, kind):
                        return fact
                self._changed.clear()
                await self._changed.wait()


@pytest.fixture
async def pool(identity: Identity, ports: Ports, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[WorkerPool]:
    monkeypatch.setattr(pool_module, "RESTART_PAUSE", 0.0)
    pool = WorkerPool([worker_settings(identity, ports.browser)])
    await pool.start()
    yield pool
    await pool.stop()
    assert pool.process_ids() == []


def is_bound(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


async def end(pid: int) -> None:
    """Kill a process and wait until it has let go of its sockets."""
    descriptor, ended = os.pidfd_open(pid), asyncio.Event()
    try:
        asyncio.get_running_loop().add_reader(descriptor, ended.set)
        os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(PATIENCE):
            await ended.wait()
    finally:
        asyncio.get_running_loop().remove_reader(descriptor)
        os.close(descriptor)


def speak(port: int) -> None:
    """One packet of sound for a leg."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as room:
        room.bind(("127.0.0.1", 0))
        room.sendto(bytes([0x80, 8]) + (1).to_bytes(2) + bytes(4) + (99).to_bytes(4) + bytes(160), ("127.0.0.1", port))


async def test_a_leg_is_opened_reported_and_closed(pool: WorkerPool, ports: Ports) -> None:
    listening = Listening(pool)
    assert pool.browser_port("c") == ports.browser and is_bound(ports.browser)

    await pool.apply(conference(leg("a", ports.rtp_first)))
    assert is_bound(ports.rtp_first) and is_bound(ports.rtp_first + 1)
    speak(ports.rtp_first)
    assert await listening.until(LegFlowing) == LegFlowing(conference="c", leg="a", media="audio")

    await pool.apply(conference(revision=2))
    assert not is_bound(ports.rtp_first) and not is_bound(ports.rtp_first + 1)
    await pool.remove("c")
    with pytest.raises(ProcessLookupError):
        pid = pool.process_ids()[0]
        await pool.stop()
        os.kill(pid, 0)


async def test_an_older_description_changes_nothing(pool: WorkerPool, ports: Ports) -> None:
    await pool.apply(conference(leg("a", ports.rtp_first), revision=2))
    await pool.apply(conference(revision=1))
    assert is_bound(ports.rtp_first)


async def test_a_leg_that_is_negotiated_anew_keeps_its_port(pool: WorkerPool, ports: Ports) -> None:
    await pool.apply(conference(leg("a", ports.rtp_first)))
    for revision, codec in ((2, PCMU), (3, PCMA)):
        await pool.apply(conference(leg("a", ports.rtp_first, codec), revision=revision))
        assert is_bound(ports.rtp_first) and is_bound(ports.rtp_first + 1)


async def test_a_taken_port_is_told_by_its_leg(pool: WorkerPool, ports: Ports) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", ports.rtp_first + 3))
        with pytest.raises(MediaError) as caught:
            await pool.apply(conference(leg("a", ports.rtp_first), leg("b", ports.rtp_first + 2)))
    assert list(caught.value.legs) == ["b"]
    assert str(ports.rtp_first + 2) in caught.value.legs["b"]
    assert is_bound(ports.rtp_first)
    assert not is_bound(ports.rtp_first + 2)

    await pool.apply(conference(leg("a", ports.rtp_first), leg("b", ports.rtp_first + 2), revision=2))
    assert is_bound(ports.rtp_first + 2)


async def test_a_killed_worker_has_a_successor_on_the_same_ports(pool: WorkerPool, ports: Ports) -> None:
    listening = Listening(pool)
    await pool.apply(conference(leg("a", ports.rtp_first)))
    first = pool.process_ids()

    os.kill(first[0], signal.SIGKILL)
    async with asyncio.timeout(PATIENCE):
        assert await listening.restarted.get() == ["c"]

    assert pool.restarts == 1
    assert pool.process_ids() != first and len(pool.process_ids()) == 1
    assert is_bound(ports.rtp_first) and is_bound(ports.browser)
    speak(ports.rtp_first)
    await listening.until(LegFlowing)


async def test_a_change_during_the_restart_waits_for_the_successor(pool: WorkerPool, ports: Ports) -> None:
    await pool.apply(conference(leg("a", ports.rtp_first)))
    os.kill(pool.process_ids()[0], signal.SIGKILL)
    async with asyncio.timeout(PATIENCE):
        await pool.apply(conference(leg("a", ports.rtp_first), leg("b", ports.rtp_first + 2), revision=2))
    assert is_bound(ports.rtp_first) and is_bound(ports.rtp_first + 2)


async def test_a_leg_that_the_successor_cannot_open_is_reported(
    pool: WorkerPool, ports: Ports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "STABLE_AFTER", 0.0)
    listening = Listening(pool)
    await pool.apply(conference(leg("a", ports.rtp_first)))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        await end(pool.process_ids()[0])
        other.bind(("127.0.0.1", ports.rtp_first + 1))
        failed = await listening.until(LegFailed)
    assert isinstance(failed, LegFailed) and failed.leg == "a"


async def test_a_listener_that_fails_costs_nobody_else_anything(pool: WorkerPool, ports: Ports) -> None:
    def fail(fact: Fact) -> None:
        raise LookupError("a fault of the listener")

    pool.on_fact(fail)
    listening = Listening(pool)
    await pool.apply(conference(leg("a", ports.rtp_first)))
    speak(ports.rtp_first)
    await listening.until(LegFlowing)
    assert pool.restarts == 0


async def test_a_taken_browser_port_fails_the_start_with_its_reason(identity: Identity, ports: Ports) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", ports.browser))
        pool = WorkerPool([worker_settings(identity, ports.browser)])
        with pytest.raises(MediaError, match=f"media worker 0: UDP port {ports.browser} for browsers: Address already"):
            async with asyncio.timeout(PATIENCE / 2):
                await pool.start()
    assert pool.process_ids() == []


async def test_a_worker_that_dies_at_once_fails_the_start(identity: Identity, ports: Ports, tmp_path: Path) -> None:
    pool = WorkerPool([worker_settings(identity, ports.browser, certificate=tmp_path / "missing.pem")])
    with pytest.raises(MediaError, match="media worker 0: the link was closed"):
        async with asyncio.timeout(PATIENCE / 2):
            await pool.start()
    assert pool.process_ids() == [] and pool.restarts == 0
    with pytest.raises(MediaError, match="stopping"):
        await pool.apply(conference())


def test_a_pool_without_workers_makes_no_sense() -> None:
    with pytest.raises(ValueError, match="at least one"):
        WorkerPool([])


async def test_the_first_worker_measures_once_and_its_successor_does_not(
    identity: Identity, ports: Ports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "RESTART_PAUSE", 0.0)
    pool = WorkerPool([worker_settings(identity, ports.browser)], calibrate=True)
    assert pool.capacity is None
    await pool.start()
    try:
        capacity = pool.capacity
        assert capacity is not None and capacity.ports > 0
        listening = Listening(pool)
        os.kill(pool.process_ids()[0], signal.SIGKILL)
        async with asyncio.timeout(PATIENCE):
            await listening.restarted.get()
        assert pool.capacity is capacity
        assert pool._places[0].process.capacity is None
    finally:
        await pool.stop()


async def test_a_spare_takes_the_place_of_a_killed_worker(identity: Identity, ports: Ports) -> None:
    pool = WorkerPool([worker_settings(identity, ports.browser)], spares=1)
    await pool.start()
    try:
        async with asyncio.timeout(PATIENCE):
            while not pool._spares.ready:
                await asyncio.sleep(0.01)
        (waiting,) = pool._spares._waiting
        listening = Listening(pool)
        await pool.apply(conference(leg("a", ports.rtp_first)))
        os.kill(pool.process_ids()[0], signal.SIGKILL)
        async with asyncio.timeout(PATIENCE):
            assert await listening.restarted.get() == ["c"]
        assert pool.process_ids() == [waiting.process.pid]
        assert is_bound(ports.rtp_first) and is_bound(ports.browser)
    finally:
        await pool.stop()
    assert waiting.process.returncode == 0


async def test_a_stream_goes_on_under_its_ssrc_ahead_of_what_was_sent(pool: WorkerPool, ports: Ports) -> None:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as room:
        room.bind(("127.0.0.1", 0))
        room.setblocking(False)
        remote = Address(host="127.0.0.1", port=room.getsockname()[1])
        description = leg("a", ports.rtp_first)
        transport = description.transport.model_copy(update={"audio_remote": remote})

        async def heard() -> tuple[int, int, int]:
            """Sequence number, timestamp and SSRC of the next packet."""
            packet = await loop.sock_recv(room, 2048)
            sequence, timestamp, ssrc = (int.from_bytes(packet[a:b], "big") for a, b in ((2, 4), (4, 8), (8, 12)))
            return sequence, timestamp, ssrc

        async with asyncio.timeout(PATIENCE):
            await pool.apply(conference(description.model_copy(update={"transport": transport})))
            for _ in range(20):
                old = new = await heard()
            killed = loop.time()
            os.kill(pool.process_ids()[0], signal.SIGKILL)
            while (new[0] - old[0]) & 0xFFFF <= 1:
                old, new = new, await heard()
            pause = loop.time() - killed
    assert new[2] == old[2] == 7
    assert AHEAD - REPORT_AFTER < (new[0] - old[0]) & 0xFFFF <= AHEAD + 1
    assert 0 < (new[1] - old[1]) & 0xFFFFFFFF < 8000 * (pause + 1.0)
