from __future__ import annotations

import errno
import itertools
import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from recorder.errors import RecorderError, RecordingBusy
from recorder.formats import Fragment, VideoFormat
from recorder.fragmenter import Fragmenter
from recorder.h264 import NAL_PPS, NAL_SPS, split_nal_units
from recorder.index import PartEnd
from recorder.layout import part_file
from recorder.lock import is_being_written
from recorder.part import PartWriter
from recorder.repair import read_part_index
from recorder.writer import QUEUE_LIMIT, RecordingWriter
from tests.recorder.material import irregular_times, pictures, sound
from tests.recorder.playback import complaints, decode, decode_file
from tests.recorder.writing import feed, record


def test_every_picture_comes_back_at_its_true_time(tmp_path: Path) -> None:
    times = irregular_times(5000.0, 120)
    record(tmp_path, pictures(times))
    shown = decode_file(part_file(tmp_path, 1)).pictures
    assert len(shown) == 120
    assert np.abs(np.array(shown) - (np.array(times) - times[0])).max() < 1 / 90_000


def test_sound_and_picture_stay_together(tmp_path: Path) -> None:
    moments = (100.5, 102.0, 103.5)
    audio, sounds = sound(99.8, 5.0, beeps=moments)
    shots = pictures([100 + n / 30 for n in range(140)], flashes=moments)
    record(tmp_path, shots, audio, sounds)
    shown = decode_file(part_file(tmp_path, 1))
    assert len(shown.flashes()) == len(shown.beeps()) == 3
    assert np.abs(np.array(shown.flashes()) - np.array(shown.beeps())).max() < 0.005
    assert np.abs(np.array(shown.beeps()) - (np.array(moments) - 100)).max() < 0.005


def test_ffmpeg_finds_nothing_wrong(tmp_path: Path) -> None:
    audio, sounds = sound(10.0, 4.0, beeps=(11.0,))
    record(tmp_path, pictures(irregular_times(10.0, 110)), audio, sounds)
    assert complaints(part_file(tmp_path, 1)) == ""


def test_fragments_are_at_most_half_a_second_and_begin_at_key_frames(tmp_path: Path) -> None:
    audio, sounds = sound(10.0, 4.0)
    record(tmp_path, pictures(irregular_times(10.0, 110), key_every=40), audio, sounds)
    index = read_part_index(tmp_path, 1)
    assert index is not None and index.end is PartEnd.FINAL
    assert max(entry.duration for entry in index.entries) <= 45_000
    assert sum(entry.key for entry in index.entries) == 3
    assert index.size == part_file(tmp_path, 1).stat().st_size
    for before, after in itertools.pairwise(index.entries):
        assert before.time + before.duration == after.time


def test_any_fragment_with_a_key_frame_can_be_played_by_itself(tmp_path: Path) -> None:
    audio, sounds = sound(10.0, 4.0)
    record(tmp_path, pictures(irregular_times(10.0, 110), key_every=20), audio, sounds)
    index = read_part_index(tmp_path, 1)
    assert index is not None
    data = part_file(tmp_path, 1).read_bytes()
    for entry in index.entries:
        if entry.key:
            piece = data[: index.header.init_size] + data[entry.offset : entry.offset + entry.size]
            assert decode(piece).pictures[0] == pytest.approx(entry.time / 90_000, abs=1e-4)


def test_recording_begins_at_the_first_key_frame_and_asks_for_it(tmp_path: Path) -> None:
    asked: list[bool] = []
    shots = pictures([n / 30 for n in range(90)], key_every=30)
    writer = RecordingWriter(tmp_path, VideoFormat(), on_key_frame_wanted=lambda: asked.append(True))
    feed(writer, shots[10:], [])
    writer.close()
    assert len(decode_file(part_file(tmp_path, 1)).pictures) == 60
    assert asked == [True]
    assert writer.dropped == 20


def test_a_new_picture_size_begins_a_new_part_with_its_sound(tmp_path: Path) -> None:
    audio, sounds = sound(0.0, 4.0, beeps=(0.5, 2.5))
    small = pictures([n / 30 for n in range(45)], flashes=(0.5,))
    large = pictures([1.5 + n / 30 for n in range(60)], 640, 360, flashes=(2.5,))
    record(tmp_path, small + large, audio, sounds)
    first, second = read_part_index(tmp_path, 1), read_part_index(tmp_path, 2)
    assert first is not None and second is not None
    assert (first.header.width, first.header.height) == (320, 180)
    assert (second.header.width, second.header.height) == (640, 360)
    assert (first.end, second.end) == (PartEnd.CONTINUED, PartEnd.FINAL)
    assert first.duration == pytest.approx(1.5, abs=0.001)
    one, two = decode_file(part_file(tmp_path, 1)), decode_file(part_file(tmp_path, 2))
    assert one.sound_end == pytest.approx(1.5, abs=0.03)
    assert two.sound_start == pytest.approx(0.0, abs=0.03)
    assert two.flashes()[0] == pytest.approx(1.0, abs=0.002)
    assert two.beeps()[0] == pytest.approx(1.0, abs=0.005)


