"""Processes that wait to take the place of a worker."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mcu.media import spare_workers
from mcu.media.spare_workers import Launched, SpareWorkers, available_memory
from tests.media.workers import PATIENCE


async def until_ready(spares: SpareWorkers, number: int = 1) -> None:
    async with asyncio.timeout(PATIENCE):
        while spares.ready != number:
            await asyncio.sleep(0.01)


@pytest.fixture
async def spares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SpareWorkers]:
    monkeypatch.setattr(spare_workers, "REFILL_DELAY", 0.0)
    monkeypatch.setattr(spare_workers, "CALM_DELAY", 0.0)
    spares = SpareWorkers(1)
    spares.start(tmp_path)
    yield spares
    await spares.stop()


async def end(spare: Launched) -> None:
    spare.writer.close()
    async with asyncio.timeout(PATIENCE):
        assert await spare.process.wait() == 0  # quietly: it was not needed


async def test_a_spare_waits_and_another_follows_it(spares: SpareWorkers, tmp_path: Path) -> None:
    await until_ready(spares)
    assert list(tmp_path.iterdir()) == []  # its socket has served its purpose
    spare = await spares.take()
    assert spare is not None and spare.is_alive and spares.ready == 0
    await until_ready(spares)
    await end(spare)


async def test_the_next_one_is_started_as_soon_as_calls_are_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spare_workers, "REFILL_DELAY", 1e9)
    monkeypatch.setattr(spare_workers, "CALM_DELAY", 0.0)
    spares = SpareWorkers(1)
    spares.start(tmp_path)
    await until_ready(spares)
    for _ in range(2):
        spare = await spares.take()
        assert spare is not None
        spares.calls_are_back()
        await until_ready(spares)
        await end(spare)
    await spares.stop()


async def test_a_spare_that_has_died_is_not_taken(spares: SpareWorkers) -> None:
    await until_ready(spares)
    (waiting,) = spares._waiting
    os.kill(waiting.process.pid, signal.SIGKILL)
    await waiting.process.wait()
    assert await spares.take() is None
    await until_ready(spares)


async def test_one_that_is_just_starting_is_waited_for(spares: SpareWorkers) -> None:
    async with asyncio.timeout(PATIENCE):
        await spares._settled.wait()
        while spares._settled.is_set() and not spares.ready:
            await asyncio.sleep(0)  # until it is being started
        spare = await spares.take()
    assert spare is not None
    await end(spare)


async def test_without_memory_there_is_no_spare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    looked = asyncio.Event()

    def none_left() -> int:
        looked.set()
        return 0

    monkeypatch.setattr(spare_workers, "available_memory", none_left)
    spares = SpareWorkers(1)
    with caplog.at_level(logging.WARNING):
        spares.start(tmp_path)
        async with asyncio.timeout(PATIENCE):
            await looked.wait()
        assert await spares.take() is None
        await spares.stop()
    assert "too little memory" in caplog.text


def test_memory_is_what_the_system_says(tmp_path: Path) -> None:
    source = tmp_path / "meminfo"
    source.write_text("MemTotal:       100 kB\nMemAvailable:    42 kB\n")
    assert available_memory(source) == 42 * 1024
    source.write_text("MemTotal:       100 kB\n")
    assert available_memory(source) == available_memory(tmp_path / "nothing") > 1 << 40
