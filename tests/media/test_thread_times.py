"""Threads of processes as the system tells of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from mcu.media.thread_times import STOPPED, thread_times


def test_a_thread_that_works_has_run() -> None:
    before = thread_times(os.getpid())
    assert before is not None
    began = time.thread_time()
    while time.thread_time() - began < 0.05:
        pass
    after = thread_times(os.getpid())
    assert after is not None
    mine = threading.get_native_id()
    assert after[mine].ran - before[mine].ran >= 0.045
    assert after[mine].state == "R"
    assert after[mine].waited >= before[mine].waited and after[mine].turns >= before[mine].turns


def test_a_stopped_process_is_told() -> None:
    process = subprocess.Popen([sys.executable, "-c", "print('up', flush=True); input()"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)  # fmt: skip
    try:
        assert process.stdout is not None and process.stdout.readline() == b"up\n"
        os.kill(process.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        found = thread_times(process.pid)
        assert found is not None and found[process.pid].state in STOPPED
    finally:
        process.kill()
        process.communicate()
    assert thread_times(process.pid) is None


@pytest.mark.parametrize("missing", ["schedstat", "stat"])
def test_without_the_accounting_nothing_is_known(tmp_path: Path, missing: str) -> None:
    task = tmp_path / "7" / "task" / "7"
    task.mkdir(parents=True)
    (task / "schedstat").write_text("1500000000 250000000 12\n")
    (task / "stat").write_text("7 (a ) name) S 1 1\n")
    found = thread_times(7, tmp_path)
    assert found is not None and (found[7].state, found[7].ran, found[7].waited, found[7].turns) == ("S", 1.5, 0.25, 12)
    (task / missing).unlink()
    assert thread_times(7, tmp_path) is None
