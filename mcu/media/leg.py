"""One leg in a worker: its RTP streams over its transport, access units on the other side."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator

from aiortc.rtcdtlstransport import RTCCertificate

from mcu.media.camera_stream import CameraStream
from mcu.media.congestion.values import LossAndDelay
from mcu.media.demultiplexer import Media
from mcu.media.forwarding.leg_part import LegForwarding
from mcu.media.forwarding.outlets import LegOutlets
from mcu.media.forwarding.sources import LegSources
from mcu.media.forwarding.voice_outlets import LegVoices
from mcu.media.forwarding.voice_source import LegVoice
from mcu.media.leg_beginnings import LegBeginnings
from mcu.media.leg_browser import make_congestion, make_forwarding
from mcu.media.leg_congestion import LegCongestion, Part
from mcu.media.leg_count import CountedStream, LegCount
from mcu.media.leg_listener import LegListener, PictureMedia, tell_of_camera, tell_of_stream
from mcu.media.leg_opening import make_camera, make_streams
from mcu.media.leg_rates import receive_bitrate
from mcu.media.leg_reception import LegReception
from mcu.media.leg_streams import is_same_path, mids, payload_types
from mcu.media.leg_transport import (
    BrowserAccess,
    BrowserLegTransport,
    LegTransport,
    LegTransportError,
    PlainLegTransport,
)
from mcu.media.report_flood import ReportFlood
from mcu.media.rtp.clock import NtpClock
from mcu.media.rtp.session import RtpStream
from mcu.media.spec import CameraRequest, LegNumbers, LegSpec, Line, PlainTransport, SdesKeys
from mcu.media.transport.plain_port import Bind
from mcu.media.transport.sockets import bound_udp_socket
from mcu.media.units import CodedPicture, CodedSound

logger = logging.getLogger(__name__)

# A held room sends nothing by right; any other leg that sends nothing at all for this long is reported.
SILENCE_REPORT = 5.0


class MediaLeg:
    """Opened from a ``LegSpec``; ``update`` takes a changed one where that needs no new sockets.

    ``known`` are its numbers where it has been open before in this process.
    """

    def __init__(
        self,
        spec: LegSpec,
        listener: LegListener[MediaLeg],
        known: LegNumbers | None = None,
        clock: Callable[[], float] = time.monotonic,
        rng: random.Random | None = None,
    ) -> None:
        self.spec = spec
        self._listener = listener
        self._clock = clock
        self._rng = rng or random.SystemRandom()
        self._beginnings = LegBeginnings(spec, known, self._rng)
        self._count: LegCount | None = None
        self._last_numbers = LegNumbers()
        self._transport: LegTransport | None = None
        self._streams: dict[Media, RtpStream] = {}
        self._camera: CameraStream | None = None
        self._forwarding: LegForwarding | None = None
        self._congestion: LegCongestion | None = None
        self._wallclock = 0.0
        self._reception = LegReception(self, clock)
        self._last_silence_report = 0.0
        self._due = float("inf")
        self.on_due: Callable[[float], None] = lambda when: None
        """Told when ``handle_timer`` is to be called next; the newest word counts."""
        self.on_network: Callable[[], None] = lambda: None
        """Told when more is known of the network to the peer."""

    @property
    def id(self) -> str:
        return self.spec.id

    async def open(
        self,
        browsers: BrowserAccess | None,
        bind: Bind = bound_udp_socket,
        certificate: RTCCertificate | None = None,
    ) -> None:
        """Make streams and bind sockets; browser legs need ``browsers``. Raises LegTransportError.

        Rooms that use DTLS are shown ``certificate``, or without it the one of the browsers.
        """
        now = self._clock()
        # Taken once, so that the sender reports of sound and picture agree to the microsecond (lip sync).
        self._wallclock = time.time()
        self._streams = make_streams(self.spec, self._beginnings, self._rng, now, self._wallclock)
        self._camera = make_camera(self.spec, self._beginnings, now)
        reception = self._reception
        reception.streams, reception.camera = self._streams, self._camera
        transport: PlainLegTransport | BrowserLegTransport
        take_reports = ReportFlood(reception.receive_rtcp, self._clock)
        if isinstance(self.spec.transport, PlainTransport):
            if certificate is None and browsers is not None:
                certificate = browsers.certificate
            transport = PlainLegTransport(
                reception.receive_rtp, take_reports, payload_types(self.spec), bind, certificate
            )
        elif browsers is None:
            raise LegTransportError("there is no port for browsers here")
        else:
            transport = BrowserLegTransport(
                reception.receive_rtp, take_reports, payload_types(self.spec), browsers, mids(self.spec)
            )
        transport.on_rtp_run = reception.receive_rtp_run
        transport.on_connected = self._connected
        transport.on_failed = lambda reason: self._listener.leg_failed(self, reason)
        await transport.open(self.spec.transport, self._beginnings.numbering)
        self._transport = reception.transport = transport
        if isinstance(transport, BrowserLegTransport):
            transport.on_lost = lambda seconds: self._listener.leg_silent(self, seconds)
            self._open_browser_parts(transport, now)
        counted: dict[Line, CountedStream] = {}
        counted.update(self._streams.items())
        if self._camera is not None:
            counted["camera"] = self._camera
        self._count = LegCount(transport, counted, self.sources)
        reception.last_heard = now
        if self.wants_picture_from():
            self.request_key_frame()
        self._wake_in_time()

    def _open_browser_parts(self, transport: BrowserLegTransport, now: float) -> None:
        self._forwarding = self._reception.forwarding = make_forwarding(
            transport,
            self.spec,
            self._beginnings,
            NtpClock(now, self._wallclock),
            on_delivery=self._delivered,
            on_begun=lambda media: self._listener.media_flowing(self, media),
            on_due=self.wake_at,
            now=now,
        )
        sources = self._forwarding.sources
        transport.on_missing = lambda: sources.packets_missing(self._clock())
        self._congestion = self._reception.congestion = make_congestion(
            transport,
            self.spec,
            self._beginnings.numbering.first_number,
            self._streams,
            self._forwarding,
            clock=self._clock,
            changed=lambda: self.on_network(),
        )

    def can_become(self, spec: LegSpec) -> bool:
        """Whether ``update`` can take this description: same sockets, same credentials, same streams."""
        return is_same_path(self.spec, spec)

    def update(self, spec: LegSpec) -> None:
        """Take a changed description for which ``can_become`` holds."""
        wanted_before = self.wants_picture_from()
        if self.spec.held and not spec.held:
            # It was silent by right; what counts is whether it is heard from now on.
            self._reception.last_heard = self._clock()
        before, after = receive_bitrate(self.spec), receive_bitrate(spec)
        self.spec = spec
        video = self._streams.get("video")
        if video is not None and "remb" in video.config.feedback and after != before:
            video.set_maximum_bitrate(after)
        if self._camera is not None and spec.camera is not None:
            self._camera.update(spec.camera)
        if self._forwarding is not None:
            self._forwarding.update(spec, after)
        if self._congestion is not None:
            self._congestion.update(spec)
        if self._transport is not None:
            self._transport.update(spec.transport)
        if self.wants_picture_from() and not wanted_before:
            self.request_key_frame()
        self._wake_in_time()

    def move_to(self, listener: LegListener[MediaLeg], spec: LegSpec) -> None:
        """Belong to another conference from now on: same sockets, streams that go on."""
        self._listener = listener
        self.update(spec)
        if self.wants_picture_from():
            self.request_key_frame()

    async def close(self) -> None:
        """Say BYE over RTCP and release the sockets."""
        now = self._clock()
        for stream in self._streams.values():
            stream.close(now)
        if self._camera is not None:
            self._camera.close(now)
            self.tell_of_camera(self._camera)
        self.flush()
        self._last_numbers, self._count = self.numbers(), None
        self._camera = None
        self._streams.clear()
        if self._forwarding is not None:
            self._forwarding.close()
            self._forwarding = None
        self._congestion = None
        self._reception.close()
        if self._transport is not None:
            transport, self._transport = self._transport, None
            await transport.close()

    # What is forwarded

    @property
    def sources(self) -> LegSources | None:
        """The pictures of a browser on the compiled port."""
        return None if self._forwarding is None else self._forwarding.sources

    @property
    def outlets(self) -> LegOutlets | None:
        """The pictures of others that a browser gets as they are."""
        return None if self._forwarding is None else self._forwarding.outlets

    @property
    def voice(self) -> LegVoice | None:
        """A browser's sound on the compiled port."""
        return None if self._forwarding is None else self._forwarding.voice

    @property
    def voices(self) -> LegVoices | None:
        """The sound of others that a browser gets as it is."""
        return None if self._forwarding is None else self._forwarding.voices

    @property
    def sound(self) -> RtpStream | None:
        """The stream of sound."""
        return self._streams.get("audio")

    @property
    def sound_source(self) -> int | None:
        """The SSRC of the sound that comes."""
        return None if self.sound is None else self.sound.remote_ssrc

    @property
    def is_connected(self) -> bool:
        """Whether what is sent now can be read at the other end."""
        return self._transport is not None and self._transport.is_connected

    def network(self, part: Part | None = None) -> LossAndDelay | None:
        """What the peer tells of the way to it, packet by packet; None where it does not. See ``LegCongestion``."""
        return None if self._congestion is None else self._congestion.network(part)

    def repair_share(self, media: PictureMedia) -> float:
        """How much of repair packets it is sent beside a picture, for each octet of that."""
        stream = self._streams.get(media)
        return 0.0 if stream is None else stream.repair_share

    def pace(self, media: PictureMedia, rate: float | None) -> None:
        """A room's network carries so many bit/s of a picture; browsers' estimates are followed without a word."""
        if isinstance(self._transport, PlainLegTransport):
            self._transport.follow(media, rate)

    def octets_beside(self, now: float) -> int:
        """How much was sent so far that is not forwarded."""
        return sum(stream.statistics(now).bytes_sent for stream in self._streams.values())

    # What the leg wants and gives

    def wants_picture_from(self) -> bool:
        """Whether pictures of this leg can be shown."""
        video = self.spec.video
        return video is not None and video.receive and not self.spec.held and not self.spec.camera_muted

    def wants_content_from(self) -> bool:
        """Whether this leg could share a second picture now."""
        content = self.spec.content
        return content is not None and content.receive and not self.spec.held

    def dtls_keys(self) -> dict[Line, SdesKeys]:
        """A room's keys that came by DTLS, for a successor of this worker."""
        return self._transport.dtls_keys() if isinstance(self._transport, PlainLegTransport) else {}

    def bundled_keys(self) -> SdesKeys | None:
        """A browser's keys that came by DTLS, for the same."""
        return self._transport.keys() if isinstance(self._transport, BrowserLegTransport) else None

    def numbers(self) -> LegNumbers:
        """How far its streams have come; also after ``close``."""
        return self._last_numbers if self._count is None else self._count.numbers()

    def numbers_to_report(self) -> LegNumbers:
        """The same, for a report that is sent now."""
        return self._last_numbers if self._count is None else self._count.numbers_to_report()

    @property
    def has_gone_far(self) -> bool:
        """Whether its numbers are to be reported again; to be asked often."""
        return self._count is not None and self._count.has_gone_far

    def takes_picture(self, media: PictureMedia = "video") -> bool:
        """Whether this leg is to be sent pictures of this kind, and can take them by now."""
        spec = self.spec.video if media == "video" else self.spec.content
        return self.is_connected and spec is not None and spec.send and not self.spec.held

    def send_picture(self, unit: CodedPicture, media: PictureMedia = "video") -> None:
        """Packetise and send one access unit."""
        stream = self._streams.get(media)
        if stream is not None and self._transport is not None and self.takes_picture(media):
            stream.send_picture(unit, self._clock(), self._transport.wait(media))
            self._transport.send_rtp(media, stream.rtp_to_send())

    def send_sound(self, unit: CodedSound) -> None:
        """Send one sound frame."""
        stream = self._streams.get("audio")
        if stream is not None and self._transport is not None:
            stream.send_sound(unit, self._clock())
            self._transport.send_rtp("audio", stream.rtp_to_send())

    def send_digits(self, digits: str) -> None:
        """Play digits as telephone events; those that are none, or too many at once, are left out."""
        stream = self._streams.get("audio")
        if stream is None or self.spec.audio is None or self.spec.audio.dtmf_payload_type is None:
            logger.warning("leg %s: telephone events were not agreed, so digits cannot be sent", self.id)
            return
        for digit in digits:
            try:
                stream.send_digit(digit, self._clock())
            except ValueError as error:
                logger.warning("leg %s: %s", self.id, error)
        self.flush()

    def control_camera(self, request: CameraRequest) -> None:
        """Ask the peer's camera to move (H.281)."""
        if self._camera is None:
            logger.warning("leg %s: far-end camera control was not agreed", self.id)
            return
        self._camera.control(request, self._clock())
        self.flush()

    def request_key_frame(self, media: PictureMedia = "video") -> None:
        """Ask the peer for a key frame (RFC 4585 PLI, RFC 5104 FIR)."""
        stream = self._streams.get(media)
        if stream is not None:
            stream.request_key_frame(self._clock())
            self.flush()

    def next_deadline(self) -> float:
        """When ``handle_timer`` has something to do; it may lie in the past."""
        due = max(self._reception.last_heard, self._last_silence_report) + SILENCE_REPORT
        for stream in self._streams.values():
            deadline = stream.next_deadline()
            if deadline is not None and deadline < due:
                due = deadline
        if self._camera is not None:
            due = min(due, self._camera.next_deadline())
        if self._forwarding is not None and self.is_connected:
            due = min(due, self._forwarding.next_deadline())
        if self._congestion is not None and self.is_connected:
            due = min(due, self._congestion.next_deadline())
        return due

    def handle_timer(self, now: float) -> None:
        """Run what is due: RTCP reports, retransmission requests, silence."""
        self._due = float("-inf")  # said once, when all is done
        any_due = self._camera is not None
        for media, stream in self._streams.items():
            deadline = stream.next_deadline()
            if deadline is not None and deadline <= now:
                stream.handle_timer(now)
                self.tell_of_stream(media, stream)
                any_due = True
        if self._camera is not None:
            self._camera.handle_timer(now)
            self.tell_of_camera(self._camera)
        if any_due:
            self.flush()
        if self._forwarding is not None and self.is_connected:
            self._forwarding.handle_timer(now)
        if self._congestion is not None and self.is_connected:
            self._congestion.handle_timer(now)
        elif self.is_connected:
            self.on_network()  # reports that stop are a word too
        silent = now - self._reception.last_heard
        if silent >= SILENCE_REPORT and now - self._last_silence_report >= SILENCE_REPORT:
            self._last_silence_report = now
            self._listener.leg_silent(self, silent)
        self._due = float("inf")
        self._wake_in_time()

    def streams(self) -> Iterator[tuple[Media, RtpStream]]:
        """The streams, for statistics."""
        yield from self._streams.items()

    # Inside

    def _delivered(self, media: PictureMedia) -> None:
        """Another of a browser's encodings is decoded from now on."""
        if stream := self._streams.get(media):
            stream.change_source()
            stream.request_key_frame(self._clock())

    def _connected(self) -> None:
        for stream in self._streams.values():
            stream.tell_maximum_bitrate()
        self._listener.leg_connected(self)
        self._wake_in_time()

    def _wake_in_time(self) -> None:
        if self._due > float("-inf"):  # in ``handle_timer``
            self.wake_at(self.next_deadline())

    # For what comes, see ``ReceivingLeg``

    def tell_of_stream(self, media: Media, stream: RtpStream) -> None:
        """Tell the conference what has happened in a stream."""
        tell_of_stream(self._listener, self, self.id, media, stream)

    def tell_of_network(self) -> None:
        """Tell whoever chooses what it gets."""
        self.on_network()

    def wake_at(self, when: float) -> None:
        """Have ``handle_timer`` called then, or earlier."""
        if when < self._due:
            self._due = when
            self.on_due(when)

    def tell_of_camera(self, camera: CameraStream) -> None:
        """Tell it what came for cameras."""
        tell_of_camera(self._listener, self, camera)

    def flush(self) -> None:
        """Send what the streams have made."""
        if self._transport is None:
            return
        if self._camera is not None and self._transport.is_connected:
            self._transport.send_rtp("camera", self._camera.rtp_to_send(self._clock()))
        for media, stream in self._streams.items():
            if packets := stream.rtp_to_send():
                self._transport.send_rtp(media, packets, ahead=True)  # sent again: pictures leave as they are made
            if reports := stream.rtcp_to_send():
                self._transport.send_rtcp(media, reports)
        self._wake_in_time()
