"""The pictures of others that one browser gets as they are: its slots on the packet layer, and what it says of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Container, Sequence

from mcu.media.forwarding.codecs import carried
from mcu.media.forwarding.outlet import REPORT_INTERVAL, Outlet, OutletCounters, goodbye_of, reports_of
from mcu.media.forwarding.probing import ProbeTrain
from mcu.media.forwarding.published import PublishedSource
from mcu.media.forwarding.slot_repair import SlotRepair, protected
from mcu.media.forwarding.sources import LegSources
from mcu.media.packets import MediaPort
from mcu.media.rtp.clock import NtpClock, on_grid
from mcu.media.rtp.config import ReceiverFeedback
from mcu.media.rtp.feedback import FullIntraRequest, GenericNack, PictureLossIndication, ReceiverEstimatedMaximumBitrate
from mcu.media.rtp.rtcp import ReceiverReport, ReportBlock, RtcpPacket, SenderReport
from mcu.media.spec import VideoSpec

logger = logging.getLogger(__name__)

MAX_SLOTS = 16
# Of one slot: a burst that was lost whole is sent again, a receiver that asks without end is not heard.
RESENT_PER_SECOND = 500
# Clocks that a receiver knows well need less: so long after the first report they come at the pace of other streams.
SETTLED = 10.0
SETTLED_INTERVAL = 2.0
# Reports of all receivers are due at the same instants, so that many of them wake nobody more often than a few.
REPORT_GRID = 0.1
# An estimate is repeated every second or so while it holds.
ESTIMATE_LIFE = 10.0
# Where another process has sent before, numbers are left out. Reports within this time may count them as lost.
SKIP_LIFE = 2.0

PictureTime = Callable[[PublishedSource, LegSources], float | None]
"""When what a source's last packet shows belongs to our output, on the monotonic clock; None: when it was sent."""


class _Slot(Outlet):
    """``highest`` is the newest packet that the receiver has told to have come, ``mean`` octets of the last."""

    __slots__ = ("_counted", "fraction_lost", "highest", "mean", "repair", "resent", "spec", "target")

    def __init__(self, port: MediaPort, peer: int, spec: VideoSpec) -> None:
        super().__init__(port, peer, spec.ssrc)
        self.spec = spec
        self.repair: SlotRepair | None = protected(port, peer, spec)
        self.target: tuple[LegSources, PublishedSource] | None = None
        self.fraction_lost = 0.0
        self.highest: int | None = None
        self.mean = 0.0
        self.resent = 0
        self._counted = (0, 0)

    def took(self, counters: OutletCounters) -> None:
        """A report tells that so much has come, more or less."""
        packets, octets = counters.packets - self._counted[0], counters.octets - self._counted[1]
        self._counted = counters.packets, counters.octets
        self.mean = octets / packets if packets > 0 else 0.0


