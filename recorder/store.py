"""The recordings of one installation: entered, listed, opened, deleted. Knows folders, never coded media."""

from __future__ import annotations

import json
import logging
import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path

from recorder.append_file import sync_directory
from recorder.errors import RecorderError, RecordingBusy, RecordingNotFound
from recorder.index import PartEnd, PartIndex, PartSummary
from recorder.layout import (
    meta_file,
    part_file,
    part_numbers,
    recording_directory,
    thumbnail_file,
    valid_recording_id,
)
from recorder.lock import RecordingLock, is_being_written
from recorder.repair import read_part_index, read_part_summary, repair_recording

log = logging.getLogger(__name__)

MAX_META = 64 * 1024
"""Bytes of a meta.json; ours have a few hundred."""


class RecordingState(Enum):
    """What is going on with a recording."""

    EMPTY = "empty"  # entered, nothing written yet
    RECORDING = "recording"
    FINISHED = "finished"
    INTERRUPTED = "interrupted"  # its writer died and no other went on


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its number, from 1, and its index in a few words."""

    number: int
    summary: PartSummary


@dataclass(frozen=True, slots=True)
class IndexedPart:
    """One part with its whole index, as playing it needs."""

    number: int
    index: PartIndex


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording as it is now. ``started`` is wall-clock time, ``duration`` in seconds, ``size`` in bytes of media."""

    id: str
    conference: str
    title: str
    started: datetime
    parts: tuple[Part, ...]
    state: RecordingState

    @property
    def duration(self) -> float:
        """Seconds that it plays."""
        return sum(part.summary.duration for part in self.parts)

    @property
    def size(self) -> int:
        """Bytes of media that can be played."""
        return sum(part.summary.size for part in self.parts)


