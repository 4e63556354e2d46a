"""Tones through every codec, both ways; and what decoders do with garbage."""

from __future__ import annotations

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.media.codec import g711, opus_packet
from mcu.media.codec.audio_decoder import (
    MAX_FRAME_SAMPLES,
    SOUND_CODECS,
    SoundDecodeError,
    SoundDecoder,
    make_decoder,
)
from mcu.media.codec.audio_encoder import (
    AAC_FRAME,
    AAC_PRIMING,
    OPUS_BITRATE,
    OPUS_LOOKAHEAD,
    AacEncoder,
    EncoderKey,
    make_encoder,
    rtp_samples,
)
from mcu.media.sound.samples import RATE, TICK_SAMPLES, Sound, level_dbfs, mono, silence
from mcu.media.spec import CodecSpec
from tests.fakes.tones import CODECS, G722, OPUS, PCMA, PCMU, amplitude_db, loudest_frequency, tone

codecs = pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)


def there_and_back(codec: CodecSpec, sound: Sound) -> Sound:
    encoder, decoder = make_encoder(EncoderKey.of(codec)), make_decoder(codec)
    ticks = (sound[at : at + TICK_SAMPLES] for at in range(0, sound.size, TICK_SAMPLES))
    return np.concatenate([decoder.decode(encoder.encode(tick)) for tick in ticks])


@codecs
@pytest.mark.parametrize("frequency", [300, 1000, 3000])
def test_a_tone_keeps_its_frequency_and_level(codec: CodecSpec, frequency: int) -> None:
    sound = there_and_back(codec, tone(frequency, RATE))
    assert sound.size == RATE
    assert loudest_frequency(sound[9600:]) == pytest.approx(frequency, abs=1)
    assert amplitude_db(sound[9600:], frequency) == pytest.approx(20 * np.log10(0.25), abs=0.7)


@pytest.mark.parametrize(("codec", "frequency"), [(G722, 6500), (OPUS, 6500)], ids=["G722", "opus"])
def test_wideband_codecs_carry_wideband(codec: CodecSpec, frequency: int) -> None:
    sound = there_and_back(codec, tone(frequency, RATE))
    assert amplitude_db(sound[9600:], frequency) == pytest.approx(20 * np.log10(0.25), abs=2)


@pytest.mark.parametrize("codec", [PCMA, G722], ids=lambda codec: codec.name)
def test_what_a_codec_cannot_carry_is_not_folded_back(codec: CodecSpec) -> None:
    """9 kHz would come back at 1 kHz from 8 kHz sampling, and at 7 kHz from 16 kHz."""
    sound = there_and_back(codec, tone(9000, RATE))[9600:]
    assert amplitude_db(sound, 1000) < -60
    assert amplitude_db(sound, 7000) < -60


@codecs
def test_the_stated_delay_of_an_encoder_is_its_delay(codec: CodecSpec) -> None:
    """A pulse of noise is found again where encoder and decoder together put it."""
    pulse = np.random.default_rng(1).normal(0, 0.2, RATE // 4).astype(np.float32)
    speech = np.convolve(pulse, np.hanning(60) / 30, "same").astype(np.float32)  # below 1 kHz or so
    sound = np.concatenate((silence(9600), speech, silence(14_400)))[: 36 * TICK_SAMPLES]
    heard = there_and_back(codec, sound)
    lag = int(np.argmax(np.correlate(heard, sound[: heard.size - 2000], "valid")))
    upsampling = {"opus": 0, "G722": 12 * 3, "PCMA": 12 * 6, "PCMU": 12 * 6}[codec.name]
    assert lag - upsampling == pytest.approx(make_encoder(EncoderKey.of(codec)).delay * RATE, abs=24)


def test_opus_lookahead_is_what_the_library_says() -> None:
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "mono", "flt"
    encoder.open()
    assert encoder.extradata is not None
    assert int.from_bytes(encoder.extradata[10:12], "little") == OPUS_LOOKAHEAD


def test_rtp_clocks() -> None:
    assert [rtp_samples(codec) for codec in CODECS] == [960, 160, 160, 160]


def test_a_stereo_opus_sender_is_heard_in_stereo() -> None:
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "stereo", "flt"
    encoder.options = {"frame_duration": "20"}
    encoder.open()
    decoder, heard = make_decoder(OPUS), []
    for n in range(50):
        left = tone(500, start=n * 960)
        both = np.stack((left, 0 * left)).T
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(both).reshape(1, -1), format="flt", layout="stereo")
        frame.sample_rate = 48_000
        heard += [decoder.decode(bytes(packet)) for packet in encoder.encode(frame)]
    sound = np.concatenate(heard, axis=1)
    assert {part.shape for part in heard} == {(2, 960)}
    assert amplitude_db(sound[0, 9600:], 500) == pytest.approx(20 * np.log10(0.25), abs=0.7)
    assert amplitude_db(sound[1, 9600:], 500) < -40


