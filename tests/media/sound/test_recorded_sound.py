"""The sound of recordings: one channel, or two where somebody sends two, from the mix to the file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from mcu.media.codec.aac_config import parse_audio_config
from mcu.media.codec.audio_encoder import EncoderKey, make_encoder
from mcu.media.conference_sound import ConferenceSound
from mcu.media.sound.mix import SoundMix
from mcu.media.sound.recorded_mix import aac_config
from mcu.media.sound.samples import RATE, TICK, TICK_SAMPLES, Sound
from mcu.media.sound.state import RecordedSound, SoundLeg, SoundState
from mcu.media.spec import AudioSpec, CodecSpec, ConferenceSpec, LegSpec, PlainTransport
from mcu.media.units import CodedSound
from recorder.formats import AudioFormat
from recorder.layout import part_file
from tests.fakes.tones import OPUS, amplitude_db, tone
from tests.recorder.material import TimedUnit, pictures
from tests.recorder.writing import record

STEREO = CodecSpec(
    name="opus", payload_type=111, clock_rate=48_000, channels=2, parameters={"stereo": "1", "sprop-stereo": "1"}
)


def recorded(sound: Sound, *, stereo: bool) -> list[RecordedSound]:
    """What a mix of one leg that sends this is recorded as."""
    mix, encoder = SoundMix("c"), make_encoder(EncoderKey.of(STEREO))
    mix.apply(SoundState((SoundLeg("a", (STEREO,), None),), record=True, record_stereo=stereo))
    units: list[RecordedSound] = []
    for number in range(sound.shape[-1] // TICK_SAMPLES):
        part = sound[:, number * TICK_SAMPLES : (number + 1) * TICK_SAMPLES]
        mix.push("a", CodedSound(encoder.encode(part), 111, number * TICK, number * TICK_SAMPLES, number))
        mix.tick(number * TICK + 0.001)
        units += mix.recorded(number * TICK + 0.001)
    return units


@pytest.mark.parametrize("channels", [1, 2])
def test_two_channels_come_back_from_the_file_where_two_are_recorded(tmp_path: Path, channels: int) -> None:
    units = recorded(np.stack((tone(500, 3 * RATE), tone(900, 3 * RATE))), stereo=channels == 2)
    config = aac_config(channels)
    assert parse_audio_config(config).channels == channels
    sounds = [TimedUnit(unit.data, unit.time) for unit in units]
    times = [number / 30 for number in range(80)]
    record(tmp_path / "r", pictures(times), AudioFormat(RATE, channels, config), sounds)
    with av.open(str(part_file(tmp_path / "r", 1))) as container:
        assert container.streams.audio[0].codec_context.channels == channels
        sound = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)[:, RATE : 2 * RATE]
    heard = [[amplitude_db(side, frequency) for frequency in (500, 900)] for side in sound]
    full, folded = 20 * np.log10(0.25), 20 * np.log10(0.125)
    if channels == 2:
        assert heard[0][0] == pytest.approx(full, abs=1)
        assert heard[1][1] == pytest.approx(full, abs=1)
        assert max(heard[0][1], heard[1][0]) < full - 30
    else:
        assert heard == [pytest.approx([folded, folded], abs=1)]


@dataclass
class Leg:
    spec: LegSpec

    @property
    def id(self) -> str:
        return self.spec.id


def leg(name: str, codec: CodecSpec) -> Any:
    audio = AudioSpec(send_codec=codec, receive_codecs=(codec,), ssrc=1)
    return Leg(LegSpec(id=name, name=name, transport=PlainTransport(local_host="127.0.0.1"), audio=audio))


async def test_a_recording_has_two_channels_from_its_beginning_or_not_at_all() -> None:
    legs = {"a": leg("a", OPUS)}
    sound = ConferenceSound(
        "c",
        lambda: 0.0,
        legs,
        lambda *arguments: None,
        record=lambda units: None,
        on_speaker=lambda speaker: None,
        on_key=lambda name, key: None,
    )
    spec = ConferenceSpec(id="c", revision=1)
    try:
        assert parse_audio_config(sound.recorded_config()).channels == 1
        await sound.apply(spec, record=True)
        legs["b"] = leg("b", STEREO)
        assert parse_audio_config(sound.recorded_config()).channels == 1
        await sound.apply(spec, record=False)
        assert parse_audio_config(sound.recorded_config()).channels == 2
        await sound.apply(spec, record=True)
        del legs["b"]
        assert parse_audio_config(sound.recorded_config()).channels == 2
    finally:
        sound.stop()