class LegOutlets:
    """``send_rtcp`` takes RTCP to the browser; ``on_due`` is told when ``handle_timer`` is to be called.

    Outlets stay open as long as the leg: their numbers must only go on.
    """

    def __init__(
        self,
        port: MediaPort,
        peer: int,
        cname: str,
        send_rtcp: Callable[[Sequence[bytes]], None],
        first_sequence: Callable[[int], int],
        clock: NtpClock,
        resumed: bool = False,
        on_due: Callable[[float], None] = lambda when: None,
    ) -> None:
        self._port = port
        self._peer = peer
        self._cname = cname
        self._send_rtcp = send_rtcp
        self._first_sequence = first_sequence
        self._clock = clock
        self._slots: list[_Slot] = []
        self._wanted: tuple[VideoSpec, ...] = ()
        self._opened: dict[int, _Slot] = {}
        self._resumed = resumed
        self._on_due = on_due
        self._believes_from: float | None = None
        self._next_report = 0.0
        self._since: float | None = None
        self._next_allowance = 0.0
        self._reports = 0
        self._estimate: tuple[int, float] | None = None
        self._train = ProbeTrain(port, peer)
        self._overloaded_until = float("-inf")
        self.picture_time: PictureTime = lambda source, leg: None

    @property
    def slots(self) -> tuple[VideoSpec, ...]:
        """Those that are open, by place."""
        return tuple(slot.spec for slot in self._slots)

    def update(self, slots: Sequence[VideoSpec]) -> None:
        """These are the slots from now on; those that are gone get nothing more."""
        if slots == self._wanted:
            return
        self._wanted = tuple(slots)
        kept = []
        for spec in slots[:MAX_SLOTS]:
            slot = self._opened.get(spec.ssrc) or self._open(spec)
            if slot is None:
                break  # a slot is told by its place, so none comes after one that cannot be
            slot.spec = spec
            kept.append(slot)
        for slot in self._slots:
            if slot not in kept:
                self._route(slot, None)
        self._slots = kept

    def route(self, place: int, target: tuple[LegSources, PublishedSource] | None) -> None:
        """Show this source in a slot, from its next key frame on; nothing, at once."""
        if place < len(self._slots):
            self._route(self._slots[place], target)

    def shown(self, place: int) -> PublishedSource | None:
        """The source that a slot shows, or is about to."""
        target = self._slots[place].target if place < len(self._slots) else None
        return None if target is None else target[1]

    def forget(self, sources: LegSources) -> None:
        """A sender is not to be shown any more."""
        for slot in self._slots:
            if slot.target is not None and slot.target[0] is sources:
                self._route(slot, None)

    def ask_for_key_frames(self, now: float) -> bool:
        """Slots that can begin only with a key frame get one; whether there are any."""
        if not self._port.waits(self._peer):
            return False
        for slot in self._slots:
            if slot.target is not None and slot.counters().waits:
                sources, source = slot.target
                sources.want_key_frame(source, now, switching=True)
        return True

    def statistics(self, ssrcs: Container[int] | None = None) -> tuple[int, int]:
        """Packets and octets that went out in these slots, repair packets with them; None: in all."""
        slots = [slot for ssrc, slot in self._opened.items() if ssrcs is None or ssrc in ssrcs]
        counters = [slot.counters() for slot in slots]
        repairs = [slot.repair.counted() for slot in slots if slot.repair is not None]
        packets = sum(one.packets for one in counters) + sum(count for count, _ in repairs)
        return packets, sum(one.octets for one in counters) + sum(octets for _, octets in repairs)

    def repair_packets(self, ssrcs: Container[int]) -> int:
        """How many of them went out in these slots."""
        found = (slot.repair for ssrc, slot in self._opened.items() if ssrc in ssrcs)
        return sum(repair.counted()[0] for repair in found if repair is not None)

    def repair_share(self, place: int) -> float:
        """How many octets of repair packets go out in a slot for each of its picture at present."""
        repair = self._slots[place].repair if place < len(self._slots) else None
        return 0.0 if repair is None else repair.octets_share

    def probe(self, now: float) -> None:
        """Repeat some packets that have come, so that it shows what the network carries; see ``Prober``."""
        known = [slot for slot in self._slots if slot.target is not None and slot.highest is not None]
        slot = max((slot for slot in known if slot.spec.rtx_ssrc is not None), key=lambda one: one.mean, default=None)
        if slot is not None and slot.highest is not None and slot.mean:
            self._train.begin(slot.ssrc, slot.highest, slot.mean, now)
            self._on_due(now)

    def overloaded(self, until: float) -> None:
        """What is lost now, and before ``until``, is lost for want of room: repair packets would take more of it."""
        self._overloaded_until = until
        for slot in self._opened.values():
            if slot.repair is not None:
                slot.repair.overloaded()

    def feedback(self, now: float) -> ReceiverFeedback:
        """What the browser told of the slots in use."""
        estimate = self._estimate
        lasting = estimate is not None and now - estimate[1] < ESTIMATE_LIFE
        lost = max((slot.fraction_lost for slot in self._slots if slot.target is not None), default=0.0)
        return ReceiverFeedback(self._reports, lost, estimate[0] if lasting and estimate is not None else None)

    # RTCP

    def receive_rtcp(self, packet: RtcpPacket, now: float) -> None:
        """Take what is about our slots. Never raises."""
        match packet:
            case GenericNack(media_ssrc=ssrc, lost=lost):
                self._resend(ssrc, lost, now)
            case PictureLossIndication(media_ssrc=ssrc):
                self._key_frame_asked_of(ssrc, now)
            case FullIntraRequest(entries=entries):
                for ssrc, _ in entries:
                    self._key_frame_asked_of(ssrc, now)
            case ReceiverReport(reports=blocks) | SenderReport(reports=blocks):
                self._take_blocks(blocks, now)
            case ReceiverEstimatedMaximumBitrate(bitrate=bitrate, ssrcs=ssrcs):
                if any(ssrc in self._opened for ssrc in ssrcs):
                    self._estimate = bitrate, now
                    self._reports += 1

    def next_deadline(self) -> float:
        """When ``handle_timer`` has something to do; infinity while there are no slots."""
        return min(self._next_report, self._train.next_deadline()) if self._opened else float("inf")

    def handle_timer(self, now: float) -> None:
        """Sender reports that are due, and the rest of a train."""
        self._train.handle_timer(now)
        if now < self._next_report:
            return
        self._since = now if self._since is None else self._since
        settled = now - self._since >= SETTLED
        self._next_report = on_grid(now + (SETTLED_INTERVAL if settled else REPORT_INTERVAL), REPORT_GRID)
        for slot in self._opened.values():
            if slot.repair is not None:
                slot.repair.handle_timer(now)
        reports = [report for slot in self._opened.values() if (report := self._report(slot, now)) is not None]
        if reports:
            self._send_rtcp([reports_of(reports, tuple(self._opened), self._cname)])

    def close(self) -> None:
        """Say goodbye for all slots."""
        ssrcs = tuple(self._opened)
        if ssrcs:
            self._send_rtcp([goodbye_of(ssrcs)])
        for slot in self._opened.values():
            self._route(slot, None)
        self._slots = []
        self._opened = {}

    # Inside

    def _open(self, spec: VideoSpec) -> _Slot | None:
        repeated_by = spec.repeats.get(spec.send_codec.payload_type)
        repeats = (spec.rtx_ssrc, repeated_by) if spec.rtx_ssrc is not None and repeated_by is not None else (0, 0)
        try:
            first = self._first_sequence(spec.ssrc)
            self._port.open_outlet(self._peer, spec.ssrc, spec.send_codec.payload_type, first, *repeats)
        except ValueError as error:
            logger.warning("leg %s: a slot cannot be used: %s", self._cname, error)
            return None
        for name, codec in carried(spec).items():
            number = codec.payload_type
            self._port.carry(self._peer, spec.ssrc, name, number, spec.repeats.get(number, 0), 0)
        if spec.abs_send_time_id is not None:
            # The receiver estimates by it what gets through; where it came with some packets only it would begin anew.
            self._port.stamp(self._peer, spec.ssrc, spec.abs_send_time_id)
        slot = self._opened[spec.ssrc] = _Slot(self._port, self._peer, spec)
        self._on_due(self._next_report)
        return slot

    def _route(self, slot: _Slot, target: tuple[LegSources, PublishedSource] | None) -> None:
        slot.target = target
        slot.feed(None if target is None else (target[0].peer, target[1].ssrc, target[1].epoch))

    def _slot_of(self, ssrc: int) -> _Slot | None:
        found = self._opened.get(ssrc)
        return found or next((slot for slot in self._opened.values() if slot.spec.rtx_ssrc == ssrc), None)

    def _resend(self, ssrc: int, lost: tuple[int, ...], now: float) -> None:
        slot = self._slot_of(ssrc)
        if slot is None:
            return
        if now >= self._next_allowance:
            self._next_allowance = now + 1.0
            for one in self._opened.values():
                one.resent = 0
        asked = lost[: max(0, RESENT_PER_SECOND - slot.resent)]
        slot.resent += len(asked)
        if asked:
            self._port.resend(self._peer, slot.spec.ssrc, asked)

    def _key_frame_asked_of(self, ssrc: int, now: float) -> None:
        slot = self._slot_of(ssrc)
        if slot is not None and slot.target is not None:
            sources, source = slot.target
            sources.want_key_frame(source, now, switching=False)

    def _take_blocks(self, blocks: tuple[ReportBlock, ...], now: float) -> None:
        if self._believes_from is None:
            self._believes_from = now + SKIP_LIFE if self._resumed else now
        if now < self._believes_from:
            return
        for block in blocks:
            slot = self._opened.get(block.ssrc)
            if slot is not None:
                slot.fraction_lost = block.fraction_lost / 256
                slot.highest = block.highest_sequence & 0xFFFF
                self._reports += 1
                slot.took(slot.counters())
                if slot.repair is not None and now >= self._overloaded_until:
                    slot.repair.reported(block, slot.counters().octets, now)

    def _report(self, slot: _Slot, now: float) -> SenderReport | None:
        """Its wall clock is ours, as in that of the mixed sound: lips and voice belong together by it. None: there is
        nothing to report on."""
        counters = slot.counters()
        if not counters.is_sender(now):
            return None
        at = None
        if slot.target is not None and not slot.target[0].closed and not counters.waits:
            sources, source = slot.target
            sources.observe(source, now)
            at = self.picture_time(source, sources)
        report = slot.report(counters, self._clock, at)
        if slot.repair is not None:
            slot.repair.told(report, now)
        return report
