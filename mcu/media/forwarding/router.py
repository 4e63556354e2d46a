"""Who gets whose picture in a conference: the director's word made so on the packet layer, with the layers that fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from mcu.media.facts import Fact, SlotsChanged
from mcu.media.forwarding.budget import Budget
from mcu.media.forwarding.codecs import can_be_shown, gives_pictures, is_forwarded, usual_codec
from mcu.media.forwarding.director import Candidate, Director, Viewer
from mcu.media.forwarding.layers import Offer, choose, goal, total_rate
from mcu.media.forwarding.outlets import LegOutlets
from mcu.media.forwarding.published import PublishedSource
from mcu.media.forwarding.sources import LegSources
from mcu.media.spec import CodecSpec, ConferenceSpec, LegSpec

# Who is shown, and in which layer, is looked at so often, and slots change no faster.
REVIEW_INTERVAL = 0.25
# Slots that wait for a key frame are looked for so often.
WAITING_INTERVAL = 0.05


class ForwardingLeg(Protocol):
    """What of a leg takes part; ``sources`` and ``outlets`` are None for what is no browser."""

    @property
    def spec(self) -> LegSpec: ...
    @property
    def sources(self) -> LegSources | None: ...
    @property
    def outlets(self) -> LegOutlets | None: ...
    @property
    def is_connected(self) -> bool: ...
    def octets_beside(self, now: float) -> int: ...


@dataclass(slots=True)
class _Receiver:
    """``leg`` tells one that was opened anew from the one before."""

    leg: ForwardingLeg
    shown: tuple[str | None, ...] | None = None
    budget: Budget = field(default_factory=Budget)


class Router:
    """Methods are called on the event loop. ``legs`` are those of the conference, by id; it changes as they do.

    ``on_remainders`` is told when other people than before have to be composed for those who are forwarded to;
    ``composed`` tells who is in some composed picture, for nobody else is decoded.
    ``sound_delay`` is how long somebody's sound takes from its capture, on its own clock, to our mix on ours; None
    while it is not known.
    """

    def __init__(
        self,
        conference_id: str,
        legs: Mapping[str, ForwardingLeg],
        report: Callable[[Fact], None],
        on_remainders: Callable[[], None],
        composed: Callable[[], frozenset[str]],
        sound_delay: Callable[[str, float], float | None],
    ) -> None:
        self._id = conference_id
        self._legs = legs
        self._report = report
        self._on_remainders = on_remainders
        self._people_composed = composed
        self._sound_delay = sound_delay
        self._spec = ConferenceSpec(id=conference_id, revision=0)
        self._director = Director()
        self._receivers: dict[str, _Receiver] = {}
        self._remainders: dict[str, frozenset[str]] = {}
        self._next_review = self._next_waiting = 0.0
        self._now = 0.0

    def apply(self, spec: ConferenceSpec) -> None:
        """Take a new description; it is followed at the next tick of the timer."""
        self._spec = spec
        self._receivers = {leg.id: self._receivers[leg.id] for leg in spec.legs if leg.id in self._receivers}
        self._director.keep({leg.id for leg in spec.legs}, {leg.id for leg in spec.legs if is_forwarded(leg)})
        self._next_review = 0.0

    def speaker(self, leg_id: str | None, now: float) -> None:
        """Who speaks now."""
        self._director.speaks(leg_id, now)

    def remainder(self, viewer: LegSpec) -> frozenset[str] | None:
        """Who has to be composed for this leg, since no slot can show them; None where all are."""
        if not is_forwarded(viewer) or self._spec.page is not None:
            return None
        return frozenset(
            leg.id
            for leg in self._spec.legs
            if leg.id != viewer.id and gives_pictures(leg) and not can_be_shown(viewer, leg, self._codecs(leg))
        )

    def forget(self, leg: ForwardingLeg) -> None:
        """A leg has left this conference, with its sources and slots."""
        if leg.sources is not None:
            for other in self._legs.values():
                if other.outlets is not None:
                    other.outlets.forget(leg.sources)
        if leg.outlets is not None:
            for place in range(len(leg.outlets.slots)):
                leg.outlets.route(place, None)
        self._receivers.pop(leg.spec.id, None)

    def handle_timer(self, now: float) -> None:
        """Look again at what is due."""
        self._now = now
        if now >= self._next_review:
            self._review(now)
        if now >= self._next_waiting:
            self._next_waiting = now + WAITING_INTERVAL
            for leg in self._legs.values():
                if leg.outlets is not None and leg.is_connected:
                    leg.outlets.ask_for_key_frames(now)

    # Inside

    def _review(self, now: float) -> None:
        self._now = now
        self._next_review = now + REVIEW_INTERVAL
        candidates = self._candidates(now)
        routed: set[int] = set()
        for description in self._spec.legs:
            leg = self._legs.get(description.id)
            if leg is not None and leg.outlets is not None:
                self._show(leg, leg.outlets, candidates, now)
                routed |= {id(source) for source in _shown(leg.outlets)}
        self._tell_sources(routed, now)
        remainders = {leg.id: self.remainder(leg) or frozenset() for leg in self._spec.legs if is_forwarded(leg)}
        if remainders != self._remainders:
            self._remainders = remainders
            self._on_remainders()

    def _codecs(self, leg: LegSpec) -> Iterator[CodecSpec]:
        """What somebody sends, or is going to."""
        open_leg = self._legs.get(leg.id)
        sources = None if open_leg is None else open_leg.sources
        codec = (None if sources is None else sources.codec(self._now)) or usual_codec(leg.video)
        if codec is not None:
            yield codec

    def _candidates(self, now: float) -> list[Candidate]:
        found = []
        for order, leg in enumerate(self._spec.legs):
            open_leg = self._legs.get(leg.id)
            sources = None if open_leg is None else open_leg.sources
            codec = sources.codec(now) if sources is not None and gives_pictures(leg) else None
            if codec is not None:
                found.append(Candidate(leg.id, codec, order, leg.priority))
        return found

    def _show(self, leg: ForwardingLeg, outlets: LegOutlets, candidates: list[Candidate], now: float) -> None:
        receiver = self._receivers.get(leg.spec.id)
        if receiver is None or receiver.leg is not leg:
            receiver = self._receivers[leg.spec.id] = _Receiver(leg)
        shown: tuple[str | None, ...] = (None,) * len(leg.spec.slots)
        if is_forwarded(leg.spec) and leg.is_connected:
            outlets.picture_time = self._picture_time
            outlets.update(leg.spec.slots)
            codecs = tuple(slot.send_codec for slot in outlets.slots)
            viewer = Viewer(leg.spec.id, codecs, leg.spec.watch)
            shown = self._director.assign(viewer, candidates, now)
            self._route(leg, outlets, receiver, shown, now)
            shown += (None,) * (len(leg.spec.slots) - len(shown))
        else:
            for place in range(len(outlets.slots)):
                outlets.route(place, None)
        if shown != receiver.shown:
            if receiver.shown is not None or is_forwarded(leg.spec):
                self._report(SlotsChanged(conference=self._id, leg=leg.spec.id, shown=shown))
            receiver.shown = shown

    def _route(
        self,
        leg: ForwardingLeg,
        outlets: LegOutlets,
        receiver: _Receiver,
        shown: tuple[str | None, ...],
        now: float,
    ) -> None:
        places: list[tuple[int, LegSources]] = []
        for place, who in enumerate(shown):
            sender = self._legs.get(who or "")
            if sender is None or sender.sources is None:
                outlets.route(place, None)
            else:
                places.append((place, sender.sources))
        # Who spoke last is the first to get a better layer.
        places.sort(key=lambda one: -self._director.last_heard(one[1].spec.id, now))
        offers = [self._offer(outlets, place, sources, now) for place, sources in places]
        receiver.budget.sent_beside(leg.octets_beside(now), now)
        sent = total_rate(offers, [offer.current for offer in offers])
        receiver.budget.reported(outlets.feedback(now), sent, total_rate(offers, choose(offers, None)), now)
        layers = choose(offers, receiver.budget.limit)
        for (place, sources), layer in zip(places, layers, strict=True):
            source = None if layer is None else sources.layers()[layer]
            if source is not None:
                outlets.route(place, (sources, source))

    def _offer(self, outlets: LegOutlets, place: int, sources: LegSources, now: float) -> Offer:
        rates = sources.rates(now)
        current = outlets.shown(place)
        mine = current is not None and current in sources.layers() and rates[current.layer] is not None
        return Offer(rates, current.layer if mine and current is not None else None)

    def _tell_sources(self, routed: set[int], now: float) -> None:
        """Which layers go to somebody, and which one the canvas needs."""
        composed = self._people_composed()
        seen = sum(1 for leg in self._spec.legs if leg.id in composed and gives_pictures(leg))
        for leg in self._legs.values():
            if leg.sources is None:
                continue
            layers = leg.sources.layers()
            for source in layers:
                if source is not None:
                    source.routed = id(source) in routed
            needed = leg.spec.id in composed
            leg.sources.compose("video", goal(len(layers), seen) if needed else None, now)

    def _picture_time(self, source: PublishedSource, sources: LegSources) -> float | None:
        """The instant of our mix whose sound belongs to the source's last packet."""
        delay = self._sound_delay(sources.spec.id, self._now)
        captured = source.report.clock.capture_time(source.counters.timestamp)
        return None if delay is None or captured is None else captured + delay


def _shown(outlets: LegOutlets) -> list[PublishedSource]:
    return [source for place in range(len(outlets.slots)) if (source := outlets.shown(place)) is not None]
