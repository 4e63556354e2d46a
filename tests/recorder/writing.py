"""Feeds a writer in tests."""

from __future__ import annotations

from pathlib import Path

from recorder.formats import AudioFormat, VideoFormat
from recorder.writer import RecordingWriter
from tests.recorder.material import TimedUnit, in_order


def feed(writer: RecordingWriter, pictures: list[TimedUnit], sounds: list[TimedUnit]) -> None:
    """Hand over units in order of time."""
    for stream, unit in in_order(pictures, sounds):
        if stream == 0:
            writer.write_picture(unit.data, unit.time, unit.key)
        else:
            writer.write_sound(unit.data, unit.time)


def record(
    directory: Path,
    pictures: list[TimedUnit],
    audio: AudioFormat | None = None,
    sounds: list[TimedUnit] | None = None,
    wall: float = 1_700_000_000.0,
) -> None:
    """A whole recording, from a new writer to its end."""
    writer = RecordingWriter(directory, VideoFormat("H264", 320, 180), audio, wall_time_of=lambda _: wall)
    feed(writer, pictures, sounds or [])
    writer.close()
    assert writer.failure is None
