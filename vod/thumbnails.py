"""The picture that stands for a recording: the first that shows something."""

from __future__ import annotations

import io
import logging
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError
from av.video.frame import VideoFrame
from PIL import Image

from recorder.index import FragmentEntry
from recorder.store import IndexedPart

log = logging.getLogger(__name__)

WIDTH = 480
"""Pixels across."""

TRIES = 6
"""Key frames looked at for one that is not blank."""

BLANK = 12.0
"""Standard deviation of brightness (0–255) below which a picture shows nothing."""


def make_thumbnail(media: Path, part: IndexedPart) -> tuple[bytes, bool] | None:
    """A JPEG of the first key frame of the part that is not blank, and whether one was found.

    When all are blank it is the fullest of them; None when none can be decoded. Takes tens of milliseconds of a core:
    call it from a thread.
    """
    fullest: tuple[float, VideoFrame] | None = None
    for entry in _spread([entry for entry in part.index.entries if entry.key]):
        frame = _decode(media, part.index.header.init_size, entry)
        if frame is None:
            continue
        content = float(np.std(frame.to_ndarray(format="gray")[::4, ::4]))
        if fullest is None or content > fullest[0]:
            fullest = content, frame
        if content >= BLANK:
            break
    if fullest is None:
        return None
    content, frame = fullest
    width = min(WIDTH, frame.width)
    scaled = frame.reformat(width=width, height=max(2, round(frame.height * width / frame.width)), format="rgb24")
    image = Image.fromarray(scaled.to_ndarray())
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80, optimize=True)
    return out.getvalue(), content >= BLANK


def _spread(entries: list[FragmentEntry]) -> list[FragmentEntry]:
    """The second key frame first (the first often shows an empty room), then the first, then ever further ones."""
    order = [entries[number] for number in (1, 0) if number < len(entries)]
    number = 2
    while number < len(entries) and len(order) < TRIES:
        order.append(entries[number])
        number *= 2
    return order


def _decode(media: Path, init_size: int, entry: FragmentEntry) -> VideoFrame | None:
    with media.open("rb") as file:
        init = file.read(init_size)
        file.seek(entry.offset)
        data = io.BytesIO(init + file.read(entry.size))
    try:
        with av.open(data, "r", format="mp4") as container:
            return next(container.decode(video=0), None)
    except FFmpegError as trouble:
        log.warning("no thumbnail from %s at %d: %s", media.name, entry.offset, trouble)
        return None
