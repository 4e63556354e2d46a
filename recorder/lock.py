"""Who may write a recording: one living writer, known by a lock that the kernel drops when its process dies."""

from __future__ import annotations

import fcntl
import os
import threading
from pathlib import Path

from recorder.errors import RecorderError, RecordingBusy
from recorder.layout import lock_file

_ATTEMPTS = 20
_PAUSE = 0.05  # seconds; a reader that asks whether the recording is live holds the lock for microseconds


class RecordingLock:
    """Held from construction until ``release``. Makes the folder where it is missing."""

    def __init__(self, directory: Path) -> None:
        """Raises RecordingBusy when another writer holds the lock, RecorderError when the folder cannot be written."""
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(lock_file(directory), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        except OSError as trouble:
            raise RecorderError(f"cannot write to {directory}: {trouble.strerror}") from trouble
        pause = threading.Event()
        for attempt in range(_ATTEMPTS):
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if attempt < _ATTEMPTS - 1:
                    pause.wait(_PAUSE)
        os.close(self._descriptor)
        raise RecordingBusy(f"{directory.name} is being written already")

    def release(self) -> None:
        """Give it up; the file stays."""
        os.close(self._descriptor)


def is_being_written(directory: Path) -> bool:
    """Whether a living writer holds the recording."""
    try:
        descriptor = os.open(lock_file(directory), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
