"""One receiver of forwarded pictures: in which layers it gets what it is to see, by what gets through to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mcu.media.congestion.values import LossAndDelay
from mcu.media.forwarding.budget import Budget
from mcu.media.forwarding.layers import Offer, choose, covering, fitting, total_rate
from mcu.media.forwarding.narrow import Narrow
from mcu.media.forwarding.outlets import LegOutlets
from mcu.media.forwarding.probing import Prober
from mcu.media.forwarding.published import PictureMedia
from mcu.media.forwarding.sources import LegSources

# Seconds of queue beyond which losses are its doing, and for how long reports still tell of them afterwards.
_QUEUE, _AFTERMATH = 0.1, 2.0


@dataclass(frozen=True, slots=True)
class Picture:
    """What a place of a viewer is to show: a picture of somebody, as large as ``tile`` where that is known."""

    place: int
    sources: LegSources
    media: PictureMedia
    tile: tuple[int, int] | None


class Receiver:
    """``choosing``: there was more than one layer of something to choose from when it was last looked at."""

    def __init__(self) -> None:
        self.choosing = False
        self._budget = Budget()
        self._narrow = Narrow()
        self._prober = Prober()

    def is_too_narrow_for(self, sharer: str) -> bool:
        """Whether what this one shares does not get through as it is."""
        return self._narrow.is_too_narrow_for(sharer)

    def show(
        self,
        outlets: LegOutlets,
        pictures: Sequence[Picture],
        network: LossAndDelay | None,
        beside: int,
        agreed: int | None,
        now: float,
    ) -> bool:
        """Route what is to be seen, the most important first; all other places show nothing.

        ``network`` is what is known of the way there, None where the receiver does not tell of packets; ``beside`` the
        octets that it was sent so far in other ways, ``agreed`` the most that pictures may take, bit/s. True when what
        is shared has turned out not to get through.
        """
        offers = [_offer(outlets, picture, now) for picture in pictures]
        self.choosing = any(sum(rate is not None for rate in offer.rates) > 1 for offer in offers)
        self._budget.sent_beside(beside, now)
        sent = total_rate(offers, [offer.current for offer in offers])
        wanted = choose(offers, agreed)
        most = total_rate(offers, wanted)
        if network is None:
            self._budget.reported(outlets.feedback(now), sent, most, now)
        else:
            self._budget.estimated(network, sent, most, now)
        limits = [limit for limit in (self._budget.limit, agreed) if limit is not None]
        layers = choose(offers, min(limits, default=None))
        if network is not None:
            self._follow(outlets, network, layers != wanted, now)
        slides = next((picture for picture in pictures if picture.media == "content"), None)
        gave_up = slides is not None and self._look_at_slides(slides, now)
        for place in set(range(len(outlets.slots))) - {picture.place for picture in pictures}:
            outlets.route(place, None)
        for picture, layer in zip(pictures, layers, strict=True):
            source = None if layer is None else picture.sources.layers(picture.media)[layer]
            if source is not None:
                outlets.route(picture.place, (picture.sources, source))
            elif picture.sources.is_excessive(picture.media):
                outlets.route(picture.place, None)
        return gave_up

    def _follow(self, outlets: LegOutlets, network: LossAndDelay, held_back: bool, now: float) -> None:
        """What the network's state means for repair packets, and for trying more."""
        if (network.queueing or 0.0) > _QUEUE:
            outlets.overloaded(now + _AFTERMATH)
        if self._prober.look(held_back, network, now):
            outlets.probe(now)

    def _look_at_slides(self, slides: Picture, now: float) -> bool:
        """They are the most important, so that what else comes does not matter."""
        self.choosing = True
        rate = min((one for one in slides.sources.rates(now, "content") if one is not None), default=0.0)
        return self._narrow.look(slides.sources.spec.id, rate, self._budget.limit, now)


def _offer(outlets: LegOutlets, picture: Picture, now: float) -> Offer:
    sources, layers = picture.sources, picture.sources.layers(picture.media)
    beside = 1.0 + outlets.repair_share(picture.place)
    rates = tuple(None if rate is None else rate * beside for rate in sources.rates(now, picture.media))
    current = outlets.shown(picture.place)
    mine = current is not None and current in layers and rates[current.layer] is not None
    return Offer(rates, current.layer if mine and current is not None else None, _goal(picture))


def _goal(picture: Picture) -> int | None:
    """The layer that suits where the picture is shown: slides are read."""
    sizes = picture.sources.sizes(picture.media)
    if picture.media == "video":
        return None if picture.tile is None else fitting(sizes, picture.tile)
    covers = None if picture.tile is None else covering(sizes, picture.tile)
    return len(sizes) - 1 if covers is None else covers
