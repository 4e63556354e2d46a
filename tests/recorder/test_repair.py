from __future__ import annotations

from pathlib import Path

import pytest

from recorder.index import PartEnd, PartIndex
from recorder.layout import index_file, part_file
from recorder.repair import read_part_index, repair_part, repair_recording
from tests.recorder.material import pictures, sound
from tests.recorder.playback import decode_file
from tests.recorder.writing import record


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes, PartIndex]:
    """Media and index of a part, and what the index says."""
    directory = tmp_path_factory.mktemp("whole")
    audio, sounds = sound(0.0, 2.2)
    record(directory, pictures([n / 30 for n in range(60)], key_every=20), audio, sounds)
    index = read_part_index(directory, 1)
    assert index is not None
    return part_file(directory, 1).read_bytes(), index_file(directory, 1).read_bytes(), index


def broken(directory: Path, media: bytes, index: bytes | None) -> Path:
    part_file(directory, 1).write_bytes(media)
    if index is not None:
        index_file(directory, 1).write_bytes(index)
    return directory


def test_a_tail_torn_anywhere_is_cut_at_the_last_whole_fragment(
    tmp_path: Path, whole: tuple[bytes, bytes, PartIndex]
) -> None:
    media, _, index = whole
    start = index.entries[-2].offset
    for size in [*range(start, start + 200, 7), *range(start + 200, len(media), 211)]:
        repaired = repair_part(broken(tmp_path, media[:size], None), 1)
        kept = tuple(entry for entry in index.entries if entry.offset + entry.size <= size)
        assert repaired is not None and repaired.entries == kept
        assert part_file(tmp_path, 1).read_bytes() == media[: repaired.size]


def test_zeros_where_a_power_failure_lost_the_data_are_cut(
    tmp_path: Path, whole: tuple[bytes, bytes, PartIndex]
) -> None:
    media, _, index = whole
    last = index.entries[-1]
    for lost in (last.offset + 2, last.offset + last.size - 400, len(media) - 4100):
        damaged = media[:lost] + bytes(len(media) - lost)
        lines = b"".join(header_and_entries(whole, lost))
        repaired = repair_part(broken(tmp_path, damaged, lines), 1)
        assert repaired is not None
        assert repaired.size <= lost
        decode_file(part_file(tmp_path, 1))


def header_and_entries(whole: tuple[bytes, bytes, PartIndex], size: int) -> list[bytes]:
    """The lines of the index as far as their fragments were synced before the failure."""
    _, lines, index = whole
    count = sum(entry.offset + entry.size <= size for entry in index.entries)
    return lines.splitlines(keepends=True)[: 1 + count]


def test_a_torn_index_is_completed_from_the_media(tmp_path: Path, whole: tuple[bytes, bytes, PartIndex]) -> None:
    media, lines, index = whole
    for size in range(0, len(lines) - 1, 13):
        repaired = repair_part(broken(tmp_path, media, lines[:size]), 1)
        assert repaired is not None and repaired.entries == index.entries
        assert repaired.end is PartEnd.REPAIRED
        assert read_part_index(tmp_path, 1) == repaired


def test_an_index_that_is_ahead_of_the_media_is_cut_back(tmp_path: Path, whole: tuple[bytes, bytes, PartIndex]) -> None:
    media, lines, index = whole
    repaired = repair_part(broken(tmp_path, media[: index.entries[2].offset + 5], lines), 1)
    assert repaired is not None and repaired.entries == index.entries[:2]
    assert read_part_index(tmp_path, 1) == repaired


def test_repair_leaves_a_closed_part_alone(tmp_path: Path, whole: tuple[bytes, bytes, PartIndex]) -> None:
    media, lines, index = whole
    assert repair_recording(broken(tmp_path, media, lines)) == [index]
    assert (part_file(tmp_path, 1).read_bytes(), index_file(tmp_path, 1).read_bytes()) == (media, lines)


def test_repair_twice_changes_nothing(tmp_path: Path, whole: tuple[bytes, bytes, PartIndex]) -> None:
    broken(tmp_path, whole[0][:-10], None)
    once = repair_recording(tmp_path)
    assert repair_recording(tmp_path) == once


def test_a_part_without_any_media_is_removed(tmp_path: Path, whole: tuple[bytes, bytes, PartIndex]) -> None:
    for size in (0, 5, 40, 500):
        assert repair_recording(broken(tmp_path, whole[0][:size], b"")) == []
        assert not part_file(tmp_path, 1).exists() and not index_file(tmp_path, 1).exists()
