"""Who sees whom is looked at again where something has changed; a conference that goes on costs next to nothing."""

from __future__ import annotations

from typing import cast

import pytest

from mcu.media.facts import Fact, SlotsChanged
from mcu.media.forwarding.outlets import LegOutlets
from mcu.media.forwarding.router import REVIEW_INTERVAL, SETTLED, WAITING_INTERVAL, Router
from mcu.media.forwarding.sources import LegSources
from mcu.media.forwarding.voices import VoiceRouter
from mcu.media.rtp.config import ReceiverFeedback
from mcu.media.spec import CodecSpec, ConferenceSpec, LegSpec, Tiles, VideoSpec
from tests.media.forwarding.browsers import RIDS, VP8, leg


class Source:
    """One layer of somebody's picture."""

    def __init__(self, layer: int) -> None:
        self.layer = layer
        self.routed = False


class Sources:
    """LegSources as far as a router looks at them: so many layers come."""

    def __init__(self, spec: LegSpec, layers: int) -> None:
        self.spec = spec
        self.there = [Source(layer) for layer in range(layers)]
        self.composed: list[object] = []

    @property
    def has_begun(self) -> bool:
        return bool(self.there)

    def state(self, now: float) -> tuple[object, ...]:
        return tuple(self.there)

    def layers(self, media: str = "video") -> list[Source]:
        return self.there if media == "video" else []

    def rates(self, now: float, media: str = "video") -> tuple[float, ...]:
        return tuple(1e6 for _ in self.layers(media))

    def is_excessive(self, media: str) -> bool:
        return False

    def sizes(self, media: str = "video") -> tuple[None, ...]:
        return tuple(None for _ in self.layers(media))

    def codec(self, now: float, media: str = "video") -> CodecSpec | None:
        return VP8 if self.layers(media) else None

    def compose(self, media: str, layer: int | None, now: float) -> None:
        self.composed.append(layer)


class Outlets:
    """LegOutlets as far as a router touches them, with a count of how often that is."""

    def __init__(self) -> None:
        self.slots: tuple[VideoSpec, ...] = ()
        self.routes: dict[int, object] = {}
        self.looked = self.asked = 0
        self.waits = False

    def update(self, slots: tuple[VideoSpec, ...]) -> None:
        self.looked += 1
        self.slots = slots

    def route(self, place: int, target: tuple[Sources, Source] | None) -> None:
        self.routes[place] = target[1] if target is not None else None

    def shown(self, place: int) -> object:
        return self.routes.get(place)

    def repair_share(self, place: int) -> float:
        return 0.0

    def feedback(self, now: float) -> ReceiverFeedback:
        return ReceiverFeedback(0, 0.0, None)

    def ask_for_key_frames(self, now: float) -> bool:
        self.asked += 1
        return self.waits

    def forget(self, sources: LegSources) -> None: ...


class Leg:
    """A browser that sends so many layers."""

    voice = voices = sound_source = None

    def __init__(self, spec: LegSpec, layers: int) -> None:
        self.spec = spec
        self.is_connected = True
        self.fake, self.slots = Sources(spec, layers), Outlets()
        self.sources, self.outlets = cast(LegSources, self.fake), cast(LegOutlets, self.slots)

    def octets_beside(self, now: float) -> int:
        return 0

    def network(self) -> None:
        return None


