"""A writer killed in mid-recording, a disk that is full: nothing is lost but the last half second (REC-2)."""

from __future__ import annotations

import os
import pickle
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from recorder.formats import AudioFormat
from recorder.index import PartEnd, read_index
from recorder.layout import index_file, part_file
from recorder.lock import is_being_written
from recorder.repair import read_part_index, repair_part
from recorder.store import IndexedPart, RecordingState, RecordingStore
from tests.recorder.material import TimedUnit, in_order, irregular_times, pictures, sound
from tests.recorder.playback import Decoded, complaints, decode, decode_file
from tests.recorder.writing import record
from vod.playlists import media_playlist, segments

ROOT = Path(__file__).parents[2]
TIMES = irregular_times(500.0, 110)
BEGIN = TIMES[0]
FLASHES = (TIMES[15], TIMES[42], TIMES[60])


def start_writer(
    directory: Path, pace: float, shots: list[TimedUnit], audio: AudioFormat, sounds: list[TimedUnit], most: int = 0
) -> subprocess.Popen[str]:
    material = directory.parent / f"{directory.name}.material"
    units = [(stream, unit.data, unit.time, unit.key) for stream, unit in in_order(shots, sounds)]
    material.write_bytes(pickle.dumps((audio, units)))

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    return subprocess.Popen(
        [sys.executable, "-m", "tests.recorder.live_writer", str(directory), str(material), str(pace)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=limit if most else None,
    )


def kill_after(process: subprocess.Popen[str], moment: float) -> float:
    """Kill without warning once media up to ``moment`` was handed over; the time of the last that was."""
    assert process.stdout is not None
    last = 0.0
    for line in process.stdout:
        last = float(line.split()[1])
        if last >= moment:
            break
    os.kill(process.pid, signal.SIGKILL)
    for line in process.stdout:
        if line.endswith("\n") and line.startswith("written"):
            last = float(line.split()[1])
    assert process.wait(10) == -signal.SIGKILL
    process.stdout.close()
    return last


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, float]:
    """Folders of recordings whose writers were killed at different moments, and when the last unit was written."""
    root = tmp_path_factory.mktemp("recordings")
    audio, sounds = sound(BEGIN - 0.2, 4.0, beeps=FLASHES)
    shots = pictures(TIMES, key_every=45, flashes=FLASHES)
    processes = {
        root / f"killed-{number}": (start_writer(root / f"killed-{number}", 1.0, shots, audio, sounds), BEGIN + seconds)
        for number, seconds in enumerate((1.55, 2.07, 2.63))
    }
    return {directory: kill_after(process, moment) for directory, (process, moment) in processes.items()}


def shown_by_playlist(directory: Path, parts: list[IndexedPart]) -> list[Decoded]:
    """Every segment of the playlist decoded by itself: init segment and byte range, as a player loads them."""
    decoded = []
    for part in parts:
        data = part_file(directory, part.number).read_bytes()
        init = data[: part.index.header.init_size]
        decoded += [decode(init + data[cut.offset : cut.offset + cut.size]) for cut in segments(part)]
    return decoded


def test_a_killed_writer_leaves_a_file_that_plays_to_within_half_a_second(killed: dict[Path, float]) -> None:
    for directory, last in killed.items():
        shown = decode_file(part_file(directory, 1))
        written = last - BEGIN
        assert shown.pictures[-1] > written - 0.5
        assert shown.sound_end > written - 0.5
        count = sum(time - BEGIN <= shown.pictures[-1] + 1e-4 for time in TIMES)
        assert len(shown.pictures) == count, "a picture is missing in the middle"
        assert not is_being_written(directory)


def test_repair_makes_the_index_that_was_there_and_what_it_lacked(killed: dict[Path, float], tmp_path: Path) -> None:
    for number, directory in enumerate(killed):
        before = read_part_index(directory, 1)
        assert before is not None and before.end is None
        copy = tmp_path / str(number)
        copy.mkdir()
        part_file(copy, 1).write_bytes(part_file(directory, 1).read_bytes())
        after = repair_part(copy, 1)  # from the media alone
        assert after is not None and after.end is PartEnd.REPAIRED
        assert after.entries[: len(before.entries)] == before.entries
        assert after.header.codecs == before.header.codecs and after.header.init_size == before.header.init_size
        assert abs(after.header.started - before.header.started) <= 1
        assert read_index(index_file(copy, 1).read_bytes()) == after
        assert after.size == part_file(copy, 1).stat().st_size
        assert decode_file(part_file(copy, 1)).pictures[-1] < after.duration


def test_a_fresh_writer_goes_on_as_the_next_part_in_sync(killed: dict[Path, float]) -> None:
    for directory, last in killed.items():
        resumed = last + 2.0
        times = irregular_times(resumed, 80)
        resumed = times[0]
        flashes = (times[12], times[51])
        audio, sounds = sound(resumed - 0.1, 3.0, beeps=flashes)
        record(directory, pictures(times, key_every=30, flashes=flashes), audio, sounds)

        store = RecordingStore(directory.parent)
        recording = store.open(directory.name)
        indexed = store.index(recording)
        assert [part.number for part in recording.parts] == [1, 2]
        assert [part.summary for part in recording.parts] == [part.index.summary for part in indexed]
        assert [part.summary.end for part in recording.parts] == [PartEnd.REPAIRED, PartEnd.FINAL]
        assert recording.state is RecordingState.FINISHED
        playlist = media_playlist(indexed)
        assert playlist.count("#EXT-X-DISCONTINUITY\n") == 1
        assert playlist.count("#EXT-X-MAP:") == 2

        parts = [decode_file(part_file(directory, number)) for number in (1, 2)]
        pieces = shown_by_playlist(directory, list(indexed))
        assert sum(len(piece.pictures) for piece in pieces) == sum(len(part.pictures) for part in parts)
        assert sum(len(piece.flashes()) for piece in pieces) == sum(len(part.flashes()) for part in parts)
        expected = [
            [moment - BEGIN for moment in FLASHES if moment <= last - 0.5],
            [moment - resumed for moment in flashes],
        ]
        for part, moments in zip(parts, expected, strict=True):
            count = len(moments)
            assert part.flashes()[:count] == pytest.approx(moments, abs=0.001)
            assert part.beeps()[:count] == pytest.approx(part.flashes()[:count], abs=0.005), "required: 0.020"
        for number in (1, 2):
            assert complaints(part_file(directory, number)) == ""


def test_a_full_disk_is_reported_and_what_was_written_stays_valid(tmp_path: Path) -> None:
    directory = tmp_path / "full"
    audio, sounds = sound(0.0, 4.0)
    shots = pictures([n / 30 for n in range(100)])
    process = start_writer(directory, 0.0, shots, audio, sounds, most=60_000)
    output, _ = process.communicate(timeout=30)
    failures = [line for line in output.splitlines() if line.startswith("failed")]
    assert len(failures) == 1 and "0001.mp4" in failures[0]
    assert process.returncode == 0 and "closed" in output

    index = read_part_index(directory, 1)
    assert index is not None and index.entries
    assert part_file(directory, 1).stat().st_size == index.size <= 60_000
    assert complaints(part_file(directory, 1)) == ""
    assert decode_file(part_file(directory, 1)).pictures[-1] > index.duration - 0.05
    repaired = RecordingStore(tmp_path).repair("full")
    assert repaired.state is RecordingState.INTERRUPTED
    assert repaired.duration == index.duration
