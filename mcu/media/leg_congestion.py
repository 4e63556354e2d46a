"""What a browser and we tell each other of the network between us: which packets came, and when.

By what it tells the rate of all that it is sent is estimated, and key frames are paced; what we tell it lets it do the
same, instead of a bare limit (REMB). Browsers that do not count packets have neither.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from mcu.media.congestion.estimator import TransportEstimator
from mcu.media.congestion.probing import Probing
from mcu.media.congestion.values import LossAndDelay
from mcu.media.packets import MediaPort
from mcu.media.spec import AudioSpec, LegSpec, VideoSpec

FEEDBACK_INTERVAL = 0.1
"""Seconds between two feedback messages: as browsers send it at usual rates."""

IDLE_INTERVAL = 0.25
"""The same while nothing comes: most who listen send nothing."""

TOLD_INTERVAL = 0.25
"""The estimate is looked at so often, and at once when it falls."""

SILENT_AFTER = 1.0
"""Seconds, and two round trips: who has told nothing for so long although packets went there has not heard them, or
cannot be heard. Browsers tell of them four times a second at least."""

LEAST_UNTOLD = 3_000
"""Octets that went there meanwhile, at least: who is sent nothing has nothing to tell."""

METER_INTERVAL = 0.5
"""Seconds over which the parts of a leg are measured."""

USEFUL = 3.0
"""Times what is sent: an estimate beyond that waits for somebody who uses it."""

Part = Literal["audio", "video", "content", "slots"]
"""What a browser is sent: its streams, and all that is forwarded to it."""


class LegCongestion:
    """``send_rtcp`` takes RTCP to the browser. ``octets`` tells how much it was sent so far of each part. ``follow`` is
    told what the network carries, ``changed`` that it is worth a look; ``probe`` is to try a rate by packets that say
    nothing new.
    """

    def __init__(
        self,
        port: MediaPort,
        peer: int,
        spec: LegSpec,
        first: int,
        *,
        send_rtcp: Callable[[Sequence[bytes]], None],
        octets: Callable[[], Mapping[Part, int]],
        follow: Callable[[float | None], None],
        probe: Callable[[float], None],
        changed: Callable[[], None],
    ) -> None:
        self._port = port
        self._peer = peer
        self._send_rtcp = send_rtcp
        self._octets = octets
        self._follow = follow
        self._probe = probe
        self._probing = Probing()
        self._changed = changed
        self._ssrc = next((line.ssrc for line in _lines(spec)), 1)
        self._estimator = TransportEstimator()
        self._rates: dict[Part, _Meter] = {}
        self._next_feedback = float("-inf")
        self._told = float("-inf")
        self._told_rate: float | None = None
        self._heard = False
        self._heard_at = float("-inf")
        self._octets_then: int | None = None
        self.malformed = 0
        self._count(spec, first)

    def update(self, spec: LegSpec) -> None:
        """Take a changed description: places for others may have come."""
        number = self._port.next_number(self._peer)
        if number is not None:
            self._count(spec, number)

    def network(self, part: Part | None = None) -> LossAndDelay | None:
        """What is known of the way to the browser; None before it has told anything. With ``part`` its rate is what is
        left for that part beside the others.
        """
        if not self._heard:
            return None
        state = self._estimator.state()
        if part is None or state.rate is None:
            return state
        beside = sum(meter.rate for other, meter in self._rates.items() if other != part)
        return replace(state, rate=max(0, int(state.rate - beside)))

    def receive_rtcp(self, data: bytes, now: float) -> bool:
        """Take an RTCP datagram; whether there was nothing else in it than feedback. Never raises."""
        told = self._port.take_feedback(self._peer, data)
        if told is None:
            self.malformed += 1
        elif told:
            self._heard, self._heard_at, self._octets_then = True, now, None
            self._estimator.told(told, now)
            self._try_more(now)
            self._tell(now)
        return _is_feedback_alone(data)

    def next_deadline(self) -> float:
        """When the next feedback is due."""
        return self._next_feedback

    def handle_timer(self, now: float) -> None:
        """Tell the browser what has come, and notice that it tells nothing."""
        if now < self._next_feedback:
            return
        self._watch_silence(now)
        packets = self._port.feedback(self._peer, self._ssrc)
        self._next_feedback = now + (FEEDBACK_INTERVAL if packets else IDLE_INTERVAL)
        if packets:
            self._send_rtcp(packets)

    def _count(self, spec: LegSpec, first: int) -> None:
        extension = counted_extension(spec)
        if extension is not None:
            uncounted = [line.ssrc for line in _lines(spec) if line.transport_sequence_id is None]
            self._port.count_packets(self._peer, extension, first, uncounted)

    def _watch_silence(self, now: float) -> None:
        round_trip = self._estimator.state().round_trip or 0.0
        if not self._heard or now - self._heard_at < SILENT_AFTER / 2:
            return
        octets = sum(self._octets().values())
        if self._octets_then is None:
            self._octets_then = octets
        if octets - self._octets_then >= LEAST_UNTOLD and now - self._heard_at >= SILENT_AFTER + 2 * round_trip:
            self._estimator.untold(now)
            self._tell(now)

    def _try_more(self, now: float) -> None:
        """What nobody would use, or what one probe cannot show, is not tried."""
        known = self._estimator
        if known.rate is not None and known.rate < USEFUL * known.sent_rate:
            rate = self._probing.due(known.rate, known.fell, known.is_calm, now)
            if rate is not None:
                self._probe(rate)

    def _tell(self, now: float) -> None:
        rate, told = self._estimator.rate, self._told_rate
        fell = rate is not None and (told is None or rate < 0.95 * told)
        if not fell and now - self._told < TOLD_INTERVAL:
            return
        self._told, self._told_rate = now, rate
        for part, octets in self._octets().items():
            self._rates.setdefault(part, _Meter()).take(octets, now)
        self._follow(rate)
        self._changed()


class _Meter:
    """``rate`` in bit/s of something that is counted in octets, over the last second or so."""

    def __init__(self) -> None:
        self.rate = 0.0
        self._counted: tuple[int, float] | None = None

    def take(self, octets: int, now: float) -> None:
        """So many in all."""
        if self._counted is None:
            self._counted = octets, now
            return
        before, since = self._counted
        if now - since >= METER_INTERVAL:
            self.rate += (max(0, octets - before) * 8 / (now - since) - self.rate) / 2
            self._counted = octets, now


def counted_extension(spec: LegSpec) -> int | None:
    """The number of the header extension that counts packets, one for a whole bundle; None: there is none."""
    return next((number for line in _lines(spec) if (number := line.transport_sequence_id) is not None), None)


def _lines(spec: LegSpec) -> Iterator[AudioSpec | VideoSpec]:
    for line in (spec.video, spec.audio, spec.content, spec.shared, *spec.slots, *spec.voices):
        if line is not None:
            yield line


def _is_feedback_alone(data: bytes) -> bool:
    """Transport-wide feedback comes by itself, ten times a second: nobody else has to look at it."""
    return len(data) >= 4 and data[0] & 0x1F == 15 and data[1] == 205 and 4 * int.from_bytes(data[2:4]) + 4 == len(data)
