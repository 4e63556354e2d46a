"""Own layouts, watching one, broadcasting one, and the keys that do it (requirements MCU-4, SIP-5)."""

from __future__ import annotations

import pytest

from mcu.conference.commands import Broadcast, CommandRefused, Kick, Refusal, SendDigits, SetParticipantLayout, Watch
from mcu.conference.door.joining import Newcomer, Seat
from mcu.conference.people.keypad import MAXIMUM_PRESSES, SAME_PRESS, DigitMerger
from mcu.conference.picture.steering import LAYOUT_STEPS, changed_view
from mcu.media.facts import DigitPressed
from mcu.media.spec import LegSpec
from mcu.ports import Actor, ActorKind
from tests.conference.conftest import USER, World
from tests.fakes.media import FakeLegOwner, room_leg


def actor(participant_id: str) -> Actor:
    return Actor(ActorKind.PARTICIPANT, participant_id, "somebody")


def legs(world: World) -> dict[str, LegSpec]:
    return {leg.id: leg for leg in world.media.only.legs}


async def press(world: World, participant_id: str, keys: str) -> None:
    for key in keys:
        world.media.report(DigitPressed(conference=world.media.only.id, leg=participant_id, digit=key))
        world.time.advance(SAME_PRESS)
        await world.manager.settle()


async def test_nothing_is_said_of_views_that_nobody_chose(world):
    await world.join_room()
    (leg,) = world.media.only.legs
    assert (leg.layout, leg.watch, leg.notice, world.media.only.watch) == (None, None, None, None)


async def test_a_participant_may_choose_for_itself_and_nobody_else(world):
    one, other = await world.join_room(), await world.join_room()
    await world.manager.execute(SetParticipantLayout(one.id, "4"), actor(one.id))
    await world.manager.execute(Watch(one.id, other.id), actor(one.id))
    assert (legs(world)[one.id].layout, legs(world)[one.id].watch) == ("4", other.id)
    for command in (
        SetParticipantLayout(other.id, "4"),
        Watch(other.id, one.id),
        Broadcast("1000", one.id),
        SendDigits(other.id, "1"),
    ):
        with pytest.raises(CommandRefused) as refused:
            await world.manager.execute(command, actor(one.id))
        assert refused.value.code is Refusal.FORBIDDEN


async def test_choosing_a_layout_ends_watching(world):
    one, other = await world.join_room(), await world.join_room()
    await world.manager.execute(Watch(one.id, other.id), USER)
    await world.manager.execute(SetParticipantLayout(one.id, None), USER)
    assert (legs(world)[one.id].layout, legs(world)[one.id].watch) == (None, None)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (lambda one: SetParticipantLayout(one, "nonsense"), Refusal.UNKNOWN_LAYOUT),
        (lambda one: Watch(one, "nobody"), Refusal.UNKNOWN_PARTICIPANT),
        (lambda one: Watch(one, one), Refusal.INVALID),
        (lambda one: Watch("nobody", one), Refusal.UNKNOWN_PARTICIPANT),
        (lambda one: Broadcast("1000", "nobody"), Refusal.UNKNOWN_PARTICIPANT),
    ],
)
async def test_choices_that_mean_nothing_are_refused(world, command, code):
    one = await world.join_room()
    with pytest.raises(CommandRefused) as refused:
        await world.manager.execute(command(one.id), USER)
    assert refused.value.code is code
    assert legs(world)[one.id].watch is None


async def test_whoever_was_watched_or_broadcast_leaves_and_all_is_as_before(world):
    one, other = await world.join_room(), await world.join_room()
    await world.manager.execute(Watch(one.id, other.id), USER)
    await world.manager.execute(Broadcast("1000", other.id), USER)
    await world.manager.execute(Kick(other.id), USER)
    assert legs(world)[one.id].watch is None
    assert world.media.only.watch is None


async def test_own_choices_wait_while_one_is_broadcast(world):
    one, two, three = [await world.join_room() for _ in range(3)]
    await world.manager.execute(Watch(one.id, two.id), USER)
    await world.manager.execute(Watch(three.id, two.id), USER)
    await world.manager.execute(Broadcast("1000", three.id), USER)
    assert world.media.only.watch == three.id
    assert {name: leg.watch for name, leg in legs(world).items()} == {one.id: None, two.id: None, three.id: two.id}
    await world.manager.execute(Broadcast("1000", None), USER)
    assert legs(world)[one.id].watch == two.id


async def test_only_so_many_different_pictures_are_made(world):
    one, two, three = [await world.join_room() for _ in range(3)]
    conference = world.manager.conference("1000")
    conference = changed_view(conference, Watch(one.id, three.id), 1)
    conference = changed_view(conference, Watch(two.id, three.id), 1)  # the same picture
    with pytest.raises(CommandRefused) as refused:
        changed_view(conference, Watch(three.id, one.id), 1)
    assert refused.value.code is Refusal.TOO_MANY_VIEWS
    changed_view(conference, SetParticipantLayout(one.id, None), 0)  # fewer is always right


