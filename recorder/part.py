"""One part of a recording while it is written: the media file, its index, and the promise that both stay valid."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from recorder.append_file import AppendFile, describe, sync_directory
from recorder.errors import RecorderError
from recorder.formats import VIDEO_TIMESCALE, AudioFormat, Fragment
from recorder.h264 import ParameterSets
from recorder.index import FragmentEntry, PartEnd, PartHeader, end_line, header_line
from recorder.layout import index_file, part_file
from recorder.mp4_writer import fragment, init_segment
from recorder.syncer import Syncer


class PartWriter:
    """Writes one part. Every method raises RecorderError on disk trouble; what was written before stays valid."""

    def __init__(
        self,
        directory: Path,
        number: int,
        video: ParameterSets,
        audio: AudioFormat | None,
        started: float,
        on_synced: Callable[[], None] = lambda: None,
    ) -> None:
        """``started``: wall-clock time of the part's first picture, seconds since 1970.

        ``on_synced`` is called, from another thread, when more of the part is safely on disk.
        """
        init = init_segment(video, audio, started)
        codecs = (video.codec,) if audio is None else (video.codec, audio.codec)
        self.header = PartHeader(started, len(init), video.width, video.height, codecs)
        self.number = number
        self._sequence = 0
        self._sample_rate = audio.sample_rate if audio else 1
        opened: list[AppendFile] = []
        try:
            for path, start in ((part_file, init), (index_file, header_line(self.header))):
                opened.append(AppendFile(path(directory, number)))
                opened[-1].append(start)
                opened[-1].sync()
            sync_directory(directory)
        except OSError as trouble:
            for file in opened:
                file.close()
            raise RecorderError(f"cannot begin part {number}: {describe(trouble)}") from trouble
        self._media, self._index = opened
        self._syncer = Syncer(self._media, self._index, on_synced)

    @property
    def seconds(self) -> float:
        """How much of the part is safely on disk."""
        return self._syncer.duration / VIDEO_TIMESCALE

    @property
    def size(self) -> int:
        """Bytes of media safely on disk."""
        return self._syncer.size

    def append(self, content: Fragment) -> None:
        """Hand one fragment to the kernel; its line in the index follows once it is on disk."""
        self._sequence += 1
        data = fragment(self._sequence, content)
        entry = entry_for(content, self._sample_rate, self._media.size, len(data))
        try:
            self._media.append(data)
            self._syncer.add(entry)
        except OSError as trouble:
            raise RecorderError(f"cannot write: {describe(trouble)}") from trouble

    def close(self, end: PartEnd | None) -> None:
        """Close the files; ``end`` None leaves the part open for repair, as after a failure."""
        self._syncer.finish()
        try:
            if self._syncer.failure is not None:
                self._media.cut(self._syncer.size)
                raise self._syncer.failure
            if end is not None:
                self._index.append(end_line(end, self._syncer.duration, self._syncer.size))
                self._index.sync()
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