class RecordingStore:
    """All recordings below ``root``. Methods block on the disk: call them from a thread where that matters."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def create(self, recording_id: str, conference: str, title: str, started: datetime) -> Path:
        """Enter a recording and return its folder, for a RecordingWriter. Raises RecorderError.

        One that is there already keeps its parts and gets these particulars.
        """
        directory = recording_directory(self.root, recording_id)
        meta = {
            "id": recording_id,
            "conference": conference,
            "title": title,
            "started": started.astimezone(UTC).isoformat(),
        }
        try:
            directory.mkdir(parents=True, exist_ok=True)
            _write_whole(meta_file(directory), json.dumps(meta, ensure_ascii=False, indent=1).encode())
            sync_directory(self.root)
        except OSError as trouble:
            raise RecorderError(f"cannot enter recording {recording_id}: {trouble.strerror}") from trouble
        return directory

    def recordings(self) -> list[Recording]:
        """Every recording, newest first. A folder that cannot be read is left out and logged."""
        try:
            names = [entry.name for entry in self.root.iterdir() if entry.is_dir()]
        except FileNotFoundError:
            return []
        except OSError as trouble:
            raise RecorderError(f"cannot list recordings: {trouble.strerror}") from trouble
        found = []
        for name in filter(valid_recording_id, names):
            try:
                found.append(self.open(name))
            except RecordingNotFound:
                continue  # deleted meanwhile, or no recording at all
            except RecorderError as trouble:
                log.warning("recording %s left out of the list: %s", name, trouble)
        return sorted(found, key=lambda recording: (recording.started, recording.id), reverse=True)

    def open(self, recording_id: str) -> Recording:
        """One recording as it is now. Raises RecordingNotFound, or RecorderError when the disk does."""
        directory = recording_directory(self.root, recording_id)
        numbers = part_numbers(directory)
        meta = _read_meta(directory)
        if meta is None and not numbers:
            raise RecordingNotFound(f"there is no recording {recording_id}")
        parts = []
        for number in numbers:
            summary = read_part_summary(directory, number)
            if summary is not None and summary.duration:
                parts.append(Part(number, summary))
        started = _started(meta, parts)
        meta = meta or {}
        state = _state(parts, is_being_written(directory))
        return Recording(recording_id, meta.get("conference", ""), meta.get("title", ""), started, tuple(parts), state)

    def index(self, recording: Recording) -> tuple[IndexedPart, ...]:
        """The parts of a recording with their whole indexes. Raises RecorderError when the disk does."""
        directory = recording_directory(self.root, recording.id)
        parts = [(part.number, read_part_index(directory, part.number)) for part in recording.parts]
        return tuple(IndexedPart(number, index) for number, index in parts if index is not None and index.entries)

    def delete(self, recording_id: str) -> None:
        """Remove a recording with all its files. Raises RecordingBusy while it is being written."""
        directory = recording_directory(self.root, recording_id)
        if not directory.is_dir():
            raise RecordingNotFound(f"there is no recording {recording_id}")
        lock = RecordingLock(directory)
        try:
            shutil.rmtree(directory)
        except OSError as trouble:
            raise RecorderError(f"cannot delete recording {recording_id}: {trouble.strerror}") from trouble
        finally:
            lock.release()

    def repair(self, recording_id: str) -> Recording:
        """Make a recording right whose writer died, and return it. Raises RecordingBusy while it is being written."""
        directory = recording_directory(self.root, recording_id)
        if not part_numbers(directory):
            return self.open(recording_id)
        lock = RecordingLock(directory)
        try:
            repair_recording(directory)
        finally:
            lock.release()
        return self.open(recording_id)

    def repair_all(self) -> list[str]:
        """Repair what a crash left, as at the start of the server; the ids of those that needed it. Never raises."""
        repaired = []
        try:
            recordings = self.recordings()
        except RecorderError as trouble:
            log.error("%s", trouble)
            return []
        for recording in recordings:
            if recording.state is RecordingState.RECORDING or not self._needs_repair(recording.id):
                continue
            try:
                self.repair(recording.id)
                repaired.append(recording.id)
            except RecordingBusy:
                continue  # a writer was quicker: it repairs by itself
            except RecorderError as trouble:
                log.error("recording %s: %s", recording.id, trouble)
        return repaired

    def part_file(self, recording_id: str, number: int) -> Path:
        """The media of a part. Raises RecordingNotFound."""
        path = part_file(recording_directory(self.root, recording_id), number)
        if not 0 < number < 10_000 or not path.is_file():
            raise RecordingNotFound(f"recording {recording_id} has no part {number}")
        return path

    def is_closed(self, recording_id: str, number: int) -> bool:
        """Whether a part's bytes will never change any more. Raises RecorderError."""
        summary = read_part_summary(recording_directory(self.root, recording_id), number)
        return summary is not None and summary.end is not None

    def read_thumbnail(self, recording_id: str) -> bytes | None:
        """The thumbnail (JPEG) as it was kept; None when there is none yet."""
        try:
            return thumbnail_file(recording_directory(self.root, recording_id)).read_bytes()
        except OSError:
            return None

    def keep_thumbnail(self, recording_id: str, picture: bytes) -> None:
        """Keep a thumbnail (JPEG). Raises RecorderError when the disk does not let it."""
        try:
            _write_whole(thumbnail_file(recording_directory(self.root, recording_id)), picture)
        except OSError as trouble:
            raise RecorderError(f"cannot keep the thumbnail of {recording_id}: {trouble.strerror}") from trouble

    def _needs_repair(self, recording_id: str) -> bool:
        directory = recording_directory(self.root, recording_id)
        for number in part_numbers(directory):
            summary = read_part_summary(directory, number)
            if summary is None or summary.end is None:
                return True
        return False


def _state(parts: list[Part], being_written: bool) -> RecordingState:
    if being_written:
        return RecordingState.RECORDING
    if not parts:
        return RecordingState.EMPTY
    return RecordingState.FINISHED if parts[-1].summary.end is PartEnd.FINAL else RecordingState.INTERRUPTED


def _started(meta: dict[str, str] | None, parts: list[Part]) -> datetime:
    try:
        return datetime.fromisoformat((meta or {})["started"]).astimezone(UTC)
    except (KeyError, ValueError):
        return datetime.fromtimestamp(parts[0].summary.header.started if parts else 0, UTC)


def _read_meta(directory: Path) -> dict[str, str] | None:
    """The particulars; None when there are none, empty when they cannot be read: the media are worth more than they."""
    try:
        with meta_file(directory).open("rb") as file:
            meta = json.loads(file.read(MAX_META))
    except OSError:
        return None
    except ValueError:
        log.warning("meta.json of recording %s cannot be read", directory.name)
        return {}
    return {key: value for key, value in meta.items() if isinstance(value, str)} if isinstance(meta, dict) else {}


def _write_whole(path: Path, data: bytes) -> None:
    """Replace a file so that after a crash either the old or the new one is there, whole."""
    fresh = path.with_name(path.name + ".new")
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync_directory(path.parent)
