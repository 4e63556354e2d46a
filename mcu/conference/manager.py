"""The door to the conferences: joining, leaving, commands, events, and the ends of empty ones."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace

from mcu.conference import events
from mcu.conference.clock import Clock
from mcu.conference.commands import Command, CommandRefused, LibraryCommand, ParticipantCommand
from mcu.conference.core import ConferenceCore
from mcu.conference.door.admission import Admission, Terms
from mcu.conference.door.capacity import LOWER_SIZES, PortsInUse
from mcu.conference.door.entrance import Entrance, check_leg, flows_at_once, moves
from mcu.conference.door.hashing import PIN_COST, Hasher
from mcu.conference.door.joining import Door, JoinCode, JoinRefused, Newcomer
from mcu.conference.door.rooms import Room, RoomStore
from mcu.conference.door.tokens import ParticipantTokens
from mcu.conference.events import Subscription
from mcu.conference.execution.audit import AuditEntry, AuditLog, NoAudit
from mcu.conference.execution.audit_words import audit_detail, audit_subject
from mcu.conference.execution.executor import CommandExecutor, CommandResult
from mcu.conference.execution.fact_handler import FactHandler
from mcu.conference.execution.rights import authorize
from mcu.conference.model import Conference, Participant
from mcu.conference.outgoing import OutgoingCalls
from mcu.conference.people.cameras import CameraRelay
from mcu.conference.people.chat import ChatMessage
from mcu.conference.people.keypad import Keypad, Way
from mcu.conference.picture.layout_store import LayoutStore, MemoryLayouts
from mcu.conference.picture.library import Library
from mcu.conference.picture.logos import LogoStore
from mcu.conference.roles import Role
from mcu.conference.settings import ConferenceSettings
from mcu.conference.text import normal_number
from mcu.media.spec import LegSpec
from mcu.ports import Actor, ActorKind, MediaControl, PortMeter, RecordingRegister

logger = logging.getLogger(__name__)


def random_id() -> str:
    """An id that nobody can guess and no two things share."""
    return secrets.token_hex(8)


class ConferenceManager:
    """All conferences of this server. Used on one event loop; ``run`` must be running for empty ones to end."""

    def __init__(
        self,
        media: MediaControl,
        settings: ConferenceSettings,
        clock: Clock,
        ids: Callable[[], str],
        store: RoomStore,
        *,
        audit: AuditLog | None = None,
        recordings: RecordingRegister | None = None,
        pin_hasher: Hasher | None = None,
        layouts: LayoutStore | None = None,
        logos: LogoStore | None = None,
        meter: PortMeter | None = None,
    ) -> None:
        self.settings = settings
        self._clock = clock
        self._rooms = store
        self._audit = audit or NoAudit()
        self._hasher = pin_hasher or Hasher(PIN_COST)
        self._core = ConferenceCore(media, settings, clock, recordings, meter)
        self._admission = Admission(self._core, store, self._hasher)
        self._entrance = Entrance(self._core, ids)
        self.outgoing = OutgoingCalls(self._core, self._admission, self._entrance, ids)
        self.library = Library(self._core, store, layouts or MemoryLayouts(), logos)
        self._executor = CommandExecutor(self._core, store, self._hasher, ids, self.outgoing, self.library)
        self._keypad = Keypad(self._core, self.execute)
        self._facts = FactHandler(self._core, self._keypad, CameraRelay(self._core, self.execute))
        media.on_fact(self._facts.handle)
        media.on_restart(self.media_restarted)

    # Looking

    @property
    def tokens(self) -> ParticipantTokens:
        """The tokens of participants: issued at the door, void once they have left."""
        return self._core.tokens

    @property
    def ports(self) -> PortsInUse:
        """The ports of this installation, and how many are taken."""
        return self._core.ports.state

    def ports_of(self, conference_id: str) -> float:
        """The ports that a running conference takes."""
        return self._core.ports.used_by(conference_id)

    def conferences(self) -> list[Conference]:
        """All running conferences, by number."""
        return sorted((running.conference for running in self._core.all()), key=lambda conference: conference.number)

    async def rooms(self) -> list[Room]:
        """All permanent rooms, by number."""
        return await self._rooms.all()

    async def room(self, number: str) -> Room | None:
        """The permanent room with this number."""
        normal = normal_number(number)
        return None if normal is None else await self._rooms.get(normal)

    def conference(self, number: str) -> Conference | None:
        """The conference that runs under this number."""
        normal = normal_number(number)
        running = None if normal is None else self._core.with_number(normal)
        return None if running is None else running.conference

    def conference_of(self, participant_id: str) -> Conference | None:
        """The conference that this participant is in."""
        running = self._core.with_participant(participant_id)
        return None if running is None else running.conference

    def participant(self, participant_id: str) -> Participant | None:
        """The participant with this id, in whatever conference."""
        conference = self.conference_of(participant_id)
        return None if conference is None else conference.participant(participant_id)

    def chat(self, number: str) -> tuple[ChatMessage, ...]:
        """What was written in the conference that runs under this number, oldest first."""
        normal = normal_number(number)
        running = None if normal is None else self._core.with_number(normal)
        return () if running is None else running.chat.messages

    async def door(self, number: str) -> Door:
        """What a stranger may know about a number."""
        return await self._admission.door(number)

    def subscribe(self) -> Subscription:
        """All events from now on. Close it when done; one that lags too far behind is cut off."""
        return self._core.hub.subscribe()

    # Coming and going

    async def join(self, number: str, newcomer: Newcomer, pin: str | None = None) -> Participant:
        """Let somebody in; the conference begins with its first participant. Raises JoinRefused.

        Returns once the media worker has bound the leg. What ``newcomer.make_leg`` raises is passed on.
        """
        terms = await self._admission.check(number, pin, newcomer.source)
        return await self._entrance.enter(terms, newcomer)

    async def bring_in(self, conference_id: str, newcomer: Newcomer) -> Participant:
        """Let somebody in whom the running conference has called: neither PIN nor lock matters. Raises JoinRefused."""
        running = self._core.with_id(conference_id)
        if running is None:
            raise JoinRefused(JoinCode.UNKNOWN_ROOM, "The conference has ended.")
        terms = Terms(running.conference.number, "", None, False)
        return await self._entrance.enter(terms, newcomer, invited=True, conference_id=conference_id)

    async def begin_pair(self, number: str, title: str, newcomer: Newcomer) -> Participant:
        """Begin a conference of two rooms that call each other with the first of them; ``bring_in`` is for the other.

        It is locked, and over as soon as only one is left. Raises JoinRefused.
        """
        return await self._entrance.enter(Terms(number, title, None, False, pair=True), newcomer, invited=True)

    async def leave(self, participant_id: str, reason: str = "left") -> None:
        """Somebody's call has ended. Does nothing for one who is not here (any more)."""
        running = self._core.with_participant(participant_id)
        if running is None:
            return
        async with self._core.lock(running.conference.number):
            participant = running.conference.participant(participant_id)
            if participant is not None and not running.over:
                await self._core.remove(running, participant, reason, removed=False)

    async def replace_leg(self, participant_id: str, leg: LegSpec) -> None:
        """The leg was negotiated anew (re-INVITE, hold, reconnect).

        Raises MediaError, the old leg then stands, and KeyError when nobody has this id.
        """
        check_leg(leg, participant_id)
        running = self._core.with_participant(participant_id)
        if running is None:
            raise KeyError(participant_id)
        async with self._core.lock(running.conference.number):
            before = running.conference.participant(participant_id)
            if before is None:
                raise KeyError(participant_id)
            # Who is in stays in: where not even small pictures fit any more, it gets the smallest.
            fitted = self._core.fitting.fitted(running.conference, replace(before, leg=leg))
            largest = LOWER_SIZES[-1] if fitted is None else fitted.largest_picture
            flowing = flows_at_once(leg) or (before.flowing and not moves(before.leg, leg))
            floor = running.conference.floor
            if leg.content is None or not leg.content.receive:
                running.conference = replace(running.conference, floor=floor.released(participant_id))
            running.conference = running.conference.changed(
                participant_id, lambda now: replace(now, leg=leg, flowing=flowing, largest_picture=largest)
            )
            await self._core.attempt(
                running,
                lambda now: replace(now, floor=floor).changed(
                    participant_id,
                    lambda one: replace(
                        one, leg=before.leg, flowing=before.flowing, largest_picture=before.largest_picture
                    ),
                ),
                participant_id,
            )
            self._core.tell_floor(running, floor)
            participant = running.conference.participant(participant_id)
            if participant is not None:
                self._core.publish(events.ParticipantChanged(self._clock.wall(), running.conference, participant))

    # Commands

    async def execute(self, command: Command, actor: Actor) -> CommandResult:
        """Carry a command out for the actor; every try is audited. Raises CommandRefused."""
        outcome = "failed"
        try:
            actor = self.as_chair(actor)
            authorize(command, actor, self._place_of(command))
            result = await self._executor.carry_out(command, actor)
            outcome = "done"
            return result
        except CommandRefused as refused:
            outcome = refused.code.value
            raise
        finally:
            self._audit.record(
                AuditEntry(
                    self._clock.wall(),
                    actor,
                    type(command).__name__,
                    audit_subject(command),
                    audit_detail(command),
                    outcome,
                )
            )

    def as_chair(self, actor: Actor) -> Actor:
        """With the conference that the actor steers by its role now."""
        if actor.kind is not ActorKind.PARTICIPANT:
            return actor
        conference = self.conference_of(actor.id)
        one = None if conference is None else conference.participant(actor.id)
        chairs = conference.id if conference is not None and one is not None and one.role is Role.CHAIR else ""
        return replace(actor, chairs=chairs)

    def _place_of(self, command: Command) -> str | None:
        """The id of the running conference that a command is about."""
        if isinstance(command, LibraryCommand):
            return None
        if isinstance(command, ParticipantCommand):
            conference = self.conference_of(command.participant_id)
        else:
            conference = self.conference(command.number)
        return None if conference is None else conference.id

    # Keys

    def press(self, participant_id: str, digit: str, way: Way) -> None:
        """A participant pressed a key; each counts once, whatever ways it came. Steers the participant's own view."""
        self._keypad.press(participant_id, digit, way)

    def on_digit(self, listener: Callable[[str, str], bool]) -> None:
        """Register a listener told of (participant id, digit) before it steers a view; True: it is dealt with."""
        self._keypad.listen(listener)

    # Time and media

    def media_restarted(self, conference_ids: Sequence[str]) -> None:
        """A media worker was replaced; these conferences came back with the new one."""
        for conference_id in conference_ids:
            running = self._core.with_id(conference_id)
            if running is not None:
                self._facts.restarted(running)

    async def handle_timer(self, now: float) -> None:
        """End the conferences that have been empty for long enough, take away notices that have been read."""
        await self._core.clear_notices(now)
        for running in self._core.overdue(now):
            async with self._core.lock(running.conference.number):
                if running.empty_since is not None and not running.over:
                    logger.info("Conference %s: empty, ends", running.conference.number)
                    await self._core.end(running, "empty")

    def next_deadline(self) -> float | None:
        """When ``handle_timer`` has something to do (monotonic seconds), or None."""
        return self._core.next_deadline()

    async def run(self) -> None:
        """Drive the timers until cancelled."""
        while True:
            self._core.changed.clear()
            await self.handle_timer(self._clock.monotonic())
            deadline = self.next_deadline()
            delay = None if deadline is None else max(0.0, deadline - self._clock.monotonic())
            try:
                async with asyncio.timeout(delay):
                    await self._core.changed.wait()
            except TimeoutError:
                continue

    async def settle(self) -> None:
        """Wait until calls that are being ended, and other work in the background, are done."""
        await self._core.settle()

    async def close(self) -> None:
        """End all conferences properly: calls hung up, recordings closed, subscriptions ended."""
        self._entrance.closed = True
        for running in self._core.all():
            async with self._core.lock(running.conference.number):
                await self._core.end(running, "server_stopping")
        await self._core.settle()
        self._core.hub.close()
        self._hasher.close()
