"""Who hears whom in a conference where sound is forwarded: the loudest, put into places on the packet layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from mcu.media.forwarding.loudest import Loudest
from mcu.media.forwarding.sound_rules import gives_voice, hears_voices
from mcu.media.forwarding.voice_outlets import LegVoices
from mcu.media.forwarding.voice_places import place_voices
from mcu.media.forwarding.voice_source import LegVoice
from mcu.media.spec import ConferenceSpec, LegSpec

Faces = Callable[[str], Sequence[str | None]]
"""Whom the slots of a leg show now."""


class SpeakingLeg(Protocol):
    """What of a leg takes part; ``voice`` and ``voices`` are None for what is no browser."""

    @property
    def spec(self) -> LegSpec: ...
    @property
    def voice(self) -> LegVoice | None: ...
    @property
    def voices(self) -> LegVoices | None: ...
    @property
    def is_connected(self) -> bool: ...
    @property
    def sound_source(self) -> int | None: ...


class VoiceRouter:
    """Methods are called on the event loop. While nobody hears voices it does nothing.

    ``faces`` tells whom a leg's slots show. ``delay`` is how long somebody's sound takes from its capture, on its own
    clock, to its arrival on ours, and ``captured`` when that was captured which a voice's last packet holds.
    """

    def __init__(
        self,
        legs: Mapping[str, SpeakingLeg],
        faces: Faces,
        delay: Callable[[str], float | None],
        captured: Callable[[str, int], float | None],
    ) -> None:
        self._legs = legs
        self._faces = faces
        self._delay = delay
        self._captured = captured
        self._loudest = Loudest()
        self._listeners: tuple[str, ...] = ()
        self._speakers: frozenset[str] = frozenset()
        self._places: dict[str, tuple[str | None, ...]] = {}

    def apply(self, spec: ConferenceSpec) -> None:
        """Take a new description."""
        self._listeners = tuple(leg.id for leg in spec.legs if hears_voices(leg))
        speakers = (leg.id for leg in spec.legs if gives_voice(leg) and not leg.microphone_muted and not leg.held)
        self._speakers = frozenset(speakers) if self._listeners else frozenset()
        self._loudest.keep(self._speakers)
        for leg in self._legs.values():
            if leg.voice is not None and leg.spec.id not in self._speakers:
                leg.voice.close()
            if leg.spec.id in self._places and leg.spec.id not in self._listeners:
                self._place(leg, leg.voices, ())
                del self._places[leg.spec.id]

    def heard(self, who: str, level: int | None, now: float) -> None:
        """A packet of somebody came, which says so how loud it is."""
        leg = self._legs.get(who) if who in self._speakers else None
        if leg is None or leg.voice is None or level is None:
            return
        anew = leg.voice.follow(leg.spec, leg.sound_source)
        if self._loudest.heard(who, level, now) or anew:
            self.review(now)

    def review(self, now: float) -> None:
        """Let everybody hear whom they should."""
        silent = {who for who in self._speakers if self._loudest.is_silent(who, now)} if self._listeners else set()
        for listener in self._listeners:
            leg = self._legs.get(listener)
            if leg is not None and leg.voices is not None and leg.is_connected:
                leg.voices.voice_time = self._voice_time
                count = leg.voices.update(leg.spec.voices)
                before = self._places.get(listener, ())
                before = (*before, *(None,) * count)[:count]
                heard = () if leg.spec.held or leg.spec.speaker_muted else self._loudest.to(listener)
                self._place(leg, leg.voices, place_voices(before, heard, self._faces(listener), silent))

    def forget(self, leg: SpeakingLeg) -> None:
        """A leg has left this conference."""
        if leg.voices is not None:
            self._place(leg, leg.voices, ())
        if leg.voice is not None:
            leg.voice.close()
        self._places.pop(leg.spec.id, None)
        self._loudest.keep(self._speakers - {leg.spec.id})

    def _place(self, leg: SpeakingLeg, voices: LegVoices | None, places: Sequence[str | None]) -> None:
        if voices is None:
            return
        for place in range(len(voices.places)):
            who = self._legs.get(places[place] or "") if place < len(places) else None
            voices.route(place, None if who is None else who.voice)
        self._places[leg.spec.id] = tuple(places)

    def time_of(self, who: str, captured: float) -> float | None:
        """When something of somebody that was captured then arrives here, as far as its sound tells."""
        delay = self._delay(who)
        return None if delay is None else captured + delay

    def _voice_time(self, voice: LegVoice) -> float | None:
        timestamp = voice.timestamp()
        captured = None if timestamp is None else self._captured(voice.leg_id, timestamp)
        return None if captured is None else self.time_of(voice.leg_id, captured)
