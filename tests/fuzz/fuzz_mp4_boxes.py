"""Fuzz target: reading MP4 boxes gives values or Mp4Error, whatever the bytes."""

from __future__ import annotations

from contextlib import suppress

from recorder.errors import Mp4Error
from recorder.mp4_boxes import MAX_SAMPLES, read_boxes, read_fragment, read_header, read_movie


def fuzz_one(data: bytes) -> None:
    with suppress(Mp4Error):
        header = read_header(data)
        assert header is None or header.end >= header.content > header.start
    with suppress(Mp4Error):
        end = 0
        for box in read_boxes(data, 0, len(data)):
            assert box.start == end
            end = box.end
        assert end == len(data)
    with suppress(Mp4Error):
        for track in read_movie(data).tracks:
            assert track.timescale > 0
    with suppress(Mp4Error):
        for fragment in read_fragment(data):
            assert len(fragment.samples) <= MAX_SAMPLES
            assert all(sample.size >= 0 and sample.offset >= 0 for sample in fragment.samples)
