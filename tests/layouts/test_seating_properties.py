"""What holds for every seating, whatever happens in a conference: people come, go, speak, and time passes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layouts.rules import Mode, SeatingRules, Sitter
from layouts.seating import Seating
from layouts.speech import Speech

NAMES = "abcdefghij"
HOLD = 3.0
AFTER = 1.0

Seats = tuple[str | None, ...]


@dataclass(frozen=True)
class Step:
    """After ``seconds`` this happens: somebody comes or goes, or speaks, or nothing."""

    seconds: float
    what: str
    who: str


steps = st.lists(
    st.builds(
        Step,
        st.sampled_from([0.0, 0.1, 0.4, 0.9, 1.0, 2.0, 3.5, 12.0]),
        st.sampled_from(["come", "go", "speak", "speak", "speak", "silence", "wait"]),
        st.sampled_from(NAMES),
    ),
    max_size=30,
)
conversations = st.lists(
    st.builds(
        Step,
        st.sampled_from([0.3, 0.9, 1.1, 2.0, 4.0]),
        st.sampled_from(["speak", "speak", "speak", "silence"]),
        st.sampled_from("abcd"),
    ),
    min_size=5,
    max_size=30,
)
sitters = st.dictionaries(
    st.sampled_from(NAMES),
    st.tuples(st.sampled_from([0, 0, 0, 1, 2]), st.booleans()),
    min_size=len(NAMES),
)
rules = st.builds(
    SeatingRules,
    mode=st.sampled_from(Mode),
    switch_after=st.just(AFTER),
    hold=st.just(HOLD),
    interval=st.sampled_from([2.0, 10.0]),
    lecturer=st.sampled_from([None, "a", "j"]),
    pins=st.lists(st.tuples(st.integers(-1, 8), st.sampled_from(NAMES)), max_size=3).map(tuple),
    show_without_video=st.booleans(),
)
tile_counts = st.integers(0, 7)


@dataclass
class Moment:
    now: float
    what: str
    people: list[Sitter]
    seats: Seats


def play(seating: Seating, known: dict[str, tuple[int, bool]], tiles: int, happens: list[Step]) -> Iterator[Moment]:
    """The seats at every step, and whenever the seating wanted to be asked again."""
    speech, now = Speech(), 0.0
    people = [Sitter(who, *known[who]) for who in NAMES[:4]]
    yield Moment(now, "start", list(people), seating.seats(people, tiles, speech, now))
    for step in happens:
        end = now + step.seconds
        while (due := seating.next_deadline()) is not None and due <= end:
            before = seating.seats(people, tiles, speech, now)
            just_before = now + (due - now) * 0.999
            assert seating.seats(people, tiles, speech, just_before) == before, "nothing changes before it is due"
            assert due > now
            now, expected = due, set(seating.expected)
            seats = seating.seats(people, tiles, speech, now)
            if not any(one.priority for one in people):  # with priorities, a second one may come in for the first
                assert set(seats) - set(before) <= expected, "whoever gets a tile when it is due was expected"
            yield Moment(now, "due", list(people), seats)
        before = seating.seats(people, tiles, speech, now)
        now = end
        assert seating.seats(people, tiles, speech, now) == before, "nothing changes without being due"
        if step.what == "come" and all(one.id != step.who for one in people):
            people = [*people, Sitter(step.who, *known[step.who])]
        elif step.what == "go":
            people = [one for one in people if one.id != step.who]
        elif step.what == "speak":
            speech.speaks(step.who, now)
        elif step.what == "silence":
            speech.speaks(None, now)
        yield Moment(now, step.what, list(people), seating.seats(people, tiles, speech, now))


@given(rules, sitters, tile_counts, steps)
def test_everybody_has_one_tile_at_most_and_only_who_is_there_and_may_be_seen(rules, known, tiles, happens):
    for moment in play(Seating(rules), known, tiles, happens):
        seated = [who for who in moment.seats if who is not None]
        allowed = {one.id for one in moment.people if rules.may_seat(one)}
        assert len(moment.seats) == tiles
        assert len(seated) == len(set(seated))
        assert set(seated) <= allowed
        assert len(seated) == min(tiles, len(allowed)), "no tile stays empty while somebody waits"


@given(rules, sitters, tile_counts, steps)
def test_pins_are_honoured(rules, known, tiles, happens):
    for moment in play(Seating(rules), known, tiles, happens):
        present, pinned = {one.id for one in moment.people}, set()
        taken = set()
        for tile, who in rules.pins:
            if 0 <= tile < tiles and who in present and tile not in taken and who not in pinned:
                taken.add(tile)
                pinned.add(who)
                assert moment.seats[tile] == who


@given(rules, sitters, tile_counts, steps)
def test_nobody_is_seated_while_somebody_of_higher_priority_is_not(rules, known, tiles, happens):
    rules = replace(rules, pins=())
    for moment in play(Seating(rules), known, tiles, happens):
        seated = {who for who in moment.seats if who is not None}
        if rules.mode is Mode.POLLING and tiles <= sum(one.priority > 0 for one in moment.people):
            continue  # no tile would be left for the round
        # The first tile goes by voice or by office. The round goes over all who have no priority at all.
        chosen = {moment.seats[0]} if tiles and rules.mode in (Mode.VOICE, Mode.LECTURE) else set()
        ranks = {one.id: min(one.priority, 1) if rules.mode is Mode.POLLING else one.priority for one in moment.people}
        left_out = [ranks[one.id] for one in moment.people if rules.may_seat(one) and one.id not in seated]
        assert not left_out or all(ranks[who] >= max(left_out) for who in seated - chosen)


@given(sitters, st.integers(1, 5), conversations)
def test_a_switch_never_comes_before_the_hold_is_over(known, tiles, happens):
    seating = Seating(SeatingRules(Mode.VOICE, switch_after=AFTER, hold=HOLD))
    changes: list[float] = []
    last: Seats = ()
    for moment in play(seating, known, tiles, happens):
        if last and moment.seats[:1] != last[:1]:
            changes.append(moment.now)
        last = moment.seats
    # The first change takes nobody's place: until then nobody had been chosen.
    assert all(after - before >= HOLD - 1e-6 for before, after in pairwise(changes))
    assert not changes or changes[0] >= AFTER


@given(sitters, conversations)
def test_a_switch_by_voice_moves_nobody_but_the_two_where_there_is_room_for_all(known, happens):
    seating = Seating(SeatingRules(Mode.VOICE, switch_after=AFTER, hold=HOLD))
    known = dict.fromkeys(known, (0, True))
    last: Seats = ()
    for moment in play(seating, known, 6, happens):
        assert not last or sum(one != other for one, other in zip(last, moment.seats, strict=True)) in (0, 2)
        last = moment.seats


@pytest.mark.parametrize("mode", [Mode.ORDER, Mode.POLLING])
@given(steps)
def test_who_stays_keeps_the_tile_when_others_come_and_go(mode, happens):
    tiles = len(NAMES)
    known = dict.fromkeys(NAMES, (0, True))
    last: Seats = ()
    for moment in play(Seating(SeatingRules(mode)), known, tiles, happens):
        if last:
            stayed = {who: tile for tile, who in enumerate(last) if who in {one.id for one in moment.people}}
            moved = [who for who, tile in stayed.items() if moment.seats[tile] != who]
            # The last one fills the gap.
            assert len(moved) <= (moment.what == "go")
        last = moment.seats


@given(rules, sitters, tile_counts, steps)
def test_asking_again_changes_nothing(rules, known, tiles, happens):
    once, often, speech = Seating(rules), Seating(rules), Speech()
    people, now = [Sitter(who, *known[who]) for who in NAMES], 0.0
    for step in happens:
        now += step.seconds
        if step.what == "speak":
            speech.speaks(step.who, now)
        seats = once.seats(people, tiles, speech, now)
        for _ in range(3):
            assert often.seats(people, tiles, speech, now) == seats
        assert often.next_deadline() == once.next_deadline()
