"""Floor control of rooms: what they ask for by BFCP becomes commands, and what the conference decides is told them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from mcu.conference.commands import CommandRefused, ReleaseFloor, TakeFloor
from mcu.conference.events import FloorChanged, ParticipantJoined, SubscriberTooSlow
from mcu.conference.manager import ConferenceManager
from mcu.conference.model import Conference
from mcu.gateway.floor_channel import FloorChannel, make_channel
from mcu.gateway.sip_call import CallSession
from mcu.gateway.tasks import Tasks
from mcu.gateway.tls_stream import TlsIdentity
from mcu.ports import Actor, ActorKind
from sip.bfcp.message import Person, RequestInformation, RequestStatus
from sip.bfcp.server import ClientGone, FloorReleased, FloorRequested, FloorServer
from sip.sdp.floor import FloorRole, NegotiatedFloor

logger = logging.getLogger(__name__)

# Numbers of the others' requests as a room sees them; its own count from 1 and never get so far.
_OTHERS = 0xF000


class FloorControl:
    """One for all calls of the server. A call is served once its description has floor control.

    ``identity`` is what we show in TLS.
    """

    def __init__(
        self,
        manager: ConferenceManager,
        clock: Callable[[], float] = time.monotonic,
        identity: TlsIdentity | None = None,
    ) -> None:
        self._manager = manager
        self._identity = identity
        self._clock = clock
        self._rooms: dict[CallSession, _RoomFloor] = {}
        self._tasks = Tasks("floor control")
        self._following: asyncio.Task[None] | None = None

    def serve(self, session: CallSession, floor: NegotiatedFloor | None) -> None:
        """The call's floor control is as negotiated now; None where there is none."""
        room = self._rooms.get(session)
        if room is not None and room.fits(floor):
            assert floor is not None
            room.channel.set_remote(floor)
            return
        if room is not None:
            del self._rooms[session]
            self._tasks.start(room.close())
        if floor is None or floor.role is not FloorRole.SERVER:
            return
        if self._following is None:
            self._following = self._tasks.start(self._follow())
        opened = _RoomFloor(session, floor, self._manager, self._clock, self._tasks, self._identity)
        self._rooms[session] = opened
        self._tasks.start(self._open(opened, room))

    async def release(self, session: CallSession) -> None:
        """The call is over; its port is free when this returns."""
        room = self._rooms.pop(session, None)
        if room is not None:
            await room.close()

    async def close(self) -> None:
        """Give up everything."""
        rooms, self._rooms = tuple(self._rooms.values()), {}
        for room in rooms:
            await room.close()
        await self._tasks.give_up()

    async def _open(self, room: _RoomFloor, before: _RoomFloor | None) -> None:
        if before is not None:
            await before.closed.wait()
        try:
            await room.channel.open()
        except OSError as error:
            # The call is worth more than the floor: the room can still see what others share.
            logger.error("floor control of a call: port %d: %s", room.session.room.floor_port, error.strerror)
        else:
            room.update()

    async def _follow(self) -> None:
        """Tell rooms of every change of their conference's floor."""
        while True:
            with contextlib.suppress(SubscriberTooSlow):
                events = self._manager.subscribe()
                for room in tuple(self._rooms.values()):
                    room.update()
                async for event in events:
                    # Who joins may find that somebody shares already.
                    if isinstance(event, FloorChanged | ParticipantJoined):
                        revoked = event.revoked_id if isinstance(event, FloorChanged) else None
                        for room in tuple(self._rooms.values()):
                            if room.conference_id == event.conference.id:
                                room.update(event.conference, revoked)
                return


