"""A conference's sound, tick by tick: playout, gate, mix, encode. Pure; the thread and the clock are elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from mcu.media.codec.audio_encoder import (
    AAC_FRAME,
    AacEncoder,
    EncoderKey,
    SoundEncoder,
    make_encoder,
    rtp_samples,
)
from mcu.media.sound.announcer import Announcer
from mcu.media.sound.dtmf import DtmfDetector
from mcu.media.sound.mixer import Limiter, Mixture
from mcu.media.sound.playout import PlayoutBuffer
from mcu.media.sound.playout_packet import PlayoutStatistics
from mcu.media.sound.samples import RATE, SILENCE_DBFS, TICK_SAMPLES, Sound, silence
from mcu.media.sound.speaker import Gate, SpeakerDetector
from mcu.media.sound.state import CodedMix, RecordedSound, SoundLeg, SoundState
from mcu.media.spec import CodecSpec
from mcu.media.units import CodedSound

log = logging.getLogger(__name__)

OWN_MIX_HOLD = 10.0
"""Seconds for which a leg that spoke keeps an encoder of its own. Moving a listener to another encoder's stream is
audible for a moment (both ends of a codec have memory), so it should not happen at every pause."""

OWN_MIX_LIMIT = 8
"""Legs that keep their own encoder although they are silent now; more would cost more than the switch is worth."""

IDLE_ENCODER = 5.0
"""Seconds after which an encoder that nobody listens to is let go."""

RECORDING_SLIP = 0.010
"""Seconds by which recorded time may differ from the ticks before it is set right (ticks were skipped)."""

EVERYONE = ("everyone", "")
NOTHING = ("nothing", "")
ANNOUNCEMENT = ""
"""Stands for an announcement among the ids of legs."""
Source = tuple[str, str]
"""Which mix a listener gets: EVERYONE, NOTHING, or ("without", leg)."""


@dataclass(frozen=True, slots=True)
class Tick:
    """What one tick brought. ``speaker`` only counts when ``speaker_changed``; ``keys`` are pairs of leg and key."""

    coded: list[CodedMix]
    recorded: list[RecordedSound]
    speaker: str | None
    speaker_changed: bool
    keys: tuple[tuple[str, str], ...] = ()


class _Leg:
    """A leg's playout buffer and gate; kept over changes that do not touch what it receives."""

    def __init__(self, spec: SoundLeg) -> None:
        self.spec = spec
        self._held_back = 0.0
        self._muted = not spec.heard
        self._begin(spec)
        self.spoke_at: float | None = None
        self.complained = False
        self.key: str | None = None
        self._keys = DtmfDetector()

    def change(self, spec: SoundLeg) -> None:
        if spec.receive_codecs != self.spec.receive_codecs:
            self._begin(spec)
        self.spec = spec

    def pull(self, now: float) -> Sound | None:
        """This leg's part of the tick's mix, or None. One last fading tick is played when it is muted."""
        self.key = None
        if self.spec.heard:
            self._muted = False
            return self.gate.passing(self._listened(self.playout.pull(now)), now)
        if self._muted:
            if self.spec.listens:
                self._listened(self.playout.pull(now))
            return None
        self._muted = True
        part = self.gate.shut(self.playout.pull(now))
        # What is waiting must not be heard when the microphone comes back.
        self._begin(self.spec)
        return part

    def _listened(self, sound: Sound | None) -> Sound | None:
        if self.spec.find_keys:
            self.key = self._keys.hear(sound)
        return sound

    def hold_back(self, seconds: float) -> None:
        self._held_back = seconds
        self.playout.hold_back(seconds)

    def _begin(self, spec: SoundLeg) -> None:
        self.playout = PlayoutBuffer(spec.receive_codecs)
        self.playout.hold_back(self._held_back)
        self.gate = Gate()


@dataclass(slots=True)
class _Output:
    encoder: SoundEncoder
    used_at: float


class _Recording:
    """The full mix as AAC, with times that stay true when ticks were skipped."""

    def __init__(self, now: float) -> None:
        self._encoder = AacEncoder()
        self._anchor = now
        self._samples = 0

    def encode(self, sound: Sound, now: float) -> list[RecordedSound]:
        slip = now - (self._anchor + self._samples / RATE)
        if abs(slip) > RECORDING_SLIP:
            self._anchor += slip
        self._samples += sound.size
        return [
            RecordedSound(data, self._anchor + position / RATE, AAC_FRAME)
            for data, position in self._encoder.encode(sound)
        ]


@cache
def aac_config() -> bytes:
    """The AudioSpecificConfig of recorded sound (ISO/IEC 14496-3 clause 1.6.2.1): the same for every recording."""
    return AacEncoder().config


