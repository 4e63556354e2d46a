"""Waits for the disk in a thread of its own, then writes the index lines of what is on it.

A disk may take its time for a sync, above all with many recordings. Whoever waited for it before handing the next
fragment to the kernel would lose that fragment, too, when the process dies.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from recorder.append_file import AppendFile
from recorder.index import FragmentEntry, entry_line


class Syncer:
    """Owned by one part while it is written. ``on_synced`` is called from its thread."""

    def __init__(self, media: AppendFile, index: AppendFile, on_synced: Callable[[], None]) -> None:
        self._media = media
        self._index = index
        self._on_synced = on_synced
        self._pending: list[FragmentEntry] = []
        self._ready = threading.Condition()
        self._closing = False
        self.failure: OSError | None = None
        self.duration = 0  # ticks that are on the disk
        self.size = media.size  # bytes that are
        self._thread = threading.Thread(target=self._run, name="recorder sync", daemon=True)
        self._thread.start()

    def add(self, entry: FragmentEntry) -> None:
        """A fragment was handed to the kernel. Raises OSError when the disk has failed meanwhile."""
        with self._ready:
            if self.failure is not None:
                raise self.failure
            self._pending.append(entry)
            self._ready.notify()

    def finish(self) -> None:
        """Wait until all is on the disk, or cannot be: see ``failure``."""
        with self._ready:
            self._closing = True
            self._ready.notify()
        self._thread.join()

    def _run(self) -> None:
        while batch := self._next():
            try:
                self._media.sync()
                # Not synced itself: repair makes lines that a power failure takes away.
                self._index.append(b"".join(map(entry_line, batch)))
            except OSError as trouble:
                with self._ready:
                    self.failure = trouble
                return
            self.duration = max(self.duration, *(entry.time + entry.duration for entry in batch))
            self.size = batch[-1].offset + batch[-1].size
            self._on_synced()

    def _next(self) -> list[FragmentEntry]:
        with self._ready:
            while not self._pending and not self._closing:
                self._ready.wait()
            batch, self._pending = self._pending, []
            return batch