def test_a_gap_in_the_sound_is_filled_with_silence_and_keeps_sync(tmp_path: Path) -> None:
    audio, sounds = sound(0.0, 5.0, beeps=(0.5, 4.0))
    shots = pictures([n / 30 for n in range(150)], flashes=(0.5, 4.0))
    record(tmp_path, shots, audio, [unit for unit in sounds if not 1.5 < unit.time < 3.0])
    shown = decode_file(part_file(tmp_path, 1))
    assert shown.beeps() == pytest.approx(shown.flashes(), abs=0.01)
    assert complaints(part_file(tmp_path, 1)) == ""
    assert len(shown.sound) > 4.8 * 48_000


def test_stalled_pictures_do_not_hold_back_the_sound(tmp_path: Path) -> None:
    audio, sounds = sound(0.0, 6.0)
    shots = pictures([n / 30 for n in range(30)] + [5.0 + n / 30 for n in range(30)], key_every=60)
    record(tmp_path, shots, audio, sounds)
    index = read_part_index(tmp_path, 1)
    assert index is not None
    assert len([entry for entry in index.entries if 2.0 < entry.time / 90_000 < 4.5]) >= 5
    shown = decode_file(part_file(tmp_path, 1))
    assert len(shown.pictures) == 60
    assert shown.pictures[30] == pytest.approx(5.0, abs=0.001)
    assert complaints(part_file(tmp_path, 1)) == ""


def test_who_mixes_sound_waits_for_no_lock_and_sound_alone_is_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that has the writer's lock may be kept from the processor for long on a busy machine."""
    taken = threading.Event()
    add = Fragmenter.add_sound

    def added(self: Fragmenter, data: bytes, at: float) -> list[Fragment]:
        taken.set()
        return add(self, data, at)

    monkeypatch.setattr(Fragmenter, "add_sound", added)
    audio, units = sound(0.0, 2.0)
    shots = pictures([n / 30 for n in range(60)])
    writer = RecordingWriter(tmp_path, VideoFormat(), audio)
    with writer._ready:
        mixer = threading.Thread(target=writer.write_sound, args=(units[0].data, units[0].time))
        mixer.start()
        mixer.join(20)
        assert not mixer.is_alive()
    assert taken.wait(20)  # although no picture has come to wake the writer
    feed(writer, shots, units[1:])
    writer.close()
    assert writer.failure is None
    assert complaints(part_file(tmp_path, 1)) == ""


def test_progress_tells_what_is_on_disk(tmp_path: Path) -> None:
    told: list[tuple[float, int]] = []
    writer = RecordingWriter(tmp_path, VideoFormat(), on_progress=lambda seconds, size: told.append((seconds, size)))
    feed(writer, pictures([n / 30 for n in range(120)]), [])
    writer.close()
    assert told[-1] == (pytest.approx(4.0, abs=0.001), part_file(tmp_path, 1).stat().st_size)
    assert len(told) <= 6 and told == sorted(told)


def test_a_second_writer_on_a_recording_is_refused_while_the_first_lives(tmp_path: Path) -> None:
    first = RecordingWriter(tmp_path, VideoFormat())
    with pytest.raises(RecordingBusy):
        RecordingWriter(tmp_path, VideoFormat())
    first.close()
    RecordingWriter(tmp_path, VideoFormat()).close()


def test_a_folder_that_cannot_be_made_is_an_error_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RecorderError):
        RecordingWriter(tmp_path / "file" / "recording", VideoFormat())


def test_pictures_that_are_no_h264_fail_the_recording_with_a_reason(tmp_path: Path) -> None:
    failures: list[str] = []
    writer = RecordingWriter(tmp_path, VideoFormat(), on_failed=failures.append)
    writer.write_picture(b"\0\0\1\x67\xff\0\0\1\x68\xff\0\0\1\x65abc", 0.0, True)
    writer.close()
    assert len(failures) == 1 and "SPS" in failures[0]
    assert writer.failure == failures[0]
    assert not part_file(tmp_path, 1).exists()


def test_nonsense_in_place_of_pictures_is_skipped(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path, VideoFormat())
    writer.write_picture(b"no start code", 0.0, True)
    writer.write_picture(b"", 0.1, True)
    feed(writer, pictures([1 + n / 30 for n in range(30)]), [])
    writer.close()
    assert writer.failure is None
    assert len(decode_file(part_file(tmp_path, 1)).pictures) == 30


