"""How good a sentence still is that one room of ``bench.audio`` has spoken and another heard."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import numpy as np

from bench.audio_ear import Heard
from bench.audio_rooms import OPUS, PCMA, Room, coded
from bench.audio_senders import Voice
from bench.report import Figures
from bench.speech import NoSpeech, aligned, quality, speech
from mcu.media.sound.samples import RATE, silence

SENTENCE_SECONDS = 6.0
# Said so often: on a machine that is busy with other things, senders are late, and what is late is lost.
SENTENCES = 2


class Sentences:
    """One person speaks a sentence while all others are quiet; an Opus and a G.711 listener hear it."""

    def __init__(self) -> None:
        self.takes: dict[str, list[list[tuple[float, bytes]]]] = {"pesq": [], "pesq_g711": []}
        self._listeners: dict[str, Room] = {}
        self.missing = ""
        try:
            self._sentence = speech(SENTENCE_SECONDS)
        except NoSpeech as error:
            self.missing = str(error)
            return
        lead = silence(RATE // 2)
        whole = np.concatenate((lead, self._sentence, lead))
        self._spoken = {codec.name: coded(codec, whole) for codec in (OPUS, PCMA)}

    async def say(
        self,
        rooms: Sequence[Room],
        quiet: Sequence[Voice],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Each says it SENTENCES times."""
        if self.missing:
            return
        for speaker, name in enumerate(self.takes):
            listener = self._listeners[name] = rooms[len(rooms) - 2 + speaker]
            for _ in range(SENTENCES):
                listener.heard = []
                rooms[speaker].say(self._spoken[rooms[speaker].codec.name])
                await pause(SENTENCE_SECONDS + 1.5)
                rooms[speaker].say(quiet[speaker])
                # A list of its own from here on: the next room says the same sentence, and narrow band at that.
                self.takes[name].append(listener.heard)
                listener.heard = []

    def grades(self) -> Figures:
        """The best and the worst of each kind."""
        if self.missing:
            return {"pesq": None, "pesq_g711": None, "pesq_missing": self.missing}
        figures: Figures = {}
        for name, takes in self.takes.items():
            codec = self._listeners[name].codec
            sounds = [aligned(self._sentence, Heard(codec, packets).sound) for packets in takes]
            found = [quality(self._sentence, sound, wide=codec is OPUS) for sound in sounds]
            grades = [grade for grade in found if grade is not None]
            figures |= {name: max(grades, default=None), f"{name}_worst": min(grades, default=None)}
        return figures
