"""What comes to a leg: to its streams and its camera, and what only browsers have besides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from mcu.media.camera_stream import CameraStream
from mcu.media.demultiplexer import Media
from mcu.media.forwarding.leg_part import LegForwarding
from mcu.media.leg_congestion import LegCongestion
from mcu.media.leg_transport import LegTransport
from mcu.media.rtp.errors import RtcpError
from mcu.media.rtp.rtcp import parse_compound
from mcu.media.rtp.session import RtpStream
from mcu.media.spec import Line


class ReceivingLeg(Protocol):
    """What follows from what came."""

    def tell_of_stream(self, media: Media, stream: RtpStream) -> None:
        """Something has happened in a stream."""

    def tell_of_camera(self, camera: CameraStream) -> None:
        """The peer asked something of our camera, or told of its own."""

    def tell_of_network(self) -> None:
        """The peer has told of the way to it."""

    def flush(self) -> None:
        """There may be something to be sent."""

    def wake_at(self, when: float) -> None:
        """Something is due then."""


class LegReception:
    """Its parts are set as the leg is opened: nothing comes before. ``last_heard`` is when there was a sign of life."""

    def __init__(self, leg: ReceivingLeg, clock: Callable[[], float]) -> None:
        self._leg = leg
        self._clock = clock
        self.last_heard = clock()
        self.streams: dict[Media, RtpStream] = {}
        self.camera: CameraStream | None = None
        self.transport: LegTransport | None = None
        self.forwarding: LegForwarding | None = None
        self.congestion: LegCongestion | None = None

    def close(self) -> None:
        """Nothing that still comes is for anybody."""
        self.streams.clear()
        self.camera = self.transport = self.forwarding = self.congestion = None

    def receive_rtp_run(self, media: Line, packets: list[bytes]) -> None:
        """Packets of one line that came together."""
        if media == "camera":
            for data in packets:
                self._receive_camera(data)
        elif (stream := self.streams.get(media)) is not None:
            now = self.last_heard = self._clock()
            for run in (packets,) if self.forwarding is None else self.forwarding.decoded_runs(media, packets, now):
                stream.receive_rtp_run(run, now)
                self._received(media, stream)

    def receive_rtp(self, media: Line, data: bytes) -> None:
        """One packet."""
        if media == "camera":
            self._receive_camera(data)
        elif (stream := self.streams.get(media)) is not None:
            now = self.last_heard = self._clock()
            if self.forwarding is None or self.forwarding.is_decoded(media, data, now):
                stream.receive_rtp(data, now)
                self._received(media, stream)

    def receive_rtcp(self, media: Line | None, data: bytes) -> None:
        """``media`` is None where all streams share one path: each stream takes the parts that are about it."""
        now = self.last_heard = self._clock()
        if self.congestion is not None and self.congestion.receive_rtcp(data, now):
            return
        streams = [(name, stream) for name, stream in self.streams.items() if media is None or name == media]
        try:
            packets = parse_compound(data)
        except RtcpError as error:
            for _, stream in streams:
                stream.malformed_rtcp(error)
            return
        for name, stream in streams:
            stream.take_rtcp(packets, now)
            self._leg.tell_of_stream(name, stream)
            if (lost := stream.loss_asked_for) is not None:
                stream.loss_asked_for = None
                if (sound := self.streams.get("audio")) is not None:
                    sound.network_loses(lost, now)
        if self.forwarding is not None:
            self.forwarding.take_rtcp(packets, now)
        self._leg.flush()
        if self.congestion is None:
            self._leg.tell_of_network()

    def _receive_camera(self, data: bytes) -> None:
        # Not a sign of life: a room that sends nothing but this is not there for anybody to see or hear.
        if self.camera is not None:
            self.camera.receive_rtp(data, self._clock())
            self._leg.tell_of_camera(self.camera)
            self._leg.flush()

    def _received(self, media: Media, stream: RtpStream) -> None:
        """What came of packets that a stream received."""
        self._leg.tell_of_stream(media, stream)
        if self.transport is not None and (reports := stream.rtcp_to_send()):
            self.transport.send_rtcp(media, reports)
        if (deadline := stream.next_deadline()) is not None:
            self._leg.wake_at(deadline)
