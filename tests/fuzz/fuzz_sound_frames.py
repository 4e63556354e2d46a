"""Fuzz target: coded sound frames of every codec, through decoder and playout buffer."""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from mcu.media.codec import opus_packet
from mcu.media.codec.audio_decoder import SoundDecodeError, make_decoder
from mcu.media.sound.playout import PlayoutBuffer
from mcu.media.sound.samples import TICK, TICK_SAMPLES
from mcu.media.spec import CodecSpec
from mcu.media.units import CodedSound
from tests.fakes import tones

CODECS = (
    *tones.CODECS,
    CodecSpec(name="G729", payload_type=18, clock_rate=8_000),
    CodecSpec(name="iLBC", payload_type=98, clock_rate=8_000, parameters={"mode": "20"}),
    CodecSpec(name="G7221", payload_type=99, clock_rate=16_000, parameters={"bitrate": "32000"}),
)
DECODERS = {codec.payload_type: make_decoder(codec) for codec in CODECS}


def fuzz_one(data: bytes) -> None:
    """The first byte chooses the codec, the next two the timestamp's and sequence number's steps."""
    if len(data) < 3:
        return
    payload_type = CODECS[data[0] % len(CODECS)].payload_type
    body = data[3:]
    check_decoder(payload_type, body)
    check_playout(payload_type, body, data[1] * 97, data[2])


def check_decoder(payload_type: int, body: bytes) -> None:
    with suppress(ValueError):  # the documented error; most bodies are not Opus at all
        assert 0 < opus_packet.duration(body) <= opus_packet.MAX_DURATION
    try:
        sound = DECODERS[payload_type].decode(body)
    except SoundDecodeError:
        return
    assert np.isfinite(sound).all()
    mended = DECODERS[payload_type].recover(body, sound.shape[-1])
    assert mended is None or (mended.shape[-1] == sound.shape[-1] and np.isfinite(mended).all())


def check_playout(payload_type: int, body: bytes, step: int, gap: int) -> None:
    buffer = PlayoutBuffer(CODECS)
    for n in range(6):
        buffer.insert(CodedSound(body, payload_type, n * TICK, timestamp=n * step, sequence=n * (1 + gap)))
        tick = buffer.pull(n * TICK)
        assert tick is None or (tick.shape[-1] == TICK_SAMPLES and bool(np.isfinite(tick).all()))
