"""Who may move whose camera, and rooms that move each other's."""

from __future__ import annotations

import pytest

from mcu.conference.commands import Broadcast, CommandRefused, MoveCamera, Refusal, Watch
from mcu.conference.door.joining import Newcomer, Seat
from mcu.media.facts import CameraFound, CameraRequested
from mcu.media.spec import CameraRequest, CameraSpec, LegSpec
from mcu.ports import Actor, ActorKind
from tests.conference.conftest import USER, World
from tests.fakes.media import room_leg

LEFT = CameraRequest(action="move", pan=-1)
STOP = CameraRequest(action="stop")


def actor(participant_id: str) -> Actor:
    return Actor(ActorKind.PARTICIPANT, participant_id, "somebody")


async def room(world: World, camera: bool = True) -> str:
    def make_leg(seat: Seat) -> LegSpec:
        spec = CameraSpec(payload_type=100, ssrc=5) if camera else None
        return room_leg(seat.participant_id).model_copy(update={"camera": spec})

    return (await world.manager.join("1000", Newcomer("Room", "sip", world.owner, make_leg))).id


async def asks(world: World, leg: str, request: CameraRequest) -> None:
    world.media.report(CameraRequested(conference=world.media.only.id, leg=leg, request=request))
    await world.manager.settle()


async def test_an_account_moves_any_camera_that_can_be_moved(world):
    one, other = await room(world), await room(world, camera=False)
    await world.manager.execute(MoveCamera(one, LEFT), USER)
    assert world.media.camera_requests == [(one, LEFT)]
    with pytest.raises(CommandRefused) as refused:
        await world.manager.execute(MoveCamera(other, LEFT), USER)
    assert refused.value.code is Refusal.NO_CAMERA


async def test_a_participant_moves_the_camera_of_whom_it_sees_alone(world):
    one, two, three = [await room(world) for _ in range(3)]
    with pytest.raises(CommandRefused) as refused:
        await world.manager.execute(MoveCamera(two, LEFT), actor(one))
    assert refused.value.code is Refusal.FORBIDDEN
    await world.manager.execute(Watch(one, two), USER)
    await world.manager.execute(MoveCamera(two, LEFT), actor(one))
    with pytest.raises(CommandRefused):
        await world.manager.execute(MoveCamera(three, LEFT), actor(one))
    await world.manager.execute(Broadcast("1000", three), USER)
    await world.manager.execute(MoveCamera(three, LEFT), actor(one))
    assert world.media.camera_requests == [(two, LEFT), (three, LEFT)]


async def test_a_participant_may_move_its_own_camera_and_nobody_outside_may(world):
    one = await room(world)
    await world.manager.execute(MoveCamera(one, LEFT), actor(one))
    for stranger in (actor("stranger"), Actor(ActorKind.ANONYMOUS)):
        with pytest.raises(CommandRefused):
            await world.manager.execute(MoveCamera(one, LEFT), stranger)


async def test_the_keys_of_one_room_move_the_camera_of_the_only_other(world):
    one, other = await room(world), await room(world)
    await asks(world, one, LEFT)
    await asks(world, one, STOP)
    from_one = {"source": one}
    assert world.media.camera_requests == [
        (other, LEFT.model_copy(update=from_one)),
        (other, STOP.model_copy(update=from_one)),
    ]


async def test_a_room_that_sees_several_moves_none(world):
    one, *_ = [await room(world) for _ in range(3)]
    await asks(world, one, LEFT)
    await asks(world, one, STOP)
    assert world.media.camera_requests == []


async def test_a_stop_goes_where_the_move_went(world):
    one, two, three = [await room(world) for _ in range(3)]
    await world.manager.execute(Watch(one, two), USER)
    await asks(world, one, LEFT)
    await world.manager.execute(Watch(one, three), USER)
    await asks(world, one, STOP)
    assert [target for target, _ in world.media.camera_requests] == [two, two]


async def test_presets_go_to_whom_it_sees(world):
    one, two = await room(world), await room(world)
    await asks(world, one, CameraRequest(action="store_preset", preset=3))
    assert world.media.camera_requests[0][0] == two
    assert world.media.camera_requests[0][1].preset == 3


async def test_a_camera_that_cannot_be_moved_stays(world):
    one = await room(world)
    await room(world, camera=False)
    await asks(world, one, LEFT)
    assert world.media.camera_requests == []


async def test_the_roster_tells_of_presets(world):
    one = await room(world)
    world.happened()
    world.media.report(CameraFound(conference=world.media.only.id, leg=one, presets=6))
    assert world.manager.participant(one).camera_presets == 6
    assert world.kinds() == ["ParticipantChanged"]
