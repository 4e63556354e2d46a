"""Desired state of a media worker: everything it must do, as values that survive a trip over a socket.

The control side keeps one ``ConferenceSpec`` per conference and sends the whole of it on every change; a worker makes
it so. A fresh worker that is given the same description binds the same ports and goes on.
"""

from __future__ import annotations

from mcu.media.spec.base import Address, Model
from mcu.media.spec.camera import CameraRequest, CameraSpec, Direction
from mcu.media.spec.conference import AnnouncementSpec, ConferenceSpec, PageSpec, ProcessingSpec, RecordingSpec
from mcu.media.spec.leg import ContentChoice, LegSpec
from mcu.media.spec.numbers import Continuation, HeardNumbers, HeardPicture, LegNumbers, Path, PathNumbers, SentNumbers
from mcu.media.spec.pictures import (
    CellSpec,
    Corner,
    DecorationSpec,
    LayoutSpec,
    Pixels,
    SeatingMode,
    SeatingSpec,
    Tiles,
)
from mcu.media.spec.streams import AudioCodecName, AudioSpec, CodecSpec, RepairSpec, VideoCodecName, VideoSpec
from mcu.media.spec.transports import (
    DtlsKeys,
    IceSpec,
    Line,
    PlainTransport,
    SdesKeys,
    StreamSecurity,
    SuiteName,
    WebRtcTransport,
)
from mcu.media.spec.worker import WorkerSettings

__all__ = [
    "Address",
    "AnnouncementSpec",
    "AudioCodecName",
    "AudioSpec",
    "CameraRequest",
    "CameraSpec",
    "CellSpec",
    "CodecSpec",
    "ConferenceSpec",
    "ContentChoice",
    "Continuation",
    "Corner",
    "DecorationSpec",
    "Direction",
    "DtlsKeys",
    "HeardNumbers",
    "HeardPicture",
    "IceSpec",
    "LayoutSpec",
    "LegNumbers",
    "LegSpec",
    "Line",
    "Model",
    "PageSpec",
    "Path",
    "PathNumbers",
    "Pixels",
    "PlainTransport",
    "ProcessingSpec",
    "RecordingSpec",
    "RepairSpec",
    "SdesKeys",
    "SeatingMode",
    "SeatingSpec",
    "SentNumbers",
    "StreamSecurity",
    "SuiteName",
    "Tiles",
    "VideoCodecName",
    "VideoSpec",
    "WebRtcTransport",
    "WorkerSettings",
]
