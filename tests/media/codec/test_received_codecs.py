"""Sound codecs that are only taken in: G.729, iLBC, G.722.1."""

from __future__ import annotations

import ctypes
import ctypes.util

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.media.codec.audio_decoder import SoundDecodeError, make_decoder
from mcu.media.sound.samples import RATE
from mcu.media.spec import AudioCodecName, CodecSpec

FRAMES = [
    ("G729", 8_000, {}, 10, 10),
    ("iLBC", 8_000, {"mode": "20"}, 38, 20),
    ("iLBC", 8_000, {}, 50, 30),
    ("iLBC", 8_000, {"mode": "30"}, 50, 30),
    ("G7221", 16_000, {"bitrate": "24000"}, 60, 20),
    ("G7221", 16_000, {"bitrate": "32000"}, 80, 20),
]


def codec(name: AudioCodecName, clock_rate: int, parameters: dict[str, str]) -> CodecSpec:
    return CodecSpec(name=name, payload_type=99, clock_rate=clock_rate, parameters=parameters)


@pytest.mark.parametrize(("name", "clock_rate", "parameters", "octets", "milliseconds"), FRAMES)
def test_a_packet_lasts_as_long_as_its_frames(
    name: AudioCodecName, clock_rate: int, parameters: dict[str, str], octets: int, milliseconds: int
) -> None:
    decoder = make_decoder(codec(name, clock_rate, parameters))
    for frames in (1, 2, 3):
        assert decoder.duration(bytes(frames * octets)) == frames * milliseconds * RATE // 1000
    for size in (0, 1, octets - 1, octets + 1, 13 * octets):
        with pytest.raises(SoundDecodeError):
            decoder.decode(bytes(size))


@pytest.mark.parametrize(("name", "clock_rate", "parameters", "octets", "milliseconds"), FRAMES)
def test_rubbish_is_an_error_or_sound_of_bounded_loudness(
    name: AudioCodecName, clock_rate: int, parameters: dict[str, str], octets: int, milliseconds: int
) -> None:
    decoder = make_decoder(codec(name, clock_rate, parameters))

    @settings(max_examples=40, deadline=None)
    @given(st.binary(min_size=octets, max_size=octets))
    def run(data: bytes) -> None:
        try:
            sound = decoder.decode(data)
        except SoundDecodeError:
            return
        assert sound.dtype == np.float32 and sound.size == decoder.duration(data)
        assert np.isfinite(sound).all() and np.abs(sound).max(initial=0.0) < 2.5

    run()


def test_a_description_of_silence_behind_g729_is_passed_over() -> None:
    decoder = make_decoder(codec("G729", 8_000, {}))
    assert decoder.duration(bytes(22)) == decoder.duration(bytes(20))


@pytest.mark.skipif(ctypes.util.find_library("bcg729") is None, reason="no G.729 encoder on this machine")
def test_a_tone_in_g729_is_heard_at_its_loudness() -> None:
    library = ctypes.CDLL(ctypes.util.find_library("bcg729"))
    library.initBcg729EncoderChannel.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.initBcg729EncoderChannel(0))
    samples = (8_000 * np.sin(2 * np.pi * 440 * np.arange(8_000) / 8_000)).astype(np.int16)
    decoder = make_decoder(codec("G729", 8_000, {}))
    heard = []
    for at in range(0, samples.size, 160):
        packet = b""
        for half in (samples[at : at + 80], samples[at + 80 : at + 160]):
            frame, size = ctypes.create_string_buffer(10), ctypes.c_uint8(10)
            library.bcg729Encoder(context, half.ctypes.data_as(ctypes.c_void_p), frame, ctypes.byref(size))
            packet += frame.raw
        heard.append(decoder.decode(packet))
    library.closeBcg729EncoderChannel(context)
    sound = np.concatenate(heard)[RATE // 5 :]
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(sound.size)))
    assert abs(int(spectrum.argmax()) * RATE / sound.size - 440) < 5
    assert 20 * np.log10(np.sqrt((sound**2).mean()) / (8_000 / 32_768 / np.sqrt(2))) == pytest.approx(0, abs=2)
