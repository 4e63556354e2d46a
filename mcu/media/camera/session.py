"""Camera control with one peer, both ways: its camera moved by us, and what it asks of ours.

Pure: payloads of packets go in and come out, time in seconds is passed in. Moves are kept up and ended as H.281 has
it: a start is good for its time-out, continues extend it, and whoever hears neither stops by itself. So a lost stop
never leaves a camera running.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Literal

from mcu.media.camera.errors import CameraProtocolError
from mcu.media.camera.h224 import CME, H281, H224Frame
from mcu.media.camera.h281 import (
    LONGEST_TIMEOUT,
    Action,
    CameraMessage,
    Capabilities,
    Motion,
    Source,
    parse_capabilities,
    parse_message,
    serialise_capabilities,
    serialise_message,
)
from mcu.media.camera.management import (
    ClientList,
    ClientListCommand,
    ExtraCapabilities,
    ExtraCapabilitiesCommand,
    ManagementMessage,
    parse_management,
    serialise_management,
)
from mcu.media.spec import CameraRequest

# A start holds for 800 ms; two of three packets may be lost before the camera stops.
CONTINUE_INTERVAL = 0.25

# The longest move for which nobody need say stop; seconds. A camera turns all the way round in less.
MAX_MOVE = 30.0

# Lists of clients go over UDP and are not confirmed: said again until the peer's own has come; seconds after the start.
ANNOUNCEMENTS = (0.0, 1.0, 3.0, 10.0, 30.0)

# Frames that wait to be sent: an answer to every message of a burst, and then some.
MAX_WAITING = 64

# What a hand at the keys may ask for each second; more is a fault, and each is a command with its entry in the audit.
MAX_ASKED_PER_SECOND = 10.0

PRESETS = 15
"""Presets that a room may use of the camera behind us: as many as H.281 can number."""


@dataclass(frozen=True, slots=True)
class CameraFoundEvent:
    """The peer has told what its camera can do; presets it has."""

    presets: int


@dataclass(frozen=True, slots=True)
class CameraAsked:
    """The peer asks something of the camera that it sees. A move goes on until a stop is asked."""

    request: CameraRequest


CameraEvent = CameraFoundEvent | CameraAsked


class CameraSession:
    """``capabilities`` are what we tell of the camera behind us. ``malformed`` counts payloads that made no sense."""

    def __init__(self, now: float, capabilities: Capabilities | None = None) -> None:
        self.malformed = 0
        self.peer: Capabilities | None = None
        """What the peer's cameras can do, once it has told."""
        self._capabilities = capabilities or Capabilities(PRESETS, (Source(),))
        self._frames: deque[bytes] = deque(maxlen=MAX_WAITING)
        self._events: list[CameraEvent] = []
        self._announcements = deque(now + after for after in ANNOUNCEMENTS)
        # The peer's camera, moved by us.
        self._moving: Motion | None = None
        self._mover: str | None = None
        self._until = self._continue_at = 0.0
        # Ours, moved by the peer.
        self._asked: Motion | None = None
        self._asked_timeout = LONGEST_TIMEOUT
        self._asked_until = 0.0
        self._allowance = MAX_ASKED_PER_SECOND
        self._allowed_at = now

    # Moving the peer's camera

    def control(self, request: CameraRequest, now: float) -> None:
        """Have the peer's camera do something. A stop counts only from whoever moves it, or from no room at all."""
        if request.action == "stop":
            if request.source in (None, self._mover):
                self._stop()
            return
        self._stop()
        if request.action == "move":
            motion = Motion(request.pan, request.tilt, request.zoom, request.focus)
            if motion:
                self._start(motion, request, now)
        else:
            action = Action.STORE_PRESET if request.action == "store_preset" else Action.ACTIVATE_PRESET
            self._say(CameraMessage(action, number=request.preset))

    def _start(self, motion: Motion, request: CameraRequest, now: float) -> None:
        self._moving, self._mover = motion, request.source
        self._until = now + min(request.seconds or MAX_MOVE, MAX_MOVE)
        self._continue_at = now + CONTINUE_INTERVAL
        self._say(CameraMessage(Action.START, motion))

    def _stop(self) -> None:
        if self._moving is not None:
            self._say(CameraMessage(Action.STOP, self._moving))
            self._moving = self._mover = None

    # What comes in

    def receive(self, payload: bytes, now: float) -> None:
        """Take a packet's payload. Never raises; nonsense is counted."""
        try:
            frame = H224Frame.parse(payload)
            if not frame.is_whole:
                return  # no message that we know needs more than one
            if frame.client == CME:
                self._receive_management(parse_management(frame.data))
            elif frame.client == H281:
                self._receive_message(parse_message(frame.data), now)
        except CameraProtocolError:
            self.malformed += 1

    def _receive_management(self, message: ManagementMessage) -> None:
        match message:
            case ClientListCommand():
                self._say_clients()
            case ClientList(clients, with_capabilities):
                if H281 in clients and self.peer is None:
                    if H281 in with_capabilities:
                        self._manage(ExtraCapabilitiesCommand(H281))
                    else:
                        self._found(Capabilities(0, (Source(),)))
            case ExtraCapabilitiesCommand(client):
                if client == H281:
                    self._say_capabilities()
            case ExtraCapabilities(client, data):
                if client == H281:
                    self._found(parse_capabilities(data))

    def _found(self, capabilities: Capabilities) -> None:
        if capabilities != self.peer:
            self.peer = capabilities
            self._events.append(CameraFoundEvent(capabilities.presets))

    def _receive_message(self, message: CameraMessage, now: float) -> None:
        match message.action:
            case Action.START:
                self._asked_timeout = message.timeout
                self._asked_for(message.motion, now)
            case Action.CONTINUE:
                # Also after a lost start, or one that has timed out by a late packet: the key is still held.
                self._asked_for(message.motion, now)
            case Action.STOP:
                self._asked_for(Motion(), now)
            case Action.STORE_PRESET | Action.ACTIVATE_PRESET:
                self._asked_for(Motion(), now)
                store = message.action is Action.STORE_PRESET
                if self._may_ask(now):
                    action: Literal["store_preset", "activate_preset"] = "store_preset" if store else "activate_preset"
                    self._ask(CameraRequest(action=action, preset=message.number))
            case Action.SELECT_SOURCE | Action.SOURCE_SWITCHED:
                return  # there is one camera behind us, and we show what comes

    def _asked_for(self, motion: Motion, now: float) -> None:
        """The peer holds down these keys now."""
        self._asked_until = now + self._asked_timeout
        if not motion:
            if self._asked is not None:
                self._asked, self._asked_timeout = None, LONGEST_TIMEOUT
                self._ask(CameraRequest(action="stop"))
        elif motion != self._asked and self._may_ask(now):
            self._asked = motion
            self._ask(
                CameraRequest(action="move", pan=motion.pan, tilt=motion.tilt, zoom=motion.zoom, focus=motion.focus)
            )

    def _may_ask(self, now: float) -> bool:
        self._allowance = min(MAX_ASKED_PER_SECOND, self._allowance + (now - self._allowed_at) * MAX_ASKED_PER_SECOND)
        self._allowed_at = now
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True

    def _ask(self, request: CameraRequest) -> None:
        self._events.append(CameraAsked(request))

    # What goes out

    def frames_to_send(self) -> list[bytes]:
        """Payloads of packets, in order."""
        frames = list(self._frames)
        self._frames.clear()
        return frames

    def events(self) -> list[CameraEvent]:
        """What has happened since the last call."""
        events, self._events = self._events, []
        return events

    def _say(self, message: CameraMessage) -> None:
        self._frames.append(H224Frame(H281, serialise_message(message)).serialise())

    def _manage(self, message: ManagementMessage) -> None:
        self._frames.append(H224Frame(CME, serialise_management(message)).serialise())

    def _say_clients(self) -> None:
        self._manage(ClientList((H281,), frozenset({H281})))

    def _say_capabilities(self) -> None:
        self._manage(ExtraCapabilities(H281, serialise_capabilities(self._capabilities)))

    # Time

    def next_deadline(self) -> float | None:
        """When ``handle_timer`` has something to do."""
        deadlines = [self._announcements[0]] if self._announcements else []
        if self._moving is not None:
            deadlines.append(min(self._continue_at, self._until))
        if self._asked is not None:
            deadlines.append(self._asked_until)
        return min(deadlines, default=None)

    def handle_timer(self, now: float) -> None:
        """Say again what is due, end what has gone on for long enough."""
        if self._announcements and now >= self._announcements[0]:
            while self._announcements and now >= self._announcements[0]:
                self._announcements.popleft()
            self._say_clients()
            self._say_capabilities()
            if self.peer is None:
                self._manage(ClientListCommand())
            else:
                self._announcements.clear()
        if self._moving is not None and now >= self._until:
            self._stop()
        elif self._moving is not None and now >= self._continue_at:
            self._continue_at = now + CONTINUE_INTERVAL
            self._say(CameraMessage(Action.CONTINUE, self._moving))
        if self._asked is not None and now >= self._asked_until:
            self._asked_for(Motion(), now)

    def close(self, now: float) -> None:
        """The call ends: nothing goes on moving."""
        self._stop()
        self._asked_for(Motion(), now)
