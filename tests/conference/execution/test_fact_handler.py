"""Facts of the media worker."""

from __future__ import annotations

from mcu.media.facts import ConferenceStatistics, KeyFrameWanted, LegFlowing, SlotsChanged, SpeakerChanged
from tests.conference.conftest import World


async def test_the_speaker_is_told_once(world: World) -> None:
    first = await world.join_room()
    world.happened()
    fact = SpeakerChanged(conference=world.media.only.id, leg=first.id)
    world.media.report(fact)
    world.media.report(fact)
    world.media.report(SpeakerChanged(conference=world.media.only.id, leg="gone already"))
    assert world.kinds() == ["SpeakerChanged", "SpeakerChanged"]
    conference = world.manager.conference("1000")
    assert conference is not None and conference.speaker_id is None


async def test_a_speaker_who_leaves_speaks_no_more(world: World) -> None:
    first, _ = await world.join_room(), await world.join_room()
    world.media.report(SpeakerChanged(conference=world.media.only.id, leg=first.id))
    await world.manager.leave(first.id)
    conference = world.manager.conference("1000")
    assert conference is not None and conference.speaker_id is None


async def test_what_slots_show_is_told_when_it_changes_and_is_no_change_of_the_roster(world: World) -> None:
    first, second = await world.join_browser(), await world.join_browser()
    world.happened()
    fact = SlotsChanged(conference=world.media.only.id, leg=first.id, shown=(second.id, None))
    world.media.report(fact)
    world.media.report(fact)
    world.media.report(SlotsChanged(conference=world.media.only.id, leg="gone already", shown=(second.id,)))
    assert world.kinds() == ["SlotsChanged"]
    participant = world.manager.participant(first.id)
    assert participant is not None and participant.slots == (second.id, None)


async def test_key_frames_are_asked_for_over_signalling(world: World) -> None:
    first = await world.join_room()
    world.media.report(KeyFrameWanted(conference=world.media.only.id, leg=first.id))
    world.media.report(KeyFrameWanted(conference=world.media.only.id, leg="gone"))
    await world.manager.settle()
    assert world.owner.key_frames == [first.id]


async def test_facts_about_what_is_gone_are_dropped(world: World) -> None:
    await world.join_room()
    world.happened()
    world.media.report(LegFlowing(conference="old", leg="x", media="audio"))
    world.media.report(LegFlowing(conference=world.media.only.id, leg="x", media="audio"))
    world.media.report(
        ConferenceStatistics(
            conference=world.media.only.id, composite_fps=30, composite_dropped=0, late_audio_ticks=0, encoders=1
        )
    )
    assert world.kinds() == []
