"""HLS playlists (RFC 8216) from the indexes of a recording. Pure: indexes in, text out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from recorder.formats import VIDEO_TIMESCALE
from recorder.index import PartHeader
from recorder.store import IndexedPart

SEGMENT_SECONDS = 2.0
"""A segment ends at the first key frame after this; with a key frame every two seconds it stays below four."""

TARGET_SECONDS = 6
"""EXT-X-TARGETDURATION of a recording in progress, which must not change while it grows (RFC 8216 section 6.2.1)."""

_VERSION = 7
"""EXT-X-MAP in a playlist that is not of I-frames needs 6 (RFC 8216 section 7), fragmented MP4 players expect 7."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of fragments that begins with a key frame: seconds it plays, bytes it lies at, ``start`` in the part."""

    start: float
    duration: float
    offset: int
    size: int


def segments(part: IndexedPart, growing: bool = False) -> list[Segment]:
    """Cut a part into segments. ``growing``: leave out the last, which may still become longer."""
    entries = part.index.entries
    if not entries:
        return []
    starts = [0]
    for number, entry in enumerate(entries):
        if entry.key and number and entry.time - entries[starts[-1]].time >= SEGMENT_SECONDS * VIDEO_TIMESCALE:
            starts.append(number)
    end = max(entry.time + entry.duration for entry in entries)
    cut = []
    for start, stop in zip(starts, [*starts[1:], None], strict=True):
        if stop is None and growing:
            break
        first, last = entries[start], entries[stop - 1 if stop else -1]
        until = entries[stop].time if stop else end
        seconds = (until - first.time) / VIDEO_TIMESCALE
        cut.append(Segment(first.time / VIDEO_TIMESCALE, seconds, first.offset, last.offset + last.size - first.offset))
    return cut


def playable(parts: Sequence[IndexedPart], growing: bool = False) -> bool:
    """Whether the media playlist has any segment: players take an empty one for an error."""
    return any(segments(part, growing and part is parts[-1]) for part in parts)


def media_playlist(parts: Sequence[IndexedPart], growing: bool = False) -> str:
    """The media playlist. ``growing`` while the recording is being written: type EVENT and no end.

    Addresses are relative to the playlist's: ``parts/0001.mp4`` with a byte range. Times start at zero in every part,
    so each part but the first comes after a discontinuity, with its own init segment.
    """
    runs = [(part, segments(part, growing and part is parts[-1])) for part in parts]
    runs = [(part, run) for part, run in runs if run]
    longest = max((segment.duration for _, run in runs for segment in run), default=0.0)
    # Section 4.3.3.1: durations rounded to the nearest second may not exceed it; rounding up is stricter still.
    target = max(TARGET_SECONDS if growing else 1, math.ceil(longest))
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{_VERSION}",
        f"#EXT-X-TARGETDURATION:{target}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        f"#EXT-X-PLAYLIST-TYPE:{'EVENT' if growing else 'VOD'}",
        "#EXT-X-INDEPENDENT-SEGMENTS",
    ]
    for number, (part, run) in enumerate(runs):
        if number:
            lines.append("#EXT-X-DISCONTINUITY")
        lines += _part_lines(part, run)
    if not growing:
        lines.append("#EXT-X-ENDLIST")
    return "\n".join(lines) + "\n"


def _part_lines(part: IndexedPart, run: list[Segment]) -> list[str]:
    address = part_address(part.number)
    header = part.index.header
    began = datetime.fromtimestamp(header.started, UTC) + timedelta(seconds=run[0].start)
    lines = [
        f'#EXT-X-MAP:URI="{address}",BYTERANGE="{header.init_size}@0"',
        f"#EXT-X-PROGRAM-DATE-TIME:{began.isoformat(timespec='milliseconds').replace('+00:00', 'Z')}",
    ]
    for segment in run:
        lines += [
            f"#EXTINF:{segment.duration:.6f},",
            f"#EXT-X-BYTERANGE:{segment.size}@{segment.offset}",
            address,
        ]
    return lines


def multivariant_playlist(parts: Sequence[IndexedPart], media: str = "media.m3u8") -> str:
    """The multivariant playlist with the one rendition ``media``: what a player must decode, before it loads any of it.

    BANDWIDTH is that of the fullest segment, AVERAGE-BANDWIDTH that of the whole (RFC 8216 section 4.3.4.2), in bit/s.
    """
    cuts = [segment for part in parts for segment in segments(part)]
    peak = max((8 * cut.size / cut.duration for cut in cuts if cut.duration > 0.5), default=0.0)
    seconds = sum(cut.duration for cut in cuts)
    average = 8 * sum(cut.size for cut in cuts) / seconds if seconds else 0.0
    attributes = [
        f"BANDWIDTH={max(1, round(max(peak, average)))}",
        f"AVERAGE-BANDWIDTH={max(1, round(average))}",
    ]
    headers = [part.index.header for part in parts]
    if headers:
        width, height = max((header.width, header.height) for header in headers)
        attributes += [f'CODECS="{",".join(_codecs(headers))}"', f"RESOLUTION={width}x{height}"]
    return "\n".join(
        [
            "#EXTM3U",
            f"#EXT-X-VERSION:{_VERSION}",
            "#EXT-X-INDEPENDENT-SEGMENTS",
            f"#EXT-X-STREAM-INF:{','.join(attributes)}",
            media,
            "",
        ]
    )


def _codecs(headers: Sequence[PartHeader]) -> list[str]:
    """Every format in any part, the pictures' first. Parts that differ only in profile or level are all named."""
    every = dict.fromkeys(codec for header in headers for codec in header.codecs)
    return sorted(every, key=lambda codec: not codec.startswith("avc1"))


def part_address(number: int) -> str:
    """A part's address relative to the playlist."""
    return f"parts/{number:04d}.mp4"