class Conference:
    """One who sends, and those who receive, under a clock that is turned."""

    def __init__(self, layers: int = 1, receivers: int = 3) -> None:
        rids = RIDS[:layers] if layers > 1 else ()
        names = ["sender", *(f"receiver {number}" for number in range(receivers))]
        specs = [leg(name, 1 + number, rids=rids) for number, name in enumerate(names)]
        self.legs = {spec.id: Leg(spec, layers if spec.id == "sender" else 0) for spec in specs}
        self.facts: list[Fact] = []
        self.people: frozenset[str] = frozenset()
        self.spec = ConferenceSpec(id="c", revision=1, legs=tuple(specs))
        self.router = Router(
            "c",
            self.legs,
            self.facts.append,
            on_remainders=lambda: None,
            composed=lambda: self.people,
            composes_shared=lambda: False,
            largest_tile=lambda leg_id: None,
            sound_delay=lambda leg_id, now: None,
            voices=VoiceRouter(self.legs, lambda leg_id: (), lambda leg_id: None, lambda leg_id, timestamp: None),
        )
        self.router.apply(self.spec)
        self.now = 100.0
        self.run(SETTLED + 2 * REVIEW_INTERVAL)
        self.reset()

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while (due := max(self.now, self.router.next_deadline())) <= end:
            self.now = due + 1e-6
            self.router.handle_timer(self.now)
        self.now = end

    def reset(self) -> None:
        for each in self.legs.values():
            each.slots.looked = each.slots.asked = 0

    def looked(self) -> list[int]:
        """How often each receiver was looked at since ``reset``."""
        return [each.slots.looked for name, each in self.legs.items() if name != "sender"]


def test_a_conference_that_goes_on_is_left_alone() -> None:
    conference = Conference()
    conference.run(10.0)
    assert conference.looked() == [0, 0, 0]
    assert all(each.slots.routes[0] is not None for name, each in conference.legs.items() if name != "sender")


def test_where_there_are_layers_to_choose_from_the_network_is_looked_at() -> None:
    conference = Conference(layers=3)
    conference.run(10.0)
    assert min(conference.looked()) >= 10.0 / REVIEW_INTERVAL - 1


def test_somebody_who_begins_to_send_is_shown_to_all() -> None:
    conference = Conference()
    conference.legs["receiver 0"].fake.there.append(Source(0))
    conference.run(REVIEW_INTERVAL + 0.01)
    assert min(conference.looked()) >= 1
    told = [fact for fact in conference.facts if isinstance(fact, SlotsChanged) and fact.leg == "receiver 1"]
    assert set(told[-1].shown) == {"sender", "receiver 0"}


def test_a_receiver_whose_path_opens_is_looked_at_alone() -> None:
    conference = Conference()
    conference.legs["receiver 1"].is_connected = False
    conference.run(REVIEW_INTERVAL + 0.01)
    assert conference.legs["receiver 1"].slots.routes[0] is None
    conference.legs["receiver 1"].is_connected = True
    conference.reset()
    conference.run(REVIEW_INTERVAL + 0.01)
    assert conference.looked() == [0, 1, 0]
    assert conference.legs["receiver 1"].slots.routes[0] is not None


@pytest.mark.parametrize("change", ["speaker", "tiles", "description"])
def test_what_is_said_from_outside_is_followed_and_then_it_is_calm_again(change: str) -> None:
    conference = Conference()
    if change == "speaker":
        conference.router.speaker("receiver 0", conference.now)
    elif change == "tiles":
        conference.router.show_tiles("receiver 0", Tiles(hidden=True))
    else:
        conference.router.apply(conference.spec.model_copy(update={"revision": 2}))
    conference.run(REVIEW_INTERVAL + 0.01)
    assert min(conference.looked()) >= 1
    conference.run(SETTLED + REVIEW_INTERVAL)
    conference.reset()
    conference.run(10.0)
    assert conference.looked() == [0, 0, 0]


def test_key_frames_are_asked_for_while_somebody_waits() -> None:
    conference = Conference()
    slots = conference.legs["receiver 0"].slots
    conference.run(10.0)
    assert slots.asked <= 10.0 / REVIEW_INTERVAL + 1
    slots.waits = True
    conference.reset()
    conference.run(10.0)
    assert slots.asked >= 10.0 / WAITING_INTERVAL - 2 * REVIEW_INTERVAL / WAITING_INTERVAL


def test_whoever_is_to_be_composed_is_told_so_even_before_it_sends() -> None:
    conference = Conference()
    conference.legs["receiver 2"].fake.composed.clear()
    conference.people = frozenset({"receiver 2"})
    conference.run(REVIEW_INTERVAL + 0.01)
    assert conference.legs["receiver 2"].fake.composed
