"""A conference: its legs, and what is done with their media."""

from __future__ import annotations

from mcu.media.spec.base import Model
from mcu.media.spec.leg import LegSpec
from mcu.media.spec.pictures import DecorationSpec, LayoutSpec, SeatingSpec


class ProcessingSpec(Model):
    """What is done to a conference's sound: levels evened, noise taken away, a tone when somebody comes or goes."""

    level: bool = False
    denoise: bool = False
    tones: bool = False


class RecordingSpec(Model):
    """A recording to write below ``directory`` (see ``recorder.layout``), from the rung of this size and rate."""

    id: str
    directory: str
    width: int = 1920
    height: int = 1080
    frame_rate: int = 30
    bitrate: int = 3_000_000


class PageSpec(Model):
    """Text that fills the picture instead of tiles. ``code`` is shown large: a number being typed, or to remember."""

    title: str = ""
    lines: tuple[str, ...] = ()
    code: str = ""


class AnnouncementSpec(Model):
    """Sound files (WAV, 16 bits) that all legs hear once, one after the other.

    A worker plays them when ``number`` is another than that of the last one it was told; no announcement at all is
    silence at once.
    """

    number: int
    files: tuple[str, ...]


class ConferenceSpec(Model):
    """The whole description of one conference's media. ``layout`` is a name of the ``layouts`` catalogue or "auto".

    ``revision`` grows by one with every change, so that a late acknowledgement is known for what it is.
    ``legs`` stand in order of joining, which is the order of the tiles. ``content_from`` is the leg that shares now.
    ``watch`` is the leg that everybody sees alone who has no view of its own, and that is recorded; None for all.
    ``layouts`` are those that are not in the catalogue; their names come before the catalogue's.
    """

    id: str
    revision: int
    layout: str = "auto"
    watch: str | None = None
    width: int = 1920
    height: int = 1080
    frame_rate: int = 30
    bitrate: int = 3_000_000
    legs: tuple[LegSpec, ...] = ()
    content_from: str | None = None
    recordings: tuple[RecordingSpec, ...] = ()
    page: PageSpec | None = None
    announcement: AnnouncementSpec | None = None
    layouts: tuple[LayoutSpec, ...] = ()
    seating: SeatingSpec = SeatingSpec()
    decoration: DecorationSpec = DecorationSpec()
    processing: ProcessingSpec = ProcessingSpec()
