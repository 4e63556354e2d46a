"""Writes a recording as it happens: coded pictures and sound in, parts of fragmented MP4 with their index out."""

from __future__ import annotations

import logging
import threading
import time as clock
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from recorder.append_file import describe
from recorder.errors import H264Error, RecorderError
from recorder.formats import AudioFormat, Fragment, VideoFormat
from recorder.fragmenter import Fragmenter
from recorder.h264 import ParameterSets, parameter_sets, split_nal_units, to_sample
from recorder.index import PartEnd
from recorder.layout import MAX_PARTS, part_numbers
from recorder.lock import RecordingLock
from recorder.part import PartWriter
from recorder.repair import repair_recording

__all__ = ["AudioFormat", "RecorderError", "RecordingWriter", "VideoFormat"]

log = logging.getLogger(__name__)

QUEUE_LIMIT = 16 * 1024 * 1024
"""Bytes that may wait for a slow disk: about forty seconds at 3 Mbit/s. Then pictures are dropped to a key frame."""

SOUND_WAIT = 0.1
"""Seconds that sound may wait for the thread where no picture wakes it; see ``write_sound``."""

PROGRESS_SECONDS = 1.0
"""Media time between two progress reports."""


@dataclass(frozen=True, slots=True)
class _Picture:
    data: bytes
    time: float
    key: bool


@dataclass(frozen=True, slots=True)
class _Sound:
    data: bytes
    time: float


