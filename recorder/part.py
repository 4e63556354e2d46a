"""One part of a recording while it is written: the media file, its index, and the promise that both stay valid."""

from __future__ import annotations

import os
from pathlib import Path

from recorder.errors import RecorderError
from recorder.formats import VIDEO_TIMESCALE, AudioFormat, Fragment
from recorder.h264 import ParameterSets
from recorder.index import FragmentEntry, PartEnd, PartHeader, end_line, entry_line, header_line
from recorder.layout import index_file, part_file
from recorder.mp4_writer import fragment, init_segment


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


class _AppendFile:
    """A new file that only ever grows by whole pieces: a piece that cannot be written whole is taken back."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)

    def append(self, piece: bytes, sync: bool) -> None:
        """Raises OSError, after which the file is as it was before."""
        view = memoryview(piece)
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
            if sync:
                os.fdatasync(self._descriptor)
        except OSError as trouble:
            os.ftruncate(self._descriptor, self.size)
            os.lseek(self._descriptor, self.size, os.SEEK_SET)
            trouble.filename = trouble.filename or str(self.path)
            raise
        self.size += len(piece)

    def close(self) -> None:
        os.close(self._descriptor)


class PartWriter:
    """Writes one part. Every method raises RecorderError on disk trouble; what was written before stays valid."""

    def __init__(
        self, directory: Path, number: int, video: ParameterSets, audio: AudioFormat | None, started: float
    ) -> None:
        """``started``: wall-clock time of the part's first picture, seconds since 1970."""
        init = init_segment(video, audio, started)
        codecs = (video.codec,) if audio is None else (video.codec, audio.codec)
        self.header = PartHeader(started, len(init), video.width, video.height, codecs)
        self.number = number
        self._sequence = 0
        self._end = 0
        opened: list[_AppendFile] = []
        try:
            self._media = _AppendFile(part_file(directory, number))
            opened.append(self._media)
            self._media.append(init, sync=True)
            self._index = _AppendFile(index_file(directory, number))
            opened.append(self._index)
            self._index.append(header_line(self.header), sync=True)
            sync_directory(directory)
        except OSError as trouble:
            for file in opened:
                file.close()
            raise RecorderError(f"cannot begin part {number}: {describe(trouble)}") from trouble

    @property
    def seconds(self) -> float:
        """How much of the part is safely on disk."""
        return self._end / VIDEO_TIMESCALE

    @property
    def size(self) -> int:
        """Bytes of media safely on disk."""
        return self._media.size

    def append(self, content: Fragment, sample_rate: int) -> None:
        """Put one fragment on disk, then its line in the index."""
        self._sequence += 1
        data = fragment(self._sequence, content)
        entry = entry_for(content, sample_rate, self._media.size, len(data))
        try:
            self._media.append(data, sync=True)
            # Not synced: repair makes lines that a power failure takes away.
            self._index.append(entry_line(entry), sync=False)
        except OSError as trouble:
            raise RecorderError(f"cannot write: {describe(trouble)}") from trouble
        self._end = max(self._end, entry.time + entry.duration)

    def close(self, end: PartEnd | None) -> None:
        """Close the files; ``end`` None leaves the part open for repair, as after a failure."""
        try:
            if end is not None:
                self._index.append(end_line(end, self._end, self._media.size), sync=True)
        except OSError as trouble:
            raise RecorderError(f"cannot close part {self.number}: {describe(trouble)}") from trouble
        finally:
            self._media.close()
            self._index.close()


def entry_for(content: Fragment, sample_rate: int, offset: int, size: int) -> FragmentEntry:
    """The index entry of a fragment. Its times are those of its pictures, of its sound where it has no picture."""
    if content.pictures:
        start, end = content.pictures[0].time, content.end
    else:
        start = content.sounds[0].time * VIDEO_TIMESCALE // sample_rate
        end = content.sound_end * VIDEO_TIMESCALE // sample_rate
    return FragmentEntry(start, end - start, offset, size, bool(content.pictures) and content.pictures[0].key)
