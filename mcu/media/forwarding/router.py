"""Who gets whose picture in a conference: the director's word made so on the packet layer, with the layers that fit."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Protocol

from mcu.media.congestion.values import LossAndDelay
from mcu.media.facts import Fact, SlotsChanged
from mcu.media.forwarding.codecs import gives_pictures, is_forwarded
from mcu.media.forwarding.director import SPEECH, STAY, Candidate, Director, Viewer
from mcu.media.forwarding.layers import fitting, goal
from mcu.media.forwarding.outlets import LegOutlets
from mcu.media.forwarding.published import PictureMedia, PublishedSource
from mcu.media.forwarding.receiver import Picture, Receiver
from mcu.media.forwarding.sound_behind import SoundBehind
from mcu.media.forwarding.sound_rules import hears_voices
from mcu.media.forwarding.sources import LegSources
from mcu.media.forwarding.voices import SpeakingLeg, VoiceRouter
from mcu.media.forwarding.ways import Ways
from mcu.media.rtp.clock import on_grid
from mcu.media.spec import ConferenceSpec, LegSpec, Tiles

# Who is shown, and in which layer, is looked at so often, and slots change no faster.
REVIEW_INTERVAL = 0.25
# So long after the last word, or the last change of what there is to show, nobody moves any more. Seconds.
SETTLED = SPEECH + STAY + 0.5
# While slots wait for a key frame, their senders are asked so often, as far as they may be; else at each review.
WAITING_INTERVAL = 0.05


class ForwardingLeg(SpeakingLeg, Protocol):
    """What of a leg takes part; ``sources`` and ``outlets`` are None for what is no browser."""

    @property
    def sources(self) -> LegSources | None: ...
    @property
    def outlets(self) -> LegOutlets | None: ...
    def octets_beside(self, now: float) -> int: ...
    def network(self) -> LossAndDelay | None: ...


class _Receiver(Receiver):
    """``leg`` tells one that was opened anew from the one before; ``told`` is what the page knows of its slots,
    ``connected`` how it was at the last review."""

    def __init__(self, leg: ForwardingLeg) -> None:
        super().__init__()
        self.leg = leg
        self.told: tuple[tuple[str | None, ...], str | None, tuple[int, ...]] | None = None
        self.connected = False


class Router:
    """Methods are called on the event loop. ``legs`` are those of the conference, by id; it changes as they do.

    ``on_remainders`` is told when other people than before have to be composed for those who are forwarded to;
    ``composed`` tells who is in some composed picture, ``composes_shared`` whether what is shared is: nothing else is
    decoded. ``largest_tile`` is where somebody is composed largest, None for nowhere now.
    ``sound_delay`` is how long somebody's sound takes from its capture, on its own clock, to our mix on ours; None
    while it is not known. ``voices`` sees to sound that goes out as it is.
    """

    def __init__(
        self,
        conference_id: str,
        legs: Mapping[str, ForwardingLeg],
        report: Callable[[Fact], None],
        on_remainders: Callable[[], None],
        composed: Callable[[], frozenset[str]],
        composes_shared: Callable[[], bool],
        largest_tile: Callable[[str], tuple[int, int] | None],
        sound_delay: Callable[[str, float], float | None],
        voices: VoiceRouter,
    ) -> None:
        self._id = conference_id
        self._legs = legs
        self._report = report
        self._on_remainders = on_remainders
        self._people_composed = composed
        self._composes_shared = composes_shared
        self._largest_tile = largest_tile
        self._sound_delay = sound_delay
        self._voices = voices
        self._behind = SoundBehind(sound_delay, lambda who: voices.time_of(who, 0.0))
        self._spec = ConferenceSpec(id=conference_id, revision=0)
        self._ways = Ways(self._spec, self._sources_of, self._is_too_narrow)
        self._director = Director()
        self._receivers: dict[str, _Receiver] = {}
        self._tiles: dict[str, Tiles] = {}
        self._remainders: dict[str, tuple[frozenset[str] | None, bool]] = {}
        self._next_review = self._next_waiting = 0.0
        self._now = 0.0
        self._state: object = None
        self._talking_until = 0.0
        self._routed: set[int] = set()

    def apply(self, spec: ConferenceSpec) -> None:
        """Take a new description; it is followed at the next tick of the timer."""
        self._spec = self._ways.spec = spec
        self._receivers = {leg.id: self._receivers[leg.id] for leg in spec.legs if leg.id in self._receivers}
        self._tiles = {leg.id: self._tiles[leg.id] for leg in spec.legs if leg.id in self._tiles}
        self._director.keep({leg.id for leg in spec.legs}, {leg.id for leg in spec.legs if is_forwarded(leg)})
        self._voices.apply(spec)
        self._look_anew()

    def slots(self, leg_id: str) -> tuple[str | None, ...]:
        """Whom the slots of a leg show."""
        receiver = self._receivers.get(leg_id)
        return () if receiver is None or receiver.told is None else receiver.told[0]

    def speaker(self, leg_id: str | None, now: float) -> None:
        """Who speaks now."""
        self._director.speaks(leg_id, now)
        self._talking_until = now + SETTLED

    def show_tiles(self, leg_id: str, tiles: Tiles) -> None:
        """How large a leg shows what comes in its slots; followed at the next tick of the timer."""
        self._tiles[leg_id] = tiles
        self._look_anew()

    def gets_shared(self, viewer: LegSpec) -> bool:
        """Whether this leg gets as it is what is shared now."""
        return self._ways.sharer_for(viewer, self._now) is not None

    def remainder(self, viewer: LegSpec) -> frozenset[str] | None:
        """Who has to be composed for this leg, since no slot can show them; None where all are."""
        return self._ways.remainder(viewer, self._now)

    def forget(self, leg: ForwardingLeg) -> None:
        """A leg has left this conference, with its sources and slots."""
        self._voices.forget(leg)
        if leg.sources is not None:
            for other in self._legs.values():
                if other.outlets is not None:
                    other.outlets.forget(leg.sources)
        if leg.outlets is not None:
            for place in range(len(leg.outlets.slots)):
                leg.outlets.route(place, None)
        self._receivers.pop(leg.spec.id, None)

    def next_deadline(self) -> float:
        """When ``handle_timer`` has something to do."""
        return min(self._next_review, self._next_waiting)

    def handle_timer(self, now: float) -> None:
        """Look again at what is due."""
        self._now = now
        if now >= self._next_review:
            self._review(now)
        if now >= self._next_waiting:
            waiting = [
                leg.outlets.ask_for_key_frames(now)
                for leg in self._legs.values()
                if leg.outlets is not None and leg.is_connected
            ]
            self._next_waiting = (
                on_grid(now + WAITING_INTERVAL, WAITING_INTERVAL) if any(waiting) else self._next_review
            )

    # Inside

    def _review(self, now: float) -> None:
        self._now = now
        self._next_review = on_grid(now + REVIEW_INTERVAL, REVIEW_INTERVAL)
        changed = self._has_changed(now)
        restless = changed or now < self._talking_until
        due = [leg for leg in self._legs.values() if leg.outlets is not None and (restless or self._is_due(leg))]
        if due:
            candidates = self._candidates(now)
            for leg in due:
                if leg.outlets is not None:
                    self._show(leg, leg.outlets, candidates, now)
            self._next_waiting = now
            outlets = [leg.outlets for leg in self._legs.values() if leg.outlets is not None]
            self._routed = {id(source) for each in outlets for source in _shown(each)}
        self._tell_sources(now, everybody=changed)
        self._voices.review(now)
        if changed:
            self._review_remainders()

    def _look_anew(self) -> None:
        """At everybody, at the next tick of the timer."""
        self._state = None
        self._next_review = 0.0

    def _has_changed(self, now: float) -> bool:
        """Whether there is something else to show, or somebody else to show it to, than at the last review."""
        sent = [(sources.spec.id, sources.state(now)) for sources in self._sending()]
        behind = self._behind.measure((who for who, _ in sent), now)
        state = sent, self._people_composed(), self._composes_shared(), behind
        if state == self._state:
            return False
        self._state = state
        self._talking_until = max(self._talking_until, now + SETTLED)
        return True

    def _sending(self) -> list[LegSources]:
        return [leg.sources for leg in self._legs.values() if leg.sources is not None and leg.sources.has_begun]

    def _is_due(self, leg: ForwardingLeg) -> bool:
        """Whether to look at a receiver though nothing has changed: its network counts where there is a choice."""
        receiver = self._receivers.get(leg.spec.id)
        if receiver is None or receiver.leg is not leg or receiver.connected != leg.is_connected:
            return True
        return receiver.choosing

    def _review_remainders(self) -> None:
        remainders = {leg.id: (self.remainder(leg), self.gets_shared(leg)) for leg in self._spec.legs}
        if remainders != self._remainders:
            self._remainders = remainders
            self._on_remainders()

    def _sources_of(self, leg_id: str) -> LegSources | None:
        leg = self._legs.get(leg_id)
        return None if leg is None else leg.sources

    def _is_too_narrow(self, viewer: str, sharer: str) -> bool:
        receiver = self._receivers.get(viewer)
        return receiver is not None and receiver.is_too_narrow_for(sharer)

    def _candidates(self, now: float) -> list[Candidate]:
        found = []
        for order, leg in enumerate(self._spec.legs):
            sources = self._sources_of(leg.id)
            codec = sources.codec(now) if sources is not None and gives_pictures(leg) else None
            if codec is not None:
                found.append(Candidate(leg.id, codec, order, leg.priority))
        return found

    def _show(self, leg: ForwardingLeg, outlets: LegOutlets, candidates: list[Candidate], now: float) -> None:
        receiver = self._receivers.get(leg.spec.id)
        if receiver is None or receiver.leg is not leg:
            receiver = self._receivers[leg.spec.id] = _Receiver(leg)
        receiver.connected = leg.is_connected
        faces = len(leg.spec.slots)
        shown: tuple[str | None, ...] = (None,) * faces
        sharer = self._ways.sharer_for(leg.spec, now) if leg.is_connected else None
        if leg.is_connected and (is_forwarded(leg.spec) or sharer is not None):
            outlets.picture_time = self._time_beside_voice if hears_voices(leg.spec) else self._picture_time
            outlets.update(leg.spec.slots if leg.spec.shared is None else (*leg.spec.slots, leg.spec.shared))
            if is_forwarded(leg.spec):
                viewer = Viewer(leg.spec.id, outlets.slots[:faces], leg.spec.watch)
                shown = self._director.assign(viewer, candidates, now)
                shown += (None,) * (faces - len(shown))
            pictures = self._pictures(leg.spec, shown, sharer, now)
            agreed = leg.spec.picture_bitrate
            if receiver.show(outlets, pictures, leg.network(), leg.octets_beside(now), agreed, now):
                self._look_anew()
        else:
            for place in range(len(outlets.slots)):
                outlets.route(place, None)
        mixed = not hears_voices(leg.spec)
        told = (
            shown,
            None if sharer is None else sharer.id,
            tuple(self._behind.of(who) if mixed else 0 for who in shown),
        )
        if told != receiver.told:
            if receiver.told is not None or is_forwarded(leg.spec) or sharer is not None:
                self._report(
                    SlotsChanged(
                        conference=self._id, leg=leg.spec.id, shown=shown, shared=told[1], sound_behind=told[2]
                    )
                )
            receiver.told = told

    def _pictures(
        self, viewer: LegSpec, shown: tuple[str | None, ...], sharer: LegSpec | None, now: float
    ) -> list[Picture]:
        """What is to be seen in the viewer's places, the most important first: slides, then who spoke last."""
        tiles = self._tiles.get(viewer.id) or Tiles()
        wanted: list[tuple[int, str, PictureMedia, tuple[int, int] | None]] = []
        if sharer is not None:
            wanted.append((len(viewer.slots), sharer.id, "content", tiles.shared))
        faces = [(place, who) for place, who in enumerate(shown) if who is not None]
        faces.sort(key=lambda one: -self._director.last_heard(one[1], now))
        wanted += [(place, who, "video", tiles.people.get(who)) for place, who in faces]
        found = []
        for place, who, media, tile in wanted:
            sender = self._legs.get(who)
            seen = not tiles.hidden and (tile is None or all(tile))
            if sender is not None and sender.sources is not None and seen:
                found.append(Picture(place, sender.sources, media, tile))
        return found

    def _tell_sources(self, now: float, *, everybody: bool) -> None:
        """Which layers go to somebody, and which one the canvas needs; who sends nothing need not hear of it again."""
        composed, shares = self._people_composed(), self._composes_shared()
        seen = sum(1 for leg in self._spec.legs if leg.id in composed and gives_pictures(leg))
        for leg in self._legs.values():
            if leg.sources is None or not (everybody or leg.sources.has_begun):
                continue
            layers, slides = leg.sources.layers(), leg.sources.layers("content")
            for source in (*layers, *slides):
                if source is not None:
                    source.routed = id(source) in self._routed
            needed = leg.spec.id in composed
            leg.sources.compose("video", self._composed_layer(leg, leg.sources, seen) if needed else None, now)
            shared = shares and leg.spec.id == self._spec.content_from
            leg.sources.compose("content", len(slides) - 1 if shared else None, now)

    def _composed_layer(self, leg: ForwardingLeg, sources: LegSources, seen: int) -> int:
        """The layer nearest to the tile on the canvas; without one, to that of one of ``seen`` people who share it."""
        tile = self._largest_tile(leg.spec.id)
        columns = math.ceil(math.sqrt(max(1, seen)))
        sizes = sources.sizes()
        fits = fitting(sizes, tile or (self._spec.width // columns, self._spec.height // columns))
        return goal(len(sizes), seen) if fits is None else fits

    def _picture_time(self, source: PublishedSource, sources: LegSources) -> float | None:
        """The instant of our mix whose sound belongs to the source's last packet."""
        delay = self._sound_delay(sources.spec.id, self._now)
        captured = source.report.clock.capture_time(source.counters.timestamp)
        return None if delay is None or captured is None else captured + delay

    def _time_beside_voice(self, source: PublishedSource, sources: LegSources) -> float | None:
        """The same where the sound is not mixed: when it arrived."""
        captured = source.report.clock.capture_time(source.counters.timestamp)
        return None if captured is None else self._voices.time_of(sources.spec.id, captured)


def _shown(outlets: LegOutlets) -> list[PublishedSource]:
    return [source for place in range(len(outlets.slots)) if (source := outlets.shown(place)) is not None]
