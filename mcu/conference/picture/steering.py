"""Who sees what, and how keys change it: pure steps from one conference to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from layouts.automatic import AUTOMATIC
from mcu.conference import commands
from mcu.conference.commands import CommandRefused, Refusal, SetParticipantLayout, ViewCommand, Watch
from mcu.conference.model import Conference, Participant
from mcu.conference.picture.arrangement_changes import changed_seating
from mcu.media.spec import LayoutSpec, SeatingSpec

# What the keys step through: few enough to find the way back, each clearly unlike its neighbours.
LAYOUT_STEPS = (AUTOMATIC, "1", "1+2", "4", "1+5", "1+7", "9", "16")

PREVIOUS_LAYOUT, NEXT_LAYOUT = "2", "8"
PREVIOUS_PERSON, NEXT_PERSON = "4", "6"
BACK_TO_AUTOMATIC = "0"

_Step = TypeVar("_Step")


def changed_view(
    conference: Conference, command: ViewCommand, maximum_views: int, custom: LayoutSpec | None = None
) -> Conference:
    """The conference with one participant's view as commanded. Raises CommandRefused.

    ``custom`` is the layout of a command that names one which is not in the catalogue.
    """
    changed = conference.changed(command.participant_id, lambda one: _with_view(one, conference, command, custom))
    if own_views(changed) > max(maximum_views, own_views(conference)):
        raise CommandRefused(
            Refusal.TOO_MANY_VIEWS,
            f"Participants see {maximum_views} different pictures already; choose one of them, or none.",
        )
    return changed


def _with_view(
    one: Participant, conference: Conference, command: ViewCommand, custom: LayoutSpec | None
) -> Participant:
    match command:
        case SetParticipantLayout():
            return replace(one, layout=command.layout, custom=custom, watching=None)
        case Watch():
            _check_watched(conference, command)
            return replace(one, watching=command.watched_id)
        case commands.HideSelf():
            return replace(one, hide_self=command.hide)
        case commands.ChooseContent():
            return replace(one, content_choice=command.choice)
        case commands.ChooseForwarding():
            return replace(one, forwarded=command.forwarded)
        case commands.ChooseForwardedSound():
            return replace(one, forwarded_sound=command.forwarded)
        case commands.SetOwnSeating():
            if command.change is None:
                return replace(one, seating=None)
            if command.change.mode == "lecture":
                raise CommandRefused(Refusal.INVALID, "A lecture is for everybody; watch the lecturer instead.")
            present = frozenset(other.id for other in conference.participants)
            return replace(one, seating=changed_seating(one.seating or SeatingSpec(), command.change, present))


def _check_watched(conference: Conference, command: Watch) -> None:
    if command.watched_id is None:
        return
    if command.watched_id == command.participant_id:
        raise CommandRefused(Refusal.INVALID, "Nobody watches itself alone.")
    if conference.participant(command.watched_id) is None:
        raise CommandRefused(Refusal.UNKNOWN_PARTICIPANT, "Whom to watch is not in this conference.")


def own_views(conference: Conference) -> int:
    """How many different pictures participants have chosen for themselves: each costs a canvas and an encoder."""
    return len({_view(one) for one in conference.participants} - {_COMMON_VIEW})


_COMMON_VIEW = (None, None, None, None, "auto")


def _view(one: Participant) -> tuple[str | None, ...]:
    """Equal for those who see the same picture: alone, layout, seating, who is left out, and what is shared."""
    if one.watching is not None:
        return (one.watching, None, None, None, one.content_choice)
    seating = None if one.seating is None else one.seating.model_dump_json()
    return (None, one.layout, seating, one.id if one.hide_self else None, one.content_choice)


def seen_alone(conference: Conference, participant_id: str) -> Participant | None:
    """Whose picture this participant has before it for certain: who is broadcast, whom it watches, who lectures, or
    the only other.

    None where it sees several.
    """
    one = conference.participant(participant_id)
    if one is None:
        return None
    if conference.broadcast_id not in (None, participant_id):
        return conference.participant(conference.broadcast_id or "")
    if one.watching is not None:
        return conference.participant(one.watching)
    seating = conference.arrangement.seating
    if seating.mode == "lecture" and seating.lecturer != one.id and one.layout is None and one.seating is None:
        return conference.participant(seating.lecturer or "")
    others = [other for other in conference.participants if other.id != participant_id]
    return others[0] if len(others) == 1 else None


def is_forwarded(conference: Conference, one: Participant) -> bool:
    """Whether this participant gets others' pictures as they are. A lecture has one picture for all who listen."""
    arrangement = conference.arrangement
    listens = arrangement.seating.mode == "lecture" and arrangement.seating.lecturer != one.id
    wanted = arrangement.forwarded if one.forwarded is None else one.forwarded
    return wanted and bool(one.leg.slots) and not listens


def is_sound_forwarded(conference: Conference, one: Participant) -> bool:
    """Whether this participant gets others' sound as it is."""
    usual = conference.arrangement.forwarded_sound
    return (usual if one.forwarded_sound is None else one.forwarded_sound) and bool(one.leg.voices)


def key_command(conference: Conference, participant: Participant, digit: str) -> ViewCommand | None:
    """What a key means to this participant's view; None for keys that mean nothing (requirement SIP-5)."""
    if digit == BACK_TO_AUTOMATIC:
        return SetParticipantLayout(participant.id, None)
    if digit in (PREVIOUS_LAYOUT, NEXT_LAYOUT):
        current = participant.layout or conference.layout
        return SetParticipantLayout(participant.id, _step(LAYOUT_STEPS, current, digit == NEXT_LAYOUT))
    if digit in (PREVIOUS_PERSON, NEXT_PERSON):
        everybody_then_one = (None, *_watchable(conference, participant))
        return Watch(participant.id, _step(everybody_then_one, participant.watching, digit == NEXT_PERSON))
    return None


def notice_of(conference: Conference, participant: Participant) -> str:
    """What a view that was just chosen is called, for the eyes of whoever pressed the key."""
    if participant.watching is not None:
        watched = conference.participant(participant.watching)
        return f"选看 Watching: {watched.name}" if watched is not None else ""
    if participant.layout is not None:
        return f"布局 Layout: {'自动 auto' if participant.layout == AUTOMATIC else participant.layout}"
    return ""


def _watchable(conference: Conference, participant: Participant) -> list[str]:
    """Whom this participant can step through: the others that may send a picture, in order of joining."""
    return [
        other.id
        for other in conference.participants
        if other.id != participant.id and other.leg.video is not None and other.leg.video.receive
    ]


def _step(steps: Sequence[_Step], current: _Step, forward: bool) -> _Step:
    """The next or previous of ``steps``, round and round; from outside of them one gets in at an end."""
    if current not in steps:
        return steps[0] if forward else steps[-1]
    return steps[(steps.index(current) + (1 if forward else -1)) % len(steps)]