class SoundMix:
    """The sound of one conference. Not thread-safe: one thread calls everything."""

    def __init__(self, conference_id: str) -> None:
        self._conference = conference_id
        self._legs: dict[str, _Leg] = {}
        self._outputs: dict[tuple[Source, EncoderKey], _Output] = {}
        self._limiters: dict[Source, Limiter] = {}
        self._detector = SpeakerDetector()
        self._announcer = Announcer()
        self._recording: _Recording | None = None
        self._record = False

    def apply(self, state: SoundState) -> None:
        """Take over a new state; legs that stay keep what they have buffered."""
        legs: dict[str, _Leg] = {}
        for spec in state.legs:
            leg = self._legs.get(spec.id)
            if leg is None:
                leg = _Leg(spec)
            elif leg.spec != spec:
                leg.change(spec)
            legs[spec.id] = leg
        self._legs = legs
        self._record = state.record

    def push(self, leg_id: str, unit: CodedSound) -> None:
        """A received frame. Of a leg that is unknown or not to be heard it is dropped."""
        leg = self._legs.get(leg_id)
        if leg is None or not (leg.spec.heard or leg.spec.listens):
            return
        leg.playout.insert(unit)
        if leg.playout.malformed and not leg.complained:
            leg.complained = True
            log.warning("conference %s: leg %s sends sound that cannot be decoded", self._conference, leg_id)

    def skip(self, ticks: int) -> None:
        """So many ticks were missed and will not be made up for: go on in step with the clock."""
        for leg in self._legs.values():
            leg.playout.skip(ticks)

    def tick(self, now: float) -> Tick:
        """Mix and encode the next 20 ms; ``now`` is the tick's nominal time."""
        mixture = Mixture(self._audible(now))
        changed = self._detector.update(
            {leg_id: leg.gate.level for leg_id, leg in self._legs.items() if leg.spec.heard}, now
        )
        mixes = _Mixes(mixture, self._limiters)
        recorded = self._recorded(mixes, now)
        coded = self._coded(mixes, now)
        self._limiters = mixes.limiters
        keys = tuple((leg_id, leg.key) for leg_id, leg in self._legs.items() if leg.key is not None)
        return Tick(coded, recorded, self._detector.speaker, changed, keys)

    def _audible(self, now: float) -> dict[str, Sound]:
        parts: dict[str, Sound] = {}
        for leg_id, leg in self._legs.items():
            part = leg.pull(now)
            if part is not None:
                parts[leg_id] = part
                leg.spoke_at = now
        said = self._announcer.pull()
        if said is not None:
            parts[ANNOUNCEMENT] = said
        return parts

    def announce(self, sound: Sound) -> None:
        """Let all legs hear this, from the next tick on; an empty sound ends what is being said."""
        self._announcer.say(sound)

    def _recorded(self, mixes: _Mixes, now: float) -> list[RecordedSound]:
        if not self._record:
            self._recording = None
            return []
        if self._recording is None:
            self._recording = _Recording(now)
        return self._recording.encode(mixes.get(EVERYONE), now)

    def _coded(self, mixes: _Mixes, now: float) -> list[CodedMix]:
        coded: list[CodedMix] = []
        for (source, key), listeners in self._listeners(now).items():
            output = self._outputs.get((source, key))
            if output is None:
                output = self._outputs[source, key] = _Output(make_encoder(key), now)
            output.used_at = now
            data = output.encoder.encode(mixes.get(source))
            time = now - output.encoder.delay
            coded += [
                CodedMix(tuple(legs), CodedSound(data, codec.payload_type, time, samples=rtp_samples(codec)))
                for codec, legs in _by_payload_type(listeners)
            ]
        for idle in [each for each, output in self._outputs.items() if now - output.used_at > IDLE_ENCODER]:
            del self._outputs[idle]
        return coded

    def _listeners(self, now: float) -> dict[tuple[Source, EncoderKey], list[SoundLeg]]:
        """Who hears the same in the same codec."""
        own = self._own_mixes(now)
        groups: dict[tuple[Source, EncoderKey], list[SoundLeg]] = {}
        for leg_id, leg in self._legs.items():
            spec = leg.spec
            if not spec.send or spec.send_codec is None:
                continue
            source = NOTHING if spec.speaker_muted else ("without", leg_id) if leg_id in own else EVERYONE
            groups.setdefault((source, EncoderKey.of(spec.send_codec)), []).append(spec)
        return groups

    def _own_mixes(self, now: float) -> set[str]:
        """Legs that must not, or should not, share the mix of everyone: they speak, or spoke a moment ago."""
        spoke = sorted(
            ((now - leg.spoke_at, leg_id) for leg_id, leg in self._legs.items() if leg.spoke_at is not None),
        )
        return {
            leg_id
            for rank, (ago, leg_id) in enumerate(spoke)
            if ago <= 0 or (ago < OWN_MIX_HOLD and rank < OWN_MIX_LIMIT)
        }

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


class _Mixes:
    """The limited mixes of one tick, each made when first asked for."""

    def __init__(self, mixture: Mixture, limiters: dict[Source, Limiter]) -> None:
        self._mixture = mixture
        self._before = limiters
        self._made: dict[Source, Sound] = {NOTHING: silence(TICK_SAMPLES)}
        self.limiters: dict[Source, Limiter] = {}

    def get(self, source: Source) -> Sound:
        made = self._made.get(source)
        if made is None:
            limiter = self.limiters[source] = self._before.get(source) or Limiter()
            mix = self._mixture.everyone if source == EVERYONE else self._mixture.without(source[1])
            made = self._made[source] = limiter.limit(mix)
        return made


def _by_payload_type(listeners: Iterable[SoundLeg]) -> Iterable[tuple[CodecSpec, list[str]]]:
    """The same coded frame goes out under the number that each listener negotiated."""
    groups: dict[int, tuple[CodecSpec, list[str]]] = {}
    for spec in listeners:
        assert spec.send_codec is not None  # _listeners leaves such legs out
        groups.setdefault(spec.send_codec.payload_type, (spec.send_codec, []))[1].append(spec.id)
    return groups.values()
