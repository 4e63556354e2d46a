"""Commands: what they do, who may give them, what the audit keeps."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

import pytest

from mcu.conference import commands
from mcu.conference.commands import Command, CommandRefused, Refusal
from mcu.conference.model import Recording, RecordingState
from mcu.conference.picture.library import catalogue
from mcu.media.facts import RecordingFailed, RecordingProgress
from mcu.ports import ANONYMOUS, SYSTEM, Actor, ActorKind, MediaError
from tests.conference.conftest import USER, World


async def refused(world: World, command: Command, actor: Actor = USER) -> Refusal:
    with pytest.raises(CommandRefused) as caught:
        await world.manager.execute(command, actor)
    assert str(caught.value)
    return caught.value.code


async def test_mutes_reach_the_media_and_the_roster(world: World) -> None:
    first = await world.join_room()
    world.happened()
    await world.manager.execute(commands.Mute(first.id, microphone=True, camera=True), USER)
    (leg,) = world.media.only.legs
    assert (leg.microphone_muted, leg.speaker_muted, leg.camera_muted) == (True, False, True)
    await world.manager.execute(commands.Mute(first.id, microphone=False), USER)
    (leg,) = world.media.only.legs
    assert (leg.microphone_muted, leg.speaker_muted, leg.camera_muted) == (False, False, True)
    assert world.kinds() == ["ParticipantChanged", "ParticipantChanged"]


async def test_a_mute_stands_even_when_no_worker_is_there(world: World) -> None:
    first = await world.join_room()
    world.media.refuse = MediaError("no worker")
    await world.manager.execute(commands.Mute(first.id, microphone=True), USER)
    participant = world.manager.participant(first.id)
    assert participant is not None and participant.microphone_muted


async def test_another_name_is_drawn_over_the_tile(world: World) -> None:
    first = await world.join_room()
    await world.manager.execute(commands.RenameParticipant(first.id, "北京协和医院"), USER)
    assert world.media.only.legs[0].name == "北京协和医院"
    assert await refused(world, commands.RenameParticipant(first.id, "\u202e ")) is Refusal.INVALID


async def test_participants_change_and_remove_only_themselves(world: World) -> None:
    first, second = await world.join_browser(), await world.join_browser()
    me = Actor(ActorKind.PARTICIPANT, first.id, first.name)
    await world.manager.execute(commands.Mute(first.id, microphone=True), me)
    await world.manager.execute(commands.RenameParticipant(first.id, "I"), me)
    for command in (
        commands.Mute(second.id, microphone=True),
        commands.Kick(second.id),
        commands.EndConference("1000"),
        commands.StartRecording("1000"),
        commands.SetLayout("1000", "4"),
        commands.SetPin("1000", None),
        commands.CreateRoom("7777"),
    ):
        assert await refused(world, command, me) is Refusal.FORBIDDEN
        assert await refused(world, command, ANONYMOUS) is Refusal.FORBIDDEN
    await world.manager.execute(commands.Kick(first.id), me)
    await world.manager.settle()
    assert world.owner.ended == [(first.id, "left")]


async def test_kicking_ends_the_call_and_tells_why(world: World) -> None:
    first = await world.join_room()
    world.happened()
    await world.manager.execute(commands.Kick(first.id), SYSTEM)
    await world.manager.settle()
    assert world.owner.ended == [(first.id, "kicked")] and world.kinds() == ["ParticipantLeft"]
    assert await refused(world, commands.Kick(first.id)) is Refusal.UNKNOWN_PARTICIPANT


async def test_layouts_come_from_the_catalogue(world: World) -> None:
    await world.join_room()
    names = [layout.name for layout in catalogue()]
    assert {"1", "2", "4", "9", "16", "25"} <= set(names)
    await world.manager.execute(commands.SetLayout("1000", "4"), USER)
    assert world.media.only.layout == "4"
    assert await refused(world, commands.SetLayout("1000", "no such")) is Refusal.UNKNOWN_LAYOUT


async def test_conference_commands_need_a_running_conference(world: World) -> None:
    await world.manager.execute(commands.CreateRoom("2000"), USER)
    assert await refused(world, commands.LockConference("2000", True)) is Refusal.NOT_ACTIVE
    assert await refused(world, commands.LockConference("2001", True)) is Refusal.UNKNOWN_CONFERENCE
    assert await refused(world, commands.EndConference("../x")) is Refusal.UNKNOWN_CONFERENCE


async def test_rooms_are_made_described_and_removed(world: World) -> None:
    await world.manager.execute(commands.CreateRoom("Board", "Tumor\u0000 board", "4711"), USER)
    room = await world.manager.room("BOARD")
    assert room is not None and (room.number, room.title, room.owner) == ("board", "Tumor board", "doctor")
    assert "4711" not in repr(room) and room.pin_hash is not None and "4711" not in room.pin_hash
    assert await refused(world, commands.CreateRoom("board")) is Refusal.NUMBER_TAKEN
    await world.manager.execute(commands.SetTitle("board", "Other"), USER)
    await world.manager.execute(commands.SetPin("board", ""), USER)
    room = await world.manager.room("board")
    assert room is not None and room.title == "Other" and room.pin_hash is None
    await world.manager.execute(commands.RemoveRoom("board"), USER)
    assert await world.manager.rooms() == []
    assert await refused(world, commands.RemoveRoom("board")) is Refusal.UNKNOWN_CONFERENCE
    assert await refused(world, commands.SetTitle("board", "x")) is Refusal.UNKNOWN_CONFERENCE


@pytest.mark.parametrize("pin", ["1", "12a4", "1234567890123", "１２３４", "1234\n"])
async def test_pins_have_four_to_twelve_digits(world: World, pin: str) -> None:
    assert await refused(world, commands.CreateRoom("1000", "", pin)) is Refusal.INVALID


@pytest.mark.parametrize("number", ["", "a" * 33, "1*2", "../1", "一", "1 2", "1\n"])
async def test_numbers_are_checked(world: World, number: str) -> None:
    assert await refused(world, commands.CreateRoom(number)) is Refusal.INVALID


async def test_a_number_that_is_in_use_makes_no_room(world: World) -> None:
    await world.join_room()
    assert await refused(world, commands.CreateRoom("1000")) is Refusal.NUMBER_TAKEN


async def test_removing_a_room_ends_its_conference(world: World) -> None:
    await world.manager.execute(commands.CreateRoom("1000"), USER)
    first = await world.join_room()
    await world.manager.execute(commands.RemoveRoom("1000"), USER)
    await world.manager.settle()
    assert world.manager.conferences() == [] and world.owner.ended == [(first.id, "conference_ended")]


async def test_recording_from_start_to_stop(world: World) -> None:
    await world.join_room()
    world.happened()
    recording = await world.manager.execute(commands.StartRecording("1000"), USER)
    assert isinstance(recording, Recording) and recording.state is RecordingState.STARTING
    (spec,) = world.media.only.recordings
    assert spec.id == recording.id and Path(spec.directory) == Path("/r") / recording.id
    assert await refused(world, commands.StartRecording("1000")) is Refusal.ALREADY_RECORDING
    fact = RecordingProgress(conference=world.media.only.id, recording=recording.id, seconds=3.5, bytes=1000)
    world.media.report(fact)
    world.media.report(fact.model_copy(update={"recording": "other"}))
    stopped = await world.manager.execute(commands.StopRecording("1000"), USER)
    assert isinstance(stopped, Recording)
    assert (stopped.state, stopped.seconds) == (RecordingState.STOPPED, 3.5)
    assert world.media.only.recordings == ()
    assert await refused(world, commands.StopRecording("1000")) is Refusal.NOT_RECORDING
    assert world.kinds() == ["RecordingStarted", "RecordingProgress", "RecordingStopped"]


async def test_a_recording_that_media_refuse_is_not_there(world: World) -> None:
    await world.join_room()
    world.media.refuse = MediaError("no disk")
    assert await refused(world, commands.StartRecording("1000")) is Refusal.MEDIA
    conference = world.manager.conference("1000")
    assert conference is not None and conference.recording is None


async def test_a_recording_that_fails_is_told_and_may_be_started_anew(world: World) -> None:
    await world.join_room()
    recording = await world.manager.execute(commands.StartRecording("1000"), USER)
    assert isinstance(recording, Recording)
    world.happened()
    failed = RecordingFailed(conference=world.media.only.id, recording=recording.id, reason="disk full")
    world.media.report(failed)
    world.media.report(failed)
    await world.manager.settle()
    assert world.kinds() == ["RecordingFailed"] and world.media.only.recordings == ()
    await world.manager.execute(commands.StartRecording("1000"), USER)


async def test_a_recording_that_fails_while_it_is_started_is_refused(world: World) -> None:
    await world.join_room()
    world.happened()
    world.media.gate = asyncio.Event()
    starting = asyncio.create_task(world.manager.execute(commands.StartRecording("1000"), USER))
    await world.media.waiting.wait()
    spec = world.media.history[-1]
    world.media.report(RecordingFailed(conference=spec.id, recording=spec.recordings[0].id, reason="disk full"))
    world.media.gate.set()
    with pytest.raises(CommandRefused) as caught:
        await starting
    await world.manager.settle()
    assert caught.value.code is Refusal.MEDIA and world.kinds() == []
    assert world.media.only.recordings == ()


class Register:
    """A register of recordings in memory."""

    def __init__(self) -> None:
        self.opened: list[tuple[str, str, str]] = []
        self.closed: list[str] = []
        self.full = False

    async def open(self, recording_id: str, number: str, title: str, started_at: datetime) -> str:
        if self.full:
            raise OSError(28, "No space left on device")
        self.opened.append((recording_id, number, title))
        return f"/store/{recording_id}"

    async def close(self, recording_id: str) -> None:
        self.closed.append(recording_id)


async def test_recordings_are_entered_in_the_register(world: World) -> None:
    register = Register()
    world.manager._core.recordings = register
    await world.join_room()
    recording = await world.manager.execute(commands.StartRecording("1000"), USER)
    assert isinstance(recording, Recording)
    assert register.opened == [(recording.id, "1000", "")]
    assert world.media.only.recordings[0].directory == f"/store/{recording.id}"
    await world.manager.execute(commands.EndConference("1000"), USER)
    assert register.closed == [recording.id]
    await world.join_room()
    register.full = True
    assert await refused(world, commands.StartRecording("1000")) is Refusal.MEDIA


async def test_every_try_is_audited_without_secrets(world: World) -> None:
    await world.manager.execute(commands.CreateRoom("1000", "Board", "4711"), USER)
    await refused(world, commands.SetPin("1000", "4712"), Actor(ActorKind.PARTICIPANT, "p"))
    await world.manager.execute(commands.SetPin("1000", None), USER)
    entries = world.audit.entries
    assert [(entry.action, entry.subject, entry.outcome) for entry in entries] == [
        ("CreateRoom", "1000", "done"),
        ("SetPin", "1000", "forbidden"),
        ("SetPin", "1000", "done"),
    ]
    assert entries[0].detail == "title=Board pin=set" and entries[1].detail == "pin=set"
    assert entries[0].actor is USER and entries[0].at == world.time.wall()
    assert "471" not in repr(entries) + repr(commands.SetPin("1", "4711")) + repr(commands.CreateRoom("1", "", "4711"))
