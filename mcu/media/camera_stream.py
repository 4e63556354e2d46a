"""Far-end camera control of a leg on the wire: frames in RTP packets (RFC 4573). Without RTCP, as rooms have it."""

from __future__ import annotations

from mcu.media.camera.session import CameraEvent, CameraSession
from mcu.media.rtp.beginning import Beginning
from mcu.media.rtp.errors import RtpError
from mcu.media.rtp.packet import RtpPacket
from mcu.media.spec import CameraRequest, CameraSpec, SentNumbers

CLOCK_RATE = 4800
"""Of H.224 in RTP, in Hz (RFC 4573 section 4.1.1)."""

# Packets so much older than the newest came late; more, and the sender has begun anew.
MAX_DISORDER = 100


class CameraStream:
    """One m-line both ways. Never raises for what comes in; time in seconds is passed in."""

    def __init__(self, spec: CameraSpec, ssrc: int, beginning: Beginning, now: float) -> None:
        self.spec = spec
        self.ssrc = ssrc
        self.next_sequence = beginning.sequence
        """Of the next packet, with the roll-overs before it."""
        self._offset = beginning.offset
        self._session = CameraSession(now)
        self._newest: tuple[int, int] | None = None
        self.malformed = 0

    def update(self, spec: CameraSpec) -> None:
        """Directions may change within a call."""
        self.spec = spec

    def receive_rtp(self, data: bytes, now: float) -> None:
        """Take a packet; what is no frame, or came twice, is dropped."""
        try:
            packet = RtpPacket.parse(data)
        except RtpError:
            self.malformed += 1
            return
        if packet.payload_type == self.spec.payload_type and self.spec.receive and self._is_news(packet):
            self._session.receive(packet.payload, now)

    def _is_news(self, packet: RtpPacket) -> bool:
        """A frame that came late would move a camera that has been stopped."""
        if self._newest is not None and self._newest[0] == packet.ssrc:
            behind = (self._newest[1] - packet.sequence) & 0xFFFF
            if behind < MAX_DISORDER:
                return False
        self._newest = packet.ssrc, packet.sequence
        return True

    def control(self, request: CameraRequest, now: float) -> None:
        """Ask the peer's camera for something."""
        self._session.control(request, now)

    def rtp_to_send(self, now: float) -> list[bytes]:
        """The packets that are due."""
        packets = []
        for frame in self._session.frames_to_send():
            if not self.spec.send:
                continue
            timestamp = (self._offset + round(now * CLOCK_RATE)) & 0xFFFFFFFF
            sequence = self.next_sequence & 0xFFFF
            packet = RtpPacket(self.spec.payload_type, sequence, timestamp, self.ssrc, frame)
            packets.append(packet.serialise())
            self.next_sequence += 1
        return packets

    def numbers(self) -> SentNumbers:
        """How far what we send has come."""
        return SentNumbers(sequence=self.next_sequence)

    def events(self) -> list[CameraEvent]:
        """What has happened since the last call."""
        return self._session.events()

    def next_deadline(self) -> float:
        """When ``handle_timer`` has something to do; infinity for never."""
        deadline = self._session.next_deadline()
        return float("inf") if deadline is None else deadline

    def handle_timer(self, now: float) -> None:
        """Run what is due."""
        deadline = self._session.next_deadline()
        if deadline is not None and deadline <= now:
            self._session.handle_timer(now)

    def close(self, now: float) -> None:
        """Nothing goes on moving: neither the peer's camera, nor the one that it moved."""
        self._session.close(now)
