"""The playout buffer of one leg: packets in as they come, one tick of sound out every 20 ms. Pure; time is passed in.

It puts packets in order, waits as long as the measured jitter asks for, decodes just in time and in order, conceals
what is lost, and follows senders whose clocks drift, pause (DTX) or jump. Positions are the sender's timestamps in
samples at 48 kHz. The cursor is the position that the next tick begins with; it moves on by a tick per tick, also in
silence, so that a sender's pause keeps its length. A sender's clock that runs off is followed by resampling.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Iterable

from mcu.media.codec.audio_decoder import SoundDecodeError
from mcu.media.sound.concealment import Concealer
from mcu.media.sound.drift import RateConverter
from mcu.media.sound.playout_delay import INITIAL_DELAY, MAXIMUM_DELAY, TOO_TIGHT, MarginWatch, Reach
from mcu.media.sound.playout_intake import MAX_PACKETS, Intake
from mcu.media.sound.playout_packet import Packet, PlayoutStatistics
from mcu.media.sound.samples import RATE, TICK, TICK_SAMPLES, Sound, join, level_dbfs, silence
from mcu.media.sound.stretch import LONGEST_LAG, SHORTEST_LAG, leave_out, lengthen, shorten
from mcu.media.spec import CodecSpec
from mcu.media.units import CodedSound

REVIEW_TICKS = 10
"""How often the delay is thought over."""

STRETCH_TICKS = 5
"""A pitch period is left out or repeated every so many ticks at most: 15 % faster, which is not noticed in speech."""

QUIET_DBFS = -50.0
"""Below this a whole stretch of sound may be left out at once."""

REBUFFER = 5 * TICK_SAMPLES
"""When the delay is too short by so much, one pause of that length is better than seconds of stretched speech with most
of it lost."""

MADE_SURE_OF = 50
"""One frame in so many is decoded although its sender says that it cannot be heard: a second of frames. A sender whose
word is wrong is not believed any more, or a faulty one would never be heard."""

AUDIBLE_DBFS = -60.0
"""What is louder is not what a sender may call silent (QUIET_LEVEL), whatever way it measures."""

CONTRADICTED = 3 * TICK_SAMPLES
"""Samples in a row that are audible against their sender's word, until it is not believed any more. The first frame
after speech proves nothing: a codec's look-ahead lets the end of what was said sound on in it."""

_NOTHING = silence(3 * TICK_SAMPLES)
_NOTHING.flags.writeable = False

MENDING_DELAY = TICK - TOO_TIGHT
"""Wanted on top of what jitter asks for while frames are lost: the next one, which can mend a lost one, comes a tick
later. Beyond half a tick of luck it would not be there, and what is made up instead is worth half as much."""

MENDING_TICKS = 1000
"""For so long after a loss (20 s) this goes on."""

WARMING = 2
"""Frames that were left undecoded and are decoded after all before the first audible one: decoders have memory."""