class _RoomFloor:
    """The floor as one room has it: its association, and its request if there is one."""

    def __init__(
        self,
        session: CallSession,
        floor: NegotiatedFloor,
        manager: ConferenceManager,
        clock: Callable[[], float],
        tasks: Tasks,
        identity: TlsIdentity | None,
    ) -> None:
        self.session = session
        self.closed = asyncio.Event()
        self._floor = floor
        self._manager = manager
        self._clock = clock
        self._tasks = tasks
        self._server = self._make_server()
        self._request: int | None = None
        self._granted = False
        self._timer: asyncio.TimerHandle | None = None
        self._turn = asyncio.Lock()
        room = session.room
        self.channel: FloorChannel = make_channel(
            floor, room.bind_host, room.floor_port, self._receive, self._lost, identity
        )

    @property
    def conference_id(self) -> str:
        return self.session.seat.conference_id

    def fits(self, floor: NegotiatedFloor | None) -> bool:
        """Whether this association can go on under a new description."""
        mine = self._floor
        return floor is not None and (floor.protocol, floor.role, floor.active, floor.fingerprints) == (
            mine.protocol,
            mine.role,
            mine.active,
            mine.fingerprints,
        )

    def update(self, conference: Conference | None = None, revoked: str | None = None) -> None:
        """Tell the room where it stands."""
        mine = self.session.seat.participant_id
        conference = conference or self._manager.conference_of(mine)
        if conference is None:
            return
        floor, now = conference.floor, self._clock()
        position = floor.position(mine)
        if self._request is not None:
            if position == 0:
                self._granted = True
                self._server.tell(self._request, RequestStatus.GRANTED, now)
            elif position is not None:
                self._server.tell(self._request, RequestStatus.ACCEPTED, now, queue_position=min(position, 255))
            elif self._granted:
                info = "The floor was taken away" if revoked == mine else ""
                self._server.tell(self._request, RequestStatus.REVOKED, now, info=info)
                self._request, self._granted = None, False
        others = []
        for place, participant_id in enumerate(filter(None, (floor.holder, *floor.queue))):
            participant = conference.participant(participant_id)
            if participant is not None and participant_id != mine:
                status = RequestStatus.ACCEPTED if place else RequestStatus.GRANTED
                beneficiary = Person(_OTHERS + place, participant.name)
                others.append(RequestInformation(_OTHERS + place, status, min(place, 255), beneficiary=beneficiary))
        self._server.tell_floor(others, now)
        self._flush()

    async def close(self) -> None:
        """No more messages; the floor itself is the conference's business."""
        if self._timer is not None:
            self._timer.cancel()
        await self.channel.close()
        self.closed.set()

    def _make_server(self) -> FloorServer:
        floor = self._floor
        return FloorServer(floor.reliable, floor.conference_id, floor.user_id, floor.floor_id)

    def _receive(self, data: bytes) -> None:
        self._server.receive(data, self._clock())
        self._dispatch()

    def _lost(self) -> None:
        """The room's stream broke: it begins anew, and what it had it has no more (RFC 8855 section 6.1)."""
        self._server = self._make_server()
        self._request, self._granted = None, False
        self._tasks.start(self._give_back())

    def _dispatch(self) -> None:
        for event in self._server.events():
            match event:
                case FloorRequested(request):
                    self._request, self._granted = request, False
                    self._tasks.start(self._take(request))
                case FloorReleased():
                    self._request, self._granted = None, False
                    self._tasks.start(self._give_back())
                case ClientGone():
                    self._request, self._granted = None, False
                    self._tasks.start(self._give_back())
        self._flush()

    def _flush(self) -> None:
        self.channel.send(self._server.to_send())
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = self._server.next_deadline()
        if deadline is not None and not self.closed.is_set():
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(0.0, deadline - self._clock()), self._handle_timer)

    def _handle_timer(self) -> None:
        self._server.handle_timer(self._clock())
        self._dispatch()

    async def _take(self, request: int) -> None:
        async with self._turn:
            if self._request != request:
                return  # given up again meanwhile
            mine = self.session.seat.participant_id
            try:
                await self._manager.execute(TakeFloor(mine), self._actor())
            except CommandRefused as refused:
                self._server.tell(request, RequestStatus.DENIED, self._clock(), info=str(refused))
                self._request = None
                self._flush()
            else:
                self.update()

    async def _give_back(self) -> None:
        async with self._turn:
            mine = self.session.seat.participant_id
            conference = self._manager.conference_of(mine)
            # Asked for anew while this waited for its turn: then nothing is given back.
            if self._request is None and conference is not None and conference.floor.position(mine) is not None:
                with contextlib.suppress(CommandRefused):  # it has just left
                    await self._manager.execute(ReleaseFloor(mine), self._actor())

    def _actor(self) -> Actor:
        session = self.session
        return Actor(ActorKind.PARTICIPANT, session.seat.participant_id, session.name, "BFCP")
