"""The playout buffer of one leg: packets in as they come, one tick of sound out every 20 ms. Pure; time is passed in.

It puts packets in order, waits as long as the measured jitter asks for, decodes just in time and in order, conceals
what is lost, and follows senders whose clocks drift, pause (DTX) or jump. Positions are the sender's timestamps in
samples at 48 kHz. The cursor is the position that the next tick begins with; it moves on by a tick per tick, also in
silence, so that a sender's pause keeps its length. A sender's clock that runs off is followed by resampling.
"""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Iterable

from mcu.media.jitter_peaks import JitterPeaks
from mcu.media.sound.drift import RateConverter
from mcu.media.sound.lull import Lull, tick_before
from mcu.media.sound.playout_delay import INITIAL_DELAY, LASTING, MAXIMUM_DELAY, PEAKS, TOO_TIGHT, MarginWatch
from mcu.media.sound.playout_intake import MAX_PACKETS, Intake
from mcu.media.sound.playout_packet import Packet, PlayoutStatistics
from mcu.media.sound.playout_ready import ReadySound
from mcu.media.sound.samples import RATE, TICK, TICK_SAMPLES, Sound, level_dbfs
from mcu.media.sound.stretch import LONGEST_LAG, SHORTEST_LAG, leave_out, lengthen, shorten
from mcu.media.spec import CodecSpec
from mcu.media.units import CodedSound

REVIEW_TICKS = 10
"""How often the delay is thought over."""

STRETCH_TICKS = 5
"""A pitch period is left out or repeated every so many ticks at most: 15 % faster, which is not noticed in speech."""

MUCH = 10 * TICK_SAMPLES
HURRIED_TICKS = 3
"""With so much to leave out it goes faster, a quarter: a network that was a second late has calmed, and a delay that
nobody can converse with is worse than hurried speech for some seconds."""

QUIET_DBFS = -50.0
"""Below this a whole stretch of sound may be left out at once."""

REBUFFER = 5 * TICK_SAMPLES
"""When the delay is too short by so much, one pause of that length is better than seconds of stretched speech with most
of it lost."""

NOT_WORTH = 0.1
"""Seconds of delay that are not taken back while there is jitter like this: it will have them again, and each time is
heard.
"""

PATIENCE_TICKS = 100
"""What lip sync asks for, and not the network, waits for a lull, and two seconds at most: to be stretched, or stopped
in the midst of a word, is worse than to come a little early."""

MENDING_DELAY = TICK - TOO_TIGHT
"""Wanted on top of what jitter asks for while frames are lost: the next one, which can mend a lost one, comes a tick
later. Beyond half a tick of luck it would not be there, and what is made up instead is worth half as much."""

MENDING_TICKS = 1000
"""For so long after a loss (20 s) this goes on."""


