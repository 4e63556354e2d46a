"""Sound encoders: 20 ms of the 48 kHz mix in, one coded frame out; and AAC-LC for recordings."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame

from mcu.media.codec import g711, libbcg729, libopus
from mcu.media.codec.audio_decoder import SOUND_CODECS
from mcu.media.sound.resample import TAPS, Downsampler
from mcu.media.sound.samples import RATE, TICK_SAMPLES, Sound, mono, with_channels
from mcu.media.spec import CodecSpec

OPUS_BITRATE = 48_000
"""Enough for full-band mono speech; the peer may ask for less by maxaveragebitrate (RFC 7587 section 6.1)."""

OPUS_STEREO_BITRATE = 96_000
"""Where both ends agreed on stereo, which is asked for by who sends more than speech."""

OPUS_BITRATE_RANGE = (6_000, 128_000)

OPUS_EXPECTED_LOSS = 10
"""Per cent. Tells the encoder how much in-band repair to send."""

OPUS_LOOKAHEAD = 312
"""Samples at 48 kHz by which the encoder's output lags its input (its pre-skip)."""

AAC_BITRATE = 96_000
AAC_STEREO_BITRATE = 144_000
AAC_FRAME = 1024
AAC_PRIMING = 1024
"""Samples that the encoder puts in front: the first access unit decodes to silence from before the first input."""


class SoundEncoder(Protocol):
    """An encoder with state; every call gives it the next 960 samples."""

    delay: float
    """Seconds by which the first decoded sample of a frame lies before the first sample put in."""

    def encode(self, sound: Sound) -> bytes:
        """The coded frame."""


@dataclass(frozen=True, slots=True)
class EncoderKey:
    """What makes two listeners' encoders the same: the payload type is theirs alone, these are not.

    ``music``: nothing is done for the sake of speech; Opus's mode for speech takes away what lies below 60 Hz.
    """

    name: str
    bitrate: int
    in_band_fec: bool
    constant_bitrate: bool
    channels: int = 1
    music: bool = False

    @classmethod
    def of(cls, codec: CodecSpec) -> EncoderKey:
        """Read what concerns us from the negotiated parameters; nonsense in them counts as absent."""
        if codec.name != "opus":
            return cls(codec.name, 64_000, False, False)
        wished = codec.parameters.get("maxaveragebitrate", "")
        # int() takes more than a number in an fmtp may look like, and refuses very long ones.
        stereo = codec.parameters.get("stereo") == "1"
        most = OPUS_STEREO_BITRATE if stereo else OPUS_BITRATE
        bitrate = int(wished) if wished.isascii() and wished.isdigit() and len(wished) <= 9 else most
        low, high = OPUS_BITRATE_RANGE
        return cls(
            codec.name,
            max(low, min(high, most, bitrate)),
            codec.parameters.get("useinbandfec") == "1",
            codec.parameters.get("cbr") == "1",
            2 if stereo else 1,
        )


def can_encode(name: str) -> bool:
    """Whether there is an encoder for a codec of this name here: G.729's takes a library that not every machine has."""
    return name in SOUND_CODECS or (name == "G729" and libbcg729.library() is not None)


def make_encoder(key: EncoderKey) -> SoundEncoder:
    """The encoder for these needs. Raises ValueError for a codec that is not one of those that can be encoded here."""
    match key.name:
        case "opus":
            return OpusEncoder(key)
        case "G722":
            return G722Encoder()
        case "PCMA" | "PCMU":
            return G711Encoder(key.name)
        case "G729" if (found := libbcg729.library()) is not None:
            return G729Encoder(found)
        case _:
            raise ValueError(f"{key.name} is not a sound codec")


def rtp_samples(codec: CodecSpec) -> int:
    """Steps of the codec's RTP clock in one tick: 960 for Opus, 160 for the others, G.722 included (RFC 3551 4.5.2)."""
    return TICK_SAMPLES if codec.name == "opus" else TICK_SAMPLES * 8_000 // RATE


class OpusEncoder:
    """Opus, 20 ms, with in-band repair for the frame before when the peer reads it."""

    delay = OPUS_LOOKAHEAD / RATE

    def __init__(self, key: EncoderKey) -> None:
        self._key = key
        self.writer: libopus.OpusWriter | None = None
        found = libopus.library()
        if found is not None:
            self.writer = libopus.OpusWriter(found, key.channels, self._application, self._settings)
        self._wrapped = self._wrap() if found is None else None

    @property
    def _application(self) -> libopus.Application:
        music = self._key.music or self._key.channels == 2
        return libopus.Application.AUDIO if music else libopus.Application.VOICE

    @property
    def _settings(self) -> dict[libopus.Request, int]:
        key, request = self._key, libopus.Request
        return {
            request.BITRATE: key.bitrate,
            # Few encoders serve all listeners, so each may take its time: PESQ after two generations 4.03 to 4.28.
            request.COMPLEXITY: 10,
            request.VARIABLE_BITRATE: not key.constant_bitrate,
            request.CONSTRAINED: 1,
            request.EXPECTED_LOSS: OPUS_EXPECTED_LOSS if key.in_band_fec else 0,
            request.IN_BAND_REPAIR: key.in_band_fec,
        }

    def _wrap(self) -> _LibraryEncoder:
        """FFmpeg's way to the library that is built into it, where ours is not to be had."""
        key = self._key
        return _LibraryEncoder(
            "libopus",
            RATE,
            "flt",
            key.bitrate,
            {
                "application": "audio" if self._application is libopus.Application.AUDIO else "voip",
                "frame_duration": "20",
                "fec": "1" if key.in_band_fec else "0",
                "packet_loss": str(OPUS_EXPECTED_LOSS) if key.in_band_fec else "0",
                "vbr": "off" if key.constant_bitrate else "constrained",
                "compression_level": "10",
            },
            key.channels,
        )

    def encode(self, sound: Sound) -> bytes:
        sound = with_channels(sound, self._key.channels)
        if self.writer is not None:
            return libopus.encode_all([(self.writer, sound)])[0]
        assert self._wrapped is not None
        return b"".join(data for data, _ in self._wrapped.encode(sound))


