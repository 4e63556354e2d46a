"""Chairs: who becomes one, and what it may do."""

from __future__ import annotations

import pytest

from mcu.conference import commands
from mcu.conference.commands import CommandRefused, Refusal
from mcu.conference.door.joining import JoinCode, JoinRefused
from mcu.conference.model import Participant
from mcu.conference.picture.picture_changes import SeatingChange
from mcu.conference.roles import Role
from mcu.media.spec import CellSpec
from mcu.ports import Actor, ActorKind
from tests.conference.conftest import USER, World

PIN, CHAIR_PIN = "4711", "815815"


def acting(participant: Participant) -> Actor:
    return Actor(ActorKind.PARTICIPANT, participant.id, participant.name)


async def refused(world: World, command: commands.Command, actor: Actor) -> Refusal:
    with pytest.raises(CommandRefused) as refusal:
        await world.manager.execute(command, actor)
    return refusal.value.code


async def wrong(world: World, pin: str | None) -> JoinCode:
    with pytest.raises(JoinRefused) as refusal:
        await world.join_room(pin=pin)
    return refusal.value.code


@pytest.mark.parametrize("room_pin", [PIN, None])
async def test_who_gives_the_chairs_pin_is_chair(world: World, room_pin: str | None) -> None:
    await world.manager.execute(commands.CreateRoom("1000", "", room_pin, CHAIR_PIN), USER)
    door = await world.manager.door("1000")
    assert (door.pin_required, door.chair_pin) == (room_pin is not None, True)
    # The first one opens the conference, the second one finds it running.
    for _ in range(2):
        assert (await world.join_room(pin=CHAIR_PIN)).role is Role.CHAIR
        assert (await world.join_room(pin=room_pin)).role is Role.MEMBER
    assert await wrong(world, "0000") is JoinCode.WRONG_PIN
    assert CHAIR_PIN not in repr(await world.manager.room("1000")) + repr(world.manager.conference("1000"))


async def test_guesses_of_the_chairs_pin_are_limited(world: World) -> None:
    await world.manager.execute(commands.CreateRoom("1000", "", None, CHAIR_PIN), USER)
    for _ in range(5):
        assert await wrong(world, "0000") is JoinCode.WRONG_PIN
    assert await wrong(world, CHAIR_PIN) is JoinCode.TOO_MANY_ATTEMPTS
    assert (await world.join_room()).role is Role.MEMBER


async def test_a_chair_comes_in_although_it_is_locked(world: World) -> None:
    await world.manager.execute(commands.CreateRoom("1000", "", PIN, CHAIR_PIN), USER)
    await world.join_room(pin=PIN)
    await world.manager.execute(commands.LockConference("1000", True), USER)
    assert await wrong(world, PIN) is JoinCode.LOCKED
    assert (await world.join_room(pin=CHAIR_PIN)).role is Role.CHAIR


async def test_a_changed_chairs_pin_holds_at_once_and_whoever_is_chair_stays_it(world: World) -> None:
    chair = await world.join_browser()
    assert await refused(world, commands.SetChairPin("1000", "12"), USER) is Refusal.INVALID
    await world.manager.execute(commands.SetChairPin("1000", CHAIR_PIN), USER)
    one = await world.join_room(pin=CHAIR_PIN)
    await world.manager.execute(commands.SetChairPin("1000", None), USER)
    assert (await world.join_room(pin=CHAIR_PIN)).role is Role.MEMBER
    await world.manager.execute(commands.Kick(chair.id), acting(one))


