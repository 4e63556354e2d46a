"""One leg's way into the mix: playout, gate, and what is done to its sound."""

from __future__ import annotations

from mcu.media.codec.audio_encoder import EncoderKey
from mcu.media.sound.denoise import Denoiser
from mcu.media.sound.dtmf import DtmfDetector
from mcu.media.sound.level import Fader, Leveller
from mcu.media.sound.playout import PlayoutBuffer
from mcu.media.sound.samples import SILENCE_DBFS, Sound, mono
from mcu.media.sound.speaker import SPEECH_DBFS, Gate
from mcu.media.sound.state import SoundLeg
from mcu.media.sound.voice import VoiceDetector
from mcu.media.spec import ProcessingSpec


class LegSound:
    """A leg's playout buffer and gate; kept over changes that do not touch what it receives."""

    def __init__(self, spec: SoundLeg) -> None:
        self.spec = spec
        self._held_back = 0.0
        self._muted = not spec.heard
        self.spoke_at: float | None = None
        self.complained = False
        self.key: str | None = None
        self._keys = DtmfDetector()
        self._leveller = Leveller()
        self._fader = Fader()
        self._begin(spec)
        self._take(spec)

    def change(self, spec: SoundLeg) -> None:
        """Take a changed description."""
        if spec.receive_codecs != self.spec.receive_codecs:
            self._begin(spec)
        self.spec = spec
        self._take(spec)

    def _take(self, spec: SoundLeg) -> None:
        self.playout.music = spec.music
        self.encoder_key = EncoderKey.of(spec.send_codec) if spec.send and spec.send_codec is not None else None

    def pull(self, now: float, processing: ProcessingSpec) -> Sound | None:
        """This leg's part of the tick's mix, or None. One last fading tick is played when it is muted."""
        self.key = None
        if self.spec.heard:
            self._muted = False
            return self._heard(now, processing)
        if self._muted:
            if self.spec.listens:
                self._listened(self.playout.pull(now))
            return None
        self._muted = True
        part = self.gate.shut(self.playout.pull(now))
        # What is waiting must not be heard when the microphone comes back.
        self._begin(self.spec)
        return part

    def _heard(self, now: float, processing: ProcessingSpec) -> Sound | None:
        if self.spec.music:
            part = self.gate.always(self._listened(self.playout.pull(now)))
            return None if part is None else self._fader.set(part, self.spec.gain)
        drowsy = not self.spec.find_keys and self.gate.asleep(now)
        part = self.gate.passing(self._listened(self.playout.pull(now, drowsy)), now)
        voiced = self._voice.hear(part, self.gate.level)
        if part is None:
            return None
        if processing.denoise:
            part = self._denoiser.clean(part)
        if processing.level:
            part = self._leveller.even(part, voiced and self.gate.level > SPEECH_DBFS)
        return self._fader.set(part, self.spec.gain)

    def _listened(self, sound: Sound | None) -> Sound | None:
        if self.spec.find_keys:
            self.key = self._keys.hear(None if sound is None else mono(sound))
        return sound

    @property
    def voice_level(self) -> float:
        """Of this tick in dBFS, as far as it is a person who speaks. Of music it is silence: it takes no floor."""
        return self.gate.level if self._voice.speaking and not self.spec.music else SILENCE_DBFS

    def hold_back(self, seconds: float) -> None:
        """Lip sync: play it so much later than the network alone asks for."""
        self._held_back = seconds
        self.playout.hold_back(seconds)

    def _begin(self, spec: SoundLeg) -> None:
        self.playout = PlayoutBuffer(spec.receive_codecs)
        self.playout.hold_back(self._held_back)
        self.playout.music = spec.music
        self.gate = Gate()
        self._voice = VoiceDetector()
        self._denoiser = Denoiser()
