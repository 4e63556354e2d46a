"""Decides what goes into which fragment, and gives every sample its time. Pure: no clock, no files.

A fragment ends before a key frame or after FRAGMENT_SECONDS of pictures. It waits a moment for the sound that belongs
to it, but never long: what is waiting here is what a crash loses.
"""

from __future__ import annotations

from recorder.formats import SILENCE, SOUND_SAMPLES, VIDEO_TIMESCALE, AudioFormat, Fragment, Picture, Sound

FRAGMENT_SECONDS = 0.3
"""Length of a fragment. With SOUND_WAIT and one picture more it stays below the half second that a crash may cost."""

SOUND_WAIT = 0.1
"""How far anything may run ahead of the end of a fragment before the fragment goes without the sound still missing."""

SOUND_TOLERANCE = 0.02
"""Sound that is this far from where counting its samples puts it is placed anew; below, it is jitter."""

FILLED_GAP = 10.0
"""Gaps in the sound up to this are filled with silence, since players stop at a hole; longer ones stay open."""

EARLY_SOUND = 1.0
"""Sound kept while the first picture is awaited: encoding a picture takes longer than encoding sound."""


class Fragmenter:
    """Cuts one part. Times given are seconds on any steady clock; the first key frame's is the part's zero."""

    def __init__(self, audio: AudioFormat | None) -> None:
        """``audio``: format of the sound, None for a part without."""
        self._rate = audio.sample_rate if audio else None
        self._silence = SILENCE.get(audio.channels) if audio else None
        self._origin: float | None = None
        self._pictures: list[Picture] = []
        self._early: list[tuple[bytes, float]] = []
        self._sounds: list[Sound] = []
        self._sound_end = 0  # samples
        self._newest = 0  # ticks: latest time seen in either medium
        self._floor = 0  # ticks: no picture may come earlier any more
        self._begun = False  # whether anything was cut yet
        self._interval = VIDEO_TIMESCALE // 30

    @property
    def origin(self) -> float | None:
        """The caller's time of the first picture, None before it."""
        return self._origin

    def ticks(self, time: float) -> int:
        """A caller's time in ticks since the part's start."""
        assert self._origin is not None
        return round((time - self._origin) * VIDEO_TIMESCALE)

    def add_picture(self, sample: bytes, time: float, key: bool) -> list[Fragment]:
        """Take a picture; what is complete now comes back. Pictures before the first key frame are dropped."""
        if self._origin is None:
            if not key:
                return []
            self._origin = time
            early, self._early = self._early, []
            for data, when in early:
                self._place_sound(data, when)
        # Decoding order is the order of arrival, and a picture cannot last less than nothing.
        ticks = max(self.ticks(time), self._floor)
        if self._pictures:
            self._interval = ticks - self._pictures[-1].time
        self._pictures.append(Picture(ticks, sample, key))
        self._floor = ticks + 1
        self._newest = max(self._newest, ticks)
        return self._take()

    def add_sound(self, data: bytes, time: float) -> list[Fragment]:
        """Take an access unit; what is complete now comes back."""
        if self._rate is None:
            return []
        if self._origin is None:
            self._early.append((data, time))
            while self._early[0][1] < time - EARLY_SOUND or len(self._early) > 1000:
                del self._early[0]
            return []
        self._place_sound(data, time)
        return self._take()

    def finish(self, until: float | None = None) -> tuple[list[Fragment], list[tuple[bytes, float]]]:
        """End the part: everything left, up to the caller's time ``until``; and the sound from then on, given back."""
        if self._origin is None:
            return [], self._early
        end, origin, rate = None, self._origin, self._rate
        kept: list[tuple[bytes, float]] = []
        if until is not None:
            end = max(self.ticks(until), self._floor)
            if rate is not None:
                later = [sound for sound in self._sounds if self._sound_ticks(sound.time) >= end]
                kept = [(sound.data, origin + sound.time / rate) for sound in later]
                if later:
                    self._sounds = self._sounds[: -len(later)]
                    self._sound_end = later[0].time
        if end is None:
            end = self._pictures[-1].time + self._interval if self._pictures else self._floor
        fragments = self._take(force=True)
        if self._pictures or self._sounds:
            fragments.append(Fragment(tuple(self._pictures), end, tuple(self._sounds), self._sound_end))
        self._pictures, self._sounds = [], []
        return fragments, kept

    def _sound_ticks(self, samples: int) -> int:
        assert self._rate is not None
        return samples * VIDEO_TIMESCALE // self._rate

    def _place_sound(self, data: bytes, time: float) -> None:
        """Sound follows on the sample, as it was encoded; only a real gap moves it."""
        assert self._rate is not None and self._origin is not None
        samples = round((time - self._origin) * self._rate)
        away = samples - self._sound_end
        if not self._sound_end and not self._sounds:
            self._sound_end = samples
            if samples < 0:
                self._sound_end = 0
                return
        elif away < -SOUND_TOLERANCE * self._rate:
            return  # it would lie over what is there already
        elif away > SOUND_TOLERANCE * self._rate:
            if self._silence is not None and away <= FILLED_GAP * self._rate:
                for _ in range(away // SOUND_SAMPLES):
                    self._append_sound(self._silence)
            self._sound_end = samples  # the access unit before lasts until here
        self._append_sound(data)

    def _append_sound(self, data: bytes) -> None:
        self._sounds.append(Sound(self._sound_end, data))
        self._sound_end += SOUND_SAMPLES
        self._newest = max(self._newest, self._sound_ticks(self._sound_end))

    def _take(self, force: bool = False) -> list[Fragment]:
        fragments = []
        while (fragment := self._next(force)) is not None:
            fragments.append(fragment)
        return fragments

    def _next(self, force: bool) -> Fragment | None:
        """The next fragment that is complete; with ``force`` without waiting for its sound."""
        limit = FRAGMENT_SECONDS * VIDEO_TIMESCALE
        wait = SOUND_WAIT * VIDEO_TIMESCALE
        pictures = self._pictures
        cut = next(
            (i for i in range(1, len(pictures)) if pictures[i].key or pictures[i].time - pictures[0].time >= limit), 0
        )
        if cut:
            end = pictures[cut].time
            complete = self._rate is None or self._sound_ticks(self._sound_end) >= end
            return self._cut(cut, end) if complete or force or self._newest >= end + wait else None
        # Pictures have stalled: the sound goes on alone, and the last picture lasts until the next one.
        oldest = [p.time for p in pictures[:1] if len(pictures) > 1] + [
            self._sound_ticks(s.time) for s in self._sounds[:1]
        ]
        if oldest and self._newest - min(oldest) >= limit + wait:
            if len(pictures) > 1:
                return self._cut(len(pictures) - 1, pictures[-1].time)
            if self._begun:
                return self._cut(0, self._newest + 1)
            # A part must begin with a key frame: a lone first picture waits longer for its end, then lasts until now.
            if self._newest >= EARLY_SOUND * VIDEO_TIMESCALE:
                self._floor = self._newest
                return self._cut(1, self._newest)
        return None

    def _cut(self, count: int, end: int) -> Fragment:
        """A fragment of the first pictures and of the sound that begins before ``end``."""
        number = next(
            (i for i, sound in enumerate(self._sounds) if self._sound_ticks(sound.time) >= end), len(self._sounds)
        )
        self._begun = True
        # The last access unit ends where the next one begins; when none is here yet, where it ends by itself.
        sounds, self._sounds = self._sounds[:number], self._sounds[number:]
        sound_end = self._sounds[0].time if self._sounds else self._sound_end
        pictures, self._pictures = self._pictures[:count], self._pictures[count:]
        return Fragment(tuple(pictures), end, tuple(sounds), sound_end)