class RecordingWriter:
    """One recording being written, by a thread of its own; ``write_…`` may be called from any thread and never block.

    Access units are taken as they are, nothing is coded again. Writing begins at the first key frame. New parameter
    sets (another picture size, another encoder) begin a new part, and so does a writer on a folder where a former one
    left off or died: it repairs what is there first.

    Callbacks come from threads of the writer, ``on_key_frame_wanted`` from that of the caller. ``on_failed(reason)`` is
    called once, and what came before stays valid; later ``write_…`` do nothing. ``on_progress(seconds, bytes)`` tells
    how much is safely on disk, over all parts. ``on_key_frame_wanted()`` is called when a key frame is needed to begin,
    or to go on after pictures were dropped. ``wall_time_of(time)``: seconds since 1970 at that time of a picture.
    """

    def __init__(
        self,
        directory: Path,
        video: VideoFormat,
        audio: AudioFormat | None = None,
        *,
        on_failed: Callable[[str], None] | None = None,
        on_progress: Callable[[float, int], None] | None = None,
        on_key_frame_wanted: Callable[[], None] | None = None,
        wall_time_of: Callable[[float], float] | None = None,
    ) -> None:
        """``directory`` is the recording's own folder, made when it is not there.

        Raises RecorderError when it cannot be written, RecordingBusy when another writer is at it.
        """
        if video.codec != "H264":
            raise RecorderError(f"pictures in {video.codec} cannot be recorded: only H264")
        self._directory = directory
        self._video = video
        self._audio = audio
        self._on_failed = on_failed or (lambda reason: None)
        self._on_progress = on_progress or (lambda seconds, size: None)
        self._on_key_frame_wanted = on_key_frame_wanted or (lambda: None)
        self._wall_time_of = wall_time_of or _wall_time_of

        self._waiting: deque[_Picture] = deque()
        self._sounds: deque[_Sound] = deque()
        self._waiting_bytes = 0  # of pictures
        self._sound_bytes_in = self._sound_bytes_out = 0  # each written by one thread
        self._ready = threading.Condition()
        self._closing = False
        self._skipping = True  # until a key frame
        self._asked = False  # for that key frame
        self._failure: str | None = None
        self._dropped = 0

        self._lock = RecordingLock(directory)
        try:
            repaired = repair_recording(directory)
        except BaseException:
            self._lock.release()
            raise
        self._seconds_before = sum(part.duration for part in repaired)
        self._bytes_before = sum(part.size for part in repaired)
        self._reported = 0.0
        self._part: PartWriter | None = None
        self._sets: ParameterSets | None = None
        self._fragmenter = Fragmenter(audio)
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    @property
    def failure(self) -> str | None:
        """Why the recording could not go on, None while it does."""
        return self._failure

    @property
    def dropped(self) -> int:
        """Pictures not recorded: before the first key frame, or because the disk was too slow."""
        return self._dropped

    def write_picture(self, data: bytes, time: float, keyframe: bool) -> None:
        """Record one access unit: an Annex B byte stream, shown at ``time`` (seconds, monotonic)."""
        with self._ready:
            if self._closing or self._failure is not None:
                return
            full = self._all_waiting_bytes + len(data) > QUEUE_LIMIT
            self._skipping = full or (self._skipping and not keyframe)
            if not self._skipping:
                self._asked = False
                self._waiting.append(_Picture(data, time, keyframe))
                self._waiting_bytes += len(data)
                self._ready.notify()
                return
            self._dropped += 1
            ask, self._asked = not self._asked, True
        if full and ask:
            log.warning("disk too slow: dropping pictures of %s", self._directory.name)
        if ask:
            self._on_key_frame_wanted()

    def write_sound(self, data: bytes, time: float) -> None:
        """Record one AAC access unit (1024 samples) whose decoded sound begins at ``time`` (seconds, monotonic).

        An encoder's priming is the caller's to subtract: FFmpeg's first access unit lies 1024 samples before its input.
        From one thread only. No lock is taken: who mixes sound must not wait for whoever has it and is kept from the
        processor.
        """
        if self._closing or self._failure is not None or self._all_waiting_bytes + len(data) > QUEUE_LIMIT:
            return
        self._sound_bytes_in += len(data)
        self._sounds.append(_Sound(data, time))

    def close(self, timeout: float = 10.0) -> None:
        """Write what is left and close the files. Returns after ``timeout`` seconds even when the disk hangs."""
        with self._ready:
            self._closing = True
            self._ready.notify()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout)
            if self._thread.is_alive():
                log.error("recording %s does not close: the disk hangs", self._directory.name)

    @property
    def _all_waiting_bytes(self) -> int:
        return self._waiting_bytes + self._sound_bytes_in - self._sound_bytes_out

    def _run(self) -> None:
        try:
            while (item := self._next()) is not None:
                if isinstance(item, _Picture):
                    self._take_picture(item)
                else:
                    self._append(self._fragmenter.add_sound(item.data, item.time))
            self._end_part(PartEnd.FINAL)
        except OSError as trouble:
            self._fail(describe(trouble))
        except RecorderError as trouble:
            self._fail(str(trouble))
        except Exception:
            log.exception("recording %s failed", self._directory.name)
            self._fail("internal error of the recorder")
        finally:
            self._lock.release()

    def _next(self) -> _Picture | _Sound | None:
        """Wait for the next access unit, by their times; None once closed and empty."""
        with self._ready:
            while not self._waiting and not self._sounds and not self._closing:
                self._ready.wait(SOUND_WAIT if self._audio is not None else None)
            if self._sounds and (not self._waiting or self._sounds[0].time <= self._waiting[0].time):
                sound = self._sounds.popleft()
                self._sound_bytes_out += len(sound.data)
                return sound
            if not self._waiting:
                return None
            picture = self._waiting.popleft()
            self._waiting_bytes -= len(picture.data)
            return picture

    def _fail(self, reason: str) -> None:
        with self._ready:
            self._failure = reason
            self._sounds.clear()
            self._waiting.clear()
            self._waiting_bytes = 0
        log.error("recording %s: %s", self._directory.name, reason)
        part, self._part = self._part, None
        try:
            if part is not None:
                part.close(None)
        except (OSError, RecorderError) as trouble:
            log.error("recording %s: %s", self._directory.name, trouble)
        self._on_failed(reason)

    def _take_picture(self, picture: _Picture) -> None:
        units = split_nal_units(picture.data)
        if picture.key:
            sets = self._parameter_sets(units)
            if sets is None:
                return  # a key frame that nobody can decode
            if sets != self._sets:
                self._begin_part(sets, picture.time)
        sample = to_sample(units)
        if self._part is not None and sample:
            self._append(self._fragmenter.add_picture(sample, picture.time, picture.key))

    def _parameter_sets(self, units: list[bytes]) -> ParameterSets | None:
        try:
            found = parameter_sets(units)
            if found is None and self._sets is None and self._video.extradata:
                found = parameter_sets(split_nal_units(self._video.extradata))
        except H264Error as trouble:
            raise RecorderError(f"pictures that cannot be recorded: {trouble}") from trouble
        return found or self._sets

    def _begin_part(self, sets: ParameterSets, time: float) -> None:
        self._end_part(PartEnd.CONTINUED, time)
        number = max(part_numbers(self._directory), default=0) + 1
        if number > MAX_PARTS:
            raise RecorderError(f"more than {MAX_PARTS} parts")
        self._part = PartWriter(self._directory, number, sets, self._audio, self._wall_time_of(time), self._report)
        self._sets = sets

    def _end_part(self, end: PartEnd, until: float | None = None) -> None:
        """End the part; sound that belongs after it is handed on to the next."""
        fragments, later = self._fragmenter.finish(until)
        self._append(fragments)
        part, self._part = self._part, None
        if part is not None:
            part.close(end)
            self._seconds_before += part.seconds
            self._bytes_before += part.size
            self._report(force=True)
        self._fragmenter = Fragmenter(self._audio)
        for data, time in later:
            self._fragmenter.add_sound(data, time)

    def _append(self, fragments: list[Fragment]) -> None:
        if self._part is None:
            return
        for content in fragments:
            self._part.append(content)

    def _report(self, force: bool = False) -> None:
        """Called when more is safely on disk: from the part's own thread, and from ours once that has ended."""
        seconds = self._seconds_before + (self._part.seconds if self._part else 0)
        if force or seconds >= self._reported + PROGRESS_SECONDS:
            self._reported = seconds
            try:
                self._on_progress(seconds, self._bytes_before + (self._part.size if self._part else 0))
            except Exception:
                log.exception("progress of recording %s could not be told", self._directory.name)


def _wall_time_of(time: float) -> float:
    """Seconds since 1970 at an instant of the monotonic clock: what lies back by now is counted back."""
    return clock.time() - (clock.monotonic() - time)
