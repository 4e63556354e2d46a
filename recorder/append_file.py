"""A file that only ever grows, by whole pieces."""

from __future__ import annotations

import os
from pathlib import Path


class AppendFile:
    """A new file. A piece that cannot be written whole is taken back. Methods raise OSError that names the file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)

    def append(self, piece: bytes) -> None:
        """Hand a piece to the kernel: it outlives this process from now on, and a power failure once synced."""
        view = memoryview(piece)
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError as trouble:
            self.cut(self.size)
            trouble.filename = str(self.path)
            raise
        self.size += len(piece)

    def sync(self) -> None:
        """Wait until all of it is on the disk."""
        try:
            os.fdatasync(self._descriptor)
        except OSError as trouble:
            trouble.filename = str(self.path)
            raise

    def cut(self, size: int) -> None:
        """Take back what lies behind ``size``."""
        os.ftruncate(self._descriptor, size)
        os.lseek(self._descriptor, size, os.SEEK_SET)
        self.size = size

    def close(self) -> None:
        os.close(self._descriptor)


def sync_directory(directory: Path) -> None:
    """Make names in a folder survive a power failure."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def describe(trouble: OSError) -> str:
    """What went wrong with which file, for an administrator."""
    name = f" ({trouble.filename})" if trouble.filename else ""
    return f"{trouble.strerror or trouble}{name}"
