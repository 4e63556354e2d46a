"""Fuzz target: reading an index never fails, and what it believes is consistent and survives being written again."""

from __future__ import annotations

from recorder.index import end_line, entry_line, header_line, read_index, read_summary


def fuzz_one(data: bytes) -> None:
    read_summary(data[:200], data[-200:])
    index = read_index(data)
    if index is None:
        return
    assert index.valid_size <= len(data)
    reach = index.header.init_size
    for entry in index.entries:
        assert entry.offset == reach and entry.size > 0 and entry.duration >= 0
        reach += entry.size
    assert index.size == reach and index.duration >= 0
    again = header_line(index.header) + b"".join(entry_line(entry) for entry in index.entries)
    if index.end is not None:
        again += end_line(index.end, 0, reach)
    read = read_index(again)
    assert read is not None and (read.entries, read.end) == (index.entries, index.end)
    assert read_index(data, reach - 1) is None or len(index.entries) == 0 or read_index(data, reach - 1) != index
