"""One leg of a conference."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mcu.media.spec.base import Model
from mcu.media.spec.camera import CameraSpec
from mcu.media.spec.numbers import Continuation
from mcu.media.spec.pictures import SeatingSpec
from mcu.media.spec.streams import AudioSpec, VideoSpec
from mcu.media.spec.transports import PlainTransport, WebRtcTransport

ContentChoice = Literal["auto", "tile", "swap"]


class LegSpec(Model):
    """One leg: a room, a browser. ``name`` is what its tile shows.

    ``content`` is its second picture (RFC 4796 "slides"); a leg without gets what is shared inside its main picture.
    ``picture_bitrate`` is the most that both may take together, bit/s; None: each as much as it may alone.
    ``receive_bitrate`` is the most that it is to send of them, told where REMB was agreed; None: as usual.

    What it sees: ``layout`` instead of the conference's (None), or only the leg ``watch`` instead of all (None).
    ``notice`` is a line of text over its picture, drawn where nobody else sees the same picture. ``camera`` is far-end
    camera control. With ``hide_self`` it does not see itself; ``seating`` is who sits where in a picture of its own.
    ``content_choice``: what is shared comes as a second picture where there is one ("auto"), in a tile like a person's
    ("tile"), or changes places with the people ("swap": the second picture shows them).

    ``slots`` are places for pictures of others as they are, not composed. With ``forwarded`` they are used: each shows
    one browser, and the main picture those alone whom no slot can show. ``shared`` is such a place for what a browser
    shares, which is used whenever it can be. ``voices`` are such places for sound, the one beside a slot in time with
    it. With ``forwarded_sound`` they are used, for the loudest, and the mix is of those alone whom none can carry.

    How it is seen and heard: ``hidden`` in nobody's picture; with ``priority`` before those of less; ``gain`` in dB on
    its sound; ``music``: its sound is left as it is (stethoscopes, monitors). ``listen_gain`` in dB: on what it hears.

    ``continuation`` is where its streams begin, for the worker that opens it; whoever keeps the workers fills it in.
    """

    id: str
    name: str
    transport: Annotated[PlainTransport | WebRtcTransport, Field(discriminator="kind")]
    audio: AudioSpec | None = None
    video: VideoSpec | None = None
    content: VideoSpec | None = None
    picture_bitrate: int | None = None
    receive_bitrate: int | None = None
    microphone_muted: bool = False
    speaker_muted: bool = False
    camera_muted: bool = False
    held: bool = False
    layout: str | None = None
    watch: str | None = None
    notice: str | None = None
    camera: CameraSpec | None = None
    hide_self: bool = False
    seating: SeatingSpec | None = None
    content_choice: ContentChoice = "auto"
    hidden: bool = False
    priority: int = 0
    gain: Annotated[float, Field(ge=-60, le=20)] = 0.0
    listen_gain: Annotated[float, Field(ge=-60, le=20)] = 0.0
    music: bool = False
    slots: tuple[VideoSpec, ...] = ()
    forwarded: bool = False
    shared: VideoSpec | None = None
    voices: tuple[AudioSpec, ...] = ()
    forwarded_sound: bool = False
    continuation: Continuation | None = None
