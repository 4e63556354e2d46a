"""What a server's processes cost: CPU time and memory of the control process and its media workers together."""

from __future__ import annotations

import psutil


class ServerCost:
    """CPU time from its making on; the processes are those that run at that moment."""

    def __init__(self, pid: int) -> None:
        parent = psutil.Process(pid)
        self._processes = [parent, *parent.children(recursive=True)]
        self._before = self._seconds()

    def cpu_seconds(self) -> float:
        """CPU time used so far, in seconds."""
        return self._seconds() - self._before

    def memory(self) -> int:
        """Resident memory now, in bytes."""
        return sum(process.memory_info().rss for process in self._processes)

    def _seconds(self) -> float:
        return sum(sum(process.cpu_times()[:2]) for process in self._processes)