async def test_keys_step_through_layouts_and_back_to_automatic(world):
    one = await world.join_room()
    await press(world, one.id, "88")
    assert legs(world)[one.id].layout == LAYOUT_STEPS[2]
    await press(world, one.id, "2")
    assert legs(world)[one.id].layout == LAYOUT_STEPS[1]
    await press(world, one.id, "0")
    assert legs(world)[one.id].layout is None
    await press(world, one.id, "2")
    assert legs(world)[one.id].layout == LAYOUT_STEPS[-1]


async def test_keys_step_through_who_is_watched_and_past_the_last_to_all(world):
    one, two, three = [await world.join_room() for _ in range(3)]
    await world.join_browser()  # without a picture
    seen = []
    for key in "6664":
        await press(world, one.id, key)
        seen.append(legs(world)[one.id].watch)
    assert seen == [two.id, three.id, None, three.id]


async def test_keys_that_mean_nothing_change_nothing(world):
    one = await world.join_room()
    told = len(world.media.history)
    await press(world, one.id, "13579*#A")
    assert len(world.media.history) == told
    world.manager.press("nobody", "8", "info")
    world.manager.press(one.id, "x", "info")
    await world.manager.settle()
    assert len(world.media.history) == told


async def test_a_key_says_over_the_picture_what_it_did_for_a_moment(world):
    one, two = await world.join_room(), await world.join_room(name="手术室")
    await press(world, one.id, "6")
    assert "手术室" in (legs(world)[one.id].notice or "")
    assert legs(world)[two.id].notice is None
    deadline = world.manager.next_deadline()
    assert deadline is not None
    await world.manager.handle_timer(deadline)
    assert legs(world)[one.id].notice is None
    assert world.manager.next_deadline() is None


async def test_keys_are_in_the_audit_like_any_other_command(world):
    one = await world.join_room()
    await press(world, one.id, "8")
    assert [(entry.action, entry.actor.id, entry.outcome) for entry in world.audit.entries][-1] == (
        "SetParticipantLayout",
        one.id,
        "done",
    )


async def test_a_listener_may_take_a_key_for_itself(world):
    one = await world.join_room()
    heard: list[tuple[str, str]] = []
    world.manager.on_digit(lambda participant, digit: heard.append((participant, digit)) is None and digit == "8")
    await press(world, one.id, "82")
    assert heard == [(one.id, "8"), (one.id, "2")]
    assert legs(world)[one.id].layout == LAYOUT_STEPS[-1]


def test_one_press_counts_once_whatever_ways_it_came():
    merger = DigitMerger()
    assert merger.is_new("1", "event", 0.0)
    assert not merger.is_new("1", "info", 0.3)
    assert not merger.is_new("1", "tone", 0.4)


def test_the_same_key_twice_is_two_presses_however_the_ways_mix():
    merger = DigitMerger()
    came = [("event", 0.0), ("event", 0.2), ("info", 0.3), ("info", 0.5), ("event", 0.6)]
    assert [merger.is_new("1", way, now) for way, now in came] == [True, True, False, False, True]


def test_a_press_long_ago_is_forgotten():
    merger = DigitMerger()
    assert merger.is_new("1", "event", 0.0)
    assert merger.is_new("1", "info", SAME_PRESS)


class KeypadOwner(FakeLegOwner):
    """Signalling that can send digits."""

    def __init__(self) -> None:
        super().__init__()
        self.digits: list[tuple[str, str]] = []

    async def send_digits(self, leg_id: str, digits: str) -> None:
        self.digits.append((leg_id, digits))


async def joined(world: World, owner: FakeLegOwner, dtmf: int | None) -> str:
    def make_leg(seat: Seat) -> LegSpec:
        leg = room_leg(seat.participant_id)
        return leg.model_copy(update={"audio": leg.audio.model_copy(update={"dtmf_payload_type": dtmf})})

    return (await world.manager.join("1000", Newcomer("Room", "sip", owner, make_leg))).id


def test_a_flood_of_presses_is_bounded_and_passes():
    merger = DigitMerger()
    assert sum(merger.is_new("1", "event", number / 1000) for number in range(1000)) == MAXIMUM_PRESSES
    assert merger.is_new("1", "event", 3.0)


async def test_digits_go_out_as_events_where_those_were_agreed(world):
    one = await joined(world, KeypadOwner(), 101)
    await world.manager.execute(SendDigits(one, "12#a"), USER)
    assert world.media.digits == [(one, "12#A")]
    with pytest.raises(CommandRefused):
        await world.manager.execute(SendDigits(one, "12 "), USER)


async def test_digits_go_out_by_signalling_else(world):
    owner = KeypadOwner()
    one = await joined(world, owner, None)
    await world.manager.execute(SendDigits(one, "7"), USER)
    assert owner.digits == [(one, "7")]
    assert world.media.digits == []


async def test_digits_that_nobody_can_send_are_refused(world):
    one = await joined(world, FakeLegOwner(), None)
    with pytest.raises(CommandRefused):
        await world.manager.execute(SendDigits(one, "7"), USER)


async def test_what_was_pressed_towards_a_room_is_not_in_the_audit(world):
    one = await joined(world, KeypadOwner(), 101)
    await world.manager.execute(SendDigits(one, "4711"), USER)
    assert "4711" not in world.audit.entries[-1].detail
