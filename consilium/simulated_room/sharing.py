"""How a simulated room shares: asks for the floor by BFCP, and sends a clip as its second picture while it has it."""

from __future__ import annotations

import asyncio
import time

from consilium.simulated_room.clip import Clip
from consilium.simulated_room.player import ClipPlayer
from mcu.gateway.floor_channel import make_channel
from mcu.gateway.tls_stream import TlsIdentity
from mcu.media.leg import MediaLeg
from mcu.media.units import CodedPicture, CodedSound
from sip.bfcp.client import ClientEvent, FloorChanged, FloorClient, FloorSeen, FloorState
from sip.bfcp.message import RequestInformation
from sip.sdp.floor import NegotiatedFloor

# What a person would wait for the floor.
PATIENCE = 10.0


class _SecondPicture:
    """A leg as the sink of a clip without sound."""

    def __init__(self, leg: MediaLeg) -> None:
        self._leg = leg

    def send_picture(self, unit: CodedPicture) -> None:
        self._leg.send_picture(unit, "content")

    def send_sound(self, unit: CodedSound) -> None:
        """Slides are silent."""


class RoomSharing:
    """``seen`` are the requests for the floor as the server told them last; ``history`` is all that it said to us."""

    def __init__(self, floor: NegotiatedFloor, leg: MediaLeg, host: str, port: int, identity: TlsIdentity) -> None:
        self.history: list[FloorChanged] = []
        self.seen: tuple[RequestInformation, ...] = ()
        self._client = FloorClient(floor.reliable, floor.conference_id, floor.user_id, floor.floor_id)
        self._channel = make_channel(floor, host, port, self._receive, lambda: None, identity)
        self._leg = leg
        self._clip: Clip | None = None
        self._playing: asyncio.Task[None] | None = None
        self._changed = asyncio.Condition()
        self._telling: set[asyncio.Task[None]] = set()

    @property
    def state(self) -> FloorState:
        """Where we stand with the floor."""
        return self._client.state

    async def open(self) -> None:
        """Say hello, and ask to be kept informed. Raises OSError when the port is taken."""
        await self._channel.open()
        self._client.hello(time.monotonic())
        self._client.watch(time.monotonic())
        self._flush()

    def ask(self, clip: Clip) -> None:
        """Ask for the floor, to play ``clip`` as soon as it is granted."""
        self._clip = clip
        self._client.request(time.monotonic(), "clip")
        self._flush()

    def give_back(self) -> None:
        """Share no longer."""
        self._client.release(time.monotonic())
        self._flush()

    async def until(self, state: FloorState, seconds: float | None = PATIENCE) -> None:
        """Wait until we stand so. Raises TimeoutError after so long, never where that is None."""
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(lambda: self.state is state)

    def handle_timer(self, now: float) -> None:
        """Retransmit what is due."""
        deadline = self._client.next_deadline()
        if deadline is not None and deadline <= now:
            self._client.handle_timer(now)
            self._take(self._client.events())
        self._flush()

    async def close(self) -> None:
        """Leave properly."""
        self._stop()
        self._client.goodbye(time.monotonic())
        self._flush()
        await self._channel.close()

    def _receive(self, data: bytes) -> None:
        self._client.receive(data, time.monotonic())
        self._take(self._client.events())
        self._flush()

    def _take(self, events: list[ClientEvent]) -> None:
        for event in events:
            match event:
                case FloorChanged():
                    self.history.append(event)
                case FloorSeen(requests):
                    self.seen = requests
        if self.state is FloorState.GRANTED and self._playing is None and self._clip is not None:
            self._playing = asyncio.create_task(ClipPlayer(self._clip, _SecondPicture(self._leg), None).run())
        elif self.state is not FloorState.GRANTED:
            self._stop()
        if events:
            task = asyncio.create_task(self._tell())
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    def _stop(self) -> None:
        if self._playing is not None:
            self._playing.cancel()
            self._playing = None

    def _flush(self) -> None:
        self._channel.send(self._client.to_send())
