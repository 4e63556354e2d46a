"""What the system tells of the threads of another process: whether they run, wait for a processor, or sleep."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

STOPPED = frozenset("Tt")
"""Of ``state``: by a signal, or by a debugger."""


@dataclass(frozen=True, slots=True)
class ThreadTimes:
    """Since the thread began: seconds that it ran, and that it could have run but waited for a processor; and how often
    it was given one. ``state`` is the letter of proc_pid_stat(5).
    """

    state: str
    ran: float
    waited: float
    turns: int


def thread_times(pid: int, root: Path = Path("/proc")) -> dict[int, ThreadTimes] | None:
    """The threads of a process by number; its first has the process's own. None where the system does not tell."""
    found = {}
    try:
        for task in (root / str(pid) / "task").iterdir():
            try:
                found[int(task.name)] = _times(task)
            except FileNotFoundError:
                continue  # a thread that has just ended, or no such accounting
    except OSError:
        return None
    return found if pid in found else None


def _times(task: Path) -> ThreadTimes:
    ran, waited, turns = (task / "schedstat").read_text().split()
    # The name before it may hold anything, brackets too.
    state = (task / "stat").read_text().rpartition(")")[2].split()[0]
    return ThreadTimes(state, int(ran) / 1e9, int(waited) / 1e9, int(turns))
