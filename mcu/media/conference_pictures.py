"""The pictures of one conference: legs' desired state to that of the picture pipeline, and its pictures to legs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path

from mcu.media.congestion.values import LossAndDelay
from mcu.media.fairness import CanvasLoad, Importance
from mcu.media.forwarding.composed import composed_people, composes_shared, without_forwarded
from mcu.media.leg import MediaLeg
from mcu.media.leg_listener import PictureMedia
from mcu.media.picture.outlets import Outlet, choose_rungs
from mcu.media.picture.page import Page
from mcu.media.picture.pipeline import PicturePipeline
from mcu.media.picture.rungs import step_of
from mcu.media.picture.serving import Serving
from mcu.media.picture.state import (
    COMMON_VIEW,
    CanvasFormat,
    PictureSource,
    PictureState,
    PictureStatistics,
    Rung,
    VideoCodec,
    View,
)
from mcu.media.picture.views import notices, own_layouts, seating_rules
from mcu.media.picture_hold import HeldPictures
from mcu.media.receiver_network import ReceiverNetwork
from mcu.media.rtp.config import ReceiverFeedback
from mcu.media.spec import ConferenceSpec, LegSpec, VideoSpec
from mcu.media.units import CodedPicture

CallOnLoop = Callable[..., None]
"""From a pipeline's thread to the worker's event loop: the function, and its arguments."""

# While recording, so that seeking is fine-grained and HLS segments are short; seconds.
RECORDING_KEY_INTERVAL = 2.0


class ConferencePictures:
    """Methods are called on the event loop. ``legs`` are those of the conference, by id; it changes as they do."""

    def __init__(
        self,
        conference_id: str,
        font_file: Path,
        clock: Callable[[], float],
        legs: Mapping[str, MediaLeg],
        call: CallOnLoop,
        record: Callable[[Rung, CodedPicture], None],
        remainder: Callable[[LegSpec], frozenset[str] | None] = lambda leg: None,
        gets_shared: Callable[[LegSpec], bool] = lambda leg: False,
    ) -> None:
        """``record`` gets every coded picture on the encoder's thread. ``remainder`` tells who has to be composed for a
        leg, None for all; ``gets_shared`` whether it gets as it is what is shared. Raises OSError when the font cannot
        be read.
        """
        self._legs = legs
        self._call = call
        self._record = record
        self._remainder = remainder
        self._gets_shared = gets_shared
        self._content_from: str | None = None
        self._sharing: str | None = None
        self._serving: Serving[Outlet] = Serving()
        self._networks: dict[Outlet, ReceiverNetwork] = {}
        self._repairs: dict[Outlet, float] = {}
        # Who holds and comes back, again and again, is no newcomer each time: that would be a key frame for everybody.
        self._begun: set[Outlet] = set()
        self._state = PictureState()
        self._recorded: frozenset[Rung] = frozenset()
        self._spec: ConferenceSpec | None = None
        self._leads: Mapping[View, str] = {}
        self._held: dict[Outlet, HeldPictures] = {}
        self._counts: dict[CanvasFormat, tuple[int, int]] = {}
        self._mean_wait = 0.0
        self._clock = clock
        self._pipeline = PicturePipeline(
            conference_id,
            font_file,
            clock=clock,
            on_coded=self._coded,
            on_key_frame_wanted=lambda source: call(self._want_key_frame, source),
            on_leads=lambda leads: call(self._lead, leads),
        )
        self._pipeline.start()

    def stop(self) -> None:
        """End the pipeline's threads; blocks until they have ended."""
        self._pipeline.stop()

    def speaker(self, leg_id: str | None) -> None:
        """Who speaks now."""
        self._pipeline.speaker(leg_id)

    def statistics(self) -> PictureStatistics:
        """What the pipeline made since it was last asked."""
        return self._pipeline.statistics()

    def loads(self) -> dict[CanvasFormat, CanvasLoad]:
        """The canvases, with what they made and missed since this was last asked."""
        counts = self._pipeline.canvases()
        before, self._counts = self._counts, counts
        recorded = {rung.canvas for rung in self._recorded}
        found = {}
        for form, (made, missed) in counts.items():
            made_before, missed_before = before.get(form, (0, 0))
            found[form] = CanvasLoad(
                Importance.RECORDED if form in recorded else _importance(form),
                form.width * form.height,
                made - made_before,
                max(0, missed - missed_before),
                form.frame_rate,
            )
        return found

    def pace(self, form: CanvasFormat, divisor: int) -> None:
        """Make one of so many pictures of a canvas only."""
        self._pipeline.pace(form, divisor)

    # Desired state

    def apply(self, spec: ConferenceSpec, recorded: Collection[Rung]) -> None:
        """Make it so for the legs that are open; ``recorded`` are the rungs of recordings."""
        self._spec = spec
        # A picture waits for the next tick of its canvas: from no time at all to a whole interval.
        self._mean_wait = 0.5 / spec.frame_rate
        content = self._content(spec)
        rungs = choose_rungs(
            spec,
            [self._within_network(leg.spec) for leg in self._legs.values()],
            content is not None,
            lambda leg_id, media: self._legs[leg_id].takes_picture(media),
            self._leads,
            elsewhere={leg.id for leg in self._legs.values() if content is not None and self._gets_shared(leg.spec)},
        )
        specs = {leg.id: leg.spec for leg in self._legs.values()}
        rungs = without_forwarded(rungs, specs, self._remainder, shared=content is not None)
        self._networks = {outlet: network for outlet, network in self._networks.items() if outlet in rungs}
        self._repairs = {outlet: share for outlet, share in self._repairs.items() if outlet in rungs}
        begun = {rung for outlet, rung in rungs.items() if outlet not in self._begun}
        self._begun = {outlet for outlet in self._begun | rungs.keys() if outlet[0] in self._legs}
        moved = self._serving.choose(rungs)
        self._recorded = frozenset(recorded)
        self._state = PictureState(
            layout=spec.layout,
            sources=tuple(_person(description, order) for order, description in enumerate(spec.legs)),
            rungs=self._serving.rungs | self._recorded,
            key_interval=RECORDING_KEY_INTERVAL if recorded else None,
            watched=spec.watch,
            notices=notices(
                {leg.id: leg for leg in spec.legs},
                {leg_id: rung.view for (leg_id, media), rung in rungs.items() if media == "video"},
            ),
            content=content,
            page=None if spec.page is None else Page(spec.page.title, spec.page.lines, spec.page.code),
            decoration=spec.decoration,
            recorded=bool(recorded),
            seating=seating_rules(spec.seating),
            layouts=own_layouts(spec),
        )
        self._pipeline.apply(self._state)
        sharing = None if content is None else content.id
        if sharing != self._sharing and spec.content_from is not None and sharing is not None:
            self._request_shared(spec.content_from)
        self._sharing, self._content_from = sharing, spec.content_from
        for rung in moved | self._recorded:
            self._pipeline.request_key_frame(rung, newcomer=rung in begun)

    def composed(self) -> frozenset[str]:
        """Whose pictures may be in one that is composed now."""
        return composed_people(self._state.rungs, [source.id for source in self._state.sources])

    def composes_shared(self) -> bool:
        """Whether what is shared is in a picture that is composed now."""
        return self._state.content is not None and composes_shared(self._state.rungs)

    def largest_tile(self, leg_id: str) -> tuple[int, int] | None:
        """Width and height of the largest tile that a leg's picture is composed into now."""
        return self._pipeline.largest_tile(leg_id)

    def _request_shared(self, sharer: str) -> None:
        # One that is forwarded alone does not come here; the request would be repeated without end.
        if self.composes_shared():
            self._legs[sharer].request_key_frame("content")

    def _lead(self, leads: Mapping[View, str]) -> None:
        """Somebody else has the large tile: it gets the picture for that one now, and who had it the usual one."""
        self._leads = leads
        if self._spec is not None:
            self.apply(self._spec, self._recorded)

    def forget(self, leg: MediaLeg) -> None:
        """A leg is served no more; the next ``apply`` comes without it."""
        for outlet in [outlet for outlet in self._serving.outlets if outlet[0] == leg.id]:
            self._serving.forget(outlet)
            self._networks.pop(outlet, None)
        self.forget_holds()

    def _content(self, spec: ConferenceSpec) -> PictureSource | None:
        """What is shared now; None while whoever has the floor cannot send."""
        leg = self._legs.get(spec.content_from or "")
        if leg is None or leg.spec.content is None or not leg.wants_content_from():
            return None
        return PictureSource(
            id=_content_source(leg.id), name=leg.spec.name, codec=_codec_of(leg.spec.content), still=True
        )

    # Pictures in

    def received(self, leg_id: str, unit: CodedPicture, media: PictureMedia) -> None:
        """A leg sent a picture."""
        if leg_id in self._legs:
            self._hold_of(leg_id, media).push(unit)
        else:
            self._pipeline.push(_source_of(leg_id, media), unit)

    def _hold_of(self, leg_id: str, media: PictureMedia) -> HeldPictures:
        held = self._held.get((leg_id, media))
        if held is None:
            source = _source_of(leg_id, media)
            held = HeldPictures(self._clock, lambda unit: self._pipeline.push(source, unit))
            self._held[leg_id, media] = held
        return held

    def latency(self, leg_id: str, media: PictureMedia) -> float | None:
        """Seconds from a picture's arrival to the canvas, on average; None while it is not shown."""
        latency = self._pipeline.latency(_source_of(leg_id, media))
        held = self._held.get((leg_id, media))
        margin = 0.0 if held is None else held.hold.margin
        return None if latency is None else latency + self._mean_wait + margin

    def origin(self, leg_id: str, media: PictureMedia) -> float | None:
        """When a picture of a leg's with the timestamp 0 was due."""
        held = self._held.get((leg_id, media))
        return None if held is None else held.hold.origin

    def hold_back(self, leg_id: str, media: PictureMedia, seconds: float) -> None:
        """Lip sync: let a leg's pictures wait for its sound."""
        if (leg_id, media) in self._held or (seconds > 0 and leg_id in self._legs):
            self._hold_of(leg_id, media).hold.goal = seconds

    def forget_holds(self) -> None:
        """Nobody's pictures wait any longer whose leg has gone."""
        for outlet in [outlet for outlet in self._held if outlet[0] not in self._legs]:
            self._held.pop(outlet).close()

    def _want_key_frame(self, source: str) -> None:
        sharer = self._legs.get(self._content_from or "")
        if sharer is not None and self._sharing == source:
            sharer.request_key_frame("content")
            return
        leg = self._legs.get(source)
        if leg is not None and leg.wants_picture_from():
            leg.request_key_frame()

    # Pictures out

    def request_key_frame(self, leg_id: str, media: PictureMedia) -> None:
        """A leg asked for a key frame of what it receives."""
        rung = self._serving.wanted((leg_id, media))
        if rung is not None:
            self._pipeline.request_key_frame(rung)

    def request_recorded_key_frame(self, rung: Rung) -> None:
        """A recording needs a key frame to go on."""
        self._pipeline.request_key_frame(rung)

    def _coded(self, rung: Rung, unit: CodedPicture) -> None:
        """On the encoder's thread: recordings have a queue of their own; legs are served on the loop."""
        self._record(rung, unit)
        self._call(self._deliver, rung, unit)

    def _deliver(self, rung: Rung, unit: CodedPicture) -> None:
        for (leg_id, media), picture in self._serving.take(rung, unit):
            leg = self._legs.get(leg_id)
            if leg is not None:
                leg.send_picture(picture, media)
        rungs = self._serving.rungs | self._recorded
        if rungs != self._state.rungs:
            # The last that were still served from an old rung have moved.
            self._state = replace(self._state, rungs=rungs)
            self._pipeline.apply(self._state)

    # What receivers report

    def reported(self, leg_id: str, media: PictureMedia, feedback: ReceiverFeedback, now: float) -> bool:
        """What a leg told of the picture that it gets; True when it is to be served otherwise: ``apply`` again."""
        rung, leg = self._serving.wanted((leg_id, media)), self._legs.get(leg_id)
        video = None if leg is None else leg.spec.video if media == "video" else leg.spec.content
        if rung is None or video is None:
            return False
        network = self._networks.setdefault((leg_id, media), ReceiverNetwork())
        repaired = self._repaired_otherwise(leg_id, media)
        moves = network.reported(feedback, rung.bitrate, video.max_bitrate, now)
        if moves and leg is not None:
            leg.pace(media, network.rate)
        return moves or repaired

    def estimated(self, leg_id: str, media: PictureMedia, network: LossAndDelay, now: float) -> bool:
        """The same by what is known of the way to the leg, of which this picture may have the rate."""
        rung, leg = self._serving.wanted((leg_id, media)), self._legs.get(leg_id)
        video = None if leg is None else leg.spec.video if media == "video" else leg.spec.content
        if rung is None or video is None:
            return False
        known = self._networks.setdefault((leg_id, media), ReceiverNetwork())
        before = step_of(known.rate)
        known.estimated(network, rung.bitrate, min(video.max_bitrate, self._most_useful(rung)), now)
        return self._repaired_otherwise(leg_id, media) or step_of(known.rate) != before

    def _repaired_otherwise(self, leg_id: str, media: PictureMedia) -> bool:
        """Whether more or fewer repair packets go to a leg than before; they take their part of its rate."""
        share = self._legs[leg_id].repair_share(media)
        before = self._repairs.get((leg_id, media), 0.0)
        self._repairs[leg_id, media] = share
        return share != before

    def _most_useful(self, rung: Rung) -> int:
        """The rate beyond which this conference has nothing better."""
        return max(rung.bitrate, 0 if self._spec is None else self._spec.bitrate)

    def _within_network(self, leg: LegSpec) -> LegSpec:
        """The leg with the rates that its network carries now."""
        limited = {}
        for media, video in (("video", leg.video), ("content", leg.content)):
            outlet: Outlet = (leg.id, media)  # type: ignore[assignment]
            network, share = self._networks.get(outlet), self._repairs.get(outlet, 0.0)
            rate = None if network is None else network.rate
            if video is not None and (rate is not None or share):
                most = min(video.max_bitrate, rate or video.max_bitrate)
                limited[media] = video.model_copy(update={"max_bitrate": int(most / (1 + share))})
        return leg.model_copy(update=limited) if limited else leg


def _importance(form: CanvasFormat) -> Importance:
    chosen = replace(form.view, content=COMMON_VIEW.content)
    return Importance.SHARED if chosen == COMMON_VIEW else Importance.OWN


def _person(description: LegSpec, order: int) -> PictureSource:
    return PictureSource(
        id=description.id,
        name=description.name,
        codec=_codec_of(description.video),
        muted=description.camera_muted or description.held,
        microphone_muted=description.microphone_muted,
        order=order,
        hidden=description.hidden,
        priority=description.priority,
    )


def _source_of(leg_id: str, media: PictureMedia) -> str:
    return leg_id if media == "video" else _content_source(leg_id)


def _content_source(leg_id: str) -> str:
    """The id of a leg's second picture among the pipeline's sources; no leg has a colon in its id."""
    return f"content:{leg_id}"


def _codec_of(video: VideoSpec | None) -> VideoCodec | None:
    if video is None or not video.receive or not video.receive_codecs:
        return None
    return "VP8" if video.receive_codecs[0].name == "VP8" else "H264"
