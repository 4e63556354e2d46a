"""Who sits in which tile, as time goes on. Pure: the time is passed in, and the next instant to ask again comes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from layouts.placement import placed
from layouts.polling import PollingRound
from layouts.rules import Mode, SeatingRules, Sitter
from layouts.speech import Speech, VoiceSwitch


class Seating:
    """The seats of one picture. It remembers who sat where: those who stay keep their tiles as others come and go.

    Pins go before everything; then the first tile is the speaker's or the lecturer's, if the mode has it so; then
    people of higher priority sit before others. Where there are fewer tiles than people, the mode says who gets them,
    but those of higher priority get them first.
    """

    def __init__(self, rules: SeatingRules, before: Mapping[str, int] | None = None) -> None:
        """``before``: in which tile people sat until now, where that has been another picture."""
        self.rules = rules
        self._before = dict(before or {})
        self._priorities: dict[str, int] = {}
        # In order of joining nobody has to speak for long to be let in, but they too are not thrown out at once.
        after = rules.switch_after if rules.mode is Mode.VOICE else 0.0
        self._voice = VoiceSwitch(after, rules.hold)
        self._round = PollingRound(rules.interval)
        self._deadline: float | None = None
        self.lead: str | None = None
        """Who has been seated for its voice in the tile that is for that; None: nobody, or there is nobody else."""
        self._instead: str | None = None

    @property
    def taken(self) -> Mapping[str, int]:
        """The tile of everybody who has one."""
        return self._before

    def next_deadline(self) -> float | None:
        """When seats may change although nothing else does; as of the last time that they were asked for."""
        return self._deadline

    @property
    def expected(self) -> tuple[str, ...]:
        """Who may get a tile at the next deadline: their pictures had better be at hand by then."""
        if self._deadline is None:
            return ()
        if self.rules.mode is Mode.POLLING:
            return self._round.next
        return () if self._voice.candidate is None else (self._voice.candidate,)

    def seats(self, people: Sequence[Sitter], tiles: int, speech: Speech, now: float) -> tuple[str | None, ...]:
        """The occupant of each of ``tiles`` tiles at ``now``; None is an empty tile. ``people`` in order of joining."""
        self._deadline = self.lead = self._instead = None
        self._note_priorities(people)
        pinned = self._pinned({one.id for one in people}, tiles)
        free = [tile for tile in range(tiles) if tile not in pinned]
        rest = [one for one in people if one.id not in pinned.values() and self.rules.may_seat(one)]
        # Sorting is stable: people of one priority stay in order of joining.
        rest.sort(key=lambda one: -one.priority)
        groups = self._groups(rest, len(free), speech, now) if free else []
        seated = pinned | placed(groups, free, self._before)
        self._before = {who: tile for tile, who in seated.items()}
        return tuple(seated.get(tile) for tile in range(tiles))

    def seats_for_lead(self, seats: Sequence[str | None]) -> tuple[str | None, ...]:
        """The same seats for the eyes of ``lead``: in its place is who had it before, and it has that one's, if any."""
        other_way = {self.lead: self._instead, self._instead: self.lead} if self.lead is not None else {}
        return tuple(other_way.get(who, who) if who is not None else None for who in seats)

    def _note_priorities(self, people: Sequence[Sitter]) -> None:
        """When somebody is given another one, everybody sits anew."""
        priorities = {one.id: one.priority for one in people}
        if any(priorities[who] != before for who, before in self._priorities.items() if who in priorities):
            self._before = {}
        self._priorities = priorities

    def _pinned(self, present: set[str], tiles: int) -> dict[int, str]:
        """Pins that can be honoured; of several for one person or one tile the first."""
        pinned: dict[int, str] = {}
        for tile, who in self.rules.pins:
            if 0 <= tile < tiles and tile not in pinned and who in present and who not in pinned.values():
                pinned[tile] = who
        return pinned

    def _is_lecturer(self, one: Sitter) -> bool:
        return self.rules.mode is Mode.LECTURE and one.id == self.rules.lecturer

    def _groups(self, people: list[Sitter], free: int, speech: Speech, now: float) -> list[list[str]]:
        """Who gets one of ``free`` tiles, in groups of equal rank, the first the most prominent."""
        if self.rules.mode is Mode.POLLING:
            return self._polled(people, free, now)
        if self.rules.mode is Mode.VOICE:
            return self._by_voice(people, free, speech, now)
        lead = [one for one in people if self._is_lecturer(one)]
        others = [one for one in people if not self._is_lecturer(one)]
        ranks = self._in_order(others, free - len(lead), speech, now)
        return [[one.id for one in lead], *ranks]

    def _in_order(self, people: list[Sitter], free: int, speech: Speech, now: float) -> list[list[str]]:
        if free <= 0:
            return []
        if len(people) <= free:
            return _ranks(people)
        certain, others = people[: free - 1], people[free - 1 :]
        # Priority cannot be talked away.
        others = [one for one in others if one.priority == others[0].priority]
        guest = self._voice.choose([one.id for one in others], speech, now)
        self._deadline = self._voice.deadline
        if free == 1:
            self._give_lead(people[0].id if guest is None else guest, people)
        return _ranks(people[:free]) if guest is None else [*_ranks(certain), [guest]]

    def _give_lead(self, lead: str, people: Sequence[Sitter]) -> None:
        """``lead`` has the tile of the voice; who had it before, or else comes next, stands in for it."""
        others = [one for one in people if one.id != lead]
        if others:
            present = {one.id for one in others}
            before = next((who for who in self._voice.before if who in present and who != lead), None)
            self.lead = lead
            self._instead = before or next((one.id for one in others if one.has_video), others[0].id)

    def _by_voice(self, people: list[Sitter], free: int, speech: Speech, now: float) -> list[list[str]]:
        if not people:
            return []
        group = [one.id for one in people]
        first = self._voice.choose(group, speech, now) or people[0].id
        self._deadline = self._voice.deadline
        self._give_lead(first, people)
        others = [one for one in people if one.id != first]
        # With too few tiles, whoever has not been chosen for longest is left out.
        recent = {who: index for index, who in enumerate(self._voice.before)}
        by_rank = sorted(others, key=lambda one: (-one.priority, recent.get(one.id, len(group))))
        chosen = {one.id for one in by_rank[: free - 1]}
        return [[first], *_ranks([one for one in others if one.id in chosen])]

    def _polled(self, people: list[Sitter], free: int, now: float) -> list[list[str]]:
        """Those with priority stay and the round goes over the others; without a tile left for these, over all."""
        standing = [one for one in people if one.priority > 0]
        if len(standing) >= free and len(people) > free:
            standing = []
        going = [one.id for one in people if one not in standing]
        turn = self._round.turn(going, free - len(standing), now)
        self._deadline = self._round.deadline
        return [*_ranks(standing), list(turn)]


def _ranks(people: Sequence[Sitter]) -> list[list[str]]:
    """Groups of equal priority; ``people`` are sorted by it."""
    return [[one.id for one in group] for _, group in groupby(people, key=lambda one: one.priority)]