def test_an_encoder_of_two_channels_takes_one_and_the_other_way_round() -> None:
    """Handed over as it is, one channel would be read as two of half its length: another tone at another time."""
    both_ways = {1: np.stack((tone(1000, RATE),) * 2), 2: tone(1000, RATE)}
    for channels, sound in both_ways.items():
        encoder, decoder = make_encoder(EncoderKey("opus", 64_000, False, False, channels)), make_decoder(OPUS)
        ticks = (sound[..., at : at + TICK_SAMPLES] for at in range(0, RATE, TICK_SAMPLES))
        heard = np.concatenate([mono(decoder.decode(encoder.encode(tick))) for tick in ticks])
        assert amplitude_db(heard[9600:], 1000) == pytest.approx(20 * np.log10(0.25), abs=0.7)
        recorded = AacEncoder(channels).encode(sound)
        assert recorded[0][1] == -AAC_PRIMING and len(recorded) >= RATE // AAC_FRAME - 2


def test_a_lost_opus_frame_is_mended_from_the_next_one() -> None:
    """In-band repair (RFC 6716 section 2.1.7): the lost frame is the first loud one, which nobody could make up."""
    encoder = make_encoder(EncoderKey("opus", 24_000, True, False))
    loud: Sound = np.sum(
        [tone(150.0 * harmonic, amplitude=0.06) for harmonic in range(1, 12)], axis=0, dtype=np.float32
    )
    frames = [encoder.encode(loud if n >= 50 else loud * np.float32(0.1)) for n in range(60)]
    repaired, made_up = make_decoder(OPUS), make_decoder(OPUS)
    for frame in frames[:50]:
        repaired.decode(frame)
        made_up.decode(frame)
    with_repair, without = repaired.recover(frames[51], 960), made_up.recover(None, 960)
    assert with_repair is not None and without is not None
    assert level_dbfs(with_repair) > level_dbfs(without) + 6


@pytest.mark.parametrize("codec", [PCMA, PCMU], ids=lambda codec: codec.name)
def test_faint_g711_is_known_to_be_inaudible_without_decoding(codec: CodecSpec) -> None:
    decoder = make_decoder(codec)
    for amplitude in (0.0, 0.0004, 0.002, 0.1):
        data = make_encoder(EncoderKey.of(codec)).encode(tone(500, amplitude=amplitude))
        assert decoder.quiet(data) == (amplitude < 0.001)
        if decoder.quiet(data):
            assert level_dbfs(decoder.decode(data)) < -62


@pytest.mark.parametrize(
    ("parameters", "bitrate", "fec", "cbr"),
    [
        ({}, OPUS_BITRATE, False, False),
        ({"useinbandfec": "1", "cbr": "1"}, OPUS_BITRATE, True, True),
        ({"maxaveragebitrate": "20000"}, 20_000, False, False),
        ({"maxaveragebitrate": "510000"}, OPUS_BITRATE, False, False),
        ({"maxaveragebitrate": "1"}, 6_000, False, False),
        ({"maxaveragebitrate": "-5"}, OPUS_BITRATE, False, False),
        ({"maxaveragebitrate": "9" * 5000}, OPUS_BITRATE, False, False),
        ({"maxaveragebitrate": "²"}, OPUS_BITRATE, False, False),
    ],
)
def test_opus_parameters(parameters: dict[str, str], bitrate: int, fec: bool, cbr: bool) -> None:
    codec = CodecSpec(name="opus", payload_type=96, clock_rate=48_000, channels=2, parameters=parameters)
    key = EncoderKey.of(codec)
    assert key == EncoderKey("opus", bitrate, fec, cbr)
    assert make_encoder(key).encode(tone(440))


def test_a_video_codec_has_no_sound() -> None:
    video = CodecSpec(name="H264", payload_type=96, clock_rate=90_000)
    with pytest.raises(ValueError, match="H264"):
        make_decoder(video)
    with pytest.raises(ValueError, match="H264"):
        make_encoder(EncoderKey.of(video))
    assert {codec.name for codec in CODECS} == SOUND_CODECS


# G.711 against the library's tables


