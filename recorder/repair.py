"""Makes a part right that its writer could not close: cuts the torn tail, completes the index from the media."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from recorder.errors import Mp4Error, RecorderError
from recorder.formats import VIDEO_TIMESCALE
from recorder.index import (
    MAX_INDEX,
    SUMMARY_BYTES,
    FragmentEntry,
    PartEnd,
    PartHeader,
    PartIndex,
    PartSummary,
    end_line,
    entry_line,
    header_line,
    read_index,
    read_summary,
)
from recorder.layout import index_file, part_file, part_numbers
from recorder.mp4_boxes import MAX_HEADER, BoxHeader, TrackFragment, read_fragment, read_header, read_movie

MAX_FRAGMENT = 64 * 1024 * 1024
"""Bytes of samples in one fragment; a third of a second at 3 Mbit/s has 130 thousand."""


@dataclass(frozen=True, slots=True)
class _Tracks:
    """What is needed of the init segment to read fragments: the tracks' ids, and the sound's samples per second."""

    video: int
    audio: int | None
    sample_rate: int


def read_part_index(directory: Path, part: int) -> PartIndex | None:
    """The index of a part as far as it and the media can be believed; None when there is none. Raises RecorderError."""
    try:
        with index_file(directory, part).open("rb") as file:
            data = file.read(MAX_INDEX)
        return read_index(data, part_file(directory, part).stat().st_size)
    except FileNotFoundError:
        return None
    except OSError as trouble:
        raise RecorderError(f"cannot read the index of part {part}: {trouble.strerror}") from trouble


def read_part_summary(directory: Path, part: int) -> PartSummary | None:
    """As ``read_part_index``, but for a closed part reads two small pieces of its index, however long it is."""
    try:
        size = part_file(directory, part).stat().st_size
        with index_file(directory, part).open("rb") as file:
            first = file.read(SUMMARY_BYTES)
            file.seek(max(0, file.seek(0, os.SEEK_END) - SUMMARY_BYTES))
            summary = read_summary(first, file.read(SUMMARY_BYTES))
    except FileNotFoundError:
        return None
    except OSError as trouble:
        raise RecorderError(f"cannot read the index of part {part}: {trouble.strerror}") from trouble
    if summary is not None and summary.size <= size:
        return summary
    index = read_part_index(directory, part)
    return index.summary if index else None


def repair_recording(directory: Path) -> list[PartIndex]:
    """Repair every part that is not closed; the parts as they are now. A part without any media is removed.

    The caller holds the recording's lock. Raises RecorderError when the disk does not let it.
    """
    parts = []
    for part in part_numbers(directory):
        index = read_part_index(directory, part)
        if index is None or index.end is None:
            index = repair_part(directory, part)
        if index is not None:
            parts.append(index)
    return parts


def repair_part(directory: Path, part: int) -> PartIndex | None:
    """Repair one part and say what it holds now; None when it held nothing and is gone. Raises RecorderError."""
    known = read_part_index(directory, part)
    media, index = part_file(directory, part), index_file(directory, part)
    try:
        with media.open("r+b") as file:
            start = _read_start(file)
            if start is None:
                media.unlink()
                index.unlink(missing_ok=True)
                return None
            header, tracks = start
            if known is not None and known.header.init_size == header.init_size:
                header, entries = known.header, list(known.entries)
                kept = known.valid_size
            else:
                entries, kept = [], 0
            end = entries[-1].offset + entries[-1].size if entries else header.init_size
            found = _scan(file, end, tracks, first=not entries)
            entries += found
            if found:
                end = found[-1].offset + found[-1].size
            file.truncate(end)
            os.fsync(file.fileno())
        lines = [] if kept else [header_line(header)]
        duration = max((entry.time + entry.duration for entry in entries), default=0)
        lines += [entry_line(entry) for entry in found] + [end_line(PartEnd.REPAIRED, duration, end)]
        with index.open("r+b" if kept else "wb") as file:
            file.truncate(kept)
            file.seek(kept)
            file.write(b"".join(lines))
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
    except OSError as trouble:
        raise RecorderError(f"cannot repair part {part} of {directory.name}: {trouble.strerror}") from trouble
    return PartIndex(header, tuple(entries), PartEnd.REPAIRED, size)


def _read_start(file: BinaryIO) -> tuple[PartHeader, _Tracks] | None:
    """The init segment at the start of a part; None when it is torn."""
    data = file.read(MAX_HEADER)
    try:
        header = read_header(data)
        if header is None or header.kind != b"ftyp":
            return None
        moov = read_header(data, header.end)
        if moov is None or moov.end > len(data):
            return None
        movie = read_movie(data[moov.start : moov.end])
    except Mp4Error:
        return None
    video = next((track for track in movie.tracks if track.handler == b"vide"), None)
    audio = next((track for track in movie.tracks if track.handler == b"soun"), None)
    if video is None:
        return None
    codecs = tuple(track.codec for track in (video, audio) if track is not None)
    part = PartHeader(movie.created, moov.end, video.width, video.height, codecs)
    return part, _Tracks(video.id, audio.id if audio else None, audio.timescale if audio else 1)


def _scan(file: BinaryIO, offset: int, tracks: _Tracks, first: bool) -> list[FragmentEntry]:
    """The whole fragments from ``offset`` on, up to the first that is torn."""
    entries: list[FragmentEntry] = []
    while (entry := _read_entry(file, offset, tracks)) is not None and (entry.key or entries or not first):
        entries.append(entry)
        offset += entry.size
    return entries


def _read_box(file: BinaryIO, offset: int, kind: bytes, limit: int) -> tuple[BoxHeader, bytes] | None:
    file.seek(offset)
    start = file.read(16)
    header = read_header(start)
    if header is None or header.kind != kind or header.end > limit:
        return None
    file.seek(offset)
    data = file.read(header.end)
    return (header, data) if len(data) == header.end else None


def _read_entry(file: BinaryIO, offset: int, tracks: _Tracks) -> FragmentEntry | None:
    try:
        moof = _read_box(file, offset, b"moof", MAX_HEADER)
        if moof is None:
            return None
        fragments = read_fragment(moof[1])
        mdat = _read_box(file, offset + moof[0].end, b"mdat", MAX_FRAGMENT)
    except Mp4Error:
        return None
    if mdat is None:
        return None
    data = moof[1] + mdat[1]
    pictures = next((track for track in fragments if track.track == tracks.video and track.samples), None)
    sounds = next((track for track in fragments if track.track == tracks.audio and track.samples), None)
    if any(sample.offset + sample.size > len(data) for track in fragments for sample in track.samples):
        return None
    if not all(_is_whole(data, track, pictures=track is pictures) for track in fragments):
        return None
    shown, rate = (pictures, VIDEO_TIMESCALE) if pictures is not None else (sounds, tracks.sample_rate)
    if shown is None:
        return None
    last = shown.samples[-1]
    start = shown.samples[0].time * VIDEO_TIMESCALE // rate
    end = (last.time + last.duration) * VIDEO_TIMESCALE // rate
    key = pictures is not None and pictures.samples[0].sync
    return FragmentEntry(start, end - start, offset, len(data), key)


def _is_whole(data: bytes, track: TrackFragment, pictures: bool) -> bool:
    """Whether samples hold what was written: after a power failure a file may end in zeros of the right length.

    No NAL unit ends with a zero byte (H.264 clause 7.4.1.1), nor does an AAC access unit, which ends in
    three ones and less than a byte of padding (ISO/IEC 14496-3, ID_END).
    """
    for sample in track.samples:
        position, end = sample.offset, sample.offset + sample.size
        if position == end or not data[end - 1]:
            return False
        while pictures and position < end:
            size = int.from_bytes(data[position : position + 4], "big")
            position += 4 + size
            if not size or position > end or not data[position - 1]:
                return False
    return True
