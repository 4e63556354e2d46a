"""A conference's sound, tick by tick: playout, gate, mix, encode. Pure; the thread and the clock are elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Set
from dataclasses import dataclass, replace

import numpy as np

from mcu.media.codec.audio_encoder import (
    EncoderKey,
    SoundEncoder,
    encode_all,
    make_encoder,
    rtp_samples,
)
from mcu.media.sound.announcer import Announcer
from mcu.media.sound.leg_sound import LegSound
from mcu.media.sound.level import Fader
from mcu.media.sound.limited_mixes import EVERYONE, NOTHING, LimitedMixes, Source
from mcu.media.sound.mixer import Limiter, Mixture
from mcu.media.sound.playout_packet import PlayoutStatistics
from mcu.media.sound.recorded_mix import RecordedMix
from mcu.media.sound.samples import SILENCE_DBFS, Sound
from mcu.media.sound.speaker import SpeakerDetector
from mcu.media.sound.state import CodedMix, RecordedSound, SoundLeg, SoundState
from mcu.media.sound.tones import Tones
from mcu.media.spec import CodecSpec, ProcessingSpec
from mcu.media.units import CodedSound

log = logging.getLogger(__name__)

OWN_MIX_HOLD = 10.0
"""Seconds for which a leg that spoke keeps an encoder of its own. Moving a listener to another encoder's stream is
audible for a moment (both ends of a codec have memory), so it should not happen at every pause."""

OWN_MIX_LIMIT = 8
"""Legs that keep their own encoder although they are silent now; more would cost more than the switch is worth."""

IDLE_ENCODER = 5.0
"""Seconds after which an encoder that nobody listens to is let go."""

ANNOUNCEMENT, TONE = "", " "
"""Stand for an announcement and a tone among the ids of legs."""

_Listened = tuple[Source, EncoderKey, float]
"""A mix, how it is coded, and how much louder in dB."""

_Groups = dict[_Listened, list[tuple[CodecSpec, list[str]]]]
"""Who hears what, by the payload type under which it goes out."""


@dataclass(frozen=True, slots=True)
class Tick:
    """What one tick brought. ``speaker`` only counts when ``speaker_changed``; ``keys`` are pairs of leg and key."""

    coded: list[CodedMix]
    speaker: str | None
    speaker_changed: bool
    keys: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class _Output:
    encoder: SoundEncoder
    used_at: float


class SoundMix:
    """The sound of one conference. Not thread-safe: one thread calls everything."""

    def __init__(self, conference_id: str) -> None:
        self._conference = conference_id
        self._legs: dict[str, LegSound] = {}
        self._outputs: dict[_Listened, _Output] = {}
        self._limiters: dict[tuple[Source, int], Limiter] = {}
        self._detector = SpeakerDetector()
        self._announcer = Announcer()
        self._tones = Tones()
        self._deaf: dict[str, frozenset[str]] = {}
        self._processing = ProcessingSpec()
        self._grouped: tuple[tuple[frozenset[str], bool], _Groups] | None = None
        self._faders: dict[_Listened, Fader] = {}
        self._mixes: LimitedMixes | None = None  # of the last tick
        self._recording: RecordedMix | None = None
        self._record = False
        self._record_channels = 1

    def apply(self, state: SoundState) -> None:
        """Take over a new state; legs that stay keep what they have buffered."""
        legs: dict[str, LegSound] = {}
        for spec in state.legs:
            leg = self._legs.get(spec.id)
            if leg is None:
                leg = LegSound(spec)
            elif leg.spec != spec:
                leg.change(spec)
            legs[spec.id] = leg
        self._processing = state.processing
        if state.processing.tones:
            self._tell_of(legs.keys() - self._legs.keys(), self._legs.keys() - legs.keys())
        self._legs = legs
        self._record = state.record
        self._record_channels = 2 if state.record_stereo else 1
        self._grouped = None

    def _tell_of(self, come: Set[str], gone: Set[str]) -> None:
        if come:
            self._tones.enter(frozenset(come))
        if gone:
            self._tones.leave()

    def push(self, leg_id: str, unit: CodedSound) -> None:
        """A received frame. Of a leg that is unknown or not to be heard it is dropped."""
        leg = self._legs.get(leg_id)
        if leg is None or not (leg.spec.heard or leg.spec.listens):
            return
        leg.playout.insert(unit)
        if leg.playout.malformed and not leg.complained:
            leg.complained = True
            log.warning("conference %s: leg %s sends sound that cannot be decoded", self._conference, leg_id)

    @property
    def is_used(self) -> bool:
        """Whether anybody hears or sends anything, or it is recorded."""
        return bool(self._legs) or self._record

    def skip(self, ticks: int) -> None:
        """So many ticks were missed and will not be made up for: go on in step with the clock."""
        for leg in self._legs.values():
            leg.playout.skip(ticks)

    def tick(self, now: float) -> Tick:
        """Mix and encode the next 20 ms; ``now`` is the tick's nominal time."""
        parts = self._audible(now)
        mixture = Mixture(parts, self._deaf)
        changed = self._detector.update(
            {leg_id: leg.voice_level for leg_id, leg in self._legs.items() if leg.spec.heard}, now
        )
        forwarded = frozenset(leg_id for leg_id, leg in self._legs.items() if leg.spec.forwarded)
        mixes = LimitedMixes(mixture, self._limiters, forwarded)
        self._mixes = mixes
        coded = self._coded(mixes, now)
        self._limiters = mixes.limiters
        keys = tuple((leg_id, leg.key) for leg_id, leg in self._legs.items() if leg.key is not None)
        return Tick(coded, self._detector.speaker, changed, keys)

    def _audible(self, now: float) -> dict[str, Sound]:
        parts: dict[str, Sound] = {}
        for leg_id, leg in self._legs.items():
            part = leg.pull(now, self._processing)
            if part is not None:
                parts[leg_id] = part
                leg.spoke_at = now
        said = self._announcer.pull()
        if said is not None:
            parts[ANNOUNCEMENT] = said
        tone = self._tones.pull()
        self._deaf = {}
        if tone is not None:
            parts[TONE], self._deaf[TONE] = tone
        return parts

    def announce(self, sound: Sound) -> None:
        """Let all legs hear this, from the next tick on; an empty sound ends what is being said."""
        self._announcer.say(sound)

    def recorded(self, now: float) -> list[RecordedSound]:
        """The last tick's part of the recording. To be called when what others wait for is on its way."""
        if not self._record or self._mixes is None:
            self._recording = None
            return []
        if self._recording is None:
            self._recording = RecordedMix(now, self._record_channels)
        return self._recording.encode(self._mixes.get(EVERYONE, self._recording.channels), now)

    def _coded(self, mixes: LimitedMixes, now: float) -> list[CodedMix]:
        jobs: list[tuple[SoundEncoder, Sound]] = []
        heard = self._listeners(now)
        faders: dict[_Listened, Fader] = {}
        for listened in heard:
            source, key, gain = listened
            output = self._outputs.get(listened)
            if output is None:
                output = self._outputs[listened] = _Output(make_encoder(key), now)
            output.used_at = now
            mix = mixes.get(source, key.channels)
            if gain:
                fader = faders[listened] = self._faders.get(listened) or Fader()
                # Made louder, it may go beyond full scale again; the encoder bends nothing.
                mix = np.clip(fader.set(mix, gain), -1.0, 1.0)
            jobs.append((output.encoder, mix))
        self._faders = faders
        for idle in [each for each, output in self._outputs.items() if now - output.used_at > IDLE_ENCODER]:
            del self._outputs[idle]
        return [
            CodedMix(
                tuple(legs),
                CodedSound(data, codec.payload_type, now - encoder.delay, samples=rtp_samples(codec)),
            )
            for (encoder, _), data, listeners in zip(jobs, encode_all(jobs), heard.values(), strict=True)
            for codec, legs in listeners
        ]

    def _listeners(self, now: float) -> _Groups:
        """Who hears the same in the same codec; thought over only when those who speak have changed."""
        music = any(leg.spec.music and leg.spoke_at == now for leg in self._legs.values())
        reason = frozenset(self._own_mixes(now)), music
        own, _ = reason
        if self._grouped is not None and self._grouped[0] == reason:
            return self._grouped[1]
        groups: dict[_Listened, list[SoundLeg]] = {}
        for leg_id, leg in self._legs.items():
            if leg.encoder_key is None:
                continue
            spec = leg.spec
            source = NOTHING if spec.speaker_muted else self._source(spec, leg_id in own)
            key = replace(leg.encoder_key, music=music and leg.encoder_key.name == "opus")
            groups.setdefault((source, key, spec.listen_gain), []).append(spec)
        made = {listened: _by_payload_type(listeners) for listened, listeners in groups.items()}
        self._grouped = reason, made
        return made

    def _source(self, spec: SoundLeg, own: bool) -> Source:
        """Who is forwarded is in no rest, so that those who hear that share one as long as they can."""
        if not spec.hears_rest:
            return ("without", spec.id) if own else EVERYONE
        apart = own and (not spec.forwarded or any(spec.id in deaf for deaf in self._deaf.values()))
        return "rest", spec.id if apart else ""

    def _own_mixes(self, now: float) -> set[str]:
        """Legs that must not, or should not, share the mix of everyone: they speak, or spoke a moment ago."""
        spoke = sorted(
            ((now - leg.spoke_at, leg_id) for leg_id, leg in self._legs.items() if leg.spoke_at is not None),
        )
        return {
            leg_id
            for rank, (ago, leg_id) in enumerate(spoke)
            if ago <= 0 or (ago < OWN_MIX_HOLD and rank < OWN_MIX_LIMIT)
        } | {leg_id for deaf in self._deaf.values() for leg_id in deaf}

    def hold_back(self, leg_id: str, seconds: float) -> None:
        """Lip sync: play a leg's sound so much later than the network alone asks for."""
        leg = self._legs.get(leg_id)
        if leg is not None:
            leg.hold_back(seconds)

    @property
    def encoders(self) -> int:
        """Encoders at work, the recording's not counted."""
        return len(self._outputs)

    def leg_statistics(self, now: float) -> dict[str, PlayoutStatistics]:
        """The playout buffers' counters by leg."""
        return {leg_id: leg.playout.statistics(now) for leg_id, leg in self._legs.items()}

    def level(self, leg_id: str) -> float:
        """The level of a leg in the last tick, in dBFS."""
        leg = self._legs.get(leg_id)
        return leg.gate.level if leg is not None and leg.spec.heard else SILENCE_DBFS


def _by_payload_type(listeners: Iterable[SoundLeg]) -> list[tuple[CodecSpec, list[str]]]:
    """The same coded frame goes out under the number that each listener negotiated."""
    groups: dict[int, tuple[CodecSpec, list[str]]] = {}
    for spec in listeners:
        assert spec.send_codec is not None  # _listeners leaves such legs out
        groups.setdefault(spec.send_codec.payload_type, (spec.send_codec, []))[1].append(spec.id)
    return list(groups.values())
