"""Which received frames are to be believed: senders restart, jump and err in their timestamps. Pure; times come in."""

from __future__ import annotations

from collections.abc import Iterable

from mcu.media.sound.drift import DriftMeter
from mcu.media.sound.playout_delay import JUMP, MAXIMUM_DELAY, STRAY_SECONDS, STRAYS_TO_BELIEVE, ArrivalClock
from mcu.media.sound.playout_packet import Packet, ReceivedCodecs
from mcu.media.sound.samples import RATE
from mcu.media.spec import CodecSpec
from mcu.media.units import CodedSound

MAX_PACKETS = 500
"""1.25 s of the shortest Opus frames (2.5 ms); more than plausible arrival times allow in any other codec."""


class Intake:
    """Places frames in time and follows the sender's clock by them."""

    def __init__(self, codecs: Iterable[CodecSpec]) -> None:
        """Raises ValueError when one is not a sound codec."""
        self._codecs = ReceivedCodecs(codecs)
        self.clock = ArrivalClock()
        self.meter = DriftMeter()
        self._strays: list[Packet] = []
        self._newest: Packet | None = None
        self.malformed = self.strayed = self.restarts = 0

    def take(self, unit: CodedSound) -> tuple[bool, list[Packet]]:
        """Whether the sender begins anew with it, and what is to be played now: mostly just this frame."""
        packet = self._codecs.packet(unit)
        if packet is None:
            self.malformed += 1
            return False, []
        if self.clock.plausible(packet.position, packet.arrival) and not self._jumps(packet):
            self._strays.clear()
            self._believe(packet)
            return False, [packet]
        return self._consider_restart(packet)

    def _believe(self, packet: Packet) -> None:
        if self._newest is None or packet.sequence > self._newest.sequence:
            self._newest = packet
        self.clock.observe(packet.position, packet.arrival)
        self.meter.observe(packet.arrival, packet.arrival - packet.position / RATE)

    def _jumps(self, packet: Packet) -> bool:
        """Whether the timestamps leap where the sequence numbers do not: no network does that."""
        newest = self._newest
        ahead = packet.sequence - newest.sequence if newest is not None else 0
        if newest is None or not 0 < ahead <= MAX_PACKETS:
            return False
        leap = (packet.position - newest.end) / RATE - (ahead - 1) * newest.duration / RATE
        return leap < -JUMP or leap - (packet.arrival - newest.arrival) > JUMP

    def _consider_restart(self, packet: Packet) -> tuple[bool, list[Packet]]:
        """The timestamp fits nothing: believe it once others agree (a sender's restart), else it was a fault."""
        self._strays = [
            stray
            for stray in self._strays[-MAX_PACKETS:]
            if abs((packet.arrival - stray.arrival) - (packet.position - stray.position) / RATE) < MAXIMUM_DELAY
        ]
        self._strays.append(packet)
        lasting = packet.arrival - self._strays[0].arrival
        if len(self._strays) < STRAYS_TO_BELIEVE or lasting < STRAY_SECONDS - 0.001:
            self.strayed += 1
            return False, []
        self.restarts += 1
        strays, self._strays = self._strays, []
        self.clock.reset()
        self.meter.reset()
        self._newest = None
        for stray in strays:
            self._believe(stray)
        return True, strays
