"""Lip sync of a conference's legs: measures how long each stream takes, and holds back what is faster."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from mcu.media.leg import MediaLeg
from mcu.media.leg_listener import PictureMedia
from mcu.media.lip_sync import Delays, Holds, LipSync
from mcu.media.rtp.clock import on_grid
from mcu.media.rtp.session import RtpStream

# Sound is measured once a second, and nobody's mouth is watched more closely.
REVIEW_INTERVAL = 1.0

# Sound that a network makes later or earlier is followed sooner: seconds between two looks, and what has moved by then.
LOOK_INTERVAL, MOVED = 0.25, 0.02


class Playing(Protocol):
    """What a playout buffer tells of itself; see ``PlayoutStatistics``."""

    @property
    def delay(self) -> float: ...

    @property
    def origin(self) -> float | None: ...


class ConferenceSync:
    """Methods are called on the event loop. ``legs`` are those of the conference, by id; it changes as they do.

    Where a stream's sender tells its wall clock (RFC 3550 section 6.4.1), delays are counted from capture; where sound
    or picture has told none yet, from arrival.
    """

    def __init__(
        self,
        legs: Mapping[str, MediaLeg],
        playout: Callable[[str], Playing | None],
        latency: Callable[[str, PictureMedia], float | None],
        hold: Callable[[str, Holds], None],
        origin: Callable[[str, PictureMedia], float | None] = lambda leg_id, media: None,
    ) -> None:
        """``playout`` tells of a leg's sound, ``latency`` how many seconds a leg's picture takes from its arrival to
        the output, on average and without what it is held back; ``hold`` makes it so. For ``origin`` see
        ``picture_delay``.
        """
        self._legs = legs
        self._playout = playout
        self._latency = latency
        self._hold = hold
        self._origin = origin
        self._syncs: dict[str, LipSync] = {}
        self._origins: dict[str, float | None] = {}
        self._next_review = self._next_look = 0.0

    def next_deadline(self) -> float:
        """When ``handle_timer`` has something to do."""
        return self._next_look

    def handle_timer(self, now: float) -> None:
        """Review all legs when it is time, and between those whose sound has moved."""
        if now < self._next_look:
            return
        self._next_look = on_grid(now + LOOK_INTERVAL, LOOK_INTERVAL)
        whole = now >= self._next_review
        if whole:
            self._next_review = now + REVIEW_INTERVAL
            for gone in self._syncs.keys() - self._legs.keys():
                del self._syncs[gone]
                del self._origins[gone]
        for leg in self._legs.values():
            if whole or self._has_moved(leg.id):
                sync = self._syncs.setdefault(leg.id, LipSync())
                playing = self._playout(leg.id)
                self._origins[leg.id] = None if playing is None else playing.origin
                delays = self.delays(leg, now)
                self._hold(leg.id, sync.review(delays) if whole else sync.follow(delays))

    def _has_moved(self, leg_id: str) -> bool:
        before, playing = self._origins.get(leg_id), self._playout(leg_id)
        if before is None or playing is None or playing.origin is None:
            return False
        return abs(playing.origin - before) > MOVED

    def delays(self, leg: MediaLeg, now: float) -> Delays:
        """How long a leg's streams take now."""
        streams = dict(leg.streams())
        sound, picture, content = streams.get("audio"), streams.get("video"), streams.get("content")
        told = sound is None or _tells_time(sound)
        told = told and all(_tells_time(stream) for stream in (picture, content) if stream is not None)
        return Delays(
            None if sound is None else sound_delay(sound, self._playout(leg.id), told, now),
            None if picture is None else self._picture_delay(leg, "video", picture, told, now),
            None if content is None else self._picture_delay(leg, "content", content, told, now),
        )

    def _picture_delay(
        self, leg: MediaLeg, media: PictureMedia, stream: RtpStream, told: bool, now: float
    ) -> float | None:
        return picture_delay(stream, self._latency(leg.id, media), told, self._origin(leg.id, media), now)


def sound_delay(stream: RtpStream, playout: Playing | None, from_capture: bool, now: float) -> float | None:
    """Seconds until a leg's sound is mixed; None while nothing of it is played."""
    if playout is None or playout.origin is None:
        return None
    if not from_capture:
        return playout.delay
    captured = stream.capture_time_at(now - playout.origin)
    return None if captured is None else now - captured


def picture_delay(
    stream: RtpStream, latency: float | None, from_capture: bool, origin: float | None = None, now: float = 0.0
) -> float | None:
    """Seconds until a leg's picture is on the canvas; None while nothing of it is shown.

    ``origin`` is when a picture with the timestamp 0 was due, by the pace that pictures are held to: on a network that
    delays them by turns that is when they leave, and no single arrival.
    """
    if latency is None:
        return None
    if not from_capture:
        return latency
    captured = None if origin is None else stream.capture_time_at(now - origin)
    if captured is not None:
        return now - captured + latency
    offset = stream.capture_offset
    return None if offset is None else offset + latency


def _tells_time(stream: RtpStream) -> bool:
    """Whether a stream's wall clock is known; one that nothing comes from has no say."""
    return stream.last_received is None or stream.capture_offset is not None