@pytest.mark.parametrize(("law", "name"), [("PCMA", "pcm_alaw"), ("PCMU", "pcm_mulaw")])
def test_g711_tables_are_those_of_the_standard(law: g711.Law, name: str) -> None:
    decoder = av.CodecContext.create(name, "r")
    decoder.sample_rate, decoder.layout = 8_000, "mono"
    every_code = bytes(range(256))
    expected = decoder.decode(av.Packet(every_code))[0].to_ndarray().reshape(-1)
    ours = np.rint(g711.decode(law, every_code) * 32768).astype(int)
    assert np.array_equal(ours, expected)


@pytest.mark.parametrize("law", ["PCMA", "PCMU"])
def test_g711_codes_survive_a_round_trip(law: g711.Law) -> None:
    values = g711.decode(law, bytes(range(256)))
    assert np.array_equal(g711.decode(law, g711.encode(law, values)), values)
    assert np.abs(g711.decode(law, g711.encode(law, np.float32([2.0, -2.0])))).min() > 0.97


# Opus table of contents (RFC 6716 section 3.1)


@pytest.mark.parametrize(
    ("data", "samples"),
    [
        (b"\x00x", 480),  # SILK 10 ms
        (b"\x18x", 2880),  # SILK 60 ms
        (b"\x68x", 960),  # hybrid 20 ms
        (b"\x80x", 120),  # CELT 2.5 ms
        (b"\xf8x", 960),  # CELT 20 ms
        (b"\xf9x", 1920),  # two frames
        (b"\xfb\x03x", 2880),  # three frames, counted
        (b"\xf8", 960),  # DTX
    ],
)
def test_opus_durations(data: bytes, samples: int) -> None:
    assert opus_packet.duration(data) == samples


@pytest.mark.parametrize("data", [b"", b"\xfb", b"\xfb\x00", b"\xfb\x3f", b"\x1b\x03"])
def test_impossible_opus_packets(data: bytes) -> None:
    with pytest.raises(ValueError, match="Opus"):
        opus_packet.duration(data)


# Garbage


@codecs
@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=1500))
def test_garbage_is_a_decode_error_or_sound_of_the_stated_length(codec: CodecSpec, data: bytes) -> None:
    check_decoder(make_decoder(codec), data)


@codecs
def test_a_decoder_works_on_after_garbage(codec: CodecSpec) -> None:
    encoder, decoder = make_encoder(EncoderKey.of(codec)), make_decoder(codec)
    heard = []
    chance = np.random.default_rng(5)
    for n in range(100):
        good = encoder.encode(tone(800, start=n * 960))
        if n < 40:
            check_decoder(decoder, chance.bytes(int(chance.integers(0, 400))))
        heard.append(mono(decoder.decode(good)))
    assert amplitude_db(np.concatenate(heard[60:]), 800) == pytest.approx(20 * np.log10(0.25), abs=0.7)


def check_decoder(decoder: SoundDecoder, data: bytes) -> None:
    try:
        samples = decoder.duration(data)
    except SoundDecodeError:
        samples = None
    try:
        sound = decoder.decode(data)
    except SoundDecodeError:
        return
    assert samples == sound.shape[-1] <= MAX_FRAME_SAMPLES
    assert sound.dtype == np.float32
    assert np.isfinite(sound).all()


# AAC


def test_recorded_aac_decodes_to_the_tone_where_its_positions_say() -> None:
    encoder = AacEncoder()
    sound = np.concatenate((silence(9600), tone(1000, RATE)))
    units = [unit for at in range(0, sound.size, 960) for unit in encoder.encode(sound[at : at + 960])]
    assert [position for _, position in units[:3]] == [-AAC_PRIMING, 0, AAC_FRAME]
    decoder = av.CodecContext.create("aac", "r")
    decoder.extradata = encoder.config
    decoder.sample_rate, decoder.layout = RATE, "mono"
    decoded = [frame.to_ndarray()[0] for data, _ in units for frame in decoder.decode(av.Packet(data))]
    assert {frame.size for frame in decoded} == {AAC_FRAME}
    heard = np.concatenate(decoded)[AAC_PRIMING:]
    assert amplitude_db(heard[14_400:48_000], 1000) == pytest.approx(20 * np.log10(0.25), abs=0.7)
    onset = int(np.argmax(np.abs(heard) > 0.05))
    assert onset == pytest.approx(9600, abs=96)


def test_aac_config_says_lc_48_khz_mono() -> None:
    config = AacEncoder().config
    assert config[0] >> 3 == 2  # AAC-LC
    assert (config[0] & 7) << 1 | config[1] >> 7 == 3  # 48 kHz
    assert config[1] >> 3 & 15 == 1  # mono
