"""Sound of others that one browser gets as it is: its places on the packet layer, and our reports on them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from mcu.media.forwarding.outlet import REPORT_INTERVAL, Outlet, goodbye_of, reports_of
from mcu.media.forwarding.sound_rules import opus_of
from mcu.media.forwarding.voice_source import LegVoice
from mcu.media.packets import MediaPort
from mcu.media.rtp.clock import NtpClock
from mcu.media.rtp.redundancy import RepeatPolicy
from mcu.media.rtp.rtcp import ReceiverReport, RtcpPacket, SenderReport
from mcu.media.spec import AudioSpec

logger = logging.getLogger(__name__)

MAX_VOICES = 12

VoiceTime = Callable[[LegVoice], float | None]
"""When what a voice's last packet holds belongs to our output, on the monotonic clock; None: when it was sent."""


class _Place(Outlet):
    __slots__ = ("repeats", "spec", "voice")

    def __init__(self, port: MediaPort, peer: int, spec: AudioSpec) -> None:
        super().__init__(port, peer, spec.ssrc)
        self.spec = spec
        self.voice: LegVoice | None = None
        self.repeats = RepeatPolicy()


class LegVoices:
    """``send_rtcp`` takes RTCP to the browser. Outlets stay open as long as the leg: their numbers must only go on."""

    def __init__(
        self,
        port: MediaPort,
        peer: int,
        cname: str,
        send_rtcp: Callable[[Sequence[bytes]], None],
        first_sequence: Callable[[int], int],
        clock: NtpClock,
        on_due: Callable[[float], None] = lambda when: None,
    ) -> None:
        self._port = port
        self._peer = peer
        self._cname = cname
        self._send_rtcp = send_rtcp
        self._first_sequence = first_sequence
        self._clock = clock
        self._on_due = on_due
        self._places: list[_Place] = []
        self._wanted: tuple[AudioSpec, ...] = ()
        self._next_report = 0.0
        self.voice_time: VoiceTime = lambda voice: None

    @property
    def places(self) -> tuple[AudioSpec, ...]:
        """Those that are open."""
        return tuple(place.spec for place in self._places)

    def update(self, voices: tuple[AudioSpec, ...]) -> int:
        """These are the places from now on; how many of them can be used."""
        if voices != self._wanted:
            known = {place.spec.ssrc: place for place in self._places}
            self._wanted = voices
            made = (known.pop(spec.ssrc, None) or self._open(spec) for spec in voices[:MAX_VOICES])
            places = [place for place in made if place is not None]
            for gone in known.values():
                self._route(gone, None)
                self._port.close_outlet(self._peer, gone.spec.ssrc)
            self._places = places
        return len(self._places)

    def route(self, place: int, voice: LegVoice | None) -> None:
        """Let this voice be heard in a place from now on."""
        self._route(self._places[place], voice)

    def statistics(self) -> tuple[int, int]:
        """Packets and octets that went out in all places."""
        counters = [place.counters() for place in self._places]
        return sum(one.packets for one in counters), sum(one.octets for one in counters)

    def receive_rtcp(self, packet: RtcpPacket, now: float) -> None:
        """Take what is about our places: who loses packets gets earlier frames with each. Never raises."""
        if not isinstance(packet, ReceiverReport | SenderReport):
            return
        lost = {block.ssrc: block.fraction_lost / 256 for block in packet.reports}
        for place in self._places:
            if place.ssrc in lost and place.spec.redundancy is not None:
                before = place.repeats.ages
                place.repeats.reported(lost[place.ssrc], now)
                if place.repeats.ages != before:
                    self._port.repeat_sound(self._peer, place.ssrc, bytes(reversed(place.repeats.ages)))

    def next_deadline(self) -> float:
        """When ``handle_timer`` has something to do; infinity while there are no places."""
        return self._next_report if self._places else float("inf")

    def handle_timer(self, now: float) -> None:
        """Sender reports that are due."""
        if now < self._next_report:
            return
        self._next_report = now + REPORT_INTERVAL
        reports = [report for place in self._places if (report := self._report(place, now)) is not None]
        if reports:
            self._send_rtcp([reports_of(reports, [place.ssrc for place in self._places], self._cname)])

    def close(self) -> None:
        """Say goodbye for all."""
        ssrcs = tuple(place.spec.ssrc for place in self._places)
        if ssrcs:
            self._send_rtcp([goodbye_of(ssrcs)])
        for place in self._places:
            self._route(place, None)
        self._places = []

    def _open(self, spec: AudioSpec) -> _Place | None:
        opus = opus_of(spec)
        if opus is None:
            return None
        try:
            self._port.open_outlet(self._peer, spec.ssrc, opus.payload_type, self._first_sequence(spec.ssrc))
        except ValueError as error:
            logger.warning("leg %s: a place for a voice cannot be used: %s", self._cname, error)
            return None
        self._port.carry(self._peer, spec.ssrc, "opus", opus.payload_type, 0, spec.redundancy or 0)
        self._on_due(self._next_report)
        return _Place(self._port, self._peer, spec)

    def _route(self, place: _Place, voice: LegVoice | None) -> None:
        place.voice = voice
        place.feed(None if voice is None or voice.ssrc is None else (voice.peer, voice.ssrc, voice.epoch))

    def _report(self, place: _Place, now: float) -> SenderReport | None:
        """By the same clock as the reports on its face; None: there is nothing to report on."""
        counters = place.counters()
        if not counters.is_sender(now):
            return None
        at = None if place.voice is None or place.voice.ssrc is None else self.voice_time(place.voice)
        return place.report(counters, self._clock, at)
