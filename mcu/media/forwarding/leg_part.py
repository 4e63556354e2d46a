"""One browser's part in forwarding: what it sends, and what it gets of others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from mcu.media.forwarding.outlets import LegOutlets
from mcu.media.forwarding.published import PictureMedia
from mcu.media.forwarding.sources import LegSources
from mcu.media.forwarding.voice_outlets import LegVoices
from mcu.media.forwarding.voice_source import LegVoice
from mcu.media.packets import MediaPort
from mcu.media.rtp.clock import NtpClock
from mcu.media.rtp.rtcp import Goodbye, RtcpPacket, SenderReport
from mcu.media.spec import LegSpec, Line


class LegForwarding:
    """``on_delivery`` is told when another source of a picture is handed up to be decoded, ``on_begun`` when one began
    that is not; ``on_due`` when ``handle_timer`` is to be called, where that is earlier than it was.
    """

    def __init__(
        self,
        port: MediaPort,
        peer: int,
        spec: LegSpec,
        *,
        send_rtcp: Callable[[Sequence[bytes]], None],
        on_delivery: Callable[[PictureMedia], None],
        on_begun: Callable[[PictureMedia], None],
        first_sequence: Callable[[int], int],
        clock: NtpClock,
        maximum_bitrate: int,
        resumed: bool = False,
        on_due: Callable[[float], None] = lambda when: None,
    ) -> None:
        self.sources = LegSources(port, peer, spec, send_rtcp, on_delivery, on_begun, on_due)
        self.sources.maximum_bitrate = maximum_bitrate
        self.outlets = LegOutlets(port, peer, spec.id, send_rtcp, first_sequence, clock, resumed, on_due)
        self.voice = LegVoice(port, peer, spec.id)
        self.voices = LegVoices(port, peer, spec.id, send_rtcp, first_sequence, clock, on_due)

    def update(self, spec: LegSpec, maximum_bitrate: int) -> None:
        """Take a changed description."""
        self.sources.spec = spec
        self.sources.maximum_bitrate = maximum_bitrate

    def is_decoded(self, media: Line, packet: bytes, now: float) -> bool:
        """Look at a packet that was handed up; whether a stream here is to have it. Never raises."""
        return (media != "video" and media != "content") or self.sources.receive(media, packet, now)

    def decoded_runs(self, media: Line, packets: list[bytes], now: float) -> Iterator[list[bytes]]:
        """The same of packets that came together: those for a stream here, in rows.

        A row ends before a source that is looked at anew, for that may change whose pictures are decoded.
        """
        run: list[bytes] = []
        source = b""
        for packet in packets:
            if packet[8:12] != source or not run:
                if run:
                    yield run
                    run = []
                source = packet[8:12]
                if not self.is_decoded(media, packet, now):
                    continue
            run.append(packet)
        if run:
            yield run

    def take_rtcp(self, packets: Sequence[RtcpPacket], now: float) -> None:
        """Take the packets of an RTCP datagram. Never raises."""
        for packet in packets:
            if isinstance(packet, SenderReport):
                self.sources.sender_report(packet, now)
            elif isinstance(packet, Goodbye):
                self.sources.goodbye(packet)
            self.outlets.receive_rtcp(packet, now)
            self.voices.receive_rtcp(packet, now)

    def next_deadline(self) -> float:
        """When ``handle_timer`` has something to do; infinity while there is nothing that comes or goes."""
        return min(self.sources.next_deadline(), self.outlets.next_deadline(), self.voices.next_deadline())

    def handle_timer(self, now: float) -> None:
        """Requests and reports that are due."""
        self.sources.handle_timer(now)
        self.outlets.handle_timer(now)
        self.voices.handle_timer(now)

    def close(self) -> None:
        """Say goodbye; nothing is asked or sent any more."""
        self.voices.close()
        self.voice.close()
        self.outlets.close()
        self.sources.close()
