"""The pictures that one browser sends: found by their packets, opened on the packet layer, reported on, asked for.

A picture that comes in several encodings (simulcast, RFC 8853) has a source for each, told apart by the RTP header
extension of RFC 8852; the packets themselves never come up here again, but for those that the canvas decodes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from mcu.media.forwarding.codecs import FORWARDED
from mcu.media.forwarding.layers import nearest
from mcu.media.forwarding.picture_size import picture_size
from mcu.media.forwarding.published import PictureMedia, PublishedSource, layer_of
from mcu.media.forwarding.source_report import SourceCounters, SourceReport
from mcu.media.packets import MediaPort
from mcu.media.rtp.clock import on_grid
from mcu.media.rtp.feedback import GenericNack, PictureLossIndication, ReceiverEstimatedMaximumBitrate
from mcu.media.rtp.rtcp import (
    Goodbye,
    ReceiverReport,
    ReportBlock,
    RtcpPacket,
    SenderReport,
    SourceDescription,
    serialise_compound,
)
from mcu.media.spec import CodecSpec, HeardPicture, LegSpec, VideoSpec

logger = logging.getLogger(__name__)

MAX_SOURCES = 16
"""Of one leg: two pictures in some encodings each, with room for changed ones."""

# A layer of which nothing has come for so long is not sent at present: a browser without bandwidth stops the largest.
LAYER_SILENCE = 1.0
# A picture of which nothing has come for so long is not there.
PICTURE_SILENCE = 5.0
# A changed SSRC without a word of whose it is counts once the one before is silent, as in ``mcu.media.rtp.receiver``.
HANDOVER_SILENCE = 0.1
# Missing packets are asked for after they had this long to come in another order, and again after a round trip.
NACK_INTERVAL = 0.02
NACK_REPEAT = 0.1
# So long after the last gap there may be something to ask for: the packet layer asks eight times, then gives it up.
LACKING = 1.0
# Sources are looked at so often: their jitter is taken from the packets that happen to be the last. More often while a
# key frame is waited for.
OBSERVE_INTERVAL = 0.25
WAITING_INTERVAL = 0.1
REPORT_INTERVAL = 1.0
# What receivers ask for alone is answered by one key frame a second: it costs all others of the rate that they share.
KEY_FRAME_SPACING = 1.0
# A browser is told how much it may send. One that sends so many times as much, and more than any does by mistake, is
# not passed on: its receivers, and all that we send, would have to bear it.
EXCESS, LEAST_EXCESS = 3.0, 8_000_000.0


class LegSources:
    """``send_rtcp`` takes RTCP to the browser. ``on_delivery`` is told when another source of a picture is handed up,
    and ``on_begun`` when the first packet of a picture came that is not; ``on_due`` when ``handle_timer`` is to be
    called.
    """

    def __init__(
        self,
        port: MediaPort,
        peer: int,
        spec: LegSpec,
        send_rtcp: Callable[[Sequence[bytes]], None],
        on_delivery: Callable[[PictureMedia], None],
        on_begun: Callable[[PictureMedia], None],
        on_due: Callable[[float], None] = lambda when: None,
    ) -> None:
        self.spec = spec
        self.peer = peer
        self._port = port
        self._send_rtcp = send_rtcp
        self._on_delivery = on_delivery
        self._on_begun = on_begun
        self._on_due = on_due
        self._sources: dict[int, PublishedSource] = {}
        self._repeating: dict[tuple[PictureMedia, int], int] = {}
        self._composed: dict[PictureMedia, int | None] = {"content": 0, "video": 0}
        self._ended: dict[PictureMedia, tuple[int, int, int]] = {}
        self._next_requests = self._next_report = 0.0
        self._lacking_until = float("-inf")
        self._epochs = 0
        self._overfull = False
        self.closed = False
        self.maximum_bitrate: int | None = None
        self.changes = 0
        """Grows with each change of what ``heard`` tells."""

    # Packets

    def receive(self, media: PictureMedia, packet: bytes, now: float) -> bool:
        """Look at a packet that was handed up; True when it is for the decoder of this picture. Never raises."""
        ssrc = int.from_bytes(packet[8:12])
        source = self._sources.get(ssrc)
        if source is not None:
            return source.delivered
        line = self._line(media)
        if line is None:
            return False
        payload_type = packet[1] & 0x7F
        if payload_type in line.repeats.values():
            return self._learn_repeats(media, line, packet, ssrc)
        codec = next((codec for codec in line.receive_codecs if codec.payload_type == payload_type), None)
        if codec is None or codec.name not in FORWARDED:
            return True
        layer = layer_of(line, line.rid_id, packet)
        if layer is None:
            return False
        return self._begin(media, layer, codec, ssrc, now)

    def heard(self) -> tuple[HeardPicture, ...]:
        """What comes under which SSRC, for a successor: the browser will not say it again."""
        return tuple(
            HeardPicture(
                ssrc=source.ssrc,
                media=source.media,
                layer=source.layer,
                payload_type=source.codec.payload_type,
                rtx_ssrc=source.rtx_ssrc,
            )
            for source in self._sources.values()
        )

    def resume(self, picture: HeardPicture, now: float) -> None:
        """Take what a predecessor has found; nothing of what is not agreed (any more)."""
        line = self._line(picture.media)
        codecs = () if line is None else line.receive_codecs
        codec = next((codec for codec in codecs if codec.payload_type == picture.payload_type), None)
        if codec is None or codec.name not in FORWARDED or picture.layer >= self._layer_count(picture.media):
            return
        if picture.rtx_ssrc:
            self._repeating[picture.media, picture.layer] = picture.rtx_ssrc
        self._begin(picture.media, picture.layer, codec, picture.ssrc, now)

    def sender_report(self, packet: SenderReport, now: float) -> None:
        """The browser's own report on one of its sources."""
        source = self._sources.get(packet.ssrc)
        if source is not None:
            source.report.sender_report(packet.ntp_time, packet.rtp_timestamp, now)

    def goodbye(self, packet: Goodbye) -> None:
        """The browser ends sources (RFC 3550 section 6.6)."""
        for ssrc in packet.ssrcs:
            if ssrc in self._sources:
                self._end(self._sources[ssrc])

    # What there is

    @property
    def has_begun(self) -> bool:
        """Whether there is anything."""
        return bool(self._sources)

    def layers(self, media: PictureMedia = "video") -> list[PublishedSource | None]:
        """The encodings of a picture, the smallest first; None for one that has not come."""
        found: list[PublishedSource | None] = [None] * max(1, self._layer_count(media))
        for source in self._sources.values():
            if source.media == media and source.layer < len(found):
                found[source.layer] = source
        return found

    def rates(self, now: float, media: PictureMedia = "video") -> tuple[float | None, ...]:
        """Bit/s of each layer; None for one that does not come at present."""
        # Slides stand still.
        silence = LAYER_SILENCE if media == "video" else PICTURE_SILENCE
        return tuple(
            None
            if source is None or now - source.counters.arrival > silence or self._is_excessive(source)
            else source.report.rate
            for source in self.layers(media)
        )

    def is_excessive(self, media: PictureMedia) -> bool:
        """Whether so much comes of any layer of a picture that nobody is to get it."""
        return any(source is not None and self._is_excessive(source) for source in self.layers(media))

    def sizes(self, media: PictureMedia = "video") -> tuple[tuple[int, int] | None, ...]:
        """Width and height of each layer's pictures; None for what has not told."""
        return tuple(None if source is None else source.size for source in self.layers(media))

    def codec(self, now: float, media: PictureMedia = "video") -> CodecSpec | None:
        """The codec of a picture; None when nothing of it comes."""
        there = [
            source
            for source in self._sources.values()
            if source.media == media and now - source.counters.arrival <= PICTURE_SILENCE
        ]
        return max(there, key=lambda source: source.counters.arrival).codec if there else None

    def state(self, now: float) -> tuple[object, ...]:
        """Something that changes with what there is to be shown, but not with its rates; empty for nothing."""
        if not self._sources:
            return ()
        coming = [
            (
                now - source.counters.arrival <= LAYER_SILENCE,
                now - source.counters.arrival <= PICTURE_SILENCE,
                self._is_excessive(source),
                source.size,
            )
            for source in self._sources.values()
        ]
        codecs = self.codec(now), self.codec(now, "content")
        return self.peer, self.changes, coming, [None if codec is None else id(codec) for codec in codecs]

    def received(self, media: PictureMedia) -> tuple[int, int, int] | None:
        """Packets, octets of payload and losses of all encodings since the beginning; None before the first."""
        totals = self._ended.get(media, (0, 0, 0))
        for source in self._sources.values():
            if source.media == media:
                totals = _sum(totals, source.counters)
        return totals if totals[0] else None

    # What is wanted

    def compose(self, media: PictureMedia, layer: int | None, now: float) -> None:
        """The decoder gets the layer nearest to this one; None: it needs nothing."""
        self._composed[media] = layer
        self._deliver(media, now)

    def want_key_frame(self, source: PublishedSource, now: float, *, switching: bool) -> None:
        """Ask for a key frame. ``switching``: an outlet can begin only with one; else a receiver has lost something."""
        if switching:
            source.requester.want(now)
        else:
            source.asked = True
        if not self.closed:
            self._ask(source, now)
            if self._next_requests > now + WAITING_INTERVAL:
                self._next_requests = now + WAITING_INTERVAL
                self._on_due(self._next_requests)

    def packets_missing(self, now: float) -> None:
        """Packets of a source are missing: they are asked for soon, and again."""
        self._lacking_until = now + LACKING
        self._next_requests = min(self._next_requests, on_grid(now + NACK_INTERVAL, NACK_INTERVAL))
        self._on_due(self._next_requests)

    def next_deadline(self) -> float:
        """When ``handle_timer`` has something to do; infinity while nothing comes."""
        return self._next_requests if self._sources and not self.closed else float("inf")

    def handle_timer(self, now: float) -> None:
        """Requests and reports that are due."""
        if self.closed or now < self._next_requests:
            return
        lacking, waiting = now < self._lacking_until, False
        for source in tuple(self._sources.values()):
            self.observe(source, now)
            self._ask(source, now)
            waiting = waiting or source.requester.wanting or source.asked
            if lacking and source.routed and not source.delivered:
                self._request_missing(source, now)
        interval = NACK_INTERVAL if lacking else WAITING_INTERVAL if waiting else OBSERVE_INTERVAL
        self._next_requests = on_grid(now + interval, interval)
        if now >= self._next_report:
            self._next_report = now + REPORT_INTERVAL
            self._send_reports(now)

    def close(self) -> None:
        """Nothing is asked of the browser any more; the packet layer forgets its sources with the browser."""
        self.closed = True
        self._sources.clear()

    # Inside

    def _is_excessive(self, source: PublishedSource) -> bool:
        limit = self.maximum_bitrate
        return limit is not None and source.report.rate > max(EXCESS * limit, LEAST_EXCESS)

    def _line(self, media: PictureMedia) -> VideoSpec | None:
        return self.spec.video if media == "video" else self.spec.content

    def _layer_count(self, media: PictureMedia) -> int:
        line = self._line(media)
        return 0 if line is None else max(1, len(line.rids))

    def _begin(self, media: PictureMedia, layer: int, codec: CodecSpec, ssrc: int, now: float) -> bool:
        line = self._line(media)
        old = self.layers(media)[layer]
        if old is not None:
            told = line is not None and bool(line.rids)
            self.observe(old, now)
            if not told and now - old.counters.arrival < HANDOVER_SILENCE:
                return False
            self._end(old)
        if len(self._sources) >= MAX_SOURCES:
            if not self._overfull:
                self._overfull = True
                logger.warning("leg %s: more than %d pictures and encodings", self.spec.id, MAX_SOURCES)
            return False
        first = not any(source.media == media for source in self._sources.values())
        report = SourceReport(ssrc, codec.clock_rate, now)
        source = PublishedSource(media, layer, ssrc, codec, report, self._repeating.get((media, layer), 0))
        source.counters = SourceCounters(0, 0, 0, 0, 0, 0, 0, now)
        self._open(source)
        self._sources[ssrc] = source
        self.changes += 1
        self._on_due(self._next_requests)
        self._deliver(media, now)
        if first and not source.delivered:
            self._on_begun(media)
        return source.delivered

    def _open(self, source: PublishedSource) -> None:
        self._epochs += 1
        source.epoch = self._epochs
        self._port.open_source(
            self.peer,
            source.ssrc,
            source.codec.name,
            source.codec.clock_rate,
            source.rtx_ssrc,
            deliver=source.delivered,
        )

    def _end(self, source: PublishedSource) -> None:
        self.observe(source, source.counters.arrival)
        self._ended[source.media] = _sum(self._ended.get(source.media, (0, 0, 0)), source.counters)
        del self._sources[source.ssrc]
        self.changes += 1
        self._port.close_source(self.peer, source.ssrc)
        if source.delivered:
            self._on_delivery(source.media)

    def _learn_repeats(self, media: PictureMedia, line: VideoSpec, packet: bytes, ssrc: int) -> bool:
        layer = layer_of(line, line.repaired_rid_id, packet)
        source = None if layer is None else self.layers(media)[layer]
        if layer is None or self._repeating.get((media, layer)) == ssrc:
            return source is not None and source.delivered
        self._repeating[media, layer] = ssrc
        if source is not None:
            source.rtx_ssrc = ssrc
            self.changes += 1
            self._port.repeat(self.peer, source.ssrc, ssrc)
        return source is not None and source.delivered

    def _deliver(self, media: PictureMedia, now: float) -> None:
        layer, sources = self._composed[media], self.layers(media)
        chosen = None if layer is None else nearest(self.rates(now, media), layer)
        wanted = None if chosen is None else sources[chosen]
        if wanted is None and layer is not None:
            return  # nothing better than what there was
        changed = False
        for source in sources:
            if source is not None and source.delivered != (source is wanted):
                source.delivered = source is wanted
                self._port.deliver(self.peer, source.ssrc, source.delivered)
                changed = True
        if changed:
            self._on_delivery(media)

    def observe(self, source: PublishedSource, now: float) -> None:
        """Look at what has come of a source."""
        counters = SourceCounters(*self._port.source_statistics(self.peer, source.ssrc))
        if not counters.packets:
            return
        source.counters = counters
        source.report.observe(counters, now)
        if counters.key_frames != source.key_frames:
            source.key_frames = counters.key_frames
            head = self._port.picture_head(self.peer, source.ssrc)
            source.size = picture_size(source.codec.name, head) or source.size
            source.last_key_frame = counters.arrival
            source.requester.received()
            source.asked = False

    def _ask(self, source: PublishedSource, now: float) -> None:
        if source.asked and now - source.last_key_frame >= KEY_FRAME_SPACING:
            source.requester.want(now)
        if source.requester.due(now):
            self._send([PictureLossIndication(self._ssrc(source.media), source.ssrc)], source.media, now)

    def _request_missing(self, source: PublishedSource, now: float) -> None:
        line = self._line(source.media)
        if line is not None and "nack" in line.feedback:
            missing = self._port.requests(self.peer, source.ssrc, now, NACK_REPEAT)
            if missing:
                self._send([GenericNack(self._ssrc(source.media), source.ssrc, tuple(missing))], source.media, now)

    def _send_reports(self, now: float) -> None:
        for media in ("video", "content"):
            line = self._line(media)
            sources = [source for source in self._sources.values() if source.media == media]
            undecoded = [source for source in sources if not source.delivered]
            if line is None or not undecoded:
                continue
            blocks = tuple(source.report.block(source.counters, now) for source in undecoded)
            packets: list[RtcpPacket] = []
            limit = self.maximum_bitrate
            if limit is not None and "remb" in line.feedback and len(undecoded) == len(sources):
                packets.append(
                    ReceiverEstimatedMaximumBitrate(line.ssrc, limit, tuple(source.ssrc for source in sources))
                )
            self._send(packets, media, now, blocks)

    def _ssrc(self, media: PictureMedia) -> int:
        line = self._line(media)
        return 0 if line is None else line.ssrc

    def _send(
        self, packets: list[RtcpPacket], media: PictureMedia, now: float, blocks: tuple[ReportBlock, ...] = ()
    ) -> None:
        """A full compound (RFC 3550 section 6.1)."""
        ssrc = self._ssrc(media)
        head: list[RtcpPacket] = [ReceiverReport(ssrc, blocks), SourceDescription(((ssrc, self.spec.id),))]
        self._send_rtcp([serialise_compound([*head, *packets])])


def _sum(totals: tuple[int, int, int], one: SourceCounters) -> tuple[int, int, int]:
    return totals[0] + one.packets, totals[1] + one.octets, totals[2] + max(0, one.missed - one.recovered)
