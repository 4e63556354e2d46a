"""Who may share a second picture: asked for, queued, given back, revoked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.conference import events
from mcu.conference.commands import CommandRefused, Refusal, ReleaseFloor, RevokeFloor, TakeFloor
from mcu.conference.door.joining import Newcomer
from mcu.conference.model import Participant
from mcu.conference.people.floor import Floor
from mcu.ports import Actor, ActorKind
from tests.conference.conftest import USER, World
from tests.fakes.media import room_leg, sharing_leg

_STEPS = st.lists(st.tuples(st.booleans(), st.sampled_from("abcd")), max_size=30)


@given(_STEPS)
def test_nobody_waits_for_a_free_floor_or_twice(steps: list[tuple[bool, str]]) -> None:
    floor = Floor()
    wanting: list[str] = []
    for takes, who in steps:
        floor = floor.taken(who) if takes else floor.released(who)
        if takes and who not in wanting:
            wanting.append(who)
        elif not takes and who in wanting:
            wanting.remove(who)
        assert floor == Floor(wanting[0] if wanting else None, tuple(wanting[1:]))
        assert [floor.position(one) for one in wanting] == list(range(len(wanting)))


async def join(world: World, name: str) -> Participant:
    newcomer = Newcomer(name, "sip", world.owner, lambda seat: sharing_leg(seat.participant_id))
    return await world.manager.join("1000", newcomer)


def myself(participant: Participant) -> Actor:
    return Actor(ActorKind.PARTICIPANT, participant.id, participant.name)


async def test_the_first_shares_the_next_waits_and_follows(world: World) -> None:
    first, second = await join(world, "A"), await join(world, "B")
    world.happened()

    await world.manager.execute(TakeFloor(first.id), myself(first))
    await world.manager.execute(TakeFloor(second.id), myself(second))
    await world.manager.execute(ReleaseFloor(first.id), myself(first))
    await world.manager.execute(ReleaseFloor(second.id), myself(second))
    told = [spec.content_from for spec in world.media.history if spec.revision > 2]
    assert told == [first.id, second.id, None]

    floors = [event.conference.floor for event in world.happened() if isinstance(event, events.FloorChanged)]
    assert floors == [
        Floor(first.id),
        Floor(first.id, (second.id,)),
        Floor(second.id),
        Floor(),
    ]


async def test_who_leaves_leaves_the_floor_too(world: World) -> None:
    first, second = await join(world, "A"), await join(world, "B")
    for one in (first, second):
        await world.manager.execute(TakeFloor(one.id), myself(one))
    world.happened()
    await world.manager.leave(first.id)
    assert world.kinds() == ["ParticipantLeft", "FloorChanged"]
    assert world.media.only.content_from == second.id


async def test_a_call_that_loses_its_second_picture_loses_the_floor(world: World) -> None:
    first = await join(world, "A")
    await world.manager.execute(TakeFloor(first.id), myself(first))
    await world.manager.replace_leg(first.id, room_leg(first.id))
    assert world.media.only.content_from is None


async def test_an_account_revokes_the_floor_and_the_next_in_the_queue_has_it(world: World) -> None:
    first, second = await join(world, "A"), await join(world, "B")
    for one in (first, second):
        await world.manager.execute(TakeFloor(one.id), USER)
    world.happened()
    await world.manager.execute(RevokeFloor("1000"), USER)
    (event,) = world.happened()
    assert isinstance(event, events.FloorChanged)
    assert (event.revoked_id, event.conference.floor) == (first.id, Floor(second.id))


async def test_what_cannot_be_is_refused(world: World) -> None:
    first, room = await join(world, "A"), await world.join_room()
    for command, actor, code in (
        (TakeFloor(room.id), myself(room), Refusal.NO_CONTENT),
        (TakeFloor(first.id), myself(room), Refusal.FORBIDDEN),
        (RevokeFloor("1000"), myself(first), Refusal.FORBIDDEN),
        (RevokeFloor("1000"), USER, Refusal.FLOOR_FREE),
        (TakeFloor("nobody"), USER, Refusal.UNKNOWN_PARTICIPANT),
    ):
        with pytest.raises(CommandRefused) as caught:
            await world.manager.execute(command, actor)
        assert caught.value.code is code
