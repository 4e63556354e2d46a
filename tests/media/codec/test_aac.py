"""AAC from rooms: described, packed, decoded, lost."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.media.codec.aac_config import AacConfig, AacError, parse_audio_config, parse_mux_config
from mcu.media.codec.aac_payload import MAX_FRAMES, aac_payload
from mcu.media.codec.audio_decoder import SoundDecodeError, make_decoder
from mcu.media.sound.playout import PlayoutBuffer
from mcu.media.sound.samples import RATE, TICK, Sound, silence
from mcu.media.spec import AudioCodecName, CodecSpec
from mcu.media.units import CodedSound
from tests.fakes.aac import (
    LC_CONFIG,
    LD_CONFIG,
    LD_FREQUENCY,
    SHORT_LD_CONFIG,
    audio_bits,
    coded_tone,
    generic,
    joined,
    latm,
    ld_tone,
    mux_bits,
)
from tests.fakes.tones import loudest_frequency, steady_amplitude_db

TONE_DB = 20 * np.log10(0.25)
LC_MUX = joined(mux_bits(audio_bits())).hex()


def codec(name: AudioCodecName, **parameters: str) -> CodecSpec:
    return CodecSpec(name=name, payload_type=99, clock_rate=48_000, parameters=parameters)


GENERIC = codec("mpeg4-generic", mode="AAC-hbr", config=LC_CONFIG)
LATM = codec("MP4A-LATM", cpresent="0", config=LC_MUX)
SELF_DESCRIBING = codec("MP4A-LATM", object="2")


def test_audio_configurations_are_read() -> None:
    assert parse_audio_config(bytes.fromhex("118856e500")) == AacConfig(2, 48_000, 1, 1024, bytes.fromhex("1188"))
    config = parse_audio_config(bytes.fromhex(LD_CONFIG))
    assert (config.object_type, config.rate, config.channels, config.samples) == (23, 48_000, 1, 512)
    resilient = parse_audio_config(joined(audio_bits(23, channels=2, flags="001" + "0000")))
    assert (resilient.channels, resilient.samples) == (2, 512)


def test_the_audio_configuration_within_a_mux_configuration_is_cut_out_to_the_bit() -> None:
    for object_type, expected in ((2, "1188"), (23, "b98800")):
        mux = parse_mux_config(joined(mux_bits(audio_bits(object_type), frames=3)))
        assert mux.frames == 3
        assert mux.audio.data.hex() == expected


@pytest.mark.parametrize(
    ("bits", "reason"),
    [
        (audio_bits(5), "object type 5"),
        ("11111000111" + "0011" + "0001" + "000000000", "object type 39"),
        (audio_bits(rate=4), "44100 Hz"),
        (audio_bits(rate=14), "at 0 Hz"),
        (audio_bits(channels=0), "channel configuration 0"),
        (audio_bits(flags="100"), "frames of 480 or 960"),
        (audio_bits(23, flags="100"), "frames of 480 or 960"),
        (audio_bits(flags="010"), "another coder"),
        ("10111" + "0011" + "0001" + "000" + "11", "error protection"),
        ("00010", "end after 8 bits"),
    ],
)
def test_what_we_cannot_decode_is_refused_with_a_reason(bits: str, reason: str) -> None:
    with pytest.raises(AacError, match=reason):
        parse_audio_config(joined(bits))


@pytest.mark.parametrize(
    ("bits", "reason"),
    [
        ("1", "later version"),
        ("01" + "000000" + "0001" + "000", "several programs"),
        (mux_bits(audio_bits())[:31] + "001" + "0" * 12, "fixed length"),
        (mux_bits(audio_bits())[:-2] + "10", "other data"),
    ],
)
def test_mux_configurations_that_we_do_not_know_are_refused(bits: str, reason: str) -> None:
    with pytest.raises(AacError, match=reason):
        parse_mux_config(joined(bits))


def packed(frames: list[bytes], spec: CodecSpec, index: int) -> bytes:
    if spec is GENERIC:
        return generic(frames)
    if spec is LATM:
        return latm(frames)
    # In-band: the configuration comes now and then, and in between one bit says that it is still the same.
    return latm(frames, before="0" + mux_bits(audio_bits()) if index % 10 == 0 else "1")


@pytest.mark.parametrize("spec", [GENERIC, LATM, SELF_DESCRIBING], ids=["generic", "latm", "in-band"])
def test_a_tone_in_aac_comes_out_of_the_playout_buffer_as_it_was(spec: CodecSpec) -> None:
    buffer = PlayoutBuffer([spec])
    frames = coded_tone(440, 110)
    ticks = []
    sent = 0
    for number in range(100):
        now = number * TICK
        while sent < len(frames) and sent * 1024 / RATE <= now:
            payload = packed([frames[sent]], spec, sent)
            buffer.insert(CodedSound(payload, 99, sent * 1024 / RATE, timestamp=sent * 1024, sequence=sent))
            sent += 1
        ticks.append(buffer.pull(now))
    sound = np.concatenate([silence() if tick is None else tick for tick in ticks[20:]])
    assert loudest_frequency(sound) == pytest.approx(440, abs=1)
    assert steady_amplitude_db(sound, 440) == pytest.approx(TONE_DB, abs=0.3)
    assert buffer.statistics(2.0).concealed == 0
    assert buffer.malformed == 0


def test_several_frames_in_a_packet_are_all_decoded() -> None:
    frames = coded_tone(440, 40)
    decoder = make_decoder(GENERIC)
    sound = np.concatenate([decoder.decode(generic(frames[at : at + 2])) for at in range(0, 30, 2)])
    assert sound.size == 30 * 1024
    assert loudest_frequency(sound[4096:]) == pytest.approx(440, abs=2)


def test_lost_frames_are_concealed_and_the_tone_goes_on_in_place() -> None:
    buffer = PlayoutBuffer([GENERIC])
    frames = coded_tone(440, 110)
    ticks = []
    sent = 0
    for number in range(100):
        now = number * TICK
        while sent < len(frames) and sent * 1024 / RATE <= now:
            if sent % 20 != 19:
                unit = CodedSound(generic([frames[sent]]), 99, sent * 1024 / RATE, timestamp=sent * 1024, sequence=sent)
                buffer.insert(unit)
            sent += 1
        ticks.append(buffer.pull(now))
    sound = np.concatenate([silence() if tick is None else tick for tick in ticks[20:]])
    assert 0.05 < buffer.statistics(2.0).concealed < 0.15
    assert steady_amplitude_db(sound, 440) == pytest.approx(TONE_DB, abs=1.0)


def heard(frames: Sequence[bytes], config: str = LD_CONFIG) -> Sound:
    decoder = make_decoder(codec("mpeg4-generic", mode="AAC-hbr", config=config))
    return np.concatenate([decoder.decode(generic([frame])) for frame in frames])


def test_a_tone_in_aac_ld_has_its_pitch_and_level() -> None:
    """There is no free encoder of AAC-LD; these frames are written bit by bit, of one line of the spectrum."""
    tones = {gain: heard(ld_tone(120, gain))[8_000:56_000] for gain in (160, 170, 180)}
    for sound in tones.values():
        assert loudest_frequency(sound) == pytest.approx(LD_FREQUENCY, abs=0.5)
    levels = [steady_amplitude_db(tones[gain], LD_FREQUENCY) for gain in (160, 170, 180)]
    assert np.diff(levels) == pytest.approx([15.05, 15.05], abs=0.01)  # ten steps of 2 ** (1 / 4)
    # The line's value is 2 ** 20 at gain 180; inverse MDCT and window make of it at most 2 / 1024, of 32768 each.
    assert np.abs(tones[180]).max() == pytest.approx(2**20 * 2 / 1024 / 32768, rel=0.01)


def test_aac_ld_comes_through_both_packings_and_at_48_khz() -> None:
    frames = ld_tone(60)
    mux = joined(mux_bits(audio_bits(23))).hex()
    decoder = make_decoder(codec("MP4A-LATM", cpresent="0", config=mux))
    assert decoder.duration(latm(frames[:1])) == 512
    assert np.array_equal(np.concatenate([decoder.decode(latm([frame])) for frame in frames]), heard(frames))


def test_a_lost_frame_of_aac_ld_is_concealed_and_the_tone_goes_on() -> None:
    buffer = PlayoutBuffer([codec("mpeg4-generic", mode="AAC-hbr", config=LD_CONFIG)])
    frames, sent, ticks = ld_tone(200), 0, []
    for number in range(90):
        now = number * TICK
        while sent < len(frames) and sent * 512 / RATE <= now:
            if sent % 30 != 29:
                at = sent * 512
                buffer.insert(CodedSound(generic([frames[sent]]), 99, at / RATE, timestamp=at, sequence=sent))
            sent += 1
        ticks.append(buffer.pull(now))
    sound = np.concatenate([silence() if tick is None else tick for tick in ticks[20:]])
    assert 0.02 < buffer.statistics(1.8).concealed < 0.12
    assert loudest_frequency(sound) == pytest.approx(LD_FREQUENCY, abs=2)


def test_aac_ld_in_frames_of_480_is_refused_for_it_would_sound_wrong() -> None:
    decoder = make_decoder(codec("mpeg4-generic", mode="AAC-hbr", config=SHORT_LD_CONFIG))
    with pytest.raises(SoundDecodeError, match="480"):
        decoder.duration(generic([bytes(40)]))


def test_two_channels_stay_two() -> None:
    config = joined(audio_bits(23, channels=2)).hex()
    sound = make_decoder(codec("mpeg4-generic", mode="AAC-hbr", config=config)).decode(generic([bytes(60)]))
    assert sound.shape == (2, 512)


def test_a_description_that_cannot_be_read_costs_its_packets_only() -> None:
    for parameters in ({"config": "zz"}, {"config": ""}, {"config": "2b11"}, {"config": "11" * 100}):
        decoder = make_decoder(codec("mpeg4-generic", **parameters))
        with pytest.raises(SoundDecodeError):
            decoder.duration(generic([bytes(40)]))


def test_packets_that_promise_more_than_they_hold_are_refused() -> None:
    payload = aac_payload("mpeg4-generic", {"config": LC_CONFIG})
    whole = generic([b"frame", b"more"])
    assert payload.frames(whole) == [b"frame", b"more"]
    for broken in (
        b"",
        b"\0",
        whole[:-1],
        b"\0\0rest",
        generic([]),
        generic([b"x"] * (MAX_FRAMES + 1)),
        b"\0\x11" + whole,
    ):
        with pytest.raises(AacError):
            payload.frames(broken)
    interleaved = b"\0\x10" + (5 << 3 | 1).to_bytes(2) + b"frame"
    with pytest.raises(AacError, match="interleaved"):
        payload.frames(interleaved)
    packed_long = aac_payload("MP4A-LATM", {"cpresent": "0", "config": LC_MUX})
    assert packed_long.frames(latm([b"x" * 600])) == [b"x" * 600]
    with pytest.raises(AacError):
        packed_long.frames(latm([b"x" * 600])[:-1])
    with pytest.raises(AacError, match="no configuration"):
        aac_payload("MP4A-LATM", {}).frames(b"\xff\x01\x80")


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([GENERIC, LATM, SELF_DESCRIBING]), st.binary(max_size=200))
def test_rubbish_is_an_error_or_sound_of_bounded_loudness(spec: CodecSpec, data: bytes) -> None:
    decoder = make_decoder(spec)
    for body in (data, generic([data]) if data else data, latm([data]) if data else data):
        try:
            sound = decoder.decode(body)
        except SoundDecodeError:
            continue
        assert sound.shape[-1] == decoder.duration(body)
        assert np.isfinite(sound).all()
        assert np.abs(sound).max(initial=0.0) < 2.5
