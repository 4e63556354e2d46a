"""Reads the boxes of a fragmented MP4 (ISO/IEC 14496-12) from bytes: enough to make an index from media.

Pure and bounded; whatever the bytes, the answer is a value or Mp4Error.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from recorder.errors import Mp4Error

MAX_HEADER = 1024 * 1024
"""Bytes of a moov or moof; ours have a few hundred to a few thousand."""

MAX_SAMPLES = 20_000
"""Samples of a track in one fragment; ours have thirty."""

MAX_BOXES = 1000
"""Boxes in one container; ours have ten."""

_MP4_EPOCH = 2_082_844_800
_NOT_SYNC = 0x0001_0000


@dataclass(frozen=True, slots=True)
class BoxHeader:
    """A box's kind and where it lies: ``start`` of its header, ``content`` of what it holds, ``end`` behind it."""

    kind: bytes
    start: int
    content: int
    end: int


@dataclass(frozen=True, slots=True)
class Track:
    """A track of the init segment. ``codec`` as RFC 6381, empty when it is none that we write."""

    id: int
    handler: bytes
    timescale: int
    width: int
    height: int
    codec: str


@dataclass(frozen=True, slots=True)
class Movie:
    """The init segment: when it was made (seconds since 1970) and its tracks."""

    created: float
    tracks: tuple[Track, ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample of a fragment. ``offset`` counts from the first byte of the moof."""

    time: int
    duration: int
    offset: int
    size: int
    sync: bool


@dataclass(frozen=True, slots=True)
class TrackFragment:
    """The samples of one track in one fragment, times in the track's timescale."""

    track: int
    samples: tuple[Sample, ...]


def read_header(data: bytes, start: int = 0) -> BoxHeader | None:
    """The header of the box at ``start``; None when the bytes end within it. ``end`` may lie behind the bytes."""
    if start + 8 > len(data):
        return None
    size, kind = struct.unpack_from(">I4s", data, start)
    content = start + 8
    if size == 1:
        if start + 16 > len(data):
            return None
        (size,) = struct.unpack_from(">Q", data, start + 8)
        content = start + 16
    if size < content - start:
        raise Mp4Error(f"a box of {size} bytes")
    return BoxHeader(kind, start, content, start + size)


def read_boxes(data: bytes, start: int, end: int) -> Iterator[BoxHeader]:
    """The boxes that fill a container from ``start`` to ``end``."""
    count = 0
    while start < end:
        header = read_header(data[:end], start)
        count += 1
        if header is None or header.end > end or count > MAX_BOXES:
            raise Mp4Error("a box that reaches beyond its container")
        yield header
        start = header.end


def _children(data: bytes, parent: BoxHeader) -> list[BoxHeader]:
    return list(read_boxes(data, parent.content, parent.end))


def _child(data: bytes, parent: BoxHeader, *path: bytes) -> BoxHeader:
    for kind in path:
        found = next((header for header in _children(data, parent) if header.kind == kind), None)
        if found is None:
            raise Mp4Error(f"no {kind.decode('latin-1')} box")
        parent = found
    return parent


def _unpack(form: str, data: bytes, header: BoxHeader, offset: int = 0) -> tuple[int, ...]:
    """Numbers of a box's content, never beyond its end."""
    if header.content + offset + struct.calcsize(form) > header.end:
        raise Mp4Error(f"{header.kind.decode('latin-1')} box is too short")
    return struct.unpack_from(form, data, header.content + offset)


def _whole(data: bytes, kind: bytes) -> BoxHeader:
    header = read_header(data) if len(data) <= MAX_HEADER else None
    if header is None or header.kind != kind or header.end > len(data):
        raise Mp4Error(f"no whole {kind.decode('latin-1')} box")
    return header


def read_movie(data: bytes) -> Movie:
    """Read a moov box. Raises Mp4Error."""
    moov = _whole(data, b"moov")
    version, created = _unpack(">II", data, _child(data, moov, b"mvhd"))
    if version >> 24:
        raise Mp4Error("mvhd of a version that we do not write")
    tracks = tuple(_read_track(data, header) for header in _children(data, moov) if header.kind == b"trak")
    return Movie(max(0, created - _MP4_EPOCH), tracks)


def _read_track(data: bytes, trak: BoxHeader) -> Track:
    header = _child(data, trak, b"tkhd")
    media = _child(data, trak, b"mdia", b"mdhd")
    if _unpack(">I", data, header)[0] >> 24 or _unpack(">I", data, media)[0] >> 24:
        raise Mp4Error("tkhd or mdhd of a version that we do not write")
    (track_id,) = _unpack(">12xI", data, header)
    width, height = _unpack(">II", data, header, 76)
    (timescale,) = _unpack(">12xI", data, media)
    if not timescale:
        raise Mp4Error("a track without timescale")
    handler = _child(data, trak, b"mdia", b"hdlr")
    _unpack(">8x4s", data, handler)
    kind = data[handler.content + 8 : handler.content + 12]
    codec = _read_codec(data, _child(data, trak, b"mdia", b"minf", b"stbl", b"stsd"))
    return Track(track_id, kind, timescale, width >> 16, height >> 16, codec)


def _read_codec(data: bytes, stsd: BoxHeader) -> str:
    entry = next(read_boxes(data, stsd.content + 8, stsd.end), None)
    if entry is not None and entry.kind == b"avc1":
        inner = read_boxes(data, entry.content + 78, entry.end)
        configuration = next((header for header in inner if header.kind == b"avcC"), None)
        if configuration is not None:
            return "avc1." + bytes(_unpack(">xBBB", data, configuration)).hex()
    if entry is not None and entry.kind == b"mp4a":
        inner = read_boxes(data, entry.content + 28, entry.end)
        stream = next((header for header in inner if header.kind == b"esds"), None)
        # Our descriptors have lengths of one byte, so the AudioSpecificConfig is always at the same place.
        if stream is not None:
            tag, _, config = _unpack(">24xBBB", data, stream)
            return f"mp4a.40.{config >> 3}" if tag == 5 else ""
    return ""


def read_fragment(data: bytes) -> tuple[TrackFragment, ...]:
    """Read a moof box. Raises Mp4Error."""
    moof = _whole(data, b"moof")
    return tuple(_read_track_fragment(data, header) for header in _children(data, moof) if header.kind == b"traf")


def _read_track_fragment(data: bytes, traf: BoxHeader) -> TrackFragment:
    flags, track = _unpack(">II", data, _child(data, traf, b"tfhd"))
    if flags != 0x02_0000:
        raise Mp4Error("tfhd with flags that we do not write")
    version, decode_time = _unpack(">IQ", data, _child(data, traf, b"tfdt"))
    trun = _child(data, traf, b"trun")
    flags, count, offset = _unpack(">IIi", data, trun)
    if version >> 24 != 1 or flags != 0x701 or count > MAX_SAMPLES or offset < 0:
        raise Mp4Error("trun or tfdt in a form that we do not write")
    numbers = _unpack(f">{3 * count}I", data, trun, 12)
    samples = []
    for duration, size, sample_flags in zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True):
        samples.append(Sample(decode_time, duration, offset, size, not sample_flags & _NOT_SYNC))
        decode_time += duration
        offset += size
    return TrackFragment(track, tuple(samples))
