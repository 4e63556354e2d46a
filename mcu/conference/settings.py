"""What an installation decides about its conferences."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ConferenceSettings:
    """Limits and habits of conferences. Times in seconds, sizes in pixels, ``bitrate`` in bit/s.

    ``create_on_dial`` lets whoever dials a number that fits ``dial_pattern`` (a regular expression for the whole
    number) open a room there without a PIN. ``empty_seconds`` is how long a conference outlives its last participant.
    ``maximum_views`` is how many different pictures participants may choose for themselves in one conference: each
    costs a canvas and an encoder. ``media_seconds`` is how long a change may wait for the media worker.
    ``logos_directory`` is where media workers find logos.
    ``event_backlog`` is how many events a subscriber may lag behind before it is cut off.
    """

    create_on_dial: bool = True
    dial_pattern: str = "[0-9]{3,12}"
    maximum_conferences: int = 50
    maximum_participants: int = 25
    maximum_views: int = 8
    empty_seconds: float = 20.0
    media_seconds: float = 10.0
    end_call_seconds: float = 5.0
    event_backlog: int = 512
    width: int = 1920
    height: int = 1080
    frame_rate: int = 30
    bitrate: int = 3_000_000
    recordings_directory: str = "recordings"
    logos_directory: str = "logos"
