"""Fuzz target: configurations and payloads of AAC."""

from __future__ import annotations

from contextlib import suppress

from mcu.media.codec.aac_config import AacError, parse_audio_config, parse_mux_config
from mcu.media.codec.aac_payload import MAX_FRAMES, aac_payload

SEEDS = (b"\x11\x88", b"\xb9\x88\x00", b"\x00\x10\x00\x28frame", b"\x40\x00\x23\x10\x3f\xc0")


def fuzz_one(data: bytes) -> None:
    """A configuration, a payload under a known one, and payloads that describe themselves, one after the other."""
    with suppress(AacError):
        config = parse_audio_config(data)
        assert parse_audio_config(config.data) == config
    with suppress(AacError):
        assert parse_mux_config(data).audio.channels in (1, 2)
    for name, parameters in (
        ("mpeg4-generic", {"config": "1188"}),
        ("MP4A-LATM", {"cpresent": "0", "config": "400023103fc0"}),
        ("MP4A-LATM", {}),
        ("mpeg4-generic", {"config": data.hex()}),
    ):
        with suppress(AacError):
            payload = aac_payload(name, parameters)
            for body in (data, data[1:]):
                frames = payload.frames(body)
                assert 0 < len(frames) <= MAX_FRAMES
                assert all(frames)
                assert sum(map(len, frames)) <= len(body)
