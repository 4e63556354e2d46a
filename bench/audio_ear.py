"""What the rooms of ``bench.audio`` have heard: whose tones, and how late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.audio_rooms import Room
from bench.report import Figures, percentile
from mcu.media.codec.audio_decoder import make_decoder
from mcu.media.sound.samples import RATE, TICK, TICK_SAMPLES, Sound, silence
from mcu.media.spec import CodecSpec

# Of a turn: gates and jitter buffers have settled.
TURN_SETTLE = 0.6
# One for each of the three, in the band of G.711 and where speech is weak.
TONES = (3100.0, 2300.0, 2700.0)
TONE_AMPLITUDE = 0.2
BEEP_EVERY, BEEP_SECONDS = 0.5, 0.2
_WINDOW = round(0.004 * RATE)
# Of another's tone, to count as heard; and the least that one's own must be below it.
_HEARD = TONE_AMPLITUDE / 4


@dataclass(frozen=True)
class Turn:
    """Who spoke when; ``speakers`` in the order of TONES."""

    start: float
    end: float
    speakers: tuple[int, ...]


class Heard:
    """What a room has heard, decoded, with the instant at which each sample came."""

    def __init__(self, codec: CodecSpec, packets: Sequence[tuple[float, bytes]]) -> None:
        decoder = make_decoder(codec)
        self.sound = np.concatenate([silence(0), *(decoder.decode(data[12:]) for _, data in packets)])
        self.arrivals = np.array([at for at, _ in packets])

    def between(self, start: float, end: float) -> Sound:
        """What came in this time."""
        first, last = np.searchsorted(self.arrivals, (start, end))
        return self.sound[first * TICK_SAMPLES : last * TICK_SAMPLES]

    def instant(self, sample: int) -> float:
        """When this sample could be played, had its packet been played as it came."""
        return float(self.arrivals[sample // TICK_SAMPLES]) + sample % TICK_SAMPLES / RATE


def _amplitude(sound: Sound, frequency: float) -> float:
    if not sound.size:
        return 0.0
    window = np.hanning(sound.size)
    wave = np.exp(-2j * np.pi * frequency * np.arange(sound.size) / RATE)
    return float(2 * abs(np.sum(sound * window * wave)) / np.sum(window))


def tone_check(heard: dict[int, Heard], turns: list[Turn]) -> Figures:
    """Who speaks must hear the tones of the two others and not its own."""
    heard_others = heard_self = checked = 0
    worst = 0.0
    for turn in turns:
        for slot, leg in enumerate(turn.speakers):
            sound = heard[leg].between(turn.start + TURN_SETTLE, turn.end)
            levels = [_amplitude(sound, frequency) for frequency in TONES]
            own = levels[slot]
            # The beeps sound for less than half of the time, at changing places in the window.
            others = [level * (2.5 if other == 0 else 1) for other, level in enumerate(levels) if other != slot]
            checked += 1
            heard_others += all(level > _HEARD for level in others)
            heard_self += own > _HEARD / 25
            worst = max(worst, own / TONE_AMPLITUDE)
    return {
        "self_heard": heard_self,
        "others_heard": heard_others,
        "tone_checks": checked,
        "self_heard_db_worst": round(20 * np.log10(max(worst, 1e-6)), 1),
    }


class Delays:
    """What the jitter buffers of legs said of their delay, in ms, and when: they change it as the network does."""

    def __init__(self) -> None:
        self._said: dict[str, list[tuple[float, float]]] = {}

    def note(self, leg: str, at: float, delay: float) -> None:
        """A leg's delay at that instant."""
        self._said.setdefault(leg, []).append((at, delay))

    def at(self, leg: str, at: float) -> float:
        """As it was said nearest to that instant; 0 for a leg that said nothing."""
        said = self._said.get(leg)
        return min(said, key=lambda one: abs(one[0] - at))[1] if said else 0.0

    def last(self) -> list[float]:
        """The latest of each leg."""
        return [said[-1][1] for said in self._said.values()]


def mouth_to_ear(rooms: Sequence[Room], heard: dict[int, Heard], turns: list[Turn], playout: Delays) -> Figures:
    """From the first sample of a beep at the microphone to its first sample at the two who only listen."""
    beyond: list[float] = []
    whole: list[float] = []
    for turn in turns:
        leg = turn.speakers[0]
        marks = [at for at in rooms[leg].marked if turn.start + TURN_SETTLE <= at < turn.end - 0.3]
        for listener in (len(rooms) - 2, len(rooms) - 1):
            onsets = _onsets(heard[listener], turn)
            for mark in marks:
                after = [onset for onset in onsets if 0 <= onset - mark < BEEP_EVERY / 2]
                if after:
                    delay = (after[0] - mark + TICK) * 1000  # the frame was a tick old when it was sent
                    whole.append(delay)
                    beyond.append(delay - playout.at(f"leg{leg}", mark))
    return {
        "mouth_to_ear_ms_p50": percentile(beyond, 50),
        "mouth_to_ear_ms_p95": percentile(beyond, 95),
        "mouth_to_ear_with_jitter_buffer_ms_p95": percentile(whole, 95),
        "mouth_to_ear_samples": len(beyond),
        "playout_ms_median": percentile(playout.last(), 50),
    }


def _onsets(heard: Heard, turn: Turn) -> list[float]:
    first, last = np.searchsorted(heard.arrivals, (turn.start, turn.end + 0.3))
    sound = heard.sound[first * TICK_SAMPLES : last * TICK_SAMPLES]
    blocks = sound[: sound.size // _WINDOW * _WINDOW].reshape(-1, _WINDOW)
    wave = np.exp(-2j * np.pi * TONES[0] * np.arange(_WINDOW) / RATE) * np.hanning(_WINDOW) * 4 / _WINDOW
    loud = np.abs(blocks @ wave) > TONE_AMPLITUDE / 2
    return [
        heard.instant(first * TICK_SAMPLES + block * _WINDOW)
        for block in range(5, len(loud))
        if loud[block] and not loud[block - 5 : block].any()
    ]
