"""Saves what a simulated room receives: the pictures as they came, the sound decoded, in a Matroska file."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from mcu.media.codec.audio_decoder import SoundDecodeError, SoundDecoder, make_decoder
from mcu.media.sound.samples import RATE
from mcu.media.spec import CodecSpec
from mcu.media.units import CodedPicture, CodedSound

MILLISECONDS = Fraction(1, 1000)


class ReceivedSaver:
    """Writes from the first key frame on. Times in the file are those of arrival, in milliseconds.

    Raises OSError when the file cannot be made.
    """

    def __init__(self, path: Path, width: int, height: int, sound_codecs: Mapping[int, CodecSpec]) -> None:
        self._container = av.open(str(path), "w", format="matroska")
        self._video: VideoStream = self._container.add_stream("h264")
        self._video.width, self._video.height = width, height
        self._video.time_base = MILLISECONDS
        self._audio: AudioStream = self._container.add_stream("pcm_s16le", rate=RATE, layout="mono")
        self._decoders: dict[int, SoundDecoder] = {}
        self._codecs = sound_codecs
        self._start: float | None = None
        self._last_picture = -1
        self._sound_anchor: tuple[int, int] | None = None
        self._last_sound = -1

    def picture(self, unit: CodedPicture) -> None:
        """Take a picture as received."""
        if self._start is None:
            if not unit.keyframe:
                return
            self._start = unit.time
        pts = max(self._last_picture + 1, round((unit.time - self._start) * 1000))
        self._last_picture = pts
        packet = av.Packet(unit.data)
        packet.stream, packet.time_base, packet.pts, packet.dts = self._video, MILLISECONDS, pts, pts
        packet.is_keyframe = unit.keyframe
        self._container.mux(packet)

    def sound(self, unit: CodedSound) -> None:
        """Take a sound frame as received; what does not decode is left out."""
        if self._start is None or unit.payload_type not in self._codecs:
            return
        decoder = self._decoders.get(unit.payload_type)
        if decoder is None:
            decoder = self._decoders[unit.payload_type] = make_decoder(self._codecs[unit.payload_type])
        try:
            samples = decoder.decode(unit.data)
        except SoundDecodeError:
            return
        pcm = np.clip(np.rint(samples * 32767), -32768, 32767).astype(np.int16)
        packet = av.Packet(pcm.tobytes())
        packet.stream, packet.time_base = self._audio, Fraction(1, RATE)
        packet.pts = packet.dts = self._sound_time(unit, self._start)
        self._container.mux(packet)

    def _sound_time(self, unit: CodedSound, start: float) -> int:
        """The place in the file in samples: by arrival for the first frame, by RTP time from then on."""
        timestamp = unit.timestamp or 0
        if self._sound_anchor is None:
            self._sound_anchor = timestamp, max(0, round((unit.time - start) * RATE))
        first, offset = self._sound_anchor
        steps = (timestamp - first) * RATE // self._codecs[unit.payload_type].clock_rate
        self._last_sound = max(self._last_sound + 1, offset + steps)
        return self._last_sound

    def close(self) -> None:
        """Finish the file."""
        self._container.close()
