"""A sound mix with legs that say what they are given and hear what they get, in jumped time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mcu.media.codec.audio_decoder import make_decoder
from mcu.media.codec.audio_encoder import EncoderKey, make_encoder, rtp_samples
from mcu.media.sound.mix import SoundMix
from mcu.media.sound.samples import TICK, TICK_SAMPLES, Sound, join, silence
from mcu.media.sound.state import RecordedSound, SoundLeg, SoundState
from mcu.media.spec import CodecSpec, ProcessingSpec
from mcu.media.units import CodedSound
from tests.fakes.tones import OPUS, PCMA

STEREO = OPUS.model_copy(update={"parameters": {"stereo": "1", "sprop-stereo": "1"}})


class Room:
    """A mix, and legs that say what they are given and hear what they get, in jumped time."""

    def __init__(self, *legs: SoundLeg, processing: ProcessingSpec | None = None, record_channels: int = 0) -> None:
        self.mix = SoundMix("c")
        self.state = SoundState(legs, record_channels > 0, record_channels == 2, processing or ProcessingSpec())
        self.recorded: list[RecordedSound] = []
        self.mix.apply(self.state)
        self.ticks = 0
        self.speakers: list[str | None] = []
        self._encoders = {
            leg.id: make_encoder(replace(EncoderKey.of(leg.receive_codecs[0]), music=True)) for leg in legs
        }

    def change(self, *legs: SoundLeg) -> None:
        """These are in it from now on; those that are new say nothing."""
        self.state = replace(self.state, legs=legs)
        self.mix.apply(self.state)

    def run(self, said: Mapping[str, Sound], seconds: float) -> dict[str, Sound]:
        """Returns what each leg heard."""
        heard: dict[str, list[Sound]] = {leg.id: [] for leg in self.state.legs}
        decoders = {leg.id: make_decoder(leg.send_codec) for leg in self.state.legs if leg.send_codec is not None}
        codecs = {leg.id: leg.receive_codecs[0] for leg in self.state.legs}
        for n in range(round(seconds / TICK)):
            now = self.ticks * TICK
            for leg_id, sound in said.items():
                part = sound[..., n * TICK_SAMPLES : (n + 1) * TICK_SAMPLES]
                codec = codecs[leg_id]
                data = self._encoders[leg_id].encode(part)
                at = self.ticks * rtp_samples(codec)
                self.mix.push(leg_id, CodedSound(data, codec.payload_type, now - 0.001, at, self.ticks))
            tick = self.mix.tick(now)
            self.recorded += self.mix.recorded(now)
            self.speakers.append(tick.speaker)
            for coded in tick.coded:
                for leg_id in coded.legs:
                    heard[leg_id].append(decoders[leg_id].decode(coded.unit.data))
            self.ticks += 1
        return {leg_id: join(silence(0), *parts) for leg_id, parts in heard.items()}


def leg(name: str, codec: CodecSpec = PCMA, **choices: object) -> SoundLeg:
    return replace(SoundLeg(name, (codec,), codec), **choices)  # type: ignore[arg-type]
