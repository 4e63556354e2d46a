"""The sound of one conference on a thread of its own, ticking every 20 ms on the monotonic clock."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

from mcu.media.codec.audio_decoder import RECEIVED_CODECS
from mcu.media.codec.audio_encoder import can_encode
from mcu.media.sound.metronome import waiting_on
from mcu.media.sound.mix import SoundMix, Tick
from mcu.media.sound.samples import TICK, Sound
from mcu.media.sound.state import CodedMix, RecordedSound, SoundLeg, SoundState, SoundStatistics
from mcu.media.units import CodedSound

__all__ = ["CodedMix", "RecordedSound", "SoundLeg", "SoundPipeline", "SoundState", "SoundStatistics"]

log = logging.getLogger(__name__)

LATE = 0.010
"""A tick that begins this much after its time counts as late: it has eaten the playout buffers' safety margin."""

CATCH_UP = 0.120
"""Ticks up to this late are made up for, one after the other; after a longer stop they are skipped. A skip must be
longer than the 100 ms from which on RTP timestamps are set anew, or sound would lag behind the picture for good."""

IDLE = 5 * TICK
"""While there is nobody: whoever comes is heard so much later at most."""

INBOX = 4096
"""Frames that may wait for a tick, of all legs together: a second of 80 legs. The oldest give way."""

STATISTICS_TICKS = 10
"""Statistics are collected five times a second: lip sync goes by them."""


class SoundPipeline:
    """Decodes, mixes and encodes the sound of a conference.

    ``push``, ``apply``, ``hold_back`` and ``statistics`` may be called from any thread and never wait for work. The
    callbacks come from the pipeline's thread and must not block: ``on_coded`` once per tick with everything to be
    sent, ``on_recorded`` with AAC access units while ``SoundState.record`` is set, ``on_speaker`` when the speaker
    changes, ``on_key`` with leg and key when one is heard as tones.
    """

    def __init__(
        self,
        conference_id: str,
        clock: Callable[[], float] = time.monotonic,
        *,
        on_coded: Callable[[list[CodedMix]], None],
        on_recorded: Callable[[list[RecordedSound]], None] = lambda units: None,
        on_speaker: Callable[[str | None], None] = lambda leg: None,
        on_key: Callable[[str, str], None] = lambda leg, key: None,
        watched: int = -1,
    ) -> None:
        """``watched``: the descriptor by which ``on_coded`` wakes the event loop that sends (see ``Metronome``)."""
        self._conference = conference_id
        self._clock = clock
        self._on_coded, self._on_recorded, self._on_speaker = on_coded, on_recorded, on_speaker
        self._on_key = on_key
        self._watched = watched
        self._mix = SoundMix(conference_id)
        self._inbox: deque[tuple[str, CodedSound]] = deque(maxlen=INBOX)
        self._held_back: deque[tuple[str, float]] = deque(maxlen=INBOX)
        self._announced: deque[Sound] = deque(maxlen=1)
        self._wanted: SoundState | None = None
        self._lock = threading.Lock()  # guards _wanted
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._statistics = SoundStatistics()
        self._ticks = self._late = self._skipped = 0
        self._failed = False

    def start(self) -> None:
        """Begin to tick."""
        self._thread = threading.Thread(target=self._run, name=f"sound {self._conference}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; returns when it has ended. No callback comes after that."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def apply(self, state: SoundState) -> None:
        """Make it so from the next tick on. Raises ValueError when a leg's codec is not one of sound."""
        for leg in state.legs:
            for codec in leg.receive_codecs:
                if codec.name not in RECEIVED_CODECS:
                    raise ValueError(f"leg {leg.id}: {codec.name} is not a sound codec")
            if leg.send_codec is not None and not can_encode(leg.send_codec.name):
                raise ValueError(f"leg {leg.id}: {leg.send_codec.name} is not a sound codec that we encode")
        with self._lock:
            self._wanted = state

    def push(self, leg_id: str, unit: CodedSound) -> None:
        """A received frame of a leg."""
        self._inbox.append((leg_id, unit))

    def hold_back(self, leg_id: str, seconds: float) -> None:
        """Lip sync: play a leg's sound so much later than the network alone asks for, because its picture is slower.

        Approached slowly by stretching, unheard; the sound's delay as a whole stays bounded (MAXIMUM_DELAY).
        """
        self._held_back.append((leg_id, seconds))

    def announce(self, sound: Sound) -> None:
        """Let all legs hear this once; an empty sound ends what is being said."""
        self._announced.append(sound)

    def statistics(self) -> SoundStatistics:
        """Counters, at most 200 ms old."""
        return self._statistics

    def _run(self) -> None:
        wait = waiting_on(self._clock, self._watched)
        deadline = self._clock() + TICK
        while wait(deadline, self._stopping):
            behind = self._clock() - deadline
            if behind < 0:
                continue
            self._late += behind > LATE
            if behind > CATCH_UP:
                missed = int(behind / TICK)
                self._skipped += missed
                deadline += missed * TICK
            else:
                missed = 0
            try:
                if missed:
                    self._mix.skip(missed)
                self.run_tick(deadline)
            except Exception:
                # One bad tick must not silence a consultation; said once, for it may come fifty times a second.
                if not self._failed:
                    log.exception("conference %s: a sound tick failed", self._conference)
                self._failed = True
            deadline += self.pause

    @property
    def pause(self) -> float:
        """Seconds until the next tick."""
        return TICK if self._mix.is_used else IDLE

    def run_tick(self, now: float) -> None:
        """One tick: what the thread does every 20 ms, and what a test does without one."""
        with self._lock:
            state, self._wanted = self._wanted, None
        if state is not None:
            self._mix.apply(state)
        for _ in range(len(self._held_back)):
            self._mix.hold_back(*self._held_back.popleft())
        if self._announced:
            self._mix.announce(self._announced.popleft())
        for _ in range(len(self._inbox)):
            self._mix.push(*self._inbox.popleft())
        tick = self._mix.tick(now)
        self._ticks += 1
        if self._ticks % STATISTICS_TICKS == 0:
            self._statistics = SoundStatistics(
                self._ticks, self._late, self._skipped, self._mix.encoders, self._mix.leg_statistics(now)
            )
        self._deliver(tick)
        recorded = self._mix.recorded(now)
        if recorded:
            self._on_recorded(recorded)

    def _deliver(self, tick: Tick) -> None:
        if tick.coded:
            self._on_coded(tick.coded)
        if tick.speaker_changed:
            self._on_speaker(tick.speaker)
        for leg_id, key in tick.keys:
            self._on_key(leg_id, key)
