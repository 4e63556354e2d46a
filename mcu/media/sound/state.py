"""What the sound pipeline of a conference is told and what it gives: values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mcu.media.sound.playout_packet import PlayoutStatistics
from mcu.media.spec import CodecSpec, ProcessingSpec
from mcu.media.units import CodedSound


@dataclass(frozen=True)
class SoundLeg:
    """One leg's sound. ``receive``: it may speak. ``send``: it gets the mix. A muted speaker gets silence, so that
    its stream goes on; ``send`` False or no ``send_codec`` means that nothing is sent at all. ``find_keys``: listen for
    the tones of a keypad, also while it is muted. ``gain`` in dB is on its sound, ``listen_gain`` on what it hears;
    ``music``: its sound is left as it is, never evened, cleaned or stretched. ``forwarded``: it goes as it is to those
    who ``hears_rest`` is set for, and so is not in what these get.
    """

    id: str
    receive_codecs: tuple[CodecSpec, ...]
    send_codec: CodecSpec | None
    microphone_muted: bool = False
    speaker_muted: bool = False
    send: bool = True
    receive: bool = True
    find_keys: bool = False
    gain: float = 0.0
    listen_gain: float = 0.0
    music: bool = False
    forwarded: bool = False
    hears_rest: bool = False

    @property
    def heard(self) -> bool:
        """Whether its sound is decoded and mixed."""
        return self.receive and not self.microphone_muted

    @property
    def listens(self) -> bool:
        """Whether its sound is decoded at least to find keys in it."""
        return self.receive and self.find_keys


@dataclass(frozen=True)
class SoundState:
    """All legs of a conference, whether the full mix is to be coded for a recording, and what is done to the sound.

    ``record_stereo`` must stay as it is while something is recorded.
    """

    legs: tuple[SoundLeg, ...] = ()
    record: bool = False
    record_stereo: bool = False
    processing: ProcessingSpec = field(default_factory=ProcessingSpec)


@dataclass(frozen=True, slots=True)
class CodedMix:
    """One coded tick, for all these legs. ``unit.time`` is when its first decoded sample was mixed."""

    legs: tuple[str, ...]
    unit: CodedSound


@dataclass(frozen=True, slots=True)
class RecordedSound:
    """One AAC-LC access unit of the full mix: 48 kHz, ``samples`` long.

    ``time`` is the instant on the monotonic clock of its first decoded sample, encoder priming taken off, so it can be
    written beside pictures as it is. The very first one decodes to silence from before the recording.
    """

    data: bytes
    time: float
    samples: int


@dataclass(frozen=True)
class SoundStatistics:
    """Counters since the pipeline began. ``skipped_ticks`` could not be caught up with any more."""

    ticks: int = 0
    late_ticks: int = 0
    skipped_ticks: int = 0
    encoders: int = 0
    legs: Mapping[str, PlayoutStatistics] = field(default_factory=dict)

    @property
    def concealed(self) -> float:
        """Seconds of made-up sound, over all legs."""
        return sum(leg.concealed for leg in self.legs.values())