def test_parameter_sets_may_come_beside_the_stream(tmp_path: Path) -> None:
    shots = pictures([n / 30 for n in range(30)])
    units = split_nal_units(shots[0].data)
    sets = [unit for unit in units if unit[0] & 31 in (NAL_SPS, NAL_PPS)]
    bare = b"".join(b"\0\0\1" + unit for unit in units if unit not in sets)
    extradata = b"".join(b"\0\0\0\1" + unit for unit in sets)
    writer = RecordingWriter(tmp_path, VideoFormat("H264", 320, 180, extradata))
    writer.write_picture(bare, 0.0, True)
    feed(writer, shots[1:], [])
    writer.close()
    assert len(decode_file(part_file(tmp_path, 1)).pictures) == 30


def test_a_disk_that_is_too_slow_costs_pictures_up_to_a_key_frame_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging, go_on = threading.Event(), threading.Event()
    append = PartWriter.append

    def slow(self: PartWriter, *arguments: object) -> None:
        hanging.set()
        assert go_on.wait(20)
        append(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(PartWriter, "append", slow)
    asked: list[bool] = []
    shots = pictures([n / 30 for n in range(120)], key_every=20)
    writer = RecordingWriter(tmp_path, VideoFormat(), on_key_frame_wanted=lambda: asked.append(True))
    feed(writer, shots[:30], [])
    assert hanging.wait(20)
    writer.write_sound(bytes(QUEUE_LIMIT - 200_000), 0.5)  # ignored: no sound in this recording, but it fills the queue
    writer.write_picture(bytes(300_000), 1.0, False)
    for shot in shots[30:40]:
        writer.write_picture(shot.data, shot.time, shot.key)
    assert writer.dropped == 11 and asked == [True]
    go_on.set()
    feed(writer, shots[40:], [])
    writer.close()
    shown = decode_file(part_file(tmp_path, 1))
    assert len(shown.pictures) == 110
    assert shown.pictures[30] == pytest.approx(40 / 30, abs=0.001)
    assert complaints(part_file(tmp_path, 1)) == ""


def test_what_is_written_outlives_the_process_even_while_the_disk_is_slow_to_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, grown = threading.Event(), threading.Event()
    written = 0
    append = PartWriter.append

    def watched(self: PartWriter, content: Fragment) -> None:
        nonlocal written
        append(self, content)
        written += len(content.pictures)
        if written > 100:
            grown.set()

    def slow(descriptor: int) -> None:
        if part_file(tmp_path, 1).stat().st_size > 2000:  # from the first fragment on
            assert go_on.wait(20)

    monkeypatch.setattr(os, "fdatasync", slow)
    monkeypatch.setattr(PartWriter, "append", watched)
    writer = RecordingWriter(tmp_path, VideoFormat())
    feed(writer, pictures([n / 30 for n in range(120)]), [])
    assert grown.wait(20)
    unsynced = read_part_index(tmp_path, 1)
    assert unsynced is not None and unsynced.entries == (), "the index tells only of what is on the disk"
    assert len(decode_file(part_file(tmp_path, 1)).pictures) > 100
    go_on.set()
    writer.close()
    index = read_part_index(tmp_path, 1)
    assert index is not None and index.duration == pytest.approx(4.0, abs=0.001)


def test_a_disk_that_fails_to_sync_fails_the_recording_and_keeps_what_was_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(descriptor: int) -> None:
        if part_file(tmp_path, 1).stat().st_size > 60_000:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fdatasync", fails)
    failures: list[str] = []
    writer = RecordingWriter(tmp_path, VideoFormat(), on_failed=failures.append)
    for shot in pictures([n / 30 for n in range(120)]):
        writer.write_picture(shot.data, shot.time, shot.key)
    writer.close()
    assert failures == [writer.failure] and "Input/output error" in failures[0]
    index = read_part_index(tmp_path, 1)
    assert index is not None and index.end is None
    assert part_file(tmp_path, 1).stat().st_size == index.size
    assert not is_being_written(tmp_path)


def test_a_part_says_when_its_first_picture_was_shown_however_late_it_is_written(tmp_path: Path) -> None:
    late = 40.0
    shown = time.monotonic() - late
    record_begins = time.time() - late
    writer = RecordingWriter(tmp_path, VideoFormat("H264", 320, 180))
    feed(writer, pictures([shown + n / 30 for n in range(30)]), [])
    writer.close()
    index = read_part_index(tmp_path, 1)
    assert index is not None
    assert index.header.started == pytest.approx(record_begins, abs=1.0)
