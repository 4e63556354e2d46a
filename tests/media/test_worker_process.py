"""One real worker process: it comes up, answers, is noticed when it hangs, and ends when told."""

from __future__ import annotations

import asyncio
import datetime
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from consilium.certificates import ensure_identity
from mcu.media import hang_watch, spare_workers, worker_process
from mcu.media.link import Apply, Done, LinkError, Ping, Remove
from mcu.media.spec import ConferenceSpec
from mcu.media.worker_process import WorkerProcess
from tests.media.workers import PATIENCE, worker_settings
from tests.peers.ports import port_block

SPEC = ConferenceSpec(id="c", revision=1, width=320, height=180)


@pytest.fixture
async def process(tmp_path: Path) -> AsyncIterator[WorkerProcess]:
    identity = ensure_identity(tmp_path / "tls", [], datetime.datetime.now(datetime.UTC))
    process = WorkerProcess(worker_settings(identity, port_block(1)[0]), 0)
    await process.start(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["tls"]  # the socket has served its purpose
    yield process
    await process.kill()
    assert process.pid is None


async def serve(process: WorkerProcess) -> None:
    """Serve the link until it ends."""
    async with asyncio.timeout(PATIENCE):
        async for _ in process.reports():
            pass


async def test_commands_are_answered_and_the_end_is_orderly(process: WorkerProcess) -> None:
    serving = asyncio.create_task(serve(process))
    applied, removed = await asyncio.gather(
        process.command(Apply(request=0, spec=SPEC)), process.command(Remove(request=0, conference="nobody"))
    )
    assert (applied, removed) == (Done(request=1), Done(request=2))
    process.send(Ping())
    await process.stop()
    assert process.pid is None
    with pytest.raises(LinkError, match="closed"):
        await serving
    with pytest.raises(LinkError, match="gone"):
        process.send(Ping())
    with pytest.raises(LinkError, match="gone"):
        await process.command(Apply(request=0, spec=SPEC))


async def test_a_worker_that_hangs_is_killed(process: WorkerProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_process, "LOOK_INTERVAL", 0.05)  # many looks, and as much silence counts for each
    monkeypatch.setattr(hang_watch, "HANGS_AFTER", 0.5)
    monkeypatch.setattr(hang_watch, "SUSPECT_AFTER", 0.25)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGSTOP)
    serving = asyncio.create_task(serve(process))
    waiting = asyncio.create_task(process.command(Apply(request=0, spec=SPEC)))
    with pytest.raises(LinkError):
        await serving
    process.drop_link()
    with pytest.raises(LinkError, match="died"):
        await waiting


async def test_a_command_without_an_answer_is_given_up(process: WorkerProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_process, "COMMAND_TIMEOUT", 0.05)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGSTOP)
    with pytest.raises(TimeoutError):
        await process.command(Apply(request=0, spec=SPEC))
    monkeypatch.setattr(worker_process, "STOP_TIMEOUT", 0.05)
    await process.stop()
    assert process.pid is None


async def test_a_worker_that_was_told_something_else_than_to_start_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = ensure_identity(tmp_path / "tls", [], datetime.datetime.now(datetime.UTC))
    process = WorkerProcess(worker_settings(identity, port_block(1)[0]), 0)
    monkeypatch.setattr(worker_process, "Start", lambda settings, generation, calibrate: Ping())
    with pytest.raises(LinkError, match="closed"):
        await process.start(tmp_path)
    await process.kill()


async def test_a_program_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    identity = ensure_identity(tmp_path / "tls", [], datetime.datetime.now(datetime.UTC))
    process = WorkerProcess(worker_settings(identity, 1), 0)
    monkeypatch.setattr(spare_workers.sys, "executable", "/bin/false")
    with pytest.raises(LinkError, match="ended with status 1"):
        await process.start(tmp_path)
    await process.stop()
    assert process.pid is None