class PlayoutBuffer:
    """Received sound of one leg. Never raises for what a packet holds."""

    def __init__(self, codecs: Iterable[CodecSpec]) -> None:
        """``codecs`` are the payload types that may come. Raises ValueError when one is not a sound codec."""
        self._intake = Intake(codecs)
        self._clock = self._intake.clock
        self._meter = self._intake.meter
        self._converter = RateConverter()
        self._margins = MarginWatch()
        self._packets: list[Packet] = []
        self._peaks = JitterPeaks(PEAKS)
        self._started = False
        self._cursor = 0
        self._ready = ReadySound()  # begins at the cursor
        self._paused = False
        self._lull = Lull()
        self._patient_until = 0  # the tick
        self._has_lulls = True
        self.music = False
        self._unmended_at = -MENDING_TICKS  # the tick of the last loss that its successor came too late to mend
        # Samples still to be left out (positive) or to be repeated (negative). Repeating may overshoot, for the delay
        # has grown only when the whole tick is there; a rest to leave out that is shorter than a pitch period can wait.
        self._owed: int = 0
        self._extra_delay = 0.0
        self._ticks = 0
        self._late = self._stretched = 0

    # Packets in

    def insert(self, unit: CodedSound) -> None:
        """Take a received frame; ``unit.time`` is its arrival."""
        anew, packets = self._intake.take(unit)
        if anew:
            self._restart()
        for packet in packets:
            self._admit(packet)

    def _restart(self) -> None:
        self._margins.reset()
        self._peaks.reset()
        self._packets.clear()
        self._ready.restart()
        self._started = False
        self._owed = 0

    def _admit(self, packet: Packet) -> None:
        self._peaks.observe(packet.arrival - packet.position / RATE, self._clock.base, packet.arrival)
        if self._started and packet.position < self._decoded_to:
            self._margins.note_late((packet.position - self._decoded_to) / RATE, packet.arrival)
            starved_at = self._ready.starved_at
            if starved_at is None or packet.position < starved_at:
                self._late += 1
                return
            self._go_back(packet)
        elif self._started and self._ready.silent:
            self._align(packet.position)
        newest = self._packets[-1].position if self._packets else packet.position - 1
        if packet.position <= newest and any(packet.position == one.position for one in self._packets):
            return
        if len(self._packets) >= MAX_PACKETS:
            self._packets.pop(0)
        insort(self._packets, packet, key=lambda one: one.position)

    def _go_back(self, packet: Packet) -> None:
        """Sound had run out and here it is, late: play it next, so that the delay grows to fit the network.

        Where stalls like this come again and again there is a pause besides, for the worse ones; a delay that only
        this one asks for is caught up.
        """
        before, owed = self._cursor, self._owed
        self._cursor = max(packet.position, min(self._clock.position(packet.arrival, MAXIMUM_DELAY), self._cursor))
        delay, wanted = (
            self._clock.delay(self._cursor, packet.arrival),
            self._peaks.wanted(self._clock.base, packet.arrival),
        )
        if wanted.enough > delay:
            self._owed = -_ticks(wanted.enough - delay)
            self._stand_still()
        else:
            self._patient_until = self._ticks
            self._owed = _ticks(delay - max(LASTING, wanted.enough), down=True)
        self._margins.changed(before - self._cursor + owed - self._owed)  # what was owed was counted, but not done

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
        return self._converter.wanted(self._meter.drift) + max(0, min(self._owed, LONGEST_LAG))

    @property
    def _decoded_to(self) -> int:
        return self._cursor + self._ready.length

    def pull(self, now: float, drowsy: bool = False) -> Sound | None:
        """The next tick, or None for silence. Called every 20 ms with the tick's nominal time.

        ``drowsy``: what is known to be inaudible need not be decoded, since nobody would hear it.
        """
        if not self._started and not self._start(now):
            return self._ready.missing_tick(TICK_SAMPLES)
        if not self._packets and not self._ready.length and self._ready.silent and not self._paused:
            # What most legs of a large conference do most of the time.
            self._cursor += self._converter.pass_over(self._meter.drift)
            return None
        if drowsy and self._packets and self._doze(now):
            return None
        self._ready.drowsy = drowsy
        self._drop_overdue(now)
        if self._is_to_stand_still:
            return self._pause()
        self._end_pause()
        self._decode(self._wanted, now)
        self._review(now)
        if self._ready.silent and not self._ready.length:
            self._cursor += self._converter.pass_over(self._meter.drift)
            return None
        if self._ready.inaudible and drowsy and self._ready.length >= TICK_SAMPLES - 1:
            self._take_nothing()
            return None
        wanted = self._converter.wanted(self._meter.drift)
        if self._ready.length < min(wanted, TICK_SAMPLES):
            self._ready.starve(self._decoded_to, max(wanted, TICK_SAMPLES) - self._ready.length)
        elif self._ready.length < wanted:
            self._margins.note(0.0)  # one sample of a packet that is not there yet
        return self._take()

    def _doze(self, now: float) -> bool:
        """A tick that is just the next frame, and nobody could hear it: what legs that are asleep do most of the time.

        False where anything is other than usual. Then it is done step by step, which here comes to the same.
        """
        packet = self._packets[0]
        if (
            packet.position != self._cursor
            or packet.duration != TICK_SAMPLES
            or self._owed
            or self._paused
            or (self._ticks + 1) % REVIEW_TICKS == 0
            or self._converter.wanted(self._meter.drift) != TICK_SAMPLES
            or self._clock.delay(self._cursor, now) > MAXIMUM_DELAY
            or not self._ready.doze(packet)
        ):
            return False
        del self._packets[0]
        self._ticks += 1
        self._margins.note(now - packet.arrival)
        self._cursor += self._converter.pass_over(self._meter.drift)
        return True

    @property
    def _is_to_stand_still(self) -> bool:
        if self._paused:
            return self._owed <= -TICK_SAMPLES and (bool(self._packets) or not self._ready.silent)
        in_a_hurry = self._owed <= -REBUFFER and self._ticks >= self._patient_until
        return in_a_hurry and (bool(self._packets) or not self._ready.silent)

    def _pause(self) -> Sound | None:
        """Stand still for a tick, so that there is more delay from now on."""
        self._stand_still()
        self._owed += TICK_SAMPLES
        if not self._ready.silent:
            self._ready.concealed += TICK_SAMPLES
        return self._ready.missing_tick(TICK_SAMPLES)

    def _stand_still(self) -> None:
        if not self._paused:
            self._paused = True
            self._ready.pause()

    def _end_pause(self) -> None:
        if self._paused:
            self._ready.go_on()
        self._paused = False

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
        if not self._packets:
            return
        excess = self._clock.position(now, MAXIMUM_DELAY + TICK) - self._cursor
        if excess > 0:
            self._cursor += -(-excess // TICK_SAMPLES) * TICK_SAMPLES
            self._ready.interrupt()
            self._owed = 0
            self._margins.reset()
        while self._packets and self._packets[0].end <= self._decoded_to:
            self._packets.pop(0)
            self._late += 1

    def _decode(self, wanted: int, now: float) -> None:
        """Decode until ``wanted`` samples are ready, making up gaps within the tick, as far as there are packets."""
        while (ready := self._ready.length) < wanted and self._packets:
            packet = self._packets[0]
            gap = packet.position - self._decoded_to
            if gap > 0:
                if ready >= TICK_SAMPLES:
                    return
                self._ready.bridge(packet, gap, min(gap, TICK_SAMPLES - ready))
                continue
            self._packets.pop(0)
            ahead = TICK if ready >= TICK_SAMPLES else 0.0  # decoded a tick before it is needed
            self._margins.note(now + ahead - packet.arrival - min(0, self._owed) / RATE)
            if self._ready.add(packet, skip=-gap):
                self._unmended_at = self._ticks

    def skip(self, ticks: int) -> None:
        """Leave out so many ticks, which the mixer had no time for, so that the delay stays what it was."""
        self._cursor += ticks * TICK_SAMPLES
        self._ready.interrupt()
        while self._packets and self._packets[0].end <= self._cursor:
            self._ready.last_sequence = self._packets.pop(0).sequence

    # Delay

    def hold_back(self, seconds: float) -> None:
        """Play so much later than the network asks for, since the picture is slower; approached by stretching.

        Bounded by MAXIMUM_DELAY as a whole; negative counts as none.
        """
        self._extra_delay = min(max(0.0, seconds), MAXIMUM_DELAY)

    def _review(self, now: float) -> None:
        self._ticks += 1
        if self._ticks % REVIEW_TICKS or self._ready.starved_at is not None:
            return
        delay, wanted = (
            self._clock.delay(self._cursor, now) - self._owed / RATE,
            self._peaks.wanted(self._clock.base, now),
        )
        if wanted.least - delay > TICK:
            self._change(_ticks(wanted.enough - delay))
            return
        if self._owed < 0 or self._owed >= SHORTEST_LAG:
            return
        # With a clock that runs off, packets slide along our ticks, and some are needed a tick sooner than others.
        # Sound that waits for its picture is as late as that asks for, not as early as it might be.
        slack = TICK * (bool(self._meter.drift) + bool(self._extra_delay))
        mending = MENDING_DELAY if self._ticks - self._unmended_at < MENDING_TICKS else 0.0
        change = self._margins.wanted_change(max(self._extra_delay, mending), slack)
        if change > 0:
            patience = 0 if self._margins.wanted_change(mending, slack) > 0 else PATIENCE_TICKS
            self._change(min(change, _ticks(MAXIMUM_DELAY - delay, down=True)), patience)
        elif change < 0 and not self._keeps_time and (not wanted.enough or delay - wanted.enough > NOT_WORTH):
            self._change(max(change, -_ticks(delay - wanted.enough, down=True)))

    def _change(self, samples: int, patience: int = 0) -> None:
        """Come to be later by so many from now on, negative: earlier. A lull is waited for, so many ticks at most."""
        self._owed -= samples
        self._patient_until = self._ticks + (patience if self._has_lulls else 0)
        self._margins.changed(samples)

    @property
    def _keeps_time(self) -> bool:
        """Music is never stretched to shorten the delay; only a pause in it may be."""
        return self.music and not self._ready.inaudible

    def _take_nothing(self) -> None:
        """A tick of silence. Here the delay can be changed at once, and nobody hears it."""
        if self._owed <= -TICK_SAMPLES:
            self._owed += TICK_SAMPLES
            return
        taken = min(self._converter.pass_over(self._meter.drift), self._ready.length)
        if self._owed > 0:
            left_out = min(self._owed, self._ready.length - taken)
            self._owed -= left_out
            taken += left_out
        self._ready.take(taken)
        self._cursor += taken
        while self._owed > 0 and self._packets and self._packets[0].quiet:
            if self._packets[0].duration > self._owed or self._packets[0].position != self._decoded_to:
                return
            packet = self._packets.pop(0)
            self._ready.leave_out(packet)
            self._cursor += packet.duration
            self._owed -= packet.duration

    def _take(self) -> Sound:
        if self._owed and self._ready.starved_at is None and not self.music:
            stretched = self._take_faster() if self._owed > 0 else self._take_slower()
            if stretched is not None:
                return self._converter.convert(stretched, 0.0)
        drift = self._meter.drift
        taken = min(self._converter.wanted(drift), self._ready.length)
        self._cursor += taken
        return self._converter.convert(self._ready.take(taken), drift)

    def _take_faster(self) -> Sound | None:
        if self._ticks % (HURRIED_TICKS if self._owed > MUCH else STRETCH_TICKS):
            return None
        left_out = min(self._owed, LONGEST_LAG)
        sound = self._ready.sound[..., : TICK_SAMPLES + left_out]
        if sound.shape[-1] < TICK_SAMPLES + left_out:
            return None
        if level_dbfs(sound) < QUIET_DBFS:
            taken = leave_out(sound, left_out)
        elif self._owed >= SHORTEST_LAG:
            taken, left_out = shorten(sound, self._owed)
            self._stretched += 1
        else:
            return None
        self._owed -= left_out
        self._ready.take(TICK_SAMPLES + left_out)
        self._cursor += TICK_SAMPLES + left_out
        return taken

    def _take_slower(self) -> Sound | None:
        if self._ready.length < TICK_SAMPLES:
            return None
        lull = self._lull.hear(self._ready.sound[..., :TICK_SAMPLES])
        self._has_lulls = lull or (self._has_lulls and self._ticks != self._patient_until)
        if lull and self._owed <= -TICK_SAMPLES:
            self._owed += TICK_SAMPLES
            self._stretched += 1
            return tick_before(self._ready.sound)
        if self._ticks % STRETCH_TICKS or self._ticks < self._patient_until:
            return None
        taken, repeated = lengthen(self._ready.sound[..., :TICK_SAMPLES])
        self._stretched += 1
        self._owed += repeated
        self._ready.take(TICK_SAMPLES - repeated)
        self._cursor += TICK_SAMPLES - repeated
        return taken

    @property
    def malformed(self) -> int:
        """Packets that could not be used at all."""
        return self._intake.malformed + self._ready.undecodable

    def statistics(self, now: float) -> PlayoutStatistics:
        """Counters, and the delay that the tick after ``now`` will have."""
        return PlayoutStatistics(
            delay=self._clock.delay(self._cursor, now + TICK) if self._started else 0.0,
            concealed=self._ready.concealed / RATE,
            late=self._late + self._intake.strayed,
            malformed=self.malformed,
            restarts=self._intake.restarts,
            drift=self._meter.drift,
            stretched=self._stretched,
            origin=now + TICK - self._cursor / RATE if self._started else None,
        )


def _ticks(seconds: float, *, down: bool = False) -> int:
    """In whole ticks, as samples; never less than none."""
    count = math.floor(seconds / TICK) if down else math.ceil(seconds / TICK)
    return max(0, count) * TICK_SAMPLES
