"""Running conferences and what every change of one comes down to: new model, desired state sent, events told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field, replace
from weakref import WeakValueDictionary

from mcu.conference.clock import Clock
from mcu.conference.door.capacity import PortBook
from mcu.conference.door.fitting import Fitting
from mcu.conference.door.tokens import ParticipantTokens
from mcu.conference.events import (
    ConferenceEnded,
    ConferenceEvent,
    EventHub,
    FloorChanged,
    ParticipantLeft,
    RecordingStopped,
)
from mcu.conference.model import Conference, Participant, Recording, RecordingState
from mcu.conference.people.chat import Chat
from mcu.conference.people.floor import Floor
from mcu.conference.people.muting import Mutes
from mcu.conference.picture.steering import notice_of
from mcu.conference.planner import plan
from mcu.conference.settings import ConferenceSettings
from mcu.ports import LegOwner, MediaControl, MediaError, PortMeter, RecordingRegister

logger = logging.getLogger(__name__)

# Long enough to read a line, short enough not to stand in the way; seconds.
NOTICE_SECONDS = 3.0


@dataclass
class Running:
    """A running conference: its newest model, and what is behind its participants.

    ``empty_since`` (monotonic seconds) is None while somebody is in, ``over`` is set when it ended.
    ``joining`` is who is in the model already, but nobody was told of yet; ``starting`` is the same of a recording,
    ``announced`` of the conference. ``calling`` are the calls out under way: an empty conference waits for them.
    ``keys`` is held while a key is carried out. ``notices`` tells until when (monotonic seconds) whose notice is shown.
    """

    conference: Conference
    empty_since: float | None
    revision: int = 0
    owners: dict[str, LegOwner] = field(default_factory=dict)
    over: bool = False
    announced: bool = False
    joining: str | None = None
    starting: str | None = None
    calling: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    keys: asyncio.Lock = field(default_factory=asyncio.Lock)
    notices: dict[str, float] = field(default_factory=dict)
    chat: Chat = field(default_factory=Chat)
    mutes: Mutes = field(default_factory=Mutes)


class ConferenceCore:
    """The running conferences. Whoever changes one holds ``lock(number)``; facts change only what needs no media."""

    def __init__(
        self,
        media: MediaControl,
        settings: ConferenceSettings,
        clock: Clock,
        recordings: RecordingRegister | None,
        meter: PortMeter | None = None,
    ) -> None:
        self.media = media
        self.settings = settings
        self.clock = clock
        self.recordings = recordings
        self.ports = PortBook(meter)
        self.fitting = Fitting(self.ports, settings)
        self.hub = EventHub(settings.event_backlog)
        self.tokens = ParticipantTokens()
        self.changed = asyncio.Event()
        self._by_number: dict[str, Running] = {}
        self._by_id: dict[str, Running] = {}
        self._by_participant: dict[str, Running] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._tasks: set[asyncio.Task[None]] = set()

    def lock(self, number: str) -> asyncio.Lock:
        """The lock that changes of this number's conference are made under."""
        lock = self._locks.get(number)
        if lock is None:
            lock = self._locks[number] = asyncio.Lock()
        return lock

    def all(self) -> list[Running]:
        """All running conferences."""
        return list(self._by_number.values())

    def with_number(self, number: str) -> Running | None:
        """The conference that runs under this number."""
        return self._by_number.get(number)

    def with_id(self, conference_id: str) -> Running | None:
        """The conference with this id, as media facts name it."""
        return self._by_id.get(conference_id)

    def with_participant(self, participant_id: str) -> Running | None:
        """The conference that this participant is in."""
        return self._by_participant.get(participant_id)

    def open(self, conference: Conference) -> Running:
        """Begin a conference; nobody is told yet."""
        running = Running(conference, empty_since=self.clock.monotonic())
        self._by_number[conference.number] = running
        self._by_id[conference.id] = running
        return running

    def publish(self, event: ConferenceEvent) -> None:
        """Tell all subscribers."""
        self.hub.publish(event)

    def spawn(self, work: Coroutine[None, None, None], what: str) -> None:
        """Start work that nobody waits for; it is owned here, and its failure is logged."""
        task = asyncio.get_running_loop().create_task(work, name=what)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("%s failed", task.get_name(), exc_info=error)

    async def settle(self) -> None:
        """Wait until work started by ``spawn`` is done."""
        while self._tasks:
            await asyncio.wait(tuple(self._tasks))

    async def sync(self, running: Running) -> None:
        """Send the desired state. Raises MediaError, also when the media worker does not answer in time."""
        running.revision += 1
        spec = plan(running.conference, self.settings, running.revision)
        self.ports.enter(spec)
        try:
            async with asyncio.timeout(self.settings.media_seconds):
                await self.media.apply(spec)
        except TimeoutError:
            raise MediaError("The media worker did not answer in time.") from None

    async def sync_if_possible(self, running: Running) -> None:
        """Send the desired state of a change that stands in any case: the worker gets it with the next one at last."""
        try:
            await self.sync(running)
        except MediaError as error:
            logger.error("Conference %s: media could not follow a change: %s", running.conference.number, error)
            self._give_up(running, error.legs)

    def _give_up(self, running: Running, legs: dict[str, str]) -> None:
        """Legs that the worker could not open have no media, and would never fall silent: their calls end."""
        for leg, reason in legs.items():
            self.spawn(self.leg_failed(running, leg, reason), f"removal of failed leg {leg}")

    async def leg_failed(self, running: Running, leg: str, reason: str) -> None:
        """A leg cannot work: its participant is removed, if it is still here."""
        logger.warning("Conference %s: leg %s failed: %s", running.conference.number, leg, reason)
        async with self.lock(running.conference.number):
            participant = running.conference.participant(leg)
            if participant is not None and not running.over:
                await self.remove(running, participant, "media_failed", removed=True)

    async def attempt(self, running: Running, undo: Callable[[Conference], Conference], needed: str | None) -> None:
        """Send the desired state, or undo the change and raise MediaError.

        ``needed`` is the leg that the change is about; trouble with other legs does not undo it, but ends their calls.
        """
        try:
            await self.sync(running)
        except MediaError as error:
            if needed is not None and error.legs and needed not in error.legs:
                self._give_up(running, error.legs)
                return
            self._undo(running, undo)
            raise
        except asyncio.CancelledError:
            self._undo(running, undo)
            raise

    def _undo(self, running: Running, undo: Callable[[Conference], Conference]) -> None:
        running.conference = undo(running.conference)
        # Not waited for: a worker that is not there would keep the caller a second time.
        self.spawn(self._sync_again(running), f"return of conference {running.conference.number}")

    async def _sync_again(self, running: Running) -> None:
        async with self.lock(running.conference.number):
            if not running.over:
                await self.sync_if_possible(running)

    def seat(self, running: Running, participant: Participant, owner: LegOwner) -> None:
        """Put a participant into the model."""
        running.conference = running.conference.with_participant(participant)
        running.owners[participant.id] = owner
        running.empty_since = None
        self._by_participant[participant.id] = running

    def unseat(self, running: Running, participant_id: str) -> None:
        """Take a participant out of the model; its token becomes void."""
        leaving = running.conference.participant(participant_id)
        if leaving is not None:
            running.mutes.left(leaving)
        running.conference = running.conference.without(participant_id)
        running.owners.pop(participant_id, None)
        self._by_participant.pop(participant_id, None)
        running.chat.forget(participant_id)
        self.tokens.revoke(participant_id)
        if not running.conference.participants:
            running.empty_since = self.clock.monotonic()
            self.changed.set()

    async def remove(self, running: Running, participant: Participant, reason: str, *, removed: bool) -> None:
        """Take somebody out, tell, and let the media follow. With ``removed`` the call is ended as well."""
        owner, floor = running.owners.get(participant.id), running.conference.floor
        self.unseat(running, participant.id)
        if removed and owner is not None:
            self.spawn(self._end_call(owner, participant.id, reason), f"end of call {participant.id}")
        self.publish(ParticipantLeft(self.clock.wall(), running.conference, participant, reason, removed))
        self.tell_floor(running, floor)
        if running.conference.pair and len(running.conference.participants) < 2:
            await self.end(running, "conference_ended")
        else:
            await self.sync_if_possible(running)
            self._relieve_others()

    def _relieve_others(self) -> None:
        """Ports came free: those who were lowered for want of them get larger pictures again."""
        everyone = (one for running in self.all() for one in running.conference.participants)
        if any(one.largest_picture is not None for one in everyone):
            self.spawn(self._relieve(), "return of larger pictures")

    async def _relieve(self) -> None:
        for running in self.all():
            async with self.lock(running.conference.number):
                relieved = self.fitting.relieved(running.conference)
                if relieved != running.conference and not running.over:
                    running.conference = relieved
                    await self.sync_if_possible(running)

    def tell_floor(self, running: Running, before: Floor, revoked_id: str | None = None) -> None:
        """Publish that the floor is not as before, if so."""
        if running.conference.floor != before:
            self.publish(FloorChanged(self.clock.wall(), running.conference, revoked_id))

    async def _end_call(self, owner: LegOwner, leg_id: str, reason: str) -> None:
        try:
            async with asyncio.timeout(self.settings.end_call_seconds):
                await owner.end(leg_id, reason)
        except TimeoutError:
            logger.warning("The call of leg %s did not end in time", leg_id)

    async def end(self, running: Running, reason: str) -> None:
        """Everybody out, recordings closed, media forgotten."""
        if running.over:
            return
        running.over = True
        calls = tuple(running.calling.values())
        for call in calls:
            call.cancel()
        if calls:
            self.spawn(_over(calls), f"end of calls of conference {running.conference.number}")
        running.conference = replace(running.conference, calls=())
        for participant in running.conference.participants:
            owner = running.owners.get(participant.id)
            self.unseat(running, participant.id)
            if owner is not None:
                self.spawn(self._end_call(owner, participant.id, reason), f"end of call {participant.id}")
            self.publish(ParticipantLeft(self.clock.wall(), running.conference, participant, reason, True))
        await self.forget(running)
        recording = running.conference.recording
        if recording is not None:
            running.conference = replace(running.conference, recording=None)
            await self.recording_closed(running, recording)
        self.publish(ConferenceEnded(self.clock.wall(), running.conference, reason))

    async def forget(self, running: Running) -> None:
        """Drop a conference from the tables and from the media worker."""
        running.over = True
        conference = running.conference
        if self._by_number.get(conference.number) is running:
            del self._by_number[conference.number]
        self._by_id.pop(conference.id, None)
        self.ports.forget(conference.id)
        self._relieve_others()
        try:
            async with asyncio.timeout(self.settings.media_seconds):
                await self.media.remove(conference.id)
        except (TimeoutError, MediaError) as error:
            logger.error("Conference %s: media could not be closed: %s", conference.number, error or "no answer")

    async def recording_closed(self, running: Running, recording: Recording) -> Recording:
        """Close the books on a recording that the media have closed, and tell."""
        if self.recordings is not None:
            await self.recordings.close(recording.id)
        stopped = replace(recording, state=RecordingState.STOPPED)
        self.publish(RecordingStopped(self.clock.wall(), running.conference, stopped))
        return stopped

    async def show_notice(self, running: Running, participant_id: str) -> None:
        """Say over a participant's picture what it sees, for a moment."""
        async with self.lock(running.conference.number):
            participant = running.conference.participant(participant_id)
            if participant is None or running.over:
                return
            text = notice_of(running.conference, participant)
            running.conference = running.conference.changed(participant_id, lambda one: replace(one, notice=text))
            running.notices[participant_id] = self.clock.monotonic() + NOTICE_SECONDS
            self.changed.set()
            await self.sync_if_possible(running)

    async def clear_notices(self, now: float) -> None:
        """Take away the notices that have been read by now."""
        for running in self.all():
            due = {participant_id for participant_id, until in running.notices.items() if until <= now}
            if not due:
                continue
            async with self.lock(running.conference.number):
                for participant_id in due:
                    running.notices.pop(participant_id, None)
                    running.conference = running.conference.changed(participant_id, lambda one: replace(one, notice=""))
                if not running.over:
                    await self.sync_if_possible(running)

    def overdue(self, now: float) -> Iterable[Running]:
        """Conferences that have been empty for long enough."""
        limit = now - self.settings.empty_seconds
        return [running for running in self.all() if _is_deserted(running) and (running.empty_since or 0.0) <= limit]

    def next_deadline(self) -> float | None:
        """When the next empty conference is due to end, or a notice to go (monotonic seconds)."""
        deadlines = [until for running in self.all() for until in running.notices.values()]
        deadlines += [
            running.empty_since + self.settings.empty_seconds
            for running in self.all()
            if running.empty_since is not None and not running.calling
        ]
        return min(deadlines, default=None)


async def _over(tasks: tuple[asyncio.Task[None], ...]) -> None:
    """Wait until cancelled calls have been given up."""
    await asyncio.gather(*tasks, return_exceptions=True)


def _is_deserted(running: Running) -> bool:
    """Nobody is in, and nobody is being called."""
    return running.empty_since is not None and not running.calling
