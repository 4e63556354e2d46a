"""Far-end camera control of a leg."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mcu.media.spec.base import Model


class CameraSpec(Model):
    """Far-end camera control of a leg: H.224 frames in RTP (RFC 4573), with H.281 in them, both ways."""

    payload_type: Annotated[int, Field(ge=0, le=127)]
    ssrc: Annotated[int, Field(ge=1, le=0xFFFFFFFF)]
    send: bool = True
    receive: bool = True


Direction = Literal[-1, 0, 1]


class CameraRequest(Model):
    """What is asked of a camera (ITU-T H.281). Presets are numbered from 0 to 15.

    Directions of a move: ``pan`` 1 is right, ``tilt`` 1 up, ``zoom`` 1 in, ``focus`` 1 in. It goes on for ``seconds``,
    without them until a stop. ``source`` is the room that asks, None for anybody else: two hands on one camera are told
    apart by it.
    """

    action: Literal["move", "stop", "activate_preset", "store_preset"]
    pan: Direction = 0
    tilt: Direction = 0
    zoom: Direction = 0
    focus: Direction = 0
    seconds: Annotated[float, Field(gt=0)] | None = None
    preset: Annotated[int, Field(ge=0, le=15)] = 0
    source: str | None = None
