from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from recorder.errors import RecorderError, RecordingBusy, RecordingNotFound
from recorder.formats import VideoFormat
from recorder.layout import index_file, meta_file, part_file, part_numbers, recording_directory
from recorder.lock import RecordingLock, is_being_written
from recorder.store import RecordingState, RecordingStore
from recorder.writer import RecordingWriter
from tests.recorder.material import pictures
from tests.recorder.writing import feed, record

STARTED = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
SHOTS = pictures([n / 30 for n in range(45)])


@pytest.fixture
def store(tmp_path: Path) -> RecordingStore:
    return RecordingStore(tmp_path / "recordings")


def test_a_recording_goes_through_its_states(store: RecordingStore) -> None:
    directory = store.create("one", "1000", "查房", STARTED.astimezone(timezone(timedelta(hours=8))))
    empty = store.open("one")
    assert (empty.state, empty.parts, empty.duration, empty.size) == (RecordingState.EMPTY, (), 0, 0)
    assert (empty.conference, empty.title, empty.started) == ("1000", "查房", STARTED)
    writer = RecordingWriter(directory, VideoFormat())
    assert store.open("one").state is RecordingState.RECORDING
    feed(writer, SHOTS, [])
    writer.close()
    finished = store.open("one")
    assert finished.state is RecordingState.FINISHED
    assert finished.duration == pytest.approx(1.5, abs=0.001)
    assert finished.size == part_file(directory, 1).stat().st_size
    index_file(directory, 1).unlink()
    assert store.repair("one").state is RecordingState.INTERRUPTED


def test_repair_all_mends_what_a_crash_left_and_nothing_else(store: RecordingStore) -> None:
    for name in ("whole", "torn", "live"):
        record(store.create(name, "1000", "", STARTED), SHOTS)
    index = index_file(store.root / "torn", 1)
    index.write_bytes(index.read_bytes()[:-30])
    live = RecordingWriter(store.root / "live", VideoFormat())
    assert store.repair_all() == ["torn"]
    live.close()
    assert store.repair_all() == []
    assert store.open("torn").duration == pytest.approx(1.5, abs=0.001)


def test_newest_first_and_strange_folders_are_left_out(store: RecordingStore) -> None:
    assert store.recordings() == []
    for name, days in (("old", 0), ("new", 2), ("middle", 1)):
        store.create(name, "1000", "", STARTED + timedelta(days=days))
    (store.root / "lost+found").mkdir()
    (store.root / "stranger").mkdir()
    (store.root / "file").write_text("")
    assert [recording.id for recording in store.recordings()] == ["new", "middle", "old"]


def test_media_whose_particulars_are_lost_are_still_a_recording(store: RecordingStore) -> None:
    directory = store.root / "bare"
    record(directory, SHOTS, wall=STARTED.timestamp())
    assert store.open("bare").started == STARTED
    for damage in (b"{", b"[]", b"\xff", b'{"started": 5, "title": "t"}', b'{"started": "yesterday", "title": "t"}'):
        meta_file(directory).write_bytes(damage)
        assert store.open("bare").started == STARTED
    assert store.open("bare").title == "t"


def test_a_recording_is_deleted_whole_but_not_while_it_is_written(store: RecordingStore) -> None:
    directory = store.create("one", "1000", "", STARTED)
    writer = RecordingWriter(directory, VideoFormat())
    with pytest.raises(RecordingBusy):
        store.delete("one")
    writer.close()
    store.delete("one")
    assert not directory.exists()
    with pytest.raises(RecordingNotFound):
        store.delete("one")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../etc", "a b", "-x", "é", "x" * 65, "a\0", "a\n"])
def test_an_id_cannot_leave_the_store(store: RecordingStore, name: str) -> None:
    for use in (store.open, store.delete, store.repair, store.read_thumbnail):
        with pytest.raises(RecordingNotFound):
            use(name)
    with pytest.raises(RecorderError):
        store.create(name, "1000", "", STARTED)


def test_parts_are_found_by_their_names_in_order(tmp_path: Path) -> None:
    for name in ("0010.mp4", "0002.mp4", "0002.index", "2.mp4", "00003.mp4", "0004.mp4.new"):
        (tmp_path / name).write_bytes(b"")
    assert part_numbers(tmp_path) == [2, 10]
    assert part_numbers(tmp_path / "absent") == []
    assert recording_directory(tmp_path, "r-1_x") == tmp_path / "r-1_x"


def test_the_lock_tells_whether_a_writer_lives(tmp_path: Path) -> None:
    assert not is_being_written(tmp_path)
    lock = RecordingLock(tmp_path)
    assert is_being_written(tmp_path)
    lock.release()
    assert not is_being_written(tmp_path)
