"""Which stream of a leg a packet belongs to, where all of them come by one path (RFC 8843 section 9.2). Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from mcu.media.rtp.packet import read_extension
from mcu.media.spec import Line

Media = Literal["audio", "video", "content"]
"""The media of a leg: voice, face, and a second picture of what is shared."""

# What each m-line may carry. On separate ports two m-lines may well use the same number for different codecs.
PayloadTypes = Mapping[Line, frozenset[int]]

# Sources remembered: a browser has one for each stream, and new ones each time it changes a track's encoder.
MAX_SOURCES = 32


@dataclass(frozen=True)
class MidExtension:
    """The mid of an m-line, and the number of the header extension that packets carry it in."""

    mid: str
    number: int


class Demultiplexer:
    """Goes by the payload type where that says enough. Two pictures usually share theirs: then the mid tells, and from
    the first packet with a mid on, the source (SSRC).
    """

    def __init__(self, payload_types: PayloadTypes, mids: Mapping[Line, MidExtension]) -> None:
        self._candidates: dict[int, list[Line]] = {}
        for media, numbers in payload_types.items():
            for number in numbers:
                self._candidates.setdefault(number, []).append(media)
        self._mids = mids
        self._sources: OrderedDict[int, Line] = OrderedDict()

    def know(self, source: int, media: Line) -> None:
        """A source whose packets do not say any more which stream they belong to."""
        self._sources[source] = media

    def runs_of(self, packets: list[bytes]) -> Iterator[tuple[Line, list[bytes]]]:
        """The streams of packets that came together, with those in a row of each; without what is nobody's."""
        run: list[bytes] = []
        stream: Line | None = None
        for packet in packets:
            media = self.media_of(packet)
            if media != stream and stream is not None and run:
                yield stream, run
                run = []
            stream = media
            if media is not None:
                run.append(packet)
        if stream is not None and run:
            yield stream, run

    def media_of(self, packet: bytes) -> Line | None:
        """The stream of an RTP packet; None for one that is nobody's."""
        if len(packet) < 12:
            return None
        candidates = self._candidates.get(packet[1] & 0x7F, [])
        if len(candidates) <= 1:
            return candidates[0] if candidates else None
        source = int.from_bytes(packet[8:12])
        known = self._sources.get(source)
        if packet[0] & 0x10:
            told = self._told(packet, candidates)
            if told is not None and told != known:
                self._sources[source] = told
                if len(self._sources) > MAX_SOURCES:
                    self._sources.popitem(last=False)
                return told
        # Without a mid so far it can only be guessed: the first of them was there before the second.
        return known or candidates[0]

    def _told(self, packet: bytes, candidates: list[Line]) -> Line | None:
        for media in candidates:
            mid = self._mids.get(media)
            if mid is not None and read_extension(packet, mid.number) == mid.mid.encode():
                return media
        return None
