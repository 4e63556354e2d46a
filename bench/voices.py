"""How good several people still sound: each says a sentence through the mixer, in each codec, in simulated time.

Both ends speak the same codec, so what is heard has been coded twice. Who is there depends on the packages that are
installed; who is missing is named. PESQ is wide band (P.862.2) for Opus and G.722, narrow band (P.862) for the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import av
import numpy as np

from bench.report import Benchmark, Figures
from bench.speech import NoSpeech, aligned, from_g722, levelled, quality
from mcu.media.codec.audio_decoder import make_decoder
from mcu.media.codec.audio_encoder import EncoderKey, can_encode, make_encoder, rtp_samples
from mcu.media.sound.mix import SoundMix
from mcu.media.sound.samples import RATE, TICK, TICK_SAMPLES, Sound, silence
from mcu.media.sound.state import SoundLeg, SoundState
from mcu.media.spec import CodecSpec
from mcu.media.units import CodedSound

SENTENCE_SECONDS = 5.0
# Jitter buffers have found their delay when it begins.
LEAD_SECONDS = 3
CODECS = (
    CodecSpec(name="opus", payload_type=111, clock_rate=48_000, channels=2, parameters={"useinbandfec": "1"}),
    CodecSpec(name="G722", payload_type=9, clock_rate=8_000),
    CodecSpec(name="PCMA", payload_type=8, clock_rate=8_000),
    CodecSpec(name="G729", payload_type=18, clock_rate=8_000),
)
WIDE = frozenset({"opus", "G722"})

_ASTERISK = Path("/usr/share/asterisk/sounds")
_SYLLABLES = Path("/usr/share/gcin-voice/ogg")
# 请问您哪里不舒服，我看: as a doctor asks it, in Zhuyin, the digit being the tone.
_QUESTION = ("ㄑㄧㄥ3", "ㄨㄣ4", "ㄋㄧㄣ2", "ㄋㄚ3", "ㄌㄧ3", "ㄅㄨ4", "ㄕㄨ", "ㄈㄨ2", "ㄨㄛ3", "ㄎㄢ4")


@dataclass(frozen=True)
class Person:
    """Somebody whose recorded voice a Debian package holds. ``load`` gives 48 kHz; it raises OSError without it."""

    name: str
    package: str
    load: Callable[[], Sound]


def _phrase(folder: str) -> Sound:
    return from_g722(_ASTERISK / folder / "demo-congrats.g722", SENTENCE_SECONDS, 1.0)


def _syllables(speaker: int) -> Sound:
    parts: list[Sound] = []
    for syllable in _QUESTION:
        path = _SYLLABLES / syllable / f"{speaker}.ogg"
        if path.exists():
            parts += [_decoded(path), silence(RATE // 25)]
    if not parts:
        raise FileNotFoundError(_SYLLABLES)
    return np.concatenate(parts)[: round(SENTENCE_SECONDS * RATE)]


def _decoded(path: Path) -> Sound:
    resampler = av.AudioResampler("fltp", "mono", RATE)
    with av.open(str(path)) as container:
        frames = [made for frame in container.decode(audio=0) for made in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray()[0] for frame in frames]).astype(np.float32, copy=False)


PEOPLE = (
    Person("english_woman", "asterisk-core-sounds-en-g722", partial(_phrase, "en_US_f_Allison")),
    Person("french_woman", "asterisk-core-sounds-fr-g722", partial(_phrase, "fr_CA_f_June")),
    Person("russian_woman", "asterisk-core-sounds-ru-g722", partial(_phrase, "ru_RU_f_IvrvoiceRU")),
    Person("italian_man", "asterisk-core-sounds-it-g722", partial(_phrase, "it_IT_m_Carlo")),
    Person("chinese_man", "gcin-voice", partial(_syllables, 3)),
    Person("chinese_woman", "gcin-voice", partial(_syllables, 5)),
)


def through_the_mixer(sentence: Sound, codec: CodecSpec) -> Sound:
    """What another hears of it, both in this codec, over a network without faults."""
    mix, encoder, decoder = SoundMix("voices"), make_encoder(EncoderKey.of(codec)), make_decoder(codec)
    mix.apply(SoundState(tuple(SoundLeg(name, (codec,), codec) for name in ("speaks", "hears"))))
    spoken = np.concatenate((silence(LEAD_SECONDS * RATE), sentence, silence(RATE // 2)))
    heard: list[Sound] = []
    for number in range(spoken.size // TICK_SAMPLES):
        data = encoder.encode(spoken[number * TICK_SAMPLES : (number + 1) * TICK_SAMPLES])
        at = number * rtp_samples(codec)
        mix.push("speaks", CodedSound(data, codec.payload_type, number * TICK, at, number))
        coded = mix.tick(number * TICK + 0.005).coded
        heard += [decoder.decode(each.unit.data) for each in coded if "hears" in each.legs]
    return np.concatenate(heard)


async def run(seconds: float) -> Figures:
    """``seconds`` is not used: a sentence is a sentence."""
    return await asyncio.to_thread(_run)


def _run() -> Figures:
    figures: Figures = {}
    missing: set[str] = set()
    for person in PEOPLE:
        try:
            sentence = levelled(person.load())
        except (OSError, NoSpeech):
            missing.add(person.package)
            continue
        figures[person.name] = {
            codec.name: quality(
                sentence, aligned(sentence, through_the_mixer(sentence, codec)), wide=codec.name in WIDE
            )
            for codec in CODECS
            if can_encode(codec.name)
        }
    if missing:
        figures["missing_packages"] = ", ".join(sorted(missing))
    return figures


BENCHMARK = Benchmark(
    summary="women and men of five languages through the mixer: PESQ by speaker and codec, in simulated time",
    run=run,
    seconds=0.0,
    aims={f"{person.name}.opus": "4.0, wide band" for person in PEOPLE},
)
