"""The index of a part: append-only text, one line per fragment, each with its own checksum.

::

    P 1 <started> <init size> <width> <height> <codec,codec> <crc>     first line
    F <time> <duration> <offset> <size> <K or -> <crc>                 one fragment
    E <final, continued or repaired> <duration> <size> <crc>           last line

``started`` is wall-clock time in microseconds since 1970; times and durations are ticks of 1/90000 s from the part's
start. The last line sums up, so that a list need not read the whole. A line is written once its fragment is on disk, so
a line that is there tells the truth. Nothing behind the first line that is torn, altered or does not follow on the one
before is believed. What is missing, ``recorder.repair`` makes from the media.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from enum import Enum

from recorder.formats import VIDEO_TIMESCALE

MAX_INDEX = 32 * 1024 * 1024
"""Bytes; a week in one part stays below."""

SUMMARY_BYTES = 1024
"""Enough for the first line, or for the last."""

_MAX_NUMBER = 1 << 62


class PartEnd(Enum):
    """How a part came to its end."""

    FINAL = "final"  # the recording was stopped
    CONTINUED = "continued"  # the next part follows without a gap
    REPAIRED = "repaired"  # the writer died; repair closed it


@dataclass(frozen=True, slots=True)
class PartHeader:
    """What is known of a part before its first fragment. ``started`` in seconds since 1970, ``codecs`` as RFC 6381."""

    started: float
    init_size: int
    width: int
    height: int
    codecs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FragmentEntry:
    """One fragment: when it plays (ticks), where it lies in the file (bytes), whether it begins with a key frame."""

    time: int
    duration: int
    offset: int
    size: int
    key: bool


@dataclass(frozen=True, slots=True)
class PartSummary:
    """A part in a few words: what its index says as a whole. ``duration`` in seconds, ``size`` in bytes of media."""

    header: PartHeader
    duration: float
    size: int
    end: PartEnd | None


@dataclass(frozen=True, slots=True)
class PartIndex:
    """All that a part's index says. ``end`` is None while it is being written, and after a crash until it is repaired.

    ``valid_size`` is how many bytes of the index file hold lines that can be believed.
    """

    header: PartHeader
    entries: tuple[FragmentEntry, ...]
    end: PartEnd | None
    valid_size: int

    @property
    def duration(self) -> float:
        """Seconds that the part plays."""
        last = max((entry.time + entry.duration for entry in self.entries), default=0)
        return last / VIDEO_TIMESCALE

    @property
    def size(self) -> int:
        """Bytes of the media that the index knows."""
        return self.entries[-1].offset + self.entries[-1].size if self.entries else self.header.init_size

    @property
    def summary(self) -> PartSummary:
        """All but the entries."""
        return PartSummary(self.header, self.duration, self.size, self.end)


def _line(text: str) -> bytes:
    body = text.encode("ascii")
    return b"%s %08x\n" % (body, zlib.crc32(body))


def header_line(header: PartHeader) -> bytes:
    """The first line of an index."""
    started = round(header.started * 1_000_000)
    codecs = ",".join(header.codecs)
    return _line(f"P 1 {started} {header.init_size} {header.width} {header.height} {codecs}")


def entry_line(entry: FragmentEntry) -> bytes:
    """The line of one fragment."""
    key = "K" if entry.key else "-"
    return _line(f"F {entry.time} {entry.duration} {entry.offset} {entry.size} {key}")


def end_line(end: PartEnd, duration: int, size: int) -> bytes:
    """The last line of an index, with what its entries sum up to (ticks, bytes)."""
    return _line(f"E {end.value} {duration} {size}")


def read_summary(first: bytes, last: bytes) -> PartSummary | None:
    """The summary of a closed part from the first and the last bytes (SUMMARY_BYTES) of its index.

    None when it is not closed, or damaged: then the whole index must be read.
    """
    header = _header(_fields(first.partition(b"\n")[0]))
    line = last.rstrip(b"\n").rpartition(b"\n")[2]
    fields = _fields(line)
    end, numbers = _end(fields), _numbers(fields[2:])
    if header is None or end is None or numbers is None or not last.endswith(b"\n"):
        return None
    return PartSummary(header, numbers[0] / VIDEO_TIMESCALE, numbers[1], end)


def read_index(data: bytes, media_size: int | None = None) -> PartIndex | None:
    """Read as much as can be believed; None when not even the first line can. Never raises, whatever the bytes.

    ``media_size``: entries that reach beyond that many bytes of media are not believed either.
    """
    header: PartHeader | None = None
    entries: list[FragmentEntry] = []
    end: PartEnd | None = None
    position = reach = 0
    data = data[:MAX_INDEX]
    while end is None and (stop := data.find(b"\n", position)) >= 0:
        fields = _fields(data[position:stop])
        if header is None:
            header = _header(fields)
            if header is None:
                return None
            reach = header.init_size
        elif fields[:1] == ["E"]:
            end = _end(fields)
            if end is None:
                break
        else:
            entry = _entry(fields)
            if entry is None or entry.offset != reach or not (entries or entry.key):
                break
            reach += entry.size
            if media_size is not None and reach > media_size:
                break
            entries.append(entry)
        position = stop + 1
    return None if header is None else PartIndex(header, tuple(entries), end, position)


def _fields(line: bytes) -> list[str]:
    """The words of a line, none when its checksum is wrong."""
    body, _, checksum = line.rpartition(b" ")
    if len(line) > 500 or checksum != b"%08x" % zlib.crc32(body) or not body.isascii():
        return []
    return body.decode("ascii").split(" ")


def _numbers(fields: list[str]) -> list[int] | None:
    if not all(field.isdigit() and len(field) < 20 for field in fields):
        return None
    numbers = [int(field) for field in fields]
    return numbers if all(number < _MAX_NUMBER for number in numbers) else None


def _header(fields: list[str]) -> PartHeader | None:
    numbers = _numbers(fields[1:6])
    if len(fields) != 7 or fields[0] != "P" or numbers is None or numbers[0] != 1:
        return None
    codecs = tuple(fields[6].split(","))
    return PartHeader(numbers[1] / 1_000_000, numbers[2], numbers[3], numbers[4], codecs)


def _entry(fields: list[str]) -> FragmentEntry | None:
    numbers = _numbers(fields[1:5])
    if len(fields) != 6 or fields[0] != "F" or numbers is None or fields[5] not in ("K", "-") or not numbers[3]:
        return None
    return FragmentEntry(numbers[0], numbers[1], numbers[2], numbers[3], fields[5] == "K")


def _end(fields: list[str]) -> PartEnd | None:
    if len(fields) != 4 or fields[0] != "E" or _numbers(fields[2:]) is None:
        return None
    try:
        return PartEnd(fields[1])
    except ValueError:
        return None
