"""Carries out commands. Rights have been checked and the audit is kept by the caller, ``ConferenceManager.execute``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePath

from layouts.automatic import AUTOMATIC
from layouts.catalogue import CATALOGUE
from mcu.conference import commands, events
from mcu.conference.calls import OutgoingCall
from mcu.conference.cameras import check_camera
from mcu.conference.chat import ChatMessage, clean_message
from mcu.conference.commands import CommandRefused, Refusal
from mcu.conference.core import ConferenceCore, Running
from mcu.conference.hashing import Hasher
from mcu.conference.keypad import DIGITS
from mcu.conference.model import Conference, Participant, Recording
from mcu.conference.outgoing import OutgoingCalls
from mcu.conference.rooms import Room, RoomStore
from mcu.conference.steering import changed_view
from mcu.conference.text import MAXIMUM_TITLE, clean_name, clean_text, is_pin, normal_number
from mcu.ports import Actor, DigitOwner, MediaError

# More than any number, PIN and separators that somebody has to be dialled through.
MAXIMUM_DIGITS = 32

CommandResult = Room | Conference | Participant | Recording | tuple[OutgoingCall, ...] | ChatMessage | None


def layout_names() -> list[str]:
    """The layouts that a conference can have, the automatic one first."""
    return [AUTOMATIC, *CATALOGUE]


class CommandExecutor:
    """One method per kind of command; all of them raise CommandRefused."""

    def __init__(
        self,
        core: ConferenceCore,
        rooms: RoomStore,
        hasher: Hasher,
        ids: Callable[[], str],
        outgoing: OutgoingCalls,
    ) -> None:
        self._outgoing = outgoing
        self._core = core
        self._rooms = rooms
        self._hasher = hasher
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
        pin_hash = (
            await self._pin_hash(command.pin) if isinstance(command, commands.CreateRoom | commands.SetPin) else None
        )
        async with self._core.lock(number):
            match command:
                case commands.CreateRoom():
                    return await self._create_room(command, number, pin_hash, actor)
                case commands.RemoveRoom():
                    await self._remove_room(number)
                    return None
                case commands.SetTitle():
                    return await self._describe(number, title=clean_text(command.title, MAXIMUM_TITLE))
                case commands.SetPin():
                    return await self._describe(number, pin_hash=pin_hash, set_pin=True)
                case _:
                    return await self._conference(command, await self._running(number))

    async def _pin_hash(self, pin: str | None) -> str | None:
        if not pin:
            return None
        if not is_pin(pin):
            raise CommandRefused(Refusal.INVALID, "A PIN has 4 to 12 digits.")
        return await self._hasher.hash(pin)

    async def _create_room(self, command: commands.CreateRoom, number: str, pin_hash: str | None, actor: Actor) -> Room:
        room = Room(number, clean_text(command.title, MAXIMUM_TITLE), pin_hash, actor.name)
        if self._core.with_number(number) is not None or not await self._rooms.add(room):
            raise CommandRefused(Refusal.NUMBER_TAKEN, f"Number {number} is taken.")
        return room

    async def _remove_room(self, number: str) -> None:
        running = self._core.with_number(number)
        removed = await self._rooms.remove(number)
        if running is not None:
            await self._core.end(running, "conference_ended")
        elif not removed:
            raise CommandRefused(Refusal.UNKNOWN_CONFERENCE, "There is no conference with this number.")

    async def _describe(
        self, number: str, title: str | None = None, pin_hash: str | None = None, set_pin: bool = False
    ) -> Room | Conference:
        room = await self._rooms.get(number)
        running = self._core.with_number(number)
        result: Room | Conference
        if room is not None:
            result = replace(
                room, title=room.title if title is None else title, pin_hash=pin_hash if set_pin else room.pin_hash
            )
            await self._rooms.update(result)
        elif running is None:
            raise CommandRefused(Refusal.UNKNOWN_CONFERENCE, "There is no conference with this number.")
        if running is not None:
            conference = running.conference
            result = running.conference = replace(
                conference,
                title=conference.title if title is None else title,
                pin_hash=pin_hash if set_pin else conference.pin_hash,
            )
            self._core.publish(events.ConferenceChanged(self._core.clock.wall(), running.conference))
        return result

    async def _running(self, number: str) -> Running:
        running = self._core.with_number(number)
        if running is not None:
            return running
        if await self._rooms.get(number) is not None:
            raise CommandRefused(Refusal.NOT_ACTIVE, "Nobody is in this room now.")
        raise CommandRefused(Refusal.UNKNOWN_CONFERENCE, "There is no conference with this number.")

    async def _conference(self, command: commands.ConferenceCommand, running: Running) -> CommandResult:
        match command:
            case commands.LockConference():
                running.conference = replace(running.conference, locked=command.locked)
                self._core.publish(events.ConferenceChanged(self._core.clock.wall(), running.conference))
                return running.conference
            case commands.SetLayout():
                return await self._set_layout(running, command.layout)
            case commands.Broadcast():
                return await self._broadcast(running, command.broadcast_id)
            case commands.EndConference():
                await self._core.end(running, command.reason)
                return None
            case commands.StartRecording():
                return await self._start_recording(running)
            case commands.StopRecording():
                return await self._stop_recording(running)
            case commands.RevokeFloor():
                return await self._revoke_floor(running)

    async def _set_layout(self, running: Running, layout: str) -> Conference:
        if layout not in layout_names():
            raise CommandRefused(Refusal.UNKNOWN_LAYOUT, "There is no layout with this name; GET /layouts lists them.")
        running.conference = replace(running.conference, layout=layout)
        await self._core.sync_if_possible(running)
        self._core.publish(events.ConferenceChanged(self._core.clock.wall(), running.conference))
        return running.conference

    async def _broadcast(self, running: Running, participant_id: str | None) -> Conference:
        if participant_id is not None and running.conference.participant(participant_id) is None:
            raise CommandRefused(Refusal.UNKNOWN_PARTICIPANT, "Whom to show is not in this conference.")
        running.conference = replace(running.conference, broadcast_id=participant_id)
        await self._core.sync_if_possible(running)
        self._core.publish(events.ConferenceChanged(self._core.clock.wall(), running.conference))
        return running.conference

    async def _start_recording(self, running: Running) -> Recording:
        conference, core = running.conference, self._core
        if conference.recording is not None:
            raise CommandRefused(Refusal.ALREADY_RECORDING, "This conference is being recorded already.")
        recording_id, now = self._ids(), core.clock.wall()
        directory = str(PurePath(core.settings.recordings_directory) / recording_id)
        if core.recordings is not None:
            try:
                directory = await core.recordings.open(recording_id, conference.number, conference.title, now)
            except OSError as error:
                raise CommandRefused(Refusal.MEDIA, f"The recording has no place: {error.strerror}.") from error
        recording = Recording(recording_id, directory, now)
        running.conference = replace(running.conference, recording=recording)
        running.starting = recording_id
        try:
            await core.attempt(running, lambda now_: replace(now_, recording=None), None)
        except MediaError as error:
            if core.recordings is not None:
                await core.recordings.close(recording_id)
            raise CommandRefused(Refusal.MEDIA, str(error)) from error
        finally:
            running.starting = None
        current = running.conference.recording
        if current is None:
            raise CommandRefused(Refusal.MEDIA, "The recording failed as soon as it was started.")
        core.publish(events.RecordingStarted(core.clock.wall(), running.conference, current))
        return current

    async def _stop_recording(self, running: Running) -> Recording:
        recording = running.conference.recording
        if recording is None:
            raise CommandRefused(Refusal.NOT_RECORDING, "This conference is not being recorded.")
        running.conference = replace(running.conference, recording=None)
        await self._core.sync_if_possible(running)
        return await self._core.recording_closed(running, recording)

    async def _revoke_floor(self, running: Running) -> Conference:
        before = running.conference.floor
        if before.holder is None:
            raise CommandRefused(Refusal.FLOOR_FREE, "Nobody is sharing.")
        running.conference = replace(running.conference, floor=before.released(before.holder))
        await self._core.sync_if_possible(running)
        self._core.tell_floor(running, before, before.holder)
        return running.conference

    async def _move_floor(
        self, running: Running, participant: Participant, command: commands.FloorCommand
    ) -> Participant:
        before, content = running.conference.floor, participant.leg.content
        if isinstance(command, commands.ReleaseFloor):
            floor = before.released(participant.id)
        elif content is None or not content.receive:
            raise CommandRefused(Refusal.NO_CONTENT, "This participant's call has no second picture to share.")
        else:
            floor = before.taken(participant.id)
        running.conference = replace(running.conference, floor=floor)
        if floor.holder != before.holder:
            await self._core.sync_if_possible(running)
        self._core.tell_floor(running, before)
        return participant

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
                return await self._move_floor(running, participant, command)
            if isinstance(command, commands.ViewCommand):
                running.conference = changed_view(running.conference, command, self._core.settings.maximum_views)
            else:
                change = command
                _changed(participant, change)  # refused before anything is changed
                running.conference = running.conference.changed(participant.id, lambda now: _changed(now, change))
            changed = running.conference.participant(participant.id) or participant
            await self._core.sync_if_possible(running)
            self._core.publish(events.ParticipantChanged(self._core.clock.wall(), running.conference, changed))
            return running.conference.participant(participant.id) or changed

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


def _changed(participant: Participant, command: commands.Mute | commands.RenameParticipant) -> Participant:
    if isinstance(command, commands.RenameParticipant):
        name = clean_name(command.name)
        if not name:
            raise CommandRefused(Refusal.INVALID, "A name needs at least one visible character.")
        return replace(participant, name=name)
    return replace(
        participant,
        microphone_muted=participant.microphone_muted if command.microphone is None else command.microphone,
        speaker_muted=participant.speaker_muted if command.speaker is None else command.speaker,
        camera_muted=participant.camera_muted if command.camera is None else command.camera,
    )
