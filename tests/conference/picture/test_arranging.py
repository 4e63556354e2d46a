"""Picture and sound of a conference and of its people: what reaches the media, what is refused, what stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.conference import commands
from mcu.conference.commands import Command, CommandRefused, Refusal
from mcu.conference.execution.audit_words import audit_detail
from mcu.conference.picture.arrangement import pinned, without
from mcu.conference.picture.layout_store import MAXIMUM_LAYOUTS
from mcu.conference.picture.library import catalogue
from mcu.conference.picture.picture_changes import DecorationChange, ProcessingChange, SeatingChange
from mcu.conference.picture.steering import LAYOUT_STEPS, seen_alone
from mcu.conference.roles import Role
from mcu.media.spec import CellSpec, LegSpec, SeatingSpec
from mcu.ports import Actor, ActorKind
from tests.conference.conftest import USER, World

HALVES = (CellSpec(left=0, top=0, width=0.5, height=1), CellSpec(left=0.5, top=0, width=0.5, height=1))


async def refused(world: World, command: Command, actor: Actor = USER) -> Refusal:
    with pytest.raises(CommandRefused) as caught:
        await world.manager.execute(command, actor)
    assert str(caught.value)
    return caught.value.code


def leg(world: World, participant_id: str) -> LegSpec:
    (found,) = [leg for leg in world.media.only.legs if leg.id == participant_id]
    return found


async def test_a_mode_reaches_the_media_and_what_is_left_out_stays(world: World) -> None:
    await world.join_room()
    world.happened()
    await world.manager.execute(commands.ArrangeSeats("1000", SeatingChange(mode="voice", hold=5.0)), USER)
    await world.manager.execute(commands.ArrangeSeats("1000", SeatingChange(show_without_video=False)), USER)
    assert world.media.only.seating == SeatingSpec(mode="voice", hold=5.0, show_without_video=False)
    assert world.kinds() == ["ConferenceChanged", "ConferenceChanged"]
    details = [entry.detail for entry in world.audit.entries]
    assert details == ["hold=5.0 mode=voice", "show_without_video=False"]


async def test_a_lecture_needs_a_lecturer_who_is_there(world: World) -> None:
    first, second = await world.join_room(), await world.join_room()
    lecture = SeatingChange(mode="lecture")
    assert await refused(world, commands.ArrangeSeats("1000", lecture)) is Refusal.INVALID
    strange = SeatingChange(mode="lecture", lecturer="nobody")
    assert await refused(world, commands.ArrangeSeats("1000", strange)) is Refusal.UNKNOWN_PARTICIPANT
    await world.manager.execute(
        commands.ArrangeSeats("1000", SeatingChange(mode="lecture", lecturer=first.id, pins={2: second.id})), USER
    )
    assert world.media.only.seating.lecturer == first.id
    await world.manager.leave(first.id)
    assert world.media.only.seating == SeatingSpec(pins={2: second.id}), "without its lecturer a lecture is over"
    await world.manager.leave(second.id)
    assert world.media.only.seating == SeatingSpec()


async def test_people_are_pinned_to_one_tile_each(world: World) -> None:
    first, second = await world.join_room(), await world.join_room()
    await world.manager.execute(commands.PinParticipant(first.id, 3), USER)
    await world.manager.execute(commands.PinParticipant(second.id, 1), USER)
    await world.manager.execute(commands.PinParticipant(first.id, 1), USER)
    assert world.media.only.seating.pins == {1: first.id}
    await world.manager.execute(commands.PinParticipant(first.id, None), USER)
    assert world.media.only.seating.pins == {}
    assert await refused(world, commands.PinParticipant(first.id, 64)) is Refusal.INVALID
    twice = SeatingChange(pins={0: first.id, 1: first.id})
    assert await refused(world, commands.ArrangeSeats("1000", twice)) is Refusal.INVALID


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.none() | st.integers(0, 5)), max_size=20), st.sampled_from("abcd")
)
def test_nobody_is_pinned_twice_and_who_goes_is_not_pinned(steps: list[tuple[str, int | None]], gone: str) -> None:
    seating = SeatingSpec(mode="lecture", lecturer="a")
    for participant, tile in steps:
        seating = pinned(seating, participant, tile)
        assert len(set(seating.pins.values())) == len(seating.pins)
        assert (participant in seating.pins.values()) is (tile is not None)
    after = without(seating, gone)
    assert gone not in after.pins.values() and after.lecturer != gone
    assert (after.mode == "lecture") is (after.lecturer is not None)


async def test_roles_gains_and_hiding_reach_the_leg(world: World) -> None:
    first = await world.join_room()
    assert leg(world, first.id).priority == 0
    await world.manager.execute(commands.SetRole(first.id, Role.CHAIR), USER)
    chair = leg(world, first.id).priority
    await world.manager.execute(commands.SetRole(first.id, Role.VIEWER), USER)
    await world.manager.execute(commands.HideParticipant(first.id, True), USER)
    await world.manager.execute(commands.AdjustSound(first.id, gain=6.0, music=True), USER)
    await world.manager.execute(commands.AdjustSound(first.id, listen_gain=-12.5), USER)
    one = leg(world, first.id)
    assert (one.hidden, one.gain, one.listen_gain, one.music) == (True, 6.0, -12.5, True)
    assert one.priority < 0 < chair
    for gain in (-41.0, 20.5, float("nan")):
        assert await refused(world, commands.AdjustSound(first.id, gain=gain)) is Refusal.INVALID


async def test_a_picture_of_ones_own(world: World) -> None:
    first, second = await world.join_browser(), await world.join_room()
    me = Actor(ActorKind.PARTICIPANT, first.id, first.name)
    await world.manager.execute(commands.HideSelf(first.id, True), me)
    await world.manager.execute(commands.ChooseContent(first.id, "swap"), me)
    await world.manager.execute(commands.SetOwnSeating(first.id, SeatingChange(mode="voice", pins={0: second.id})), me)
    one = leg(world, first.id)
    assert (one.hide_self, one.content_choice) == (True, "swap")
    assert one.seating == SeatingSpec(mode="voice", pins={0: second.id})
    assert leg(world, second.id).seating is None
    lecture = SeatingChange(mode="lecture", lecturer=second.id)
    assert await refused(world, commands.SetOwnSeating(first.id, lecture), me) is Refusal.INVALID
    await world.manager.execute(commands.Broadcast("1000", second.id), USER)
    one = leg(world, first.id)
    assert (one.hide_self, one.seating) == (False, None), "own choices wait while one is shown to all"
    await world.manager.execute(commands.Broadcast("1000", None), USER)
    await world.manager.leave(second.id)
    assert leg(world, first.id).seating == SeatingSpec(mode="voice"), "who has left is in nobody's tiles"
    await world.manager.execute(commands.SetOwnSeating(first.id, None), me)
    assert leg(world, first.id).seating is None


async def test_who_leaves_itself_out_has_a_picture_for_itself(world: World) -> None:
    people = [await world.join_room() for _ in range(4)]
    object.__setattr__(world.manager.settings, "maximum_views", 2)
    for one in people[:2]:
        await world.manager.execute(commands.HideSelf(one.id, True), USER)
    assert await refused(world, commands.HideSelf(people[2].id, True)) is Refusal.TOO_MANY_VIEWS
    await world.manager.execute(commands.HideSelf(people[0].id, False), USER)
    for one in people[2:]:  # equal choices share a picture
        await world.manager.execute(commands.ChooseContent(one.id, "tile"), USER)


async def test_participants_steer_their_own_view_only(world: World) -> None:
    first, second = await world.join_browser(), await world.join_browser()
    me = Actor(ActorKind.PARTICIPANT, first.id, first.name)
    for command in (
        commands.HideSelf(second.id, True),
        commands.ChooseContent(second.id, "tile"),
        commands.SetOwnSeating(second.id, None),
        commands.SetRole(first.id, Role.CHAIR),
        commands.HideParticipant(first.id, True),
        commands.PinParticipant(first.id, 0),
        commands.AdjustSound(first.id, gain=20.0),
        commands.ArrangeSeats("1000", SeatingChange(mode="voice")),
        commands.Decorate("1000", DecorationChange(banner="x")),
        commands.ProcessSound("1000", ProcessingChange(tones=True)),
        commands.AddLayout("mine", HALVES),
        commands.RemoveLayout("mine"),
        commands.AddLogo(b""),
        commands.RemoveLogo("x"),
    ):
        assert await refused(world, command, me) is Refusal.FORBIDDEN


async def test_what_the_chair_has_muted_the_participant_cannot_unmute(world: World) -> None:
    first = await world.join_browser()
    me = Actor(ActorKind.PARTICIPANT, first.id, first.name)
    await world.manager.execute(commands.Mute(first.id, microphone=True), me)
    await world.manager.execute(commands.Mute(first.id, microphone=False), me)
    await world.manager.execute(commands.Mute(first.id, microphone=True, camera=True), USER)
    assert await refused(world, commands.Mute(first.id, microphone=False), me) is Refusal.MUTED_BY_CHAIR
    assert await refused(world, commands.Mute(first.id, camera=False), me) is Refusal.MUTED_BY_CHAIR
    await world.manager.execute(commands.Mute(first.id, microphone=True, speaker=True), me)
    await world.manager.execute(commands.Mute(first.id, speaker=False), me)
    await world.manager.execute(commands.Mute(first.id, microphone=False), USER)
    await world.manager.execute(commands.Mute(first.id, microphone=False), me)
    one = leg(world, first.id)
    assert (one.microphone_muted, one.camera_muted, one.speaker_muted) == (False, True, False)
    participant = world.manager.participant(first.id)
    assert participant is not None and participant.muted_by_chair == {"camera"}


async def test_decoration_is_printable_and_its_texts_stay_out_of_the_audit(world: World) -> None:
    await world.join_room()
    change = DecorationChange(banner="远程\u202e会诊\n", clock=True, time_zone="Asia/Shanghai", watermark="")
    await world.manager.execute(commands.Decorate("1000", change), USER)
    decoration = world.media.only.decoration
    assert (decoration.banner, decoration.clock, decoration.time_zone) == ("远程会诊", True, "Asia/Shanghai")
    assert world.audit.entries[-1].detail == "banner=set clock=True time_zone=Asia/Shanghai watermark=removed"
    nowhere = DecorationChange(time_zone="Mars/Olympus")
    assert await refused(world, commands.Decorate("1000", nowhere)) is Refusal.INVALID
    assert await refused(world, commands.Decorate("1000", DecorationChange(logo="../x"))) is Refusal.UNKNOWN_LOGO


async def test_processing_reaches_the_media(world: World) -> None:
    await world.join_room()
    await world.manager.execute(commands.ProcessSound("1000", ProcessingChange(level=True, tones=True)), USER)
    await world.manager.execute(commands.ProcessSound("1000", ProcessingChange(level=False)), USER)
    assert world.media.only.processing.model_dump() == {"level": False, "denoise": False, "tones": True}


async def test_a_room_keeps_its_arrangement_but_for_who_was_there(world: World) -> None:
    await world.manager.execute(commands.CreateRoom("2000"), USER)
    await world.manager.execute(commands.AddLayout("halves", HALVES), USER)
    await world.manager.execute(commands.SetLayout("2000", "halves"), USER)  # before anybody is there
    first = await world.join_room("2000")
    assert world.media.only.layout == "halves" and world.media.only.layouts[0].cells == HALVES
    lecture = SeatingChange(mode="lecture", lecturer=first.id, interval=30.0, pins={0: first.id})
    await world.manager.execute(commands.ArrangeSeats("2000", lecture), USER)
    await world.manager.execute(commands.Decorate("2000", DecorationChange(banner="会诊")), USER)
    await world.manager.execute(commands.EndConference("2000"), USER)
    await world.join_room("2000")
    spec = world.media.only
    assert (spec.layout, spec.decoration.banner) == ("halves", "会诊")
    assert spec.seating == SeatingSpec(interval=30.0)


async def test_nothing_stays_where_there_is_no_room(world: World) -> None:
    await world.join_room()
    await world.manager.execute(commands.SetLayout("1000", "4"), USER)
    await world.manager.execute(commands.EndConference("1000"), USER)
    await world.join_room()
    assert world.media.only.layout == "auto"


async def test_layouts_of_ones_own_are_checked_used_and_forgotten(world: World) -> None:
    first = await world.join_room()
    assert await refused(world, commands.SetLayout("1000", "halves")) is Refusal.UNKNOWN_LAYOUT
    await world.manager.execute(commands.AddLayout("halves", HALVES), USER)
    assert world.audit.entries[-1].subject == "halves" and "cells=2" in world.audit.entries[-1].detail
    assert await refused(world, commands.AddLayout("halves", HALVES)) is Refusal.NAME_TAKEN
    assert await refused(world, commands.AddLayout("4", HALVES)) is Refusal.NAME_TAKEN
    assert await refused(world, commands.AddLayout("auto", HALVES)) is Refusal.NAME_TAKEN
    await world.manager.execute(commands.SetParticipantLayout(first.id, "halves"), USER)
    assert leg(world, first.id).layout == "halves"
    assert [layout.name for layout in world.media.only.layouts] == ["halves"]
    assert await refused(world, commands.RemoveLayout("halves")) is Refusal.IN_USE
    await world.manager.execute(commands.SetParticipantLayout(first.id, None), USER)
    assert world.media.only.layouts == ()
    await world.manager.execute(commands.RemoveLayout("halves"), USER)
    assert await refused(world, commands.RemoveLayout("halves")) is Refusal.UNKNOWN_LAYOUT
    assert await refused(world, commands.RemoveLayout("4")) is Refusal.FORBIDDEN


async def test_keys_lead_out_of_a_layout_of_ones_own(world: World) -> None:
    first = await world.join_room()
    await world.manager.execute(commands.AddLayout("halves", HALVES), USER)
    await world.manager.execute(commands.SetParticipantLayout(first.id, "halves"), USER)
    world.manager.press(first.id, "8", "event")
    await world.manager.settle()
    assert leg(world, first.id).layout == "auto" and world.media.only.layouts == ()
    world.time.advance(2.0)
    world.manager.press(first.id, "0", "event")
    await world.manager.settle()
    assert leg(world, first.id).layout is None


def test_every_layout_that_keys_lead_to_is_in_the_catalogue() -> None:
    assert set(LAYOUT_STEPS) - {"auto"} <= {layout.name for layout in catalogue()}


async def test_the_class_sees_the_lecturer_alone(world: World) -> None:
    people = [await world.join_room() for _ in range(3)]
    lecture = SeatingChange(mode="lecture", lecturer=people[0].id)
    await world.manager.execute(commands.ArrangeSeats("1000", lecture), USER)
    await world.manager.execute(commands.SetParticipantLayout(people[2].id, "4"), USER)
    conference = world.manager.conference("1000")
    assert conference is not None
    seen = [seen_alone(conference, one.id) for one in people]
    assert [one and one.id for one in seen] == [None, people[0].id, None]


@pytest.mark.parametrize("name", ["", " x", "x ", "a/b", "x\n", "é" * 33, "<b>", "..", "\u202ex"])
async def test_names_of_layouts_fit_into_lists_and_addresses(world: World, name: str) -> None:
    assert await refused(world, commands.AddLayout(name, HALVES)) is Refusal.INVALID


@pytest.mark.parametrize(
    "cells",
    [
        (),
        (HALVES[0], HALVES[0]),
        (CellSpec(left=0.6, top=0, width=0.5, height=1),),
        (CellSpec(left=0, top=0, width=0.001, height=0.5),),
        tuple(CellSpec(left=index / 50, top=0, width=1 / 50, height=1) for index in range(50)),
    ],
)
async def test_layouts_that_cannot_be_shown_are_refused(world: World, cells: tuple[CellSpec, ...]) -> None:
    assert await refused(world, commands.AddLayout("odd", cells)) is Refusal.INVALID


async def test_the_number_of_layouts_is_bounded(world: World) -> None:
    for index in range(MAXIMUM_LAYOUTS):
        await world.manager.execute(commands.AddLayout(f"own {index}", HALVES), USER)
    assert await refused(world, commands.AddLayout("one more", HALVES)) is Refusal.TOO_MANY_LAYOUTS


def test_the_audit_names_what_a_change_changes() -> None:
    change = SeatingChange(mode="lecture", lecturer="p1", pins={0: "p2"})
    assert audit_detail(commands.ArrangeSeats("1000", change)) == "lecturer=p1 mode=lecture pins=0:p2"
    assert audit_detail(commands.AddLogo(b"\x89PNG")) == "data=set"
    assert audit_detail(commands.SetRole("p1", Role.EXPERT)) == "role=expert"