async def test_a_chair_may_do_everything_in_its_conference(world: World) -> None:
    chair, other = await world.join_browser(), await world.join_room()
    await world.manager.execute(commands.SetRole(chair.id, Role.CHAIR), USER)
    me = acting(chair)
    for command in (
        commands.Mute(other.id, microphone=True),
        commands.SetLayout("1000", "4"),
        commands.ArrangeSeats("1000", SeatingChange(mode="voice")),
        commands.Broadcast("1000", other.id),
        commands.LockConference("1000", True),
        commands.AdjustSound(other.id, gain=3.0),
        commands.PinParticipant(other.id, 0),
        commands.HideParticipant(other.id, True),
        commands.SetParticipantLayout(other.id, "1"),
        commands.StartRecording("1000"),
        commands.StopRecording("1000"),
        commands.SetRole(other.id, Role.CHAIR),
        commands.Kick(other.id),
        commands.EndConference("1000"),
    ):
        await world.manager.execute(command, me)
    assert world.audit.entries[-1].actor.id == chair.id


async def test_a_chair_may_do_nothing_outside_and_nothing_to_the_room(world: World) -> None:
    await world.manager.execute(commands.CreateRoom("1000", "", None, CHAIR_PIN), USER)
    chair, elsewhere = await world.join_room(pin=CHAIR_PIN), await world.join_room("2000")
    me = acting(chair)
    for command in (
        commands.SetTitle("1000", "Mine"),
        commands.SetPin("1000", PIN),
        commands.SetChairPin("1000", None),
        commands.RemoveRoom("1000"),
        commands.CreateRoom("3000"),
        commands.AddLayout("mine", (CellSpec(left=0, top=0, width=1, height=1),)),
        commands.RemoveLogo("x"),
        commands.SetLayout("2000", "4"),
        commands.EndConference("2000"),
        commands.PlaceCalls("2000", ("1",)),
        commands.Mute(elsewhere.id, microphone=True),
        commands.Kick(elsewhere.id),
        commands.Kick("nobody"),
        commands.SetLayout("nowhere", "4"),
        commands.SayInChat("1000", "as somebody else", elsewhere.id),
    ):
        assert await refused(world, command, me) is Refusal.FORBIDDEN, command
    await world.manager.leave(chair.id, "left")
    assert await refused(world, commands.SetLayout("1000", "4"), me) is Refusal.FORBIDDEN, "it has left"


async def test_whoever_says_it_is_chair_is_not_believed(world: World) -> None:
    one = await world.join_browser()
    conference = world.manager.conference("1000")
    assert conference is not None
    liar = Actor(ActorKind.PARTICIPANT, one.id, one.name, chairs=conference.id)
    assert await refused(world, commands.EndConference("1000"), liar) is Refusal.FORBIDDEN
    assert await refused(world, commands.SetRole(one.id, Role.CHAIR), liar) is Refusal.FORBIDDEN
    stranger = Actor(ActorKind.ANONYMOUS, chairs=conference.id)
    assert await refused(world, commands.EndConference("1000"), stranger) is Refusal.FORBIDDEN


async def test_a_chair_that_mutes_itself_unmutes_itself_and_what_it_muted_stays(world: World) -> None:
    chair, other = await world.join_browser(), await world.join_browser()
    await world.manager.execute(commands.SetRole(chair.id, Role.CHAIR), USER)
    for muted in (True, False):
        await world.manager.execute(commands.Mute(chair.id, microphone=muted), acting(chair))
    await world.manager.execute(commands.Mute(other.id, microphone=True), acting(chair))
    assert await refused(world, commands.Mute(other.id, microphone=False), acting(other)) is Refusal.MUTED_BY_CHAIR
    await world.manager.execute(commands.Mute(other.id, microphone=False), acting(chair))


async def test_everybody_chooses_how_loud_it_hears_and_whether_its_sound_is_left_as_it_is(world: World) -> None:
    one, other = await world.join_browser(), await world.join_browser()
    await world.manager.execute(commands.AdjustSound(one.id, listen_gain=-6.0, music=True), acting(one))
    assert world.media.only.legs[0].listen_gain == -6.0 and world.media.only.legs[0].music
    assert await refused(world, commands.AdjustSound(one.id, gain=6.0), acting(one)) is Refusal.FORBIDDEN
    assert await refused(world, commands.AdjustSound(other.id, music=True), acting(one)) is Refusal.FORBIDDEN
