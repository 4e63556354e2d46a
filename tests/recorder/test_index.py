from __future__ import annotations

import pytest

from recorder.index import (
    FragmentEntry,
    PartEnd,
    PartHeader,
    end_line,
    entry_line,
    header_line,
    read_index,
    read_summary,
)

HEADER = PartHeader(1_700_000_000.123456, 1000, 1920, 1080, ("avc1.64001f", "mp4a.40.2"))
ENTRIES = (
    FragmentEntry(0, 27_000, 1000, 400, True),
    FragmentEntry(27_000, 27_000, 1400, 300, False),
    FragmentEntry(54_000, 20_000, 1700, 500, True),
)
LINES = [header_line(HEADER), *map(entry_line, ENTRIES), end_line(PartEnd.FINAL, 74_000, 2200)]


def test_what_was_written_is_read() -> None:
    index = read_index(b"".join(LINES))
    assert index is not None
    assert (index.header, index.entries, index.end) == (HEADER, ENTRIES, PartEnd.FINAL)
    assert index.duration == pytest.approx(74_000 / 90_000)
    assert index.size == 2200
    assert index.valid_size == len(b"".join(LINES))


def test_a_line_torn_anywhere_ends_the_index_before_it() -> None:
    before = b"".join(LINES[:2])
    for size in range(len(LINES[2])):
        index = read_index(before + LINES[2][:size])
        assert index is not None and index.entries == ENTRIES[:1] and index.valid_size == len(before)


def test_one_wrong_letter_ends_the_index_before_it() -> None:
    data = b"".join(LINES)
    for at in range(len(LINES[0]), len(data)):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        index = read_index(changed)
        assert index is not None
        assert index.entries == ENTRIES[: len(index.entries)] and index.end is None


def test_zeros_at_the_end_are_not_believed() -> None:
    index = read_index(b"".join(LINES[:3]) + bytes(100) + b"\n")
    assert index is not None and index.entries == ENTRIES[:2]


def test_without_its_first_line_an_index_says_nothing() -> None:
    assert read_index(b"") is None
    assert read_index(b"".join(LINES[1:])) is None
    assert read_index(LINES[0].replace(b"P 1", b"P 2")) is None


def test_lines_that_do_not_follow_on_one_another_are_not_believed() -> None:
    index = read_index(LINES[0] + LINES[1] + LINES[3])
    assert index is not None and index.entries == ENTRIES[:1]
    index = read_index(LINES[0] + LINES[2])
    assert index is not None and index.entries == ()


def test_entries_beyond_the_media_are_not_believed() -> None:
    index = read_index(b"".join(LINES), 2199)
    assert index is not None and index.entries == ENTRIES[:2] and index.end is None


def test_a_closed_index_is_summed_up_by_its_ends() -> None:
    data = b"".join(LINES)
    whole = read_index(data)
    assert whole is not None
    assert read_summary(data[: len(LINES[0]) + 5], data[-len(LINES[-1]) - 9 :]) == whole.summary
    assert read_summary(data, b"".join(LINES[:-1])) is None
    assert read_summary(data, data[:-1]) is None
    assert read_summary(data[3:], data) is None
    assert read_summary(b"", b"") is None


def test_nothing_is_read_behind_the_end() -> None:
    index = read_index(b"".join(LINES) + LINES[1])
    assert index is not None and index.entries == ENTRIES
