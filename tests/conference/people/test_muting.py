"""What the chair mutes stays muted: for all, for newcomers, and for who leaves and comes back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mcu.conference import commands
from mcu.conference.door.joining import Newcomer
from mcu.conference.events import ConferenceChanged, ParticipantChanged
from mcu.conference.model import Participant
from mcu.conference.people.muting import MOST_REMEMBERED, Mutes
from mcu.conference.refusals import CommandRefused
from mcu.conference.roles import Role
from mcu.ports import Actor, ActorKind
from tests.conference.conftest import USER, World
from tests.fakes.media import room_leg


async def joined(world: World, name: str = "Room", device: str = "", source: str = "192.0.2.7") -> Participant:
    newcomer = Newcomer(
        name, "sip", world.owner, lambda seat: room_leg(seat.participant_id), source=source, device=device
    )
    return await world.manager.join("1000", newcomer)


def here(world: World, participant: Participant) -> Participant:
    conference = world.manager.conference("1000")
    found = None if conference is None else conference.participant(participant.id)
    assert found is not None
    return found


def itself(participant: Participant) -> Actor:
    return Actor(ActorKind.PARTICIPANT, participant.id, participant.name)


async def come_back(world: World, participant: Participant, **who: str) -> Participant:
    await world.manager.leave(participant.id, "left")
    return await joined(world, **who)


@pytest.mark.parametrize(
    "before, after",
    [
        ({"device": "sip:7@a"}, {"device": "sip:7@a", "name": "Another", "source": "198.51.100.1"}),
        ({"name": "Li"}, {"name": " Li "}),
        ({"device": "b1", "name": "Li"}, {"device": "b2", "name": "Li"}),
    ],
)
async def test_whom_the_chair_muted_comes_back_muted(
    world: World, before: dict[str, str], after: dict[str, str]
) -> None:
    await joined(world, "Somebody", source="203.0.113.1")
    one = await joined(world, **before)
    await world.manager.execute(commands.Mute(one.id, microphone=True, camera=True), USER)
    back = here(world, await come_back(world, one, **after))
    assert (back.microphone_muted, back.camera_muted, back.speaker_muted) == (True, True, False)
    assert back.muted_by_chair == {"microphone", "camera"}
    leg = next(leg for leg in world.media.history[-1].legs if leg.id == back.id)
    assert leg.microphone_muted and leg.camera_muted
    with pytest.raises(CommandRefused):
        await world.manager.execute(commands.Mute(back.id, microphone=False), itself(back))


async def test_a_new_name_in_the_conference_does_not_help(world: World) -> None:
    await joined(world, "Somebody", source="203.0.113.1")
    one = await joined(world, "Li")
    await world.manager.execute(commands.Mute(one.id, microphone=True), USER)
    await world.manager.execute(commands.RenameParticipant(one.id, "Wang"), itself(one))
    wang = await come_back(world, one, name="Wang")
    assert here(world, wang).microphone_muted
    assert here(world, await come_back(world, wang, name="Li")).microphone_muted


async def test_others_are_not_taken_for_who_was_muted(world: World) -> None:
    await joined(world, "Somebody", source="203.0.113.1")
    one = await joined(world, "Li", device="a")
    await world.manager.execute(commands.Mute(one.id, microphone=True), USER)
    await world.manager.leave(one.id, "left")
    for who in ({"name": "Wang"}, {"name": "Li", "source": "198.51.100.1"}, {"name": "Zhao", "device": "b"}):
        assert not here(world, await joined(world, **who)).microphone_muted


async def test_whom_the_chair_unmuted_comes_back_unmuted_and_so_does_who_muted_itself(world: World) -> None:
    await joined(world, "Somebody", source="203.0.113.1")
    one = await joined(world, device="a")
    await world.manager.execute(commands.Mute(one.id, microphone=True), USER)
    back = await come_back(world, one, device="a")
    await world.manager.execute(commands.Mute(back.id, microphone=False), USER)
    again = await come_back(world, back, device="a")
    assert not here(world, again).microphone_muted
    await world.manager.execute(commands.Mute(again.id, microphone=True), itself(again))
    assert not here(world, await come_back(world, again, device="a")).microphone_muted


async def test_everybody_is_muted_and_whoever_comes_later_but_no_chair(world: World) -> None:
    one, chair = await joined(world, "One"), await joined(world, "Chair")
    await world.manager.execute(commands.SetRole(chair.id, Role.CHAIR), USER)
    world.happened()
    await world.manager.execute(commands.MuteEverybody("1000", True), USER)
    changed = world.happened()
    assert [type(event) for event in changed] == [ConferenceChanged, ParticipantChanged]
    later = await joined(world, "Later")
    muted = {leg.id for leg in world.media.history[-1].legs if leg.microphone_muted}
    assert muted == {one.id, later.id}
    with pytest.raises(CommandRefused):
        await world.manager.execute(commands.Mute(later.id, microphone=False), itself(later))
    await world.manager.execute(commands.Mute(later.id, microphone=False), USER)
    assert not here(world, later).microphone_muted
    await world.manager.execute(commands.MuteEverybody("1000", False), USER)
    assert not any(leg.microphone_muted for leg in world.media.history[-1].legs)
    assert not here(world, await joined(world, "Last")).microphone_muted


async def test_a_chair_mutes_everybody_from_within_and_nobody_else_does(world: World) -> None:
    one, other = await joined(world, "One"), await joined(world, "Other")
    await world.manager.execute(commands.SetRole(one.id, Role.CHAIR), USER)
    await world.manager.execute(commands.MuteEverybody("1000", True), itself(one))
    assert (here(world, one).microphone_muted, here(world, other).microphone_muted) == (False, True)
    with pytest.raises(CommandRefused):
        await world.manager.execute(commands.MuteEverybody("1000", False), itself(other))


async def test_who_had_muted_itself_stays_so_when_all_are_unmuted_and_unmutes_itself(world: World) -> None:
    one = await joined(world, "One")
    await world.manager.execute(commands.Mute(one.id, microphone=True), itself(one))
    for muted in (True, True, False):
        await world.manager.execute(commands.MuteEverybody("1000", muted), USER)
    assert here(world, one).microphone_muted
    await world.manager.execute(commands.Mute(one.id, microphone=False), itself(one))
    assert not here(world, one).microphone_muted


async def test_who_left_while_all_were_muted_comes_back_unmuted_once_that_is_over(world: World) -> None:
    await joined(world, "Somebody", source="203.0.113.1")
    one = await joined(world, device="a")
    await world.manager.execute(commands.MuteEverybody("1000", True), USER)
    await world.manager.leave(one.id, "left")
    await world.manager.execute(commands.MuteEverybody("1000", False), USER)
    assert not here(world, await joined(world, device="a")).microphone_muted


async def test_what_is_remembered_is_bounded(world: World) -> None:
    mutes, one = Mutes(), await joined(world)
    conference = world.manager.conference("1000")
    assert conference is not None
    muted = replace(one, muted_by_chair=frozenset({"microphone"}))
    for number in range(MOST_REMEMBERED + 10):
        newcomer = Newcomer("", "sip", world.owner, one.leg, device=str(number))
        mutes.admitted(conference, muted, newcomer)
        mutes.left(muted)
    assert len(mutes._remembered) == MOST_REMEMBERED
    fresh = Newcomer("", "sip", world.owner, one.leg, device=str(MOST_REMEMBERED + 9))
    assert mutes.admitted(conference, one, fresh).microphone_muted
