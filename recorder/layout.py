"""Where a recording's files lie. Nothing else in the project knows a file name.

::

    <root>/<recording id>/meta.json       who, what, when (written by the store)
                          lock            held (flock) by the living writer
                          0001.mp4        first part: fragmented MP4
                          0001.index      its index, one line per fragment
                          0002.mp4 …      next part, after a crash or a new picture size
                          thumbnail.jpg
"""

from __future__ import annotations

import re
from pathlib import Path

from recorder.errors import RecordingNotFound

MAX_PARTS = 9999
"""Part numbers have four digits; a recording of a day with a new part every ten seconds stays below."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_PART_FILE = re.compile(r"([0-9]{4})\.mp4")


def valid_recording_id(recording_id: str) -> bool:
    """Whether this may name a recording: letters, digits, ``-`` and ``_`` only, so that no path can be smuggled in."""
    return _ID.fullmatch(recording_id) is not None


def recording_directory(root: Path, recording_id: str) -> Path:
    """The folder of a recording, whether or not it exists. Raises RecordingNotFound for an id that cannot be one."""
    if not valid_recording_id(recording_id):
        raise RecordingNotFound("no recording can have this id")
    return root / recording_id


def part_file(directory: Path, part: int) -> Path:
    """The media of a part, numbered from 1."""
    return directory / f"{part:04d}.mp4"


def index_file(directory: Path, part: int) -> Path:
    """The index of a part."""
    return directory / f"{part:04d}.index"


def meta_file(directory: Path) -> Path:
    """What is known of the recording as a whole."""
    return directory / "meta.json"


def lock_file(directory: Path) -> Path:
    """Locked by the living writer, so that a crash frees it by itself."""
    return directory / "lock"


def thumbnail_file(directory: Path) -> Path:
    """The picture that stands for the recording in a list."""
    return directory / "thumbnail.jpg"


def part_numbers(directory: Path) -> list[int]:
    """The parts that are there, in order. An absent folder has none."""
    try:
        names = [entry.name for entry in directory.iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    matches = (_PART_FILE.fullmatch(name) for name in names)
    return sorted(int(match[1]) for match in matches if match)
