"""Joining, leaving, time and media trouble."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from mcu.conference import events
from mcu.conference.commands import CreateRoom, EndConference, Kick, LockConference, SetPin, StartRecording
from mcu.conference.door.joining import Door, JoinCode, JoinRefused, Newcomer, Seat
from mcu.conference.events import SubscriberTooSlow
from mcu.conference.model import ParticipantState
from mcu.media.facts import LegConnected, LegFailed
from mcu.media.spec import LegSpec
from mcu.ports import MediaError
from tests.conference.conftest import USER, World
from tests.fakes.media import browser_leg, room_leg


async def refusal(world: World, number: str = "1000", pin: str | None = None, source: str = "") -> JoinRefused:
    with pytest.raises(JoinRefused) as caught:
        await world.join_room(number, pin=pin, source=source)
    return caught.value


async def test_the_first_to_join_begins_the_conference(world: World) -> None:
    room = await world.join_room(name="会诊室 1")
    assert world.kinds() == ["ConferenceCreated", "ParticipantJoined"]
    assert [leg.name for leg in world.media.only.legs] == ["会诊室 1"]
    conference = world.manager.conference("1000")
    assert conference is not None and conference.participants == (room,)
    assert world.manager.conference_of(room.id) == conference


async def test_legs_stand_in_order_of_joining(world: World) -> None:
    joined = [await world.join_room(name=f"Room {index}") for index in range(3)]
    assert [leg.id for leg in world.media.only.legs] == [participant.id for participant in joined]
    await world.manager.leave(joined[1].id)
    assert [leg.id for leg in world.media.only.legs] == [joined[0].id, joined[2].id]


async def test_every_change_has_a_higher_revision(world: World) -> None:
    first = await world.join_room()
    await world.join_room()
    await world.manager.leave(first.id)
    assert [spec.revision for spec in world.media.history] == [1, 2, 3]


async def test_two_who_dial_at_once_meet_in_one_conference(world: World) -> None:
    await asyncio.gather(world.join_room(), world.join_room())
    assert len(world.media.specs) == 1 and len(world.media.only.legs) == 2


async def test_a_leg_is_made_once_admission_is_sure(world: World) -> None:
    seats: list[Seat] = []

    def make(seat: Seat) -> LegSpec:
        seats.append(seat)
        return room_leg(seat.participant_id)

    with pytest.raises(JoinRefused):
        await world.manager.join("not*a*number", Newcomer("R", "sip", world.owner, make))
    assert not seats
    participant = await world.manager.join("1000", Newcomer("R", "sip", world.owner, make, id="leg7"))
    (seat,) = seats
    assert seat == Seat("leg7", world.media.only.id, "1000") and participant.id == "leg7"


async def test_what_making_the_leg_raises_comes_out_and_leaves_nothing(world: World) -> None:
    def make(seat: Seat) -> LegSpec:
        raise LookupError("no codec")

    with pytest.raises(LookupError):
        await world.manager.join("1000", Newcomer("R", "sip", world.owner, make))
    assert world.manager.conferences() == [] and world.kinds() == []


async def test_an_unknown_room_is_refused_where_dialling_makes_none(world: World) -> None:
    assert (await refusal(world, "12")).code is JoinCode.UNKNOWN_ROOM
    assert await world.manager.door("12") == Door("12", False, False)
    assert await world.manager.door("1000") == Door("1000", True, False)


async def test_a_pin_is_asked_for_and_checked(world: World) -> None:
    await world.manager.execute(CreateRoom("1000", "Board", "4711"), USER)
    assert await world.manager.door("1000") == Door("1000", True, True)
    assert (await refusal(world)).code is JoinCode.WRONG_PIN
    assert (await refusal(world, pin="4712")).code is JoinCode.WRONG_PIN
    assert (await refusal(world, pin="４７１１")).code is JoinCode.WRONG_PIN
    await world.join_room(pin="4711")
    conference = world.manager.conference("1000")
    assert conference is not None and conference.title == "Board"
    # Whoever comes second needs it too.
    assert (await refusal(world, pin="0000")).code is JoinCode.WRONG_PIN


async def test_guessing_pins_is_slowed_down_for_the_guesser_only(world: World) -> None:
    await world.manager.execute(CreateRoom("1000", "", "4711"), USER)
    for _ in range(5):
        assert (await refusal(world, pin="0000", source="10.0.0.66")).code is JoinCode.WRONG_PIN
    locked = await refusal(world, pin="4711", source="10.0.0.66")
    assert locked.code is JoinCode.TOO_MANY_ATTEMPTS and locked.retry_after == 15.0
    await world.join_room(pin="4711", source="10.0.0.1")
    world.time.advance(15.0)
    await world.join_room(pin="4711", source="10.0.0.66")


async def test_a_thousand_guesses_at_once_are_a_thousand_guesses(world: World) -> None:
    await world.manager.execute(CreateRoom("1000", "", "4711"), USER)
    codes = [code.code for code in await asyncio.gather(*(refusal(world, pin="0000") for _ in range(50)))]
    assert codes.count(JoinCode.WRONG_PIN) == 5


async def test_a_changed_pin_holds_at_once(world: World) -> None:
    await world.join_room()
    await world.manager.execute(SetPin("1000", "123456"), USER)
    assert (await refusal(world)).code is JoinCode.WRONG_PIN
    await world.manager.execute(SetPin("1000", None), USER)
    await world.join_room()


async def test_locked_and_full_conferences_let_nobody_in(world: World) -> None:
    for _ in range(4):
        await world.join_room()
    assert (await refusal(world)).code is JoinCode.FULL
    await world.join_room("2000")
    await world.manager.execute(LockConference("2000", True), USER)
    assert (await refusal(world, "2000")).code is JoinCode.LOCKED


async def test_conferences_are_limited(world: World) -> None:
    for number in ("1000", "2000", "3000"):
        await world.join_room(number)
    assert (await refusal(world, "4000")).code is JoinCode.FULL


async def test_a_leg_that_media_refuse_leaves_nothing_behind(world: World) -> None:
    first = await world.join_room()
    world.happened()
    world.media.refuse = MediaError("port taken", {"bad": "port taken"})
    newcomer = Newcomer("Room", "sip", world.owner, lambda seat: room_leg("bad"), id="bad")
    with pytest.raises(JoinRefused) as caught:
        await world.manager.join("1000", newcomer)
    assert caught.value.code is JoinCode.MEDIA and "port taken" in str(caught.value)
    world.media.refuse = None
    await world.manager.settle()
    assert [leg.id for leg in world.media.only.legs] == [first.id]
    assert world.kinds() == [] and world.manager.participant("bad") is None


async def test_a_first_join_that_fails_leaves_no_conference(world: World) -> None:
    world.media.refuse = MediaError("no")
    assert (await refusal(world)).code is JoinCode.MEDIA
    assert world.manager.conferences() == [] and len(world.media.removed) == 1
    assert world.kinds() == []
    world.media.refuse = None
    await world.join_room()


async def test_trouble_of_another_leg_does_not_keep_a_newcomer_out(world: World) -> None:
    first = await world.join_room()
    world.media.refuse = MediaError("old trouble", {first.id: "port taken"})
    second = await world.join_room()
    assert world.manager.participant(second.id) is not None


async def test_a_leg_that_lost_its_media_is_hung_up_rather_than_left_mute(world: World) -> None:
    first = await world.join_room()
    world.media.refuse = MediaError("old trouble", {first.id: "port taken"})
    second = await world.join_room()
    world.media.refuse = None
    await world.manager.settle()
    assert world.owner.ended == [(first.id, "media_failed")]
    assert world.manager.participant(first.id) is None
    assert [leg.id for leg in world.media.only.legs] == [second.id]


async def test_a_worker_that_does_not_answer_refuses_the_join(world: World) -> None:
    world.media.gate = asyncio.Event()
    assert (await refusal(world)).code is JoinCode.MEDIA
    world.media.gate = None


async def test_a_join_that_is_cancelled_leaves_nothing_behind(world: World) -> None:
    await world.join_room()
    world.media.gate = asyncio.Event()
    task = asyncio.create_task(world.join_room())
    await world.media.waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    world.media.gate.set()
    await world.manager.settle()
    conference = world.manager.conference("1000")
    assert conference is not None and len(conference.participants) == 1 == len(world.media.only.legs)


async def test_leaving_twice_or_unknown_does_nothing(world: World) -> None:
    first = await world.join_room()
    await world.manager.leave(first.id)
    await world.manager.leave(first.id)
    await world.manager.leave("nobody")
    assert world.kinds() == ["ConferenceCreated", "ParticipantJoined", "ParticipantLeft"]
    assert world.owner.ended == []


async def test_an_empty_conference_ends_after_its_time(world: World) -> None:
    first = await world.join_room()
    assert world.manager.next_deadline() is None
    await world.manager.leave(first.id)
    assert world.manager.next_deadline() == world.time.seconds + 20.0
    world.time.advance(19.9)
    await world.manager.handle_timer(world.time.seconds)
    assert len(world.manager.conferences()) == 1
    world.time.advance(0.1)
    await world.manager.handle_timer(world.time.seconds)
    assert world.manager.conferences() == [] and world.kinds()[-1] == "ConferenceEnded"
    assert len(world.media.removed) == 1


async def test_somebody_coming_back_keeps_the_conference(world: World) -> None:
    first = await world.join_room()
    await world.manager.leave(first.id)
    world.time.advance(19.0)
    await world.join_room()
    world.time.advance(100.0)
    await world.manager.handle_timer(world.time.seconds)
    assert len(world.manager.conferences()) == 1


async def test_run_ends_empty_conferences_by_itself(world: World) -> None:
    first = await world.join_room()
    runner = asyncio.create_task(world.manager.run())
    world.manager._core.settings = replace(world.manager.settings, empty_seconds=0.0)
    await world.manager.leave(first.id)
    async with asyncio.timeout(5):
        async for event in world.subscription:
            if isinstance(event, events.ConferenceEnded):
                break
    runner.cancel()
    assert world.manager.conferences() == [] and event.reason == "empty"


async def test_ending_hangs_up_on_everybody_and_closes_the_recording(world: World) -> None:
    first, second = await world.join_room(), await world.join_browser()
    await world.manager.execute(StartRecording("1000"), USER)
    world.happened()
    await world.manager.execute(EndConference("1000"), USER)
    await world.manager.settle()
    assert world.kinds() == ["ParticipantLeft", "ParticipantLeft", "RecordingStopped", "ConferenceEnded"]
    assert sorted(world.owner.ended) == sorted([(first.id, "ended"), (second.id, "ended")])
    assert world.media.specs == {}


async def test_a_call_that_does_not_end_holds_nobody_up(world: World) -> None:
    first = await world.join_room()
    world.owner.hangs = asyncio.Event()
    await world.manager.execute(Kick(first.id), USER)
    assert world.manager.participant(first.id) is None
    world.owner.hangs.set()
    await world.manager.settle()
    assert world.owner.ended == [(first.id, "kicked")]


async def test_closing_the_manager_ends_all_and_lets_nobody_in(world: World) -> None:
    first = await world.join_room()
    await world.manager.close()
    assert world.owner.ended == [(first.id, "server_stopping")]
    assert (await refusal(world)).code is JoinCode.MEDIA


async def test_replacing_a_leg_keeps_the_seat_and_the_mutes(world: World) -> None:
    first, second = await world.join_room(), await world.join_room()
    held = room_leg(first.id).model_copy(update={"held": True})
    await world.manager.replace_leg(first.id, held)
    assert world.media.only.legs[0].held and world.media.only.legs[1].id == second.id
    participant = world.manager.participant(first.id)
    assert participant is not None and participant.state is ParticipantState.HELD
    with pytest.raises(KeyError):
        await world.manager.replace_leg("nobody", room_leg("nobody"))
    with pytest.raises(ValueError, match="not that of"):
        await world.manager.replace_leg(first.id, room_leg(second.id))


async def test_a_replacement_that_media_refuse_leaves_the_old_leg(world: World) -> None:
    first = await world.join_room()
    world.media.refuse = MediaError("no")
    with pytest.raises(MediaError):
        await world.manager.replace_leg(first.id, room_leg(first.id).model_copy(update={"held": True}))
    participant = world.manager.participant(first.id)
    assert participant is not None and not participant.leg.held


async def test_browsers_are_connecting_until_their_transport_stands(world: World) -> None:
    browser, room = await world.join_browser(), await world.join_room()
    assert browser.state is ParticipantState.CONNECTING and room.state is ParticipantState.CONNECTED
    world.media.report(LegConnected(conference=world.media.only.id, leg=browser.id))
    connected = world.manager.participant(browser.id)
    assert connected is not None and connected.state is ParticipantState.CONNECTED


async def test_nobody_hears_of_a_newcomer_before_it_is_in(world: World) -> None:
    await world.join_room()
    world.happened()
    world.media.gate = asyncio.Event()
    joining = asyncio.create_task(world.join_browser())
    await world.media.waiting.wait()
    leg = world.media.history[-1].legs[-1].id
    world.media.report(LegConnected(conference=world.media.history[-1].id, leg=leg))
    assert world.kinds() == []
    world.media.gate.set()
    browser = await joining
    assert browser.state is ParticipantState.CONNECTED and world.kinds() == ["ParticipantJoined"]


async def test_a_new_worker_makes_browsers_connect_again(world: World) -> None:
    browser, room = await world.join_browser(), await world.join_room()
    world.media.report(LegConnected(conference=world.media.only.id, leg=browser.id))
    world.happened()
    world.media.restart()
    assert world.kinds() == ["ParticipantChanged", "MediaRestarted"]
    again, still = world.manager.participant(browser.id), world.manager.participant(room.id)
    assert again is not None and again.state is ParticipantState.CONNECTING
    assert still is not None and still.state is ParticipantState.CONNECTED
    await world.manager.replace_leg(browser.id, browser_leg(browser.id, ufrag="new"))


async def test_a_leg_that_fails_is_removed_and_its_call_ended(world: World) -> None:
    first = await world.join_room()
    world.media.report(LegFailed(conference=world.media.only.id, leg=first.id, reason="DTLS refused"))
    await world.manager.settle()
    assert world.manager.participant(first.id) is None
    assert world.owner.ended == [(first.id, "media_failed")]


async def test_tokens_are_void_after_leaving(world: World) -> None:
    first = await world.join_browser()
    token = world.manager.tokens.issue(first.id)
    assert world.manager.tokens.participant_id(token) == first.id
    await world.manager.leave(first.id)
    assert world.manager.tokens.participant_id(token) is None


async def test_a_subscriber_that_sleeps_is_cut_off_and_nobody_else(world: World) -> None:
    lively = world.manager.subscribe()
    seen = 0
    for _ in range(150):
        first = await world.join_room()
        await world.manager.leave(first.id)
        while not lively._queue.empty():
            await anext(lively)
            seen += 1
    for _ in range(150):
        first = await world.join_room()
        await world.manager.leave(first.id)
        while not lively._queue.empty():
            await anext(lively)
            seen += 1
    with pytest.raises(SubscriberTooSlow):
        async for _ in world.subscription:
            pass
    assert seen == 601


async def test_names_are_cleaned(world: World) -> None:
    assert (await world.join_room(name=" Dr.\u202e\x00 Li \n")).name == "Dr. Li"
    assert (await world.join_room(name="\u200b")).name == "sip"
    assert (await world.join_room(name="e\u200d\u0301")).name == "é"
    assert len((await world.join_room(name="长" * 500)).name) == 64
