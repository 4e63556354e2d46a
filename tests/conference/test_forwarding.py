"""Who gets others' pictures as they are: own choices, what is usual in a conference, and when it has to wait."""

from __future__ import annotations

import pytest

from mcu.conference.commands import (
    ArrangeSeats,
    Broadcast,
    ChooseForwardedSound,
    ChooseForwarding,
    CommandRefused,
    CreateRoom,
    Refusal,
    SetForwardedSound,
    SetForwarding,
)
from mcu.conference.door.joining import Newcomer
from mcu.conference.model import Participant
from mcu.conference.picture.picture_changes import SeatingChange
from mcu.ports import Actor, ActorKind
from tests.conference.conftest import USER, World
from tests.fakes.media import forwarding_leg


async def join(world: World) -> Participant:
    newcomer = Newcomer("Dr. Li", "browser", world.owner, lambda seat: forwarding_leg(seat.participant_id))
    return await world.manager.join("1000", newcomer)


def forwarded(world: World) -> dict[str, bool]:
    return {leg.id: leg.forwarded for leg in world.media.only.legs}


async def test_everybody_gets_one_picture_until_somebody_chooses_otherwise(world: World) -> None:
    one, other = await join(world), await join(world)
    assert forwarded(world) == {one.id: False, other.id: False}

    await world.manager.execute(ChooseForwarding(one.id, True), Actor(ActorKind.PARTICIPANT, one.id, "one"))

    assert forwarded(world) == {one.id: True, other.id: False}
    with pytest.raises(CommandRefused) as refused:
        await world.manager.execute(ChooseForwarding(other.id, True), Actor(ActorKind.PARTICIPANT, one.id, "one"))
    assert refused.value.code is Refusal.FORBIDDEN
    await world.manager.execute(ChooseForwarding(other.id, True), USER)
    assert forwarded(world)[other.id]


async def test_the_chair_says_what_is_usual_and_own_choices_go_before_it(world: World) -> None:
    one, other, room = await join(world), await join(world), await world.join_room()
    await world.manager.execute(ChooseForwarding(one.id, False), USER)

    await world.manager.execute(SetForwarding("1000", True), USER)

    assert forwarded(world) == {one.id: False, other.id: True, room.id: False}
    await world.manager.execute(ChooseForwarding(one.id, None), USER)
    assert forwarded(world)[one.id]
    with pytest.raises(CommandRefused):
        await world.manager.execute(SetForwarding("1000", False), Actor(ActorKind.PARTICIPANT, one.id, "one"))


async def test_a_room_keeps_what_is_usual_in_it(world: World) -> None:
    await world.manager.execute(CreateRoom("1000"), USER)
    await world.manager.execute(SetForwarding("1000", True), USER)

    one = await join(world)

    assert forwarded(world) == {one.id: True}


async def test_one_who_is_broadcast_or_lectures_is_seen_in_one_picture(world: World) -> None:
    one, other = await join(world), await join(world)
    await world.manager.execute(SetForwarding("1000", True), USER)

    await world.manager.execute(Broadcast("1000", one.id), USER)
    assert forwarded(world) == {one.id: True, other.id: False}
    await world.manager.execute(Broadcast("1000", None), USER)
    await world.manager.execute(ArrangeSeats("1000", SeatingChange(mode="lecture", lecturer=other.id)), USER)
    assert forwarded(world) == {one.id: False, other.id: True}


async def test_sound_is_mixed_until_the_chair_or_somebody_chooses_otherwise(world: World) -> None:
    one, other, room = await join(world), await join(world), await world.join_room()

    def sound() -> dict[str, bool]:
        return {leg.id: leg.forwarded_sound for leg in world.media.only.legs}

    assert not any(sound().values())
    await world.manager.execute(ChooseForwardedSound(one.id, True), Actor(ActorKind.PARTICIPANT, one.id, "one"))
    assert sound() == {one.id: True, other.id: False, room.id: False}
    await world.manager.execute(ChooseForwardedSound(one.id, False), USER)
    await world.manager.execute(SetForwardedSound("1000", True), USER)
    assert sound() == {one.id: False, other.id: True, room.id: False}  # a room has no place for voices
    await world.manager.execute(ArrangeSeats("1000", SeatingChange(mode="lecture", lecturer=one.id)), USER)
    assert sound()[other.id]  # a lecture is of pictures
    with pytest.raises(CommandRefused):
        await world.manager.execute(SetForwardedSound("1000", False), Actor(ActorKind.PARTICIPANT, one.id, "one"))
