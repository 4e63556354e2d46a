"""Sound decoders: one coded frame in, 48 kHz out.

Every codec that a leg may use answers to ``SoundDecoder``. How long a frame lasts is known without decoding it, so
that the playout buffer can place it in time first. Whatever arrives, the only error is ``SoundDecodeError``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame

from mcu.media.codec import g711, libopus, opus_packet
from mcu.media.codec.aac_config import AacError
from mcu.media.codec.aac_decoder import AacStream
from mcu.media.sound.resample import Upsampler
from mcu.media.sound.samples import RATE, Sound, join, silence
from mcu.media.spec import CodecSpec

MAX_FRAME_SAMPLES = 5760
"""120 ms at 48 kHz: the longest Opus packet, and more than any room sends at once in G.711 or G.722."""

SOUND_CODECS = frozenset({"opus", "G722", "PCMA", "PCMU"})
"""Names that make_decoder and the encoders both know; others can only be decoded."""

RECEIVED_CODECS = SOUND_CODECS | {"G7221", "G729", "iLBC", "MP4A-LATM", "mpeg4-generic"}
"""Names that make_decoder knows."""

G7221_GAIN = 1.905
"""The library decodes G.722.1 5.6 dB too low."""

G711_FACTOR = RATE // 8_000
G722_FACTOR = RATE // 16_000


class SoundDecodeError(Exception):
    """The coded frame is not what its payload type promises; the decoder stays usable."""


class SoundDecoder(Protocol):
    """A decoder with state: frames are given in the order of their timestamps."""

    def duration(self, data: bytes) -> int:
        """Samples at 48 kHz that ``data`` will give. Raises SoundDecodeError."""

    def decode(self, data: bytes) -> Sound:
        """Exactly ``duration(data)`` samples at 48 kHz. Raises SoundDecodeError."""

    def quiet(self, data: bytes) -> bool:
        """Whether ``data`` is known to be inaudible (below QUIET_DBFS) without being decoded; False when in doubt."""

    def recover(self, following: bytes | None, samples: int) -> Sound | None:
        """So many lost samples, from what was decoded and, where the next frame has come, from the repair in it.

        None where this codec has no means for it.
        """


class _WithoutRepair:
    """Of a codec that knows nothing about lost frames, nor about silence."""

    def quiet(self, data: bytes) -> bool:
        return False

    def recover(self, following: bytes | None, samples: int) -> Sound | None:
        return None


def make_decoder(codec: CodecSpec) -> SoundDecoder:
    """The decoder of a negotiated payload type. Raises ValueError for a codec that is not sound."""
    match codec.name:
        case "opus":
            return OpusDecoder()
        case "G722":
            return G722Decoder()
        case "PCMA" | "PCMU":
            return G711Decoder(codec.name)
        case "G7221":
            # RFC 5577 section 4.1: 20 ms frames of 16 kHz, as long as the bit rate says
            octets = 60 if codec.parameters.get("bitrate") == "24000" else 80
            return FrameDecoder("siren", 16_000, octets, 320, gain=G7221_GAIN)
        case "G729":
            return FrameDecoder("g729", 8_000, 10, 80, tail=2)
        case "MP4A-LATM" | "mpeg4-generic":
            return AacDecoder(codec.name, codec.parameters)
        case "iLBC" if codec.parameters.get("mode") == "20":
            return FrameDecoder("ilbc", 8_000, 38, 160, bitrate=15_200)
        case "iLBC":
            return FrameDecoder("ilbc", 8_000, 50, 240, bitrate=13_333)
        case _:
            raise ValueError(f"{codec.name} is not a sound codec")


class OpusDecoder:
    """Opus at 48 kHz (RFC 7587): mono, and stereo from the first packet on that holds two channels.

    What was lost is taken from the copy in the next packet (in-band FEC) or made up by the codec itself.
    """

    def __init__(self) -> None:
        found = libopus.library()
        self._state: libopus.OpusState | None = libopus.OpusState(found, 1) if found is not None else None
        self._wrapped = _LibraryDecoder("libopus", RATE) if found is None else None

    def duration(self, data: bytes) -> int:
        try:
            return opus_packet.duration(data)
        except ValueError as error:
            raise SoundDecodeError(str(error)) from None

    def decode(self, data: bytes) -> Sound:
        samples = self.duration(data)
        if self._wrapped is not None:
            return _expect(self._wrapped.decode(data), samples)
        try:
            return _expect(self._decoder(data).decode(data), samples)
        except libopus.OpusError as error:
            raise SoundDecodeError(f"opus: {error}") from None

    def _decoder(self, data: bytes) -> libopus.OpusState:
        assert self._state is not None
        if self._state.channels == 1 and opus_packet.is_stereo(data):
            found = libopus.library()
            assert found is not None
            self._state = libopus.OpusState(found, 2)
        return self._state

    def quiet(self, data: bytes) -> bool:
        return len(data) <= opus_packet.DTX_BYTES

    def recover(self, following: bytes | None, samples: int) -> Sound | None:
        if self._state is None or samples % libopus.SHORTEST_SAMPLES or not 0 < samples <= libopus.MAXIMUM_SAMPLES:
            return None
        try:
            made = self._state.repair(following, samples) if following else self._state.conceal(samples)
        except libopus.OpusError:
            return None
        return made if made.shape[-1] == samples else None


class G722Decoder(_WithoutRepair):
    """G.722 at 64 kbit/s: each byte is two samples at 16 kHz, and one step of an RTP clock said to be 8000 Hz.

    The wrong clock rate is history (RFC 3551 section 4.5.2).
    """

    def __init__(self) -> None:
        self._library = _LibraryDecoder("g722", 16_000)
        self._upsampler = Upsampler(G722_FACTOR)

    def duration(self, data: bytes) -> int:
        return _bounded(2 * len(data) * G722_FACTOR)

    def decode(self, data: bytes) -> Sound:
        samples = self.duration(data)
        return _expect(self._upsampler.convert(self._library.decode(data)), samples)


class G711Decoder(_WithoutRepair):
    """PCMA or PCMU: each byte is a sample at 8 kHz."""

    def __init__(self, law: g711.Law) -> None:
        self._law: g711.Law = law
        self._upsampler = Upsampler(G711_FACTOR)

    def duration(self, data: bytes) -> int:
        return _bounded(len(data) * G711_FACTOR)

    def decode(self, data: bytes) -> Sound:
        self.duration(data)
        return self._upsampler.convert(g711.decode(self._law, data))

    def quiet(self, data: bytes) -> bool:
        return g711.is_quiet(self._law, data)


class FrameDecoder(_WithoutRepair):
    """A codec of frames of one size, any number of them in a packet (RFC 3551 section 4.2, RFC 3952, RFC 5577).

    ``octets`` make ``samples`` at ``rate`` Hz. ``tail`` octets at the end may be something else and are passed over:
    G.729's description of silence (RFC 3551 section 4.5.6).
    """

    def __init__(
        self,
        name: str,
        rate: int,
        octets: int,
        samples: int,
        *,
        tail: int = 0,
        gain: float = 1.0,
        bitrate: int | None = None,
    ) -> None:
        self._library = _LibraryDecoder(name, rate, bitrate)
        self._octets, self._samples, self._tail, self._gain = octets, samples, tail, np.float32(gain)
        self._factor = RATE // rate
        self._upsampler = Upsampler(self._factor)

    def duration(self, data: bytes) -> int:
        if len(data) % self._octets not in (0, self._tail):
            raise SoundDecodeError(f"{len(data)} octets are no whole frames of {self._octets}")
        return _bounded(len(data) // self._octets * self._samples * self._factor)

    def decode(self, data: bytes) -> Sound:
        samples = self.duration(data)
        frames = [
            self._library.decode(data[at : at + self._octets])
            for at in range(0, len(data) - self._octets + 1, self._octets)
        ]
        sound = np.concatenate(frames) * self._gain
        # Rubbish makes some of these decoders overflow; a mixer must not pass that on to everybody.
        sound = np.clip(np.nan_to_num(sound), -1.0, 1.0).astype(np.float32, copy=False)
        return _expect(self._upsampler.convert(sound), samples)


class AacDecoder(_WithoutRepair):
    """AAC-LD or AAC-LC, one or two channels."""

    def __init__(self, name: str, parameters: Mapping[str, str]) -> None:
        self._stream = AacStream(name, parameters)

    def duration(self, data: bytes) -> int:
        try:
            return _bounded(self._stream.duration(data))
        except AacError as error:
            raise SoundDecodeError(str(error)) from None

    def decode(self, data: bytes) -> Sound:
        samples = self.duration(data)
        try:
            return _expect(self._stream.decode(data), samples)
        except AacError as error:
            raise SoundDecodeError(str(error)) from None


class _LibraryDecoder:
    """A decoder of FFmpeg's, made mono, kept usable after any garbage."""

    def __init__(self, name: str, rate: int, bitrate: int | None = None) -> None:
        self._name, self._rate, self._bitrate = name, rate, bitrate
        self._context = self._open()

    def _open(self) -> AudioCodecContext:
        context = av.CodecContext.create(self._name, "r")
        assert isinstance(context, AudioCodecContext)
        context.sample_rate = self._rate
        context.layout = "mono"
        if self._bitrate is not None:
            context.bit_rate = self._bitrate  # tells iLBC's two frame sizes apart
        context.open()
        return context

    def decode(self, data: bytes) -> Sound:
        if not data:
            # An empty packet would tell FFmpeg that the stream has ended for good.
            raise SoundDecodeError("empty frame")
        try:
            frames = self._context.decode(av.Packet(data))
            parts = [_samples(frame) for frame in frames]
        except (av.FFmpegError, ValueError) as error:
            self._context = self._open()
            raise SoundDecodeError(f"{self._name}: {error}") from None
        return parts[0] if len(parts) == 1 else np.concatenate([np.zeros(0, np.float32), *parts])


def _samples(frame: AudioFrame) -> Sound:
    array = frame.to_ndarray()
    if not frame.format.is_planar:
        array = array.reshape(-1, frame.layout.nb_channels).T
    if array.dtype == np.int16:
        array = array.astype(np.float32) / 32768
    sound: Sound = array[0] if array.shape[0] == 1 else array.mean(axis=0)
    return sound.astype(np.float32, copy=False)


def _bounded(samples: int) -> int:
    if not 0 < samples <= MAX_FRAME_SAMPLES:
        raise SoundDecodeError(f"a frame of {samples} samples at 48 kHz")
    return samples


def _expect(sound: Sound, samples: int) -> Sound:
    """The playout buffer counts on the announced duration; a frame that decodes to another is made to fit."""
    length = sound.shape[-1]
    if length == samples:
        return sound
    if not length:
        raise SoundDecodeError("nothing could be decoded")
    return join(sound[..., :samples], silence(max(0, samples - length)))
