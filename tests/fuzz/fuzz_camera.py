"""Fuzz target: far-end camera control, frame after frame."""

from __future__ import annotations

from mcu.media.camera.errors import CameraProtocolError
from mcu.media.camera.h224 import CME, H281, H224Frame
from mcu.media.camera.h281 import parse_capabilities, parse_message, serialise_capabilities, serialise_message
from mcu.media.camera.management import ExtraCapabilities, parse_management
from mcu.media.camera.session import CameraSession

FRAMES = 32


def fuzz_one(data: bytes) -> None:
    """Frames, each behind an octet with its length, and once as the data of each client."""
    session, now, at = CameraSession(0.0), 0.0, 0
    for _ in range(FRAMES):
        if at >= len(data):
            break
        payload = data[at + 1 : at + 1 + data[at]]
        at += 1 + data[at]
        now += 0.1
        for frame in (payload, H224Frame(H281, payload).serialise(), H224Frame(CME, payload).serialise()):
            session.receive(frame, now)
        _messages(payload)
        session.handle_timer(now)
        session.frames_to_send()
        session.events()
    session.close(now)


def _messages(payload: bytes) -> None:
    """What was read is written so that it is read the same."""
    try:
        frame = H224Frame.parse(payload)
        assert H224Frame.parse(frame.serialise()) == frame
    except CameraProtocolError:
        pass
    try:
        message = parse_message(payload)
        assert parse_message(serialise_message(message)) == message
    except CameraProtocolError:
        pass
    try:
        managed = parse_management(payload)
        if isinstance(managed, ExtraCapabilities):
            capabilities = parse_capabilities(managed.data)
            serialise_capabilities(capabilities)
    except CameraProtocolError:
        pass
