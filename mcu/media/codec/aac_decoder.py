"""AAC-LD and AAC-LC as rooms send it, by FFmpeg's decoder. It is taken in only: there is no free encoder of AAC-LD."""

from __future__ import annotations

from collections.abc import Mapping

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext

from mcu.media.codec.aac_config import AacConfig, AacError
from mcu.media.codec.aac_payload import AacPayload, aac_payload
from mcu.media.sound.resample import Upsampler
from mcu.media.sound.samples import RATE, Sound, silence


class AacStream:
    """Payloads in, 48 kHz out. The decoder is opened when the first one says, or the description has said, what it is.

    A description that cannot be read makes every payload an AacError, not the leg.
    """

    def __init__(self, name: str, parameters: Mapping[str, str]) -> None:
        self._payload: AacPayload | None = None
        self._fault = ""
        try:
            self._payload = aac_payload(name, parameters)
        except AacError as error:
            self._fault = str(error)
        self._config: AacConfig | None = None
        self._context: AudioCodecContext | None = None
        self._upsamplers: list[Upsampler] = []

    def duration(self, payload: bytes) -> int:
        """Samples at 48 kHz in a payload. Raises AacError."""
        packing = self._known()
        config = packing.config(payload)
        return len(packing.frames(payload)) * config.samples * (RATE // config.rate)

    def decode(self, payload: bytes) -> Sound:
        """The sound of a payload, of one or two channels. Raises AacError; the stream stays usable."""
        packing = self._known()
        config, frames = packing.config(payload), packing.frames(payload)
        if config != self._config or self._context is None:
            self._open(config)
        try:
            return np.concatenate([self._decode(frame, config) for frame in frames], axis=-1)
        except (av.FFmpegError, ValueError) as error:
            self._context = None
            raise AacError(f"aac: {error}") from None

    def _known(self) -> AacPayload:
        if self._payload is None:
            raise AacError(self._fault)
        return self._payload

    def _open(self, config: AacConfig) -> None:
        context = av.CodecContext.create("aac", "r")
        assert isinstance(context, AudioCodecContext)
        context.extradata = config.data
        context.sample_rate = config.rate
        context.layout = "mono" if config.channels == 1 else "stereo"
        try:
            context.open()
        except (av.FFmpegError, ValueError) as error:
            raise AacError(f"aac: {error}") from None
        self._context, self._config = context, config
        self._upsamplers = [Upsampler(RATE // config.rate) for _ in range(config.channels)]

    def _decode(self, frame: bytes, config: AacConfig) -> Sound:
        assert self._context is not None
        made = [part.to_ndarray() for part in self._context.decode(av.Packet(frame))]
        sound = np.concatenate(made, axis=1).astype(np.float32, copy=False) if made else silence(0).reshape(1, 0)
        if sound.shape != (config.channels, config.samples):
            raise ValueError(f"{sound.shape} samples instead of {config.channels} times {config.samples}")
        # Rubbish decodes to anything; a mixer must not pass that on to everybody.
        sound = np.clip(np.nan_to_num(sound), -1.0, 1.0)
        if config.rate != RATE:
            sound = np.stack([up.convert(one) for up, one in zip(self._upsamplers, sound, strict=True)])
        result: Sound = sound[0] if config.channels == 1 else np.ascontiguousarray(sound)
        return result
