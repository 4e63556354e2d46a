"""What a leg tells its conference, and how what its streams say becomes that."""

from __future__ import annotations

import logging
from typing import Literal, Protocol, TypeVar

from mcu.media.camera.session import CameraAsked, CameraFoundEvent
from mcu.media.camera_stream import CameraStream
from mcu.media.demultiplexer import Media
from mcu.media.rtp.session import (
    ByeReceived,
    DigitReceived,
    FirstPacket,
    KeyFrameOverdue,
    KeyFrameRequested,
    PictureReceived,
    RtpStream,
    SoundReceived,
)
from mcu.media.spec import CameraRequest
from mcu.media.units import CodedPicture, CodedSound

logger = logging.getLogger(__name__)

PictureMedia = Literal["video", "content"]
"""A leg's pictures: the main one, and that of what is shared."""

Leg = TypeVar("Leg", contravariant=True)


class LegListener(Protocol[Leg]):
    """Called on the worker's event loop. ``Leg`` is ``mcu.media.leg.MediaLeg``."""

    def picture_received(self, leg: Leg, unit: CodedPicture, media: PictureMedia) -> None: ...
    def sound_received(self, leg: Leg, unit: CodedSound) -> None: ...
    def key_frame_requested(self, leg: Leg, media: PictureMedia) -> None: ...
    def key_frame_overdue(self, leg: Leg, media: PictureMedia) -> None: ...
    def digit_received(self, leg: Leg, digit: str) -> None: ...
    def camera_requested(self, leg: Leg, request: CameraRequest) -> None: ...
    def camera_found(self, leg: Leg, presets: int) -> None: ...
    def media_flowing(self, leg: Leg, media: Media) -> None: ...
    def leg_connected(self, leg: Leg) -> None: ...
    def leg_silent(self, leg: Leg, seconds: float) -> None: ...
    def leg_failed(self, leg: Leg, reason: str) -> None: ...


def tell_of_stream(listener: LegListener[Leg], leg: Leg, label: str, media: Media, stream: RtpStream) -> None:
    """Tell what has happened in a stream; ``label`` is the leg's name for the log."""
    picture: PictureMedia = "content" if media == "content" else "video"
    for event in stream.events():
        match event:
            case PictureReceived(unit):
                listener.picture_received(leg, unit, picture)
            case SoundReceived(unit):
                listener.sound_received(leg, unit)
            case KeyFrameRequested():
                listener.key_frame_requested(leg, picture)
            case KeyFrameOverdue():
                listener.key_frame_overdue(leg, picture)
            case DigitReceived(digit):
                listener.digit_received(leg, digit)
            case FirstPacket():
                listener.media_flowing(leg, media)
            case ByeReceived():
                logger.debug("leg %s: RTCP BYE for %s", label, media)


def tell_of_camera(listener: LegListener[Leg], leg: Leg, camera: CameraStream) -> None:
    """Tell what the peer asked of our camera, or said of its own."""
    for event in camera.events():
        match event:
            case CameraAsked(request):
                listener.camera_requested(leg, request)
            case CameraFoundEvent(presets):
                listener.camera_found(leg, presets)
