"""The playout buffer of one leg: packets in as they come, one tick of sound out every 20 ms. Pure; time is passed in.

It puts packets in order, waits as long as the measured jitter asks for, decodes just in time and in order, conceals
what is lost, and follows senders whose clocks drift, pause (DTX) or jump. Positions are the sender's timestamps in
samples at 48 kHz. The cursor is the position that the next tick begins with; it moves on by a tick per tick, also in
silence, so that a sender's pause keeps its length.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from mcu.media.codec.audio_decoder import SoundDecodeError, SoundDecoder, make_decoder
from mcu.media.sound.concealment import Concealer
from mcu.media.sound.playout_delay import (
    INITIAL_DELAY,
    MAXIMUM_DELAY,
    STRAY_SECONDS,
    STRAYS_TO_BELIEVE,
    ArrivalClock,
    MarginWatch,
)
from mcu.media.sound.samples import RATE, TICK, TICK_SAMPLES, Sound, level_dbfs, silence
from mcu.media.sound.stretch import LONGEST_LAG, SHORTEST_LAG, leave_out, lengthen, shorten
from mcu.media.spec import CodecSpec
from mcu.media.units import CodedSound

MAX_PACKETS = 200
"""Half a second of the shortest Opus frames (2.5 ms); more than plausible arrival times allow in any other codec."""

REVIEW_TICKS = 10
"""How often the delay is thought over."""

STRETCH_TICKS = 5
"""A pitch period is left out or repeated every so many ticks at most: 15 % faster, which is not noticed in speech."""

QUIET_DBFS = -50.0
"""Below this a whole stretch of sound may be left out at once."""


@dataclass(frozen=True, slots=True)
class PlayoutStatistics:
    """Counters since the buffer began. ``concealed`` and ``delay`` are in seconds.

    ``origin`` is the instant on our clock at which the sender's timestamp 0 would have been mixed, at the pace of now:
    timestamp t is mixed t seconds after it. None while nothing is played.
    """

    delay: float
    concealed: float
    late: int
    malformed: int
    restarts: int
    origin: float | None = None


@dataclass(frozen=True, slots=True)
class _Packet:
    position: int
    duration: int
    sequence: int
    arrival: float
    data: bytes
    decoder: SoundDecoder

    @property
    def end(self) -> int:
        return self.position + self.duration


class PlayoutBuffer:
    """Received sound of one leg. Never raises for what a packet holds."""

    def __init__(self, codecs: Iterable[CodecSpec]) -> None:
        """``codecs`` are the payload types that may come. Raises ValueError when one is not a sound codec."""
        self._codecs = {codec.payload_type: (codec.clock_rate, make_decoder(codec)) for codec in codecs}
        self._clock = ArrivalClock()
        self._margins = MarginWatch()
        self._concealer = Concealer()
        self._packets: list[_Packet] = []
        self._strays: list[_Packet] = []
        self._started = False
        self._cursor = 0
        self._ready = silence(0)  # decoded and not yet played; begins at the cursor
        self._starved_at: int | None = None  # where sound ran out, while nothing newer has been played
        self._last_sequence: int | None = None
        # Samples still to be left out (positive) or to be repeated (negative). Repeating may overshoot, for the delay
        # has grown only when the whole tick is there; a rest to leave out that is shorter than a pitch period can wait.
        self._owed = 0
        self._extra_delay = 0.0
        self._ticks = 0
        self._concealed = self._late = self._malformed = self._restarts = 0

    # Packets in

    def insert(self, unit: CodedSound) -> None:
        """Take a received frame; ``unit.time`` is its arrival."""
        packet = self._packet(unit)
        if packet is None:
            self._malformed += 1
        elif self._clock.plausible(packet.position, packet.arrival):
            self._strays.clear()
            self._admit(packet)
        else:
            self._consider_restart(packet)

    def _packet(self, unit: CodedSound) -> _Packet | None:
        known = self._codecs.get(unit.payload_type)
        if known is None or unit.timestamp is None or unit.sequence is None:
            return None
        clock_rate, decoder = known
        try:
            duration = decoder.duration(unit.data)
        except SoundDecodeError:
            return None
        position = unit.timestamp * RATE // clock_rate
        return _Packet(position, duration, unit.sequence, unit.time, unit.data, decoder)

    def _consider_restart(self, packet: _Packet) -> None:
        """The timestamp fits nothing: believe it once others agree (a sender's restart), else it was a fault."""
        self._strays = [
            stray
            for stray in self._strays[-MAX_PACKETS:]
            if abs((packet.arrival - stray.arrival) - (packet.position - stray.position) / RATE) < MAXIMUM_DELAY
        ]
        self._strays.append(packet)
        lasting = packet.arrival - self._strays[0].arrival
        if len(self._strays) < STRAYS_TO_BELIEVE or lasting < STRAY_SECONDS - 0.001:
            self._late += 1
            return
        self._restarts += 1
        strays, self._strays = self._strays, []
        self._restart()
        for stray in strays:
            self._admit(stray)

    def _restart(self) -> None:
        self._clock.reset()
        self._margins.reset()
        self._packets.clear()
        self._interrupt()
        self._started = False
        self._starved_at = None
        self._last_sequence = None
        self._owed = 0

    def _admit(self, packet: _Packet) -> None:
        self._clock.observe(packet.position, packet.arrival)
        if self._started and packet.position < self._decoded_to:
            self._margins.note((packet.position - self._decoded_to) / RATE)
            if self._starved_at is None or packet.position < self._starved_at:
                self._late += 1
                return
            self._go_back(packet)
        elif self._started and self._silent:
            self._align(packet.position)
        if any(packet.position == other.position for other in self._packets):
            return
        if len(self._packets) >= MAX_PACKETS:
            self._packets.pop(0)
        insort(self._packets, packet, key=lambda one: one.position)

    def _go_back(self, packet: _Packet) -> None:
        """Sound had run out and here it is, late: play it next, so that the delay grows to fit the network."""
        earliest = self._clock.position(packet.arrival, MAXIMUM_DELAY)
        before = self._cursor
        self._cursor = max(packet.position, min(earliest, self._cursor))
        self._margins.changed(before - self._cursor + self._owed)  # what was owed has been counted, but not done
        self._owed = 0

    def _align(self, position: int) -> None:
        """In silence the cursor may be moved unheard: onto the packet's grid, and by what is still owed."""
        off_grid = (position - self._cursor) % TICK_SAMPLES
        self._cursor += off_grid if off_grid < TICK_SAMPLES // 2 else off_grid - TICK_SAMPLES
        if self._owed and not self._packets:
            self._cursor = min(self._cursor + self._owed, position)
            self._owed = 0

    # Sound out

    @property
    def _wanted(self) -> int:
        """Samples to have ready for the next tick: more than it holds when some are to be left out."""
        return TICK_SAMPLES + max(0, min(self._owed, LONGEST_LAG))

    @property
    def _decoded_to(self) -> int:
        return self._cursor + self._ready.size

    @property
    def _silent(self) -> bool:
        return self._starved_at is not None and self._concealer.faded_out

    def pull(self, now: float) -> Sound | None:
        """The next tick, or None for silence. Called every 20 ms with the tick's nominal time."""
        if not self._started and not self._start(now):
            return self._missing_tick()
        self._drop_overdue(now)
        self._decode(self._wanted, now)
        self._review(now)
        if self._silent and not self._ready.size:
            self._cursor += TICK_SAMPLES
            return None
        if self._ready.size < TICK_SAMPLES:
            self._starve()
        return self._take()

    def _missing_tick(self) -> Sound | None:
        return self._concealer.conceal(TICK_SAMPLES) if self._concealer.sounding else None

    def _start(self, now: float) -> bool:
        """Begin to play once the first packet has waited long enough; skip what waited too long."""
        if not self._packets or now - self._packets[0].arrival < INITIAL_DELAY - TICK / 2 - 1e-6:
            return False
        oldest = self._clock.position(now, INITIAL_DELAY + TICK / 2 + 0.001)
        while len(self._packets) > 1 and self._packets[0].position < oldest:
            self._packets.pop(0)
        self._cursor = self._packets[0].position
        self._started = True
        return True

    def _drop_overdue(self, now: float) -> None:
        """Keep the delay bounded, whatever brought it there."""
        excess = self._clock.position(now, MAXIMUM_DELAY + TICK) - self._cursor
        if excess > 0 and self._packets:
            self._cursor += -(-excess // TICK_SAMPLES) * TICK_SAMPLES
            self._interrupt()
            self._owed = 0
            self._margins.reset()
        while self._packets and self._packets[0].end <= self._decoded_to:
            self._packets.pop(0)
            self._late += 1

    def _decode(self, wanted: int, now: float) -> None:
        """Decode until ``wanted`` samples are ready, making up gaps within the tick, as far as there are packets."""
        while self._ready.size < wanted and self._packets:
            packet = self._packets[0]
            gap = packet.position - self._decoded_to
            if gap > 0:
                missing = min(gap, TICK_SAMPLES - self._ready.size)
                if missing <= 0:
                    return
                self._fill_gap(missing, lost=self._lost_before(packet))
                continue
            self._packets.pop(0)
            ahead = TICK if self._ready.size >= TICK_SAMPLES else 0.0  # decoded a tick before it is needed
            self._margins.note(now + ahead - packet.arrival)
            self._decode_packet(packet, skip=-gap)

    def _lost_before(self, packet: _Packet) -> bool:
        """A hole in the timestamps with none in the sequence numbers is the sender's silence, not a loss."""
        return self._last_sequence is None or packet.sequence != self._last_sequence + 1

    def _fill_gap(self, samples: int, *, lost: bool) -> None:
        if lost and not self._concealer.faded_out:
            self._concealed += samples
        self._ready = np.concatenate((self._ready, self._concealer.conceal(samples)))

    def _decode_packet(self, packet: _Packet, skip: int) -> None:
        try:
            sound = packet.decoder.decode(packet.data)[skip:]
        except SoundDecodeError:
            self._malformed += 1
            return
        self._last_sequence = packet.sequence
        self._starved_at = None
        sound = self._concealer.resume(sound)
        self._concealer.remember(sound)
        self._ready = np.concatenate((self._ready, sound))

    def _starve(self) -> None:
        """Nothing has come: fade out over what is missing of this tick."""
        if self._starved_at is None:
            self._starved_at = self._decoded_to
        self._fill_gap(TICK_SAMPLES - self._ready.size, lost=True)

    def skip(self, ticks: int) -> None:
        """Leave out so many ticks, which the mixer had no time for, so that the delay stays what it was."""
        self._cursor += ticks * TICK_SAMPLES
        self._interrupt()
        while self._packets and self._packets[0].end <= self._cursor:
            self._last_sequence = self._packets.pop(0).sequence

    def _interrupt(self) -> None:
        self._concealer.interrupt(self._ready.size)
        self._ready = silence(0)

    # Delay

    def hold_back(self, seconds: float) -> None:
        """Play so much later than the network asks for, since the picture is slower; approached by stretching.

        Bounded by MAXIMUM_DELAY as a whole; negative counts as none.
        """
        self._extra_delay = min(max(0.0, seconds), MAXIMUM_DELAY)

    def _review(self, now: float) -> None:
        self._ticks += 1
        busy = self._owed < 0 or self._owed >= SHORTEST_LAG or self._starved_at is not None
        if self._ticks % REVIEW_TICKS or busy:
            return
        change = self._margins.wanted_change(self._extra_delay)
        if change > 0 and self._clock.delay(self._cursor, now) + TICK > MAXIMUM_DELAY:
            return
        if change:
            self._owed -= change
            self._margins.changed(change)

    def _take(self) -> Sound:
        if self._owed and self._ticks % STRETCH_TICKS == 0 and self._starved_at is None:
            if self._owed > 0 and self._ready.size >= self._wanted:
                return self._take_faster()
            if self._owed < 0:
                return self._take_slower()
        sound, self._ready = self._ready[:TICK_SAMPLES], self._ready[TICK_SAMPLES:]
        self._cursor += TICK_SAMPLES
        return sound

    def _take_faster(self) -> Sound:
        sound = self._ready[: self._wanted]
        if level_dbfs(sound) < QUIET_DBFS:
            left_out = sound.size - TICK_SAMPLES
            taken = leave_out(sound, left_out)
        elif self._owed >= SHORTEST_LAG:
            taken, left_out = shorten(sound, self._owed)
        else:
            taken, left_out = sound[:TICK_SAMPLES], 0
        self._owed -= left_out
        self._ready = self._ready[TICK_SAMPLES + left_out :]
        self._cursor += TICK_SAMPLES + left_out
        return taken

    def _take_slower(self) -> Sound:
        taken, repeated = lengthen(self._ready[:TICK_SAMPLES])
        self._owed += repeated
        self._ready = self._ready[TICK_SAMPLES - repeated :]
        self._cursor += TICK_SAMPLES - repeated
        return taken

    @property
    def malformed(self) -> int:
        """Packets that could not be used at all."""
        return self._malformed

    def statistics(self, now: float) -> PlayoutStatistics:
        """Counters, and the delay that the tick after ``now`` will have."""
        delay = self._clock.delay(self._cursor, now + TICK) if self._started else 0.0
        origin = now + TICK - self._cursor / RATE if self._started else None
        return PlayoutStatistics(delay, self._concealed / RATE, self._late, self._malformed, self._restarts, origin)
