"""Carries out commands. Rights have been checked and the audit is kept by the caller, ``ConferenceManager.execute``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from mcu.conference import commands, events
from mcu.conference.calls import OutgoingCall
from mcu.conference.core import ConferenceCore, Running
from mcu.conference.door.hashing import Hasher
from mcu.conference.door.room_keeping import RoomKeeping
from mcu.conference.door.rooms import Room, RoomStore
from mcu.conference.execution.participant_changes import changed_participant
from mcu.conference.execution.recording_control import RecordingControl
from mcu.conference.model import Conference, Participant, Recording
from mcu.conference.outgoing import OutgoingCalls
from mcu.conference.people.cameras import check_camera
from mcu.conference.people.chat import ChatMessage, clean_message
from mcu.conference.people.floor_control import FloorControl
from mcu.conference.people.keypad import DIGITS
from mcu.conference.picture.arrangement import pinned
from mcu.conference.picture.arranging import Arranging
from mcu.conference.picture.library import Library
from mcu.conference.picture.logos import Logo
from mcu.conference.picture.picture_changes import MAXIMUM_TILE
from mcu.conference.picture.steering import changed_view
from mcu.conference.refusals import CommandRefused, Refusal
from mcu.conference.text import MAXIMUM_TITLE, clean_text, normal_number
from mcu.media.spec import LayoutSpec
from mcu.ports import Actor, DigitOwner

# More than any number, PIN and separators that somebody has to be dialled through.
MAXIMUM_DIGITS = 32

CommandResult = (
    Room | Conference | Participant | Recording | tuple[OutgoingCall, ...] | ChatMessage | LayoutSpec | Logo | None
)


class CommandExecutor:
    """One method per kind of command; all of them raise CommandRefused."""

    def __init__(
        self,
        core: ConferenceCore,
        rooms: RoomStore,
        hasher: Hasher,
        ids: Callable[[], str],
        outgoing: OutgoingCalls,
        library: Library,
    ) -> None:
        self._outgoing = outgoing
        self._core = core
        self._store = rooms
        self._rooms = RoomKeeping(core, rooms, hasher)
        self._arranging = Arranging(core, rooms, library)
        self._library = library
        self._recordings = RecordingControl(core, ids)
        self._floors = FloorControl(core)
        self._ids = ids

    async def carry_out(self, command: commands.Command, actor: Actor) -> CommandResult:
        """Do it, one change of a conference at a time."""
        if isinstance(command, commands.PlaceCalls):
            return await self._outgoing.place(command)
        if isinstance(command, commands.CancelCall):
            await self._outgoing.cancel(command)
            return None
        if isinstance(command, commands.SayInChat):
            return self._say(command, actor)
        if isinstance(command, commands.LibraryCommand):
            return await self._library.carry_out(command)
        if isinstance(command, commands.ParticipantCommand):
            return await self._participant(command, actor)
        number = normal_number(command.number)
        if number is None:
            if isinstance(command, commands.CreateRoom):
                raise CommandRefused(
                    Refusal.INVALID, "A number has 1 to 32 digits or letters, and '.', '_', '-' after the first."
                )
            raise CommandRefused(Refusal.UNKNOWN_CONFERENCE, "There is no conference with this number.")
        # Hashing takes long: not under the lock.
        pin_hash = chair_pin_hash = None
        if isinstance(command, commands.CreateRoom | commands.SetPin | commands.SetChairPin):
            pin_hash = await self._rooms.pin_hash(command.pin)
            await self._rooms.check_pins(number, command)
        if isinstance(command, commands.CreateRoom):
            chair_pin_hash = await self._rooms.pin_hash(command.chair_pin)
        async with self._core.lock(number):
            match command:
                case commands.CreateRoom():
                    return await self._rooms.create(command, number, pin_hash, chair_pin_hash, actor)
                case commands.RemoveRoom():
                    await self._rooms.remove(number)
                    return None
                case commands.SetTitle():
                    return await self._rooms.set_title(number, clean_text(command.title, MAXIMUM_TITLE))
                case commands.SetPin():
                    return await self._rooms.set_pin(number, pin_hash)
                case commands.SetChairPin():
                    return await self._rooms.set_chair_pin(number, pin_hash)
                case (
                    commands.SetLayout()
                    | commands.ArrangeSeats()
                    | commands.Decorate()
                    | commands.ProcessSound()
                    | commands.SetForwarding()
                    | commands.SetForwardedSound()
                ):
                    return await self._arranging.carry_out(command, number)
                case _:
                    return await self._conference(command, await self._running(number))

    async def _running(self, number: str) -> Running:
        running = self._core.with_number(number)
        if running is not None:
            return running
        if await self._store.get(number) is not None:
            raise CommandRefused(Refusal.NOT_ACTIVE, "Nobody is in this room now.")
        raise CommandRefused(Refusal.UNKNOWN_CONFERENCE, "There is no conference with this number.")

    async def _conference(self, command: commands.ConferenceCommand, running: Running) -> CommandResult:
        match command:
            case commands.LockConference():
                running.conference = replace(running.conference, locked=command.locked)
                self._core.publish(events.ConferenceChanged(self._core.clock.wall(), running.conference))
                return running.conference
            case commands.MuteEverybody():
                return await self._mute_everybody(running, command.muted)
            case commands.Broadcast():
                return await self._broadcast(running, command.broadcast_id)
            case commands.EndConference():
                await self._core.end(running, command.reason)
                return None
            case commands.StartRecording():
                return await self._recordings.start(running)
            case commands.StopRecording():
                return await self._recordings.stop(running)
            case commands.RevokeFloor():
                return await self._floors.revoke(running)

    async def _mute_everybody(self, running: Running, muted: bool) -> Conference:
        before = running.conference
        running.conference = running.mutes.everybody(before, muted)
        await self._core.sync_if_possible(running)
        now = self._core.clock.wall()
        self._core.publish(events.ConferenceChanged(now, running.conference))
        for old, new in zip(before.participants, running.conference.participants, strict=True):
            if new != old:
                self._core.publish(events.ParticipantChanged(now, running.conference, new))
        return running.conference

    async def _broadcast(self, running: Running, participant_id: str | None) -> Conference:
        if participant_id is not None and running.conference.participant(participant_id) is None:
            raise CommandRefused(Refusal.UNKNOWN_PARTICIPANT, "Whom to show is not in this conference.")
        running.conference = replace(running.conference, broadcast_id=participant_id)
        await self._core.sync_if_possible(running)
        self._core.publish(events.ConferenceChanged(self._core.clock.wall(), running.conference))
        return running.conference

    def _say(self, command: commands.SayInChat, actor: Actor) -> ChatMessage:
        number = normal_number(command.number)
        running = None if number is None else self._core.with_number(number)
        if running is None:
            raise CommandRefused(Refusal.UNKNOWN_CONFERENCE, "No conference runs under this number.")
        sender = actor.name
        if command.participant_id is not None:
            participant = running.conference.participant(command.participant_id)
            if participant is None:
                raise CommandRefused(Refusal.UNKNOWN_PARTICIPANT, "Only who is in a conference can write there.")
            sender = participant.name
        text = clean_message(command.text)
        if not text:
            raise CommandRefused(Refusal.INVALID, "A message needs at least one visible character.")
        if running.chat.wait(command.participant_id or actor.id, self._core.clock.monotonic()) > 0:
            raise CommandRefused(Refusal.TOO_MANY_MESSAGES, "Too many messages. Wait a moment.")
        message = ChatMessage(self._ids(), self._core.clock.wall(), command.participant_id or "", sender, text)
        running.chat.add(message)
        self._core.publish(events.ChatPosted(message.at, running.conference, message))
        return message

    async def _participant(self, command: commands.ParticipantCommand, actor: Actor) -> Participant | None:
        unknown = CommandRefused(Refusal.UNKNOWN_PARTICIPANT, "Nobody with this id is in a conference.")
        running = self._core.with_participant(command.participant_id)
        if running is None:
            raise unknown
        async with self._core.lock(running.conference.number):
            participant = running.conference.participant(command.participant_id)
            if participant is None or running.over:
                raise unknown
            if isinstance(command, commands.Kick):
                reason = "left" if actor.id == participant.id else command.reason
                await self._core.remove(running, participant, reason, removed=True)
                return None
            if isinstance(command, commands.MoveCamera):
                check_camera(running.conference, participant, command.request, actor)
                self._core.media.control_camera(running.conference.id, participant.id, command.request)
                return participant
            if isinstance(command, commands.SendDigits):
                await self._send_digits(running, participant, command.digits)
                return participant
            if isinstance(command, commands.FloorCommand):
                return await self._floors.move(running, participant, command)
            if isinstance(command, commands.PinParticipant):
                return await self._pin(running, participant, command.tile)
            if isinstance(command, commands.ViewCommand):
                custom = await self._custom_layout(command)
                seen = changed_view(running.conference, command, self._core.settings.maximum_views, custom)
                if not self._core.fitting.fits(seen):
                    raise CommandRefused(Refusal.CAPACITY, "No ports are free for another picture of its own.")
                running.conference = seen
            else:
                changed = changed_participant(participant, command, actor)
                running.conference = running.conference.changed(participant.id, lambda _: changed)
            await self._core.sync_if_possible(running)
            participant = running.conference.participant(participant.id) or participant
            self._core.publish(events.ParticipantChanged(self._core.clock.wall(), running.conference, participant))
            return participant

    async def _custom_layout(self, command: commands.ViewCommand) -> LayoutSpec | None:
        if not isinstance(command, commands.SetParticipantLayout) or command.layout is None:
            return None
        return await self._library.layout(command.layout)

    async def _pin(self, running: Running, participant: Participant, tile: int | None) -> Participant:
        if tile is not None and not 0 <= tile <= MAXIMUM_TILE:
            raise CommandRefused(Refusal.INVALID, f"Tiles are numbered from 0 to {MAXIMUM_TILE}.")
        arrangement = running.conference.arrangement
        seating = pinned(arrangement.seating, participant.id, tile)
        running.conference = replace(
            running.conference, arrangement=arrangement.model_copy(update={"seating": seating})
        )
        await self._core.sync_if_possible(running)
        self._core.publish(events.ConferenceChanged(self._core.clock.wall(), running.conference))
        return participant

    async def _send_digits(self, running: Running, participant: Participant, digits: str) -> None:
        """As telephone events where they were agreed, else by signalling where that can."""
        digits = digits.upper()
        if not digits or len(digits) > MAXIMUM_DIGITS or not set(digits) <= DIGITS:
            raise CommandRefused(Refusal.INVALID, f"1 to {MAXIMUM_DIGITS} of 0-9, A-D, * and #, please.")
        audio = participant.leg.audio
        owner: object = running.owners.get(participant.id)
        if audio is not None and audio.dtmf_payload_type is not None:
            self._core.media.send_digits(running.conference.id, participant.id, digits)
        elif isinstance(owner, DigitOwner):
            await owner.send_digits(participant.id, digits)
        else:
            raise CommandRefused(Refusal.INVALID, "This participant takes no digits.")
