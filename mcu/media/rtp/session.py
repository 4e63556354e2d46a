"""``RtpStream``: one m-line both ways, without I/O.

An adapter feeds datagrams in, asks for datagrams to send, sets a timer to ``next_deadline`` and takes events. Nothing
that the network sends raises. Time is the worker's monotonic clock in seconds.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from mcu.media.rtp import rtcp
from mcu.media.rtp.clock import NtpClock, on_grid
from mcu.media.rtp.config import (
    BitrateEstimated,
    ByeReceived,
    DigitReceived,
    FirstPacket,
    KeyFrameOverdue,
    KeyFrameRequested,
    PictureReceived,
    ReceiverFeedback,
    RepairStatistics,
    SoundReceived,
    StreamConfig,
    StreamEvent,
    StreamStatistics,
)
from mcu.media.rtp.early_report import EarlyReports
from mcu.media.rtp.errors import RtcpError
from mcu.media.rtp.keyframe_request import KeyFrameRequester
from mcu.media.rtp.peer_reports import PeerReports
from mcu.media.rtp.receiver import StreamReceiver
from mcu.media.rtp.requested_loss import RequestedLoss
from mcu.media.rtp.rtcp import RtcpPacket
from mcu.media.rtp.sender import StreamSender
from mcu.media.spec import SentNumbers
from mcu.media.units import CodedPicture, CodedSound

__all__ = [
    "BitrateEstimated",
    "ByeReceived",
    "DigitReceived",
    "FirstPacket",
    "KeyFrameOverdue",
    "KeyFrameRequested",
    "PictureReceived",
    "RepairStatistics",
    "RtpStream",
    "SoundReceived",
    "StreamConfig",
    "StreamEvent",
    "StreamStatistics",
]

# RFC 3550 section 6.2 asks for 5 s or 360 s/kbit; at video rates that is under a second, which tells nobody more.
RTCP_INTERVAL = 2.0
# The first report goes out early: lip sync at the other end waits for it.
FIRST_RTCP_INTERVAL = 0.3
# A report is a sender report while something was sent within this time (RFC 3550 section 6.4: two intervals).
SENDER_TIMEOUT = 2 * RTCP_INTERVAL
REMB_INTERVAL = 1.0
# Reports of all streams are due at the same instants, so that many of them wake nobody more often than a few.
REPORT_GRID = 0.1


class RtpStream:
    """See the module. ``wallclock`` is the Unix time at the monotonic instant ``now``."""

    def __init__(self, config: StreamConfig, rng: random.Random, now: float, wallclock: float) -> None:
        self.config = config
        self._video = config.kind == "video"
        self._rng = rng
        self._ntp = NtpClock(now, wallclock)
        self._events: list[StreamEvent] = []
        self._rtcp_out: list[bytes] = []
        self._receiver = StreamReceiver(config, self._events)
        self._sender = StreamSender(config, rng)
        self._peer = PeerReports(config, self._ntp, self._sender)
        self._key_frames = KeyFrameRequester()
        self._intra_sequence = rng.getrandbits(8)
        self._next_report = on_grid(now + FIRST_RTCP_INTERVAL * (0.5 + rng.random()), REPORT_GRID)
        self._early_reports = EarlyReports(now)
        self._requested_loss = RequestedLoss(self._sender.sequence)
        self.loss_asked_for: float | None = None
        """The share of packets that the peer loses by what it asks for; None while that is not known. To be cleared."""
        self._maximum_bitrate: int | None = None
        self._next_estimate = float("inf")
        self._closed = False
        self._requested = 0
        self._key_frame_requests = 0

    # -- from the network ------------------------------------------------------------------------------------------

    def receive_rtp(self, data: bytes, now: float) -> None:
        """Take an RTP datagram, decrypted. Never raises."""
        self._report_early(now)
        self._receiver.receive(data, now)
        self._look_after_pictures(now)

    def receive_rtp_run(self, packets: list[bytes], now: float) -> None:
        """Take RTP datagrams that came together, as one after the other. Never raises."""
        self._report_early(now)
        self._receiver.receive_run(packets, now)
        self._look_after_pictures(now)

    def _look_after_pictures(self, now: float) -> None:
        if self._video:
            if self._next_estimate == float("inf") and self._receiver.source is not None:
                self.tell_maximum_bitrate()
            self._watch_key_frames(now)
            if self._receiver.requests_due(now):
                self._feed_back(now)

    def _report_early(self, now: float) -> None:
        """Where much is lost the peer is to know soon, and protect what it sends."""
        source = self._receiver.source
        if source is not None and self._early_reports.is_due(source.missing, now):
            self._rtcp_out.append(self._compound(now))

    def _watch_key_frames(self, now: float) -> None:
        """Ask for a key frame as soon as one is needed, and be content when one came."""
        receiver, key_frames = self._receiver, self._key_frames
        if receiver.take_refreshed():
            key_frames.received()
        lost = receiver.take_key_frame_lost()
        if not receiver.needs_key_frame:
            return
        if lost:
            key_frames.lost()
        if not key_frames.wanting:
            key_frames.want(now)
            self._feed_back(now)

    def receive_rtcp(self, data: bytes, now: float) -> None:
        """Take an RTCP datagram, decrypted: any compound, also one that is meant for several streams. Never raises."""
        try:
            packets = rtcp.parse_compound(data)
        except RtcpError as error:
            self.malformed_rtcp(error)
            return
        self.take_rtcp(packets, now)

    def malformed_rtcp(self, error: RtcpError) -> None:
        """What came was no RTCP; it is counted."""
        self._receiver.count_malformed(error)

    def take_rtcp(self, packets: Sequence[RtcpPacket], now: float) -> None:
        """As ``receive_rtcp``, of a datagram that others look at as well."""
        for packet in packets:
            handler = _HANDLERS.get(type(packet))
            if handler is not None:
                handler(self, packet, now)

    def _handle_sender_report(self, packet: rtcp.SenderReport, now: float) -> None:
        source = self._receiver.source
        if source is not None and source.ssrc == packet.ssrc:
            source.sender_report(packet.ntp_time, packet.rtp_timestamp, now)
        self._handle_report_blocks(packet.reports, now)

    def _handle_receiver_report(self, packet: rtcp.ReceiverReport, now: float) -> None:
        self._handle_report_blocks(packet.reports, now)

    def _handle_report_blocks(self, blocks: tuple[rtcp.ReportBlock, ...], now: float) -> None:
        for seconds in self._peer.take_blocks(blocks, now):
            self._receiver.set_round_trip(seconds)

    def _handle_goodbye(self, packet: rtcp.Goodbye, now: float) -> None:
        source = self._receiver.source
        if source is not None and source.ssrc in packet.ssrcs:
            self._receiver.forget_source()
            self._events.append(ByeReceived(packet.reason))

    def _handle_picture_loss(self, packet: rtcp.PictureLossIndication, now: float) -> None:
        self._key_frame_asked_of(packet.media_ssrc)

    def _handle_intra_request(self, packet: rtcp.FullIntraRequest, now: float) -> None:
        for ssrc, _ in packet.entries:
            self._key_frame_asked_of(ssrc)

    def _handle_legacy_intra_request(self, packet: rtcp.LegacyIntraRequest, now: float) -> None:
        self._key_frame_asked_of(packet.ssrc)

    def _key_frame_asked_of(self, ssrc: int) -> None:
        """Only bundled streams share a transport; on a transport of our own whatever is asked for is meant for us."""
        if not self._video or (ssrc != self.config.ssrc and self.config.mid is not None):
            return
        # Peers ask in several ways at once, and one answer serves all.
        if not self._events or type(self._events[-1]) is not KeyFrameRequested:
            self._events.append(KeyFrameRequested())

    def _handle_nack(self, packet: rtcp.GenericNack, now: float) -> None:
        if packet.media_ssrc == self.config.ssrc:
            lost = self._requested_loss.requested(packet.lost, self._sender.sequence, now)
            self.loss_asked_for = self.loss_asked_for if lost is None else lost
            self._sender.resend(packet.lost, now)

    def network_loses(self, share: float, now: float) -> None:
        """Another stream on the same way loses so much: sound is not to wait for reports of its own."""
        if self._sender.redundancy is not None:
            self._sender.redundancy.reported(share, now)

    def _handle_estimate(self, packet: rtcp.ReceiverEstimatedMaximumBitrate, now: float) -> None:
        if self._peer.take_estimate(packet, now):
            self._events.append(BitrateEstimated(packet.bitrate))

    def _handle_maximum_request(self, packet: rtcp.TemporaryMaximumBitrateRequest, now: float) -> None:
        """RFC 5104 section 4.2.1: the peer is told that it holds."""
        mine = self._peer.take_maximum(packet)
        if mine:
            bounding = tuple(replace(limit, ssrc=packet.sender_ssrc) for limit in mine)
            told = rtcp.TemporaryMaximumBitrateNotification(self.config.ssrc, bounding)
            self._rtcp_out.append(self._compound(now, told))

    # -- from above ------------------------------------------------------------------------------------------------

    def send_picture(self, unit: CodedPicture, now: float, wait: float = 0.0) -> None:
        """Send a picture of the agreed codec, which leaves so many seconds later."""
        self._sender.wait = wait
        self._sender.send_picture(unit, now)

    def probe(self, octets: int, now: float) -> list[bytes]:
        """Packets to try the way to the peer with, which knows them already: see ``StreamSender``."""
        return self._sender.probe(octets, now)

    def send_sound(self, unit: CodedSound, now: float) -> None:
        """Send a sound frame of the agreed codec."""
        self._sender.send_sound(unit, now)

    def send_digit(self, digit: str, now: float) -> None:
        """Send a DTMF digit. Raises ValueError when it is none, or telephone events were not agreed."""
        self._sender.send_digit(digit, now)

    def request_key_frame(self, now: float) -> None:
        """Ask the peer for a key frame, now and again until one comes. Requests are merged and rate-limited."""
        if self._video:
            self._key_frames.want(now)
            self._feed_back(now)

    def change_source(self) -> None:
        """Another source of the same stream is fed from now on, another encoding perhaps: take it at once."""
        self._receiver.forget_source()

    def set_maximum_bitrate(self, bitrate: int) -> None:
        """Tell the peer each second to stay below this many bit/s, where REMB was agreed."""
        self._maximum_bitrate = bitrate
        self.tell_maximum_bitrate()

    def tell_maximum_bitrate(self) -> None:
        """Say it with the next ``handle_timer``: who has just come has not heard it."""
        if self._maximum_bitrate is not None and "remb" in self.config.feedback:
            self._next_estimate = float("-inf")

    def close(self, now: float) -> None:
        """Say goodbye; what is left to send is to be drained once more, then the stream is done."""
        if not self._closed:
            self._closed = True
            self._rtcp_out.append(self._compound(now, rtcp.Goodbye((self.config.ssrc,))))

    # -- time ------------------------------------------------------------------------------------------------------

    def next_deadline(self) -> float | None:
        """When ``handle_timer`` has something to do; None for a closed stream. It may lie in the past."""
        if self._closed:
            return None
        deadline = min(self._next_report, self._next_estimate)
        for other in (self._receiver.next_deadline(), self._sender.next_deadline(), self._key_frame_deadline()):
            if other is not None and other < deadline:
                deadline = other
        return deadline

    def _key_frame_deadline(self) -> float | None:
        return self._key_frames.next_deadline() if self._receiver.source is not None else None

    def handle_timer(self, now: float) -> None:
        """Do what is due by ``now``."""
        if self._closed:
            return
        self._receiver.handle_timer(now)
        self._watch_key_frames(now)
        self._sender.handle_timer(now)
        self._feed_back(now)
        if now >= self._next_report:
            self._next_report = on_grid(now + RTCP_INTERVAL * (0.5 + self._rng.random()), REPORT_GRID)
            if self._has_something_to_report(now):
                self._rtcp_out.append(self._compound(now))

    def _has_something_to_report(self, now: float) -> bool:
        """A bundle's other streams keep its path open, so one of which nothing comes or goes is silent."""
        in_use = self._receiver.source is not None or now - self._sender.last_sent < SENDER_TIMEOUT
        return in_use or self.config.mid is None

    def _feed_back(self, now: float) -> None:
        """Send the feedback messages that are due, in one compound."""
        source = self._receiver.source
        packets: list[RtcpPacket] = []
        if source is not None:
            lost = self._receiver.requests_to_send(now)
            if lost:
                self._requested += len(lost)
                packets.append(rtcp.GenericNack(self.config.ssrc, source.ssrc, tuple(lost)))
        if now >= self._next_estimate and self._maximum_bitrate is not None:
            # Once before anything has come: a browser that has not heard of a limit begins by trying what gets through.
            known = () if source is None else (source.ssrc,)
            self._next_estimate = on_grid(now + REMB_INTERVAL, REPORT_GRID) if known else float("inf")
            packets.append(rtcp.ReceiverEstimatedMaximumBitrate(self.config.ssrc, self._maximum_bitrate, known))
        if source is not None:
            if self._key_frames.due(now):
                self._key_frame_requests += 1
                packets += self._intra_requests(source.ssrc)
            if self._key_frames.overdue(now):
                self._events.append(KeyFrameOverdue())
        if packets:
            alone = self.config.reduced_size_rtcp
            self._rtcp_out.append(rtcp.serialise_compound(packets) if alone else self._compound(now, *packets))

    def _intra_requests(self, ssrc: int) -> list[RtcpPacket]:
        """PLI or FIR as agreed; both for a plain room, and for a peer that did not answer the first time."""
        feedback = self.config.feedback
        plain = "pli" not in feedback and "fir" not in feedback
        packets: list[RtcpPacket] = []
        if "pli" in feedback or plain:
            packets.append(rtcp.PictureLossIndication(self.config.ssrc, ssrc))
        if plain or ("fir" in feedback and (not packets or self._key_frames.repeats)):
            # A repetition gets a new number: ours are a round trip apart, so the key frame itself may have been lost,
            # and a receiver ignores a number that it knows. FIR goes last: baresip 1.0 stops reading behind it.
            self._intra_sequence = (self._intra_sequence + 1) & 0xFF
            packets.append(rtcp.FullIntraRequest(self.config.ssrc, ((ssrc, self._intra_sequence),)))
        return packets

    def _compound(self, now: float, *packets: RtcpPacket) -> bytes:
        """A full compound (RFC 3550 section 6.1): not every room knows reduced-size RTCP."""
        ssrc = self.config.ssrc
        source = self._receiver.source
        self._early_reports.reported(now)
        blocks = (source.report(now),) if source is not None else ()
        report: RtcpPacket
        if now - self._sender.last_sent < SENDER_TIMEOUT:
            report = rtcp.SenderReport(
                ssrc,
                self._ntp.ntp(now),
                self._sender.timestamp_at(now),
                self._sender.packets,
                self._sender.octets,
                blocks,
            )
        else:
            report = rtcp.ReceiverReport(ssrc, blocks)
        return rtcp.serialise_compound((report, rtcp.SourceDescription(((ssrc, self.config.cname),)), *packets))

    # -- to the adapter --------------------------------------------------------------------------------------------

    def rtp_to_send(self) -> list[bytes]:
        """Drain the RTP datagrams to send, in order."""
        packets, self._sender.out = self._sender.out, []
        return packets

    def rtcp_to_send(self) -> list[bytes]:
        """Drain the RTCP datagrams to send, in order."""
        packets, self._rtcp_out = self._rtcp_out, []
        return packets

    def events(self) -> list[StreamEvent]:
        """Drain what happened, in order."""
        events = self._events[:]
        self._events.clear()
        return events

    # -- to look at ------------------------------------------------------------------------------------------------

    @property
    def last_received(self) -> float | None:
        """When the last packet of the current source came in; None when there is no source."""
        return self._receiver.source.last_arrival if self._receiver.source is not None else None

    @property
    def remote_ssrc(self) -> int | None:
        """The source received at present."""
        return self._receiver.source.ssrc if self._receiver.source is not None else None

    def capture_time(self, timestamp: int) -> float | None:
        """Sender's wall clock (Unix seconds) at an unwrapped RTP timestamp; None before a sender report."""
        return self._receiver.source.clock.capture_time(timestamp) if self._receiver.source is not None else None

    def capture_time_at(self, seconds: float) -> float | None:
        """The same for an instant of the sender's media clock, in seconds since its timestamp 0."""
        source = self._receiver.source
        return None if source is None else source.clock.capture_time(round(seconds * source.clock_rate))

    @property
    def capture_offset(self) -> float | None:
        """Monotonic arrival less the sender's wall clock at capture, in seconds; compare those of sound and picture."""
        return self._receiver.source.clock.capture_offset if self._receiver.source is not None else None

    @property
    def ssrc(self) -> int:
        """Ours."""
        return self.config.ssrc

    def numbers(self) -> SentNumbers:
        """How far what we send has come, without SRTCP's index."""
        return SentNumbers(sequence=self._sender.sequence, picture=self._sender.picture)

    @property
    def next_sequence(self) -> int:
        """Of the next packet that we send, with the roll-overs before it."""
        return self._sender.sequence

    def receiver_feedback(self, now: float) -> ReceiverFeedback:
        """What the peer has told of what it receives."""
        return self._peer.feedback(now)

    @property
    def repair_share(self) -> float:
        """How many octets of repair packets go out for each of the stream at present."""
        return self._sender.repair.octets_share if self._sender.repair is not None else 0.0

    def statistics(self, now: float) -> StreamStatistics:
        """Counters since the beginning."""
        receiver, sender = self._receiver, self._sender
        return StreamStatistics(
            packets_received=receiver.packets,
            packets_lost=receiver.lost,
            bytes_received=receiver.bytes,
            packets_sent=sender.packets,
            bytes_sent=sender.bytes,
            jitter_ms=receiver.source.jitter_seconds * 1000 if receiver.source is not None else 0.0,
            round_trip_ms=self._peer.round_trip * 1000 if self._peer.round_trip is not None else None,
            remote_fraction_lost=self._peer.fraction_lost,
            malformed=receiver.malformed,
        )

    def repair_statistics(self) -> RepairStatistics:
        """What loss and disorder did, and what was done about it."""
        return replace(
            self._receiver.repair_statistics(),
            packets_resent=self._sender.resent,
            packets_requested=self._requested,
            key_frame_requests=self._key_frame_requests,
            repair_packets_sent=self._sender.repair.sent if self._sender.repair is not None else 0,
        )


_HANDLERS: dict[type, Callable[..., None]] = {
    rtcp.SenderReport: RtpStream._handle_sender_report,
    rtcp.ReceiverReport: RtpStream._handle_receiver_report,
    rtcp.Goodbye: RtpStream._handle_goodbye,
    rtcp.PictureLossIndication: RtpStream._handle_picture_loss,
    rtcp.FullIntraRequest: RtpStream._handle_intra_request,
    rtcp.LegacyIntraRequest: RtpStream._handle_legacy_intra_request,
    rtcp.GenericNack: RtpStream._handle_nack,
    rtcp.ReceiverEstimatedMaximumBitrate: RtpStream._handle_estimate,
    rtcp.TemporaryMaximumBitrateRequest: RtpStream._handle_maximum_request,
}
