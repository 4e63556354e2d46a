"""Opus by the library itself: what comes out is what FFmpeg's way to the same library gives; nonsense is refused."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from mcu.media.codec import libopus
from mcu.media.codec.audio_encoder import EncoderKey, G711Encoder, OpusEncoder, encode_all
from mcu.media.sound import _native
from mcu.media.sound.samples import RATE, TICK_SAMPLES, Sound, stereo
from tests.fakes.tones import tone

pytestmark = pytest.mark.skipif(libopus.library() is None, reason="no Opus library")

KEYS = [
    EncoderKey("opus", 48_000, True, False),
    EncoderKey("opus", 24_000, False, True),
    EncoderKey("opus", 96_000, True, False, 2),
    EncoderKey("opus", 48_000, True, False, 1, True),
]
NOISE = np.random.default_rng(3).standard_normal(RATE).astype(np.float32) * np.float32(0.05)


def ticks(channels: int) -> list[Sound]:
    left = tone(440, RATE) + NOISE
    sound = left if channels == 1 else np.stack((left, tone(700, RATE)))
    return [sound[..., at : at + TICK_SAMPLES] for at in range(0, RATE, TICK_SAMPLES)]


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_it_gives_the_same_octets_as_by_ffmpeg(key: EncoderKey, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = OpusEncoder(key)
    with monkeypatch.context() as patch:
        patch.setattr(libopus, "library", lambda: None)
        theirs = OpusEncoder(key)
    assert theirs.writer is None
    assert [ours.encode(tick) for tick in ticks(key.channels)] == [theirs.encode(tick) for tick in ticks(key.channels)]


def test_all_at_once_is_what_each_alone_would_be() -> None:
    mono, two = KEYS[0], KEYS[2]
    together = [OpusEncoder(mono), G711Encoder("PCMA"), OpusEncoder(two), OpusEncoder(mono)]
    alone = [OpusEncoder(mono), G711Encoder("PCMA"), OpusEncoder(two), OpusEncoder(mono)]
    for tick in ticks(1):
        sounds = [tick, tick, stereo(tick), tick * np.float32(0.5)]
        made = encode_all(list(zip(together, sounds, strict=True)))
        assert made == [encoder.encode(sound) for encoder, sound in zip(alone, sounds, strict=True)]
    assert encode_all([]) == []


def test_what_the_library_refuses_is_an_error() -> None:
    found = libopus.library()
    assert found is not None
    with pytest.raises(libopus.OpusError):
        libopus.OpusWriter(found, 5, libopus.Application.VOICE, {})
    with pytest.raises(libopus.OpusError, match="BITRATE"):
        libopus.OpusWriter(found, 1, libopus.Application.VOICE, {libopus.Request.BITRATE: -7})
    writer = libopus.OpusWriter(found, 1, libopus.Application.VOICE, {})
    with pytest.raises(libopus.OpusError):
        libopus.encode_all([(writer, tone(440, 961))])


@pytest.mark.parametrize(("channels", "samples", "room"), [(1, 5761, 10), (3, 960, 10), (0, 960, 10), (1, 960, 0)])
def test_a_job_that_does_not_fit_together_is_not_done(channels: int, samples: int, room: int) -> None:
    called: list[int] = []

    def encode(encoder: int, sound: int, count: int, data: int, most: int) -> int:
        called.append(count)
        return most

    pointer, number = ctypes.c_void_p, ctypes.c_int32
    function = ctypes.CFUNCTYPE(number, pointer, pointer, ctypes.c_int, pointer, number)(encode)
    address = ctypes.cast(function, pointer).value or 0
    good = (1, 2, np.zeros(1920, np.float32), bytearray(10))
    assert _native.encode_all(address, [good]) == [10]
    assert called == [960]
    with pytest.raises(ValueError, match="fit together"):
        _native.encode_all(address, [good, (1, channels, np.zeros(samples, np.float32), bytearray(room))])
    assert called == [960]
    with pytest.raises(ValueError, match="no function"):
        _native.encode_all(0, [good])
    with pytest.raises(BufferError):
        _native.encode_all(address, [(1, 1, np.zeros(960, np.float32), b"read only")])  # type: ignore[list-item]
