"""Playing a little faster or slower without a change of pitch: leaving out, or repeating, about a pitch period.

The playout buffer uses it to move its delay while people speak. The place to join is where the wave repeats itself,
found by correlation, and the joint is cross-faded (overlap-add in the way of WSOLA).
"""

from __future__ import annotations

import numpy as np

from mcu.media.sound.samples import TICK_SAMPLES, Sound, join, mono

FADE = 240
"""5 ms cross-fade: long enough not to click, short enough to stay within a pitch period or two."""

SHORTEST_LAG = 120
"""2.5 ms, a voice of 400 Hz."""

LONGEST_LAG = 720
"""15 ms, a voice of 67 Hz."""

_RAMP = np.linspace(0, 1, FADE, dtype=np.float32)


def crossfade(old: Sound, new: Sound) -> Sound:
    """From ``old`` into ``new`` over their common length."""
    length = old.shape[-1]
    ramp = _RAMP if length == FADE else np.linspace(0, 1, length, dtype=np.float32)
    result: Sound = old + (new - old) * ramp
    return result


def best_lag(sound: Sound, longest: int) -> int:
    """The distance at which ``sound`` repeats its beginning best: at least SHORTEST_LAG, at most ``longest``.

    Looks at every fourth sample: 12 kHz is plenty to find a pitch period.
    """
    thin = mono(sound)[: longest + FADE : 4]
    head = thin[: FADE // 4]
    windows = np.lib.stride_tricks.sliding_window_view(thin, head.size)[SHORTEST_LAG // 4 : longest // 4 + 1]
    energy = np.einsum("ij,ij->i", windows, windows)
    score = (windows @ head) / np.sqrt(energy + 1e-9)
    return SHORTEST_LAG + 4 * int(np.argmax(score))


def shorten(sound: Sound, most: int) -> tuple[Sound, int]:
    """One tick made from more than a tick of ``sound``, and how many samples were left out.

    At most ``most``, which must not be less than SHORTEST_LAG.
    """
    lag = best_lag(sound, min(most, sound.shape[-1] - TICK_SAMPLES, LONGEST_LAG))
    return leave_out(sound, lag), lag


def leave_out(sound: Sound, samples: int) -> Sound:
    """One tick made from a tick and ``samples`` more, with a cross-fade over what is left out at its beginning."""
    joint = crossfade(sound[..., :FADE], sound[..., samples : samples + FADE])
    return join(joint, sound[..., samples + FADE : samples + TICK_SAMPLES])


def lengthen(sound: Sound) -> tuple[Sound, int]:
    """One tick made from the beginning of the tick ``sound``, and how many samples at its end are left for later."""
    lag = best_lag(sound, LONGEST_LAG - FADE)
    joint = crossfade(sound[..., lag : lag + FADE], sound[..., :FADE])
    return join(sound[..., :lag], joint, sound[..., FADE : TICK_SAMPLES - lag]), lag