class PlayoutBuffer:
    """Received sound of one leg. Never raises for what a packet holds."""

    def __init__(self, codecs: Iterable[CodecSpec]) -> None:
        """``codecs`` are the payload types that may come. Raises ValueError when one is not a sound codec."""
        self._intake = Intake(codecs)
        self._clock = self._intake.clock
        self._meter = self._intake.meter
        self._converter = RateConverter()
        self._margins = MarginWatch()
        self._concealer = Concealer()
        self._packets: list[Packet] = []
        self._reach = Reach()
        self._started = False
        self._cursor = 0
        self._ready = silence(0)  # decoded and not yet played; begins at the cursor
        self._inaudible = True  # nothing of what is ready can be heard
        self._drowsy = False  # nor anything of what came before
        self._believed = 0  # frames that were inaudible by their sender's word alone
        self._contradicted = 0  # samples lately that were audible against that word
        self._skipped: deque[Packet] = deque(maxlen=WARMING)
        self._last: Packet | None = None  # the last one that was decoded
        self._paused = False
        self.music = False
        self._unmended_at = -MENDING_TICKS  # the tick of the last loss that its successor came too late to mend
        self._starved_at: int | None = None  # where sound ran out, while nothing newer has been played
        self._last_sequence: int | None = None
        # Samples still to be left out (positive) or to be repeated (negative). Repeating may overshoot, for the delay
        # has grown only when the whole tick is there; a rest to leave out that is shorter than a pitch period can wait.
        self._owed: int = 0
        self._extra_delay = 0.0
        self._ticks = 0
        self._concealed = self._late = self._undecodable = self._stretched = 0

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
        self._packets.clear()
        self._interrupt()
        self._started = False
        self._starved_at = None
        self._last_sequence = None
        self._owed = 0

    def _admit(self, packet: Packet) -> None:
        if self._started and packet.position < self._decoded_to:
            self._margins.note_late((packet.position - self._decoded_to) / RATE, packet.arrival)
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

    def _go_back(self, packet: Packet) -> None:
        """Sound had run out and here it is, late: play it next, so that the delay grows to fit the network."""
        earliest = self._clock.position(packet.arrival, self._reach.seconds)
        if packet.position < earliest:
            self._reach.stalled(packet.arrival)
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
        return self._converter.wanted(self._meter.drift) + max(0, min(self._owed, LONGEST_LAG))

    @property
    def _decoded_to(self) -> int:
        position: int = self._cursor + self._ready.shape[-1]
        return position

    @property
    def _silent(self) -> bool:
        return self._starved_at is not None and self._concealer.faded_out

    def pull(self, now: float, drowsy: bool = False) -> Sound | None:
        """The next tick, or None for silence. Called every 20 ms with the tick's nominal time.

        ``drowsy``: what is known to be inaudible need not be decoded, since nobody would hear it.
        """
        if not self._started and not self._start(now):
            return self._missing_tick()
        if not self._packets and not self._ready.size and self._silent and not self._paused:
            # What most legs of a large conference do most of the time.
            self._cursor += self._converter.pass_over(self._meter.drift)
            return None
        self._drowsy = drowsy
        self._drop_overdue(now)
        if self._owed <= -REBUFFER and not self._silent:
            return self._pause()
        self._end_pause()
        self._decode(self._wanted, now)
        self._review(now)
        if self._silent and not self._ready.size:
            self._cursor += self._converter.pass_over(self._meter.drift)
            return None
        if self._inaudible and drowsy and self._ready.shape[-1] >= TICK_SAMPLES - 1:
            self._take_nothing()
            return None
        wanted = self._converter.wanted(self._meter.drift)
        if self._ready.shape[-1] < min(wanted, TICK_SAMPLES):
            self._starve(wanted)
        elif self._ready.shape[-1] < wanted:
            self._margins.note(0.0)  # one sample of a packet that is not there yet
        return self._take()

    def _missing_tick(self) -> Sound | None:
        return self._concealer.conceal(TICK_SAMPLES) if self._concealer.sounding else None

    def _pause(self) -> Sound | None:
        """Stand still for a tick, so that there is more delay from now on."""
        if not self._paused:
            self._paused = True
            self._concealer.interrupt(self._ready.shape[-1])
        self._owed += TICK_SAMPLES
        self._concealed += TICK_SAMPLES
        return self._missing_tick()

    def _end_pause(self) -> None:
        if self._paused and self._ready.size:
            self._ready = self._concealer.resume(self._ready)
            self._concealer.remember(self._ready)
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
            self._interrupt()
            self._owed = 0
            self._margins.reset()
        while self._packets and self._packets[0].end <= self._decoded_to:
            self._packets.pop(0)
            self._late += 1

    def _decode(self, wanted: int, now: float) -> None:
        """Decode until ``wanted`` samples are ready, making up gaps within the tick, as far as there are packets."""
        while (ready := self._ready.shape[-1]) < wanted and self._packets:
            packet = self._packets[0]
            gap = packet.position - self._decoded_to
            if gap > 0:
                if ready >= TICK_SAMPLES:
                    return
                self._bridge(packet, gap, min(gap, TICK_SAMPLES - ready))
                continue
            self._packets.pop(0)
            ahead = TICK if ready >= TICK_SAMPLES else 0.0  # decoded a tick before it is needed
            self._margins.note(now + ahead - packet.arrival - min(0, self._owed) / RATE)
            if self._drowsy and self._known_quiet(packet):
                self._pass_over(packet, packet.duration + gap)
            else:
                self._decode_packet(packet, skip=-gap)

    def _known_quiet(self, packet: Packet) -> bool:
        """By what the frame is, or by what its sender says: that is made sure of now and then."""
        if packet.quiet:
            return True
        if not packet.said_quiet or self._contradicted:
            return False
        self._believed += 1
        return self._believed % MADE_SURE_OF != 0

    def _bridge(self, packet: Packet, gap: int, missing: int) -> None:
        """Fill what is missing before a packet that is there. The last lost frame may be mended from it."""
        # A hole in the timestamps with none in the sequence numbers is the sender's silence, not a loss.
        lost = self._last_sequence is None or packet.sequence != self._last_sequence + 1
        last = self._last
        if lost and last is not None and packet.decoder is last.decoder and gap <= last.duration:
            made = packet.decoder.recover(packet.data, gap) if self._concealer.by_codec else None
            if made is not None:
                self._concealed += gap
                self._append(self._concealer.take_made_up(made))
                return
        self._fill_gap(missing, lost=lost)

    def _fill_gap(self, samples: int, *, lost: bool) -> None:
        if lost and not self._concealer.faded_out:
            self._concealed += samples
            if self._drowsy:
                # Whatever is made up from what could not be heard could not be heard either.
                self._concealer.fall_silent()
            elif self._last is not None and self._concealer.by_codec:
                made = self._last.decoder.recover(None, samples)
                if made is not None:
                    self._append(self._concealer.take_made_up(made))
                    return
        self._append(self._concealer.conceal(samples))

    def _append(self, sound: Sound) -> None:
        self._ready = join(self._ready, sound) if self._ready.size else sound
        self._inaudible = False

    def _pass_over(self, packet: Packet, samples: int) -> None:
        """Take a frame that nobody could hear for silence. It is kept, for the decoder's sake."""
        self._skipped.append(packet)
        self._last_sequence = packet.sequence
        self._starved_at = None
        self._concealer.remember_silence()
        ready = self._ready.shape[-1]
        if not ready:
            self._inaudible = True
        if self._inaudible and ready + samples <= _NOTHING.size:
            self._ready = _NOTHING[: ready + samples]
        else:
            self._ready = join(self._ready, silence(samples))

    def _decode_packet(self, packet: Packet, skip: int) -> None:
        try:
            while self._skipped:
                skipped = self._skipped.popleft()
                skipped.decoder.decode(skipped.data)
            sound = packet.decoder.decode(packet.data)[..., skip:]
        except SoundDecodeError:
            self._undecodable += 1
            return
        if self._starved_at is not None and self._concealer.by_codec and self._is_after_loss(packet):
            self._unmended_at = self._ticks
        self._last = packet
        self._last_sequence = packet.sequence
        self._starved_at = None
        if self._contradicted < CONTRADICTED:
            untrue = packet.said_quiet and level_dbfs(sound) > AUDIBLE_DBFS
            self._contradicted = self._contradicted + packet.duration if untrue else 0
        sound = self._concealer.resume(sound)
        self._concealer.remember(sound)
        self._append(sound)

    def _is_after_loss(self, packet: Packet) -> bool:
        return self._last_sequence is not None and packet.sequence > self._last_sequence + 1

    def _starve(self, wanted: int) -> None:
        """Nothing has come: fade out over what is missing of this tick."""
        if self._starved_at is None:
            self._starved_at = self._decoded_to
        # After a frame that says so (DTX) the sender is silent by right.
        told = self._last is not None and self._last.quiet
        self._fill_gap(max(wanted, TICK_SAMPLES) - self._ready.shape[-1], lost=not told)

    def skip(self, ticks: int) -> None:
        """Leave out so many ticks, which the mixer had no time for, so that the delay stays what it was."""
        self._cursor += ticks * TICK_SAMPLES
        self._interrupt()
        while self._packets and self._packets[0].end <= self._cursor:
            self._last_sequence = self._packets.pop(0).sequence

    def _interrupt(self) -> None:
        self._concealer.interrupt(self._ready.shape[-1])
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
        # With a clock that runs off, packets slide along our ticks, and some are needed a tick sooner than others.
        slack = TICK if self._meter.drift else 0.0
        mending = MENDING_DELAY if self._ticks - self._unmended_at < MENDING_TICKS else 0.0
        change = self._margins.wanted_change(max(self._extra_delay, mending), slack)
        room = MAXIMUM_DELAY - self._clock.delay(self._cursor, now)
        change = min(change, int(room / TICK) * TICK_SAMPLES) if change > 0 else change
        if change and (change > 0 or not self._keeps_time):
            self._owed -= change
            self._margins.changed(change)

    @property
    def _keeps_time(self) -> bool:
        """Music is never stretched to shorten the delay; only a pause in it may be."""
        return self.music and not self._inaudible

    def _take_nothing(self) -> None:
        """A tick of silence. Here the delay can be changed at once, and nobody hears it."""
        if self._owed <= -TICK_SAMPLES:
            self._owed += TICK_SAMPLES
            return
        taken = min(self._converter.pass_over(self._meter.drift), self._ready.shape[-1])
        if self._owed > 0:
            left_out = min(self._owed, self._ready.shape[-1] - taken)
            self._owed -= left_out
            taken += left_out
        self._ready = self._ready[..., taken:]
        self._cursor += taken
        while self._owed > 0 and self._packets and self._packets[0].quiet:
            if self._packets[0].duration > self._owed or self._packets[0].position != self._decoded_to:
                return
            packet = self._packets.pop(0)
            self._pass_over(packet, 0)
            self._cursor += packet.duration
            self._owed -= packet.duration

    def _take(self) -> Sound:
        if self._owed and self._ticks % STRETCH_TICKS == 0 and self._starved_at is None and not self.music:
            stretched = self._take_faster() if self._owed > 0 else self._take_slower()
            if stretched is not None:
                return self._converter.convert(stretched, 0.0)
        drift = self._meter.drift
        taken = min(self._converter.wanted(drift), self._ready.shape[-1])
        sound, self._ready = self._ready[..., :taken], self._ready[..., taken:]
        self._cursor += taken
        return self._converter.convert(sound, drift)

    def _take_faster(self) -> Sound | None:
        left_out = min(self._owed, LONGEST_LAG)
        sound = self._ready[..., : TICK_SAMPLES + left_out]
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
        self._ready = self._ready[..., TICK_SAMPLES + left_out :]
        self._cursor += TICK_SAMPLES + left_out
        return taken

    def _take_slower(self) -> Sound | None:
        if self._ready.shape[-1] < TICK_SAMPLES:
            return None
        taken, repeated = lengthen(self._ready[..., :TICK_SAMPLES])
        self._stretched += 1
        self._owed += repeated
        self._ready = self._ready[..., TICK_SAMPLES - repeated :]
        self._cursor += TICK_SAMPLES - repeated
        return taken

    @property
    def malformed(self) -> int:
        """Packets that could not be used at all."""
        return self._intake.malformed + self._undecodable

    def statistics(self, now: float) -> PlayoutStatistics:
        """Counters, and the delay that the tick after ``now`` will have."""
        return PlayoutStatistics(
            delay=self._clock.delay(self._cursor, now + TICK) if self._started else 0.0,
            concealed=self._concealed / RATE,
            late=self._late + self._intake.strayed,
            malformed=self.malformed,
            restarts=self._intake.restarts,
            drift=self._meter.drift,
            stretched=self._stretched,
            origin=now + TICK - self._cursor / RATE if self._started else None,
        )