def encode_all(jobs: Sequence[tuple[SoundEncoder, Sound]]) -> list[bytes]:
    """The next frame of each encoder. Opus, which takes longest, is encoded for all together."""
    writers = [
        (encoder.writer, with_channels(sound, encoder.writer.channels))
        for encoder, sound in jobs
        if isinstance(encoder, OpusEncoder) and encoder.writer is not None
    ]
    made = iter(libopus.encode_all(writers))
    return [
        next(made) if isinstance(encoder, OpusEncoder) and encoder.writer is not None else encoder.encode(sound)
        for encoder, sound in jobs
    ]


class G722Encoder:
    """G.722 at 64 kbit/s."""

    delay = TAPS / 2 / 16_000 + 22 / 16_000  # our filter, and the codec's own split into two bands

    def __init__(self) -> None:
        self._downsampler = Downsampler(RATE // 16_000)
        self._library = _LibraryEncoder("g722", 16_000, "s16", None, {})

    def encode(self, sound: Sound) -> bytes:
        return b"".join(data for data, _ in self._library.encode(self._downsampler.convert(sound)))


class G711Encoder:
    """PCMA or PCMU."""

    delay = TAPS / 2 / 8_000

    def __init__(self, law: g711.Law) -> None:
        self._law: g711.Law = law
        self._downsampler = Downsampler(RATE // 8_000)

    def encode(self, sound: Sound) -> bytes:
        return g711.encode(self._law, self._downsampler.convert(sound))


class G729Encoder:
    """G.729 at 8 kbit/s (annex A): two frames in a packet."""

    delay = (TAPS / 2 + libbcg729.LOOKAHEAD) / 8_000

    def __init__(self, found: ctypes.PyDLL) -> None:
        self._downsampler = Downsampler(RATE // 8_000)
        self._library = libbcg729.FrameEncoder(found)

    def encode(self, sound: Sound) -> bytes:
        thin = self._downsampler.convert(mono(sound))
        return self._library.encode(np.clip(np.rint(thin * 32767), -32768, 32767).astype(np.int16))


class AacEncoder:
    """AAC-LC, 48 kHz, for recordings. Takes any number of samples, gives whole access units."""

    def __init__(self, channels: int = 1) -> None:
        bitrate = AAC_BITRATE if channels == 1 else AAC_STEREO_BITRATE
        self._library = _LibraryEncoder("aac", RATE, "fltp", bitrate, {"aac_coder": "fast"}, channels)
        self._channels = channels
        self._waiting = np.zeros((channels, 0) if channels > 1 else 0, np.float32)

    @property
    def config(self) -> bytes:
        """The AudioSpecificConfig (ISO/IEC 14496-3 clause 1.6.2.1) for the muxer."""
        return self._library.extradata

    def encode(self, sound: Sound) -> list[tuple[bytes, int]]:
        """Access units that are finished, each with the position of its first decoded sample.

        Positions count the samples put in; the first access unit stands at ``-AAC_PRIMING``.
        """
        self._waiting = np.concatenate((self._waiting, with_channels(sound, self._channels)), axis=-1)
        units: list[tuple[bytes, int]] = []
        while self._waiting.shape[-1] >= AAC_FRAME:
            frame, self._waiting = self._waiting[..., :AAC_FRAME], self._waiting[..., AAC_FRAME:]
            units += self._library.encode(frame)
        return units


class _LibraryEncoder:
    """An encoder of FFmpeg's, mono or stereo."""

    def __init__(
        self,
        name: str,
        rate: int,
        sample_format: str,
        bitrate: int | None,
        options: dict[str, str],
        channels: int = 1,
    ) -> None:
        context = av.CodecContext.create(name, "w")
        assert isinstance(context, AudioCodecContext)
        context.sample_rate = rate
        self._layout = context.layout = "mono" if channels == 1 else "stereo"
        context.format = sample_format
        context.time_base = Fraction(1, rate)
        if bitrate is not None:
            context.bit_rate = bitrate
        context.options = options
        context.open()
        self._context, self._rate, self._format = context, rate, sample_format
        self._channels = channels
        self._position = 0

    @property
    def extradata(self) -> bytes:
        return bytes(self._context.extradata or b"")

    def encode(self, sound: Sound) -> list[tuple[bytes, int]]:
        """Coded frames with the position of the first sample that they decode to."""
        sound = with_channels(sound, self._channels)
        if self._format == "s16":
            array = np.clip(np.rint(sound * 32767), -32768, 32767).astype(np.int16)
        else:
            array = sound.astype(np.float32, copy=False)
        if self._format.endswith("p"):
            array = np.ascontiguousarray(array.reshape(-1, sound.shape[-1]))  # planar: a row for each channel
        else:
            # Left and right alternate in what is handed over.
            array = (np.ascontiguousarray(array.T) if array.ndim == 2 else array).reshape(1, -1)
        frame = AudioFrame.from_ndarray(array, format=self._format, layout=self._layout)
        frame.sample_rate = self._rate
        frame.pts = self._position
        frame.time_base = Fraction(1, self._rate)
        self._position += sound.shape[-1]
        return [(bytes(packet), packet.pts or 0) for packet in self._context.encode(frame)]
