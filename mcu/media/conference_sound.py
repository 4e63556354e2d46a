"""The sound of one conference: legs' desired state to that of the sound pipeline, and its mixes to legs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from mcu.media.conference_sync import Playing
from mcu.media.forwarding.sound_rules import gives_voice, hears_voices
from mcu.media.leg import MediaLeg
from mcu.media.sound.announcer import load_announcement
from mcu.media.sound.pipeline import CodedMix, RecordedSound, SoundLeg, SoundPipeline, SoundState, SoundStatistics
from mcu.media.sound.recorded_mix import aac_config
from mcu.media.spec import ConferenceSpec
from mcu.media.units import CodedSound


class ConferenceSound:
    """Methods are called on the event loop. ``legs`` are those of the conference, by id; it changes as they do."""

    def __init__(
        self,
        conference_id: str,
        clock: Callable[[], float],
        legs: Mapping[str, MediaLeg],
        call: Callable[..., None],
        *,
        record: Callable[[Sequence[RecordedSound]], None],
        on_speaker: Callable[[str | None], None],
        on_key: Callable[[str, str], None],
        watched: int = -1,
    ) -> None:
        """``call`` leads from the pipeline's thread to the event loop, where ``on_speaker`` and ``on_key`` are called;
        ``record`` is called on that thread. ``watched``: the descriptor by which ``call`` wakes the loop.
        """
        self._legs = legs
        self._announced: int | None = None
        self._recording = self._stereo = False
        self._pipeline = SoundPipeline(
            conference_id,
            clock=clock,
            on_coded=lambda mixes: call(self._deliver, mixes),
            on_recorded=record,
            on_speaker=lambda leg: call(on_speaker, leg),
            on_key=lambda leg, key: call(on_key, leg, key),
            watched=watched,
        )
        self._pipeline.start()

    def recorded_config(self) -> bytes:
        """What a recording that begins now must know of its sound: it has two channels where somebody sends two.

        While one goes on, that stays as it is.
        """
        if not self._recording:
            self._stereo = any(_sends_stereo(leg) for leg in self._legs.values())
        return aac_config(2 if self._stereo else 1)

    def stop(self) -> None:
        """End the pipeline's thread; blocks until it has ended."""
        self._pipeline.stop()

    def statistics(self) -> SoundStatistics:
        """Counters of the pipeline."""
        return self._pipeline.statistics()

    async def apply(self, spec: ConferenceSpec, record: bool) -> None:
        """Make it so for the legs that are open."""
        self._recording = record
        self._pipeline.apply(
            SoundState(
                legs=tuple(sound for leg in self._legs.values() if (sound := _sound_leg(leg)) is not None),
                record=record,
                record_stereo=self._stereo,
                processing=spec.processing,
            )
        )
        await self._announce(spec)

    async def _announce(self, spec: ConferenceSpec) -> None:
        number = None if spec.announcement is None else spec.announcement.number
        if number == self._announced:
            return
        self._announced = number
        files = () if spec.announcement is None else spec.announcement.files
        self._pipeline.announce(await asyncio.to_thread(load_announcement, files))

    def received(self, leg_id: str, unit: CodedSound) -> None:
        """A leg sent sound."""
        self._pipeline.push(leg_id, unit)

    def playout(self, leg_id: str) -> Playing | None:
        """What a leg's playout buffer did, at most 200 ms ago; None for one that sends no sound."""
        return self._pipeline.statistics().legs.get(leg_id)

    def hold_back(self, leg_id: str, seconds: float) -> None:
        """Lip sync: let a leg's sound wait for its picture."""
        self._pipeline.hold_back(leg_id, seconds)

    def _deliver(self, mixes: Sequence[CodedMix]) -> None:
        for mix in mixes:
            for leg_id in mix.legs:
                leg = self._legs.get(leg_id)
                if leg is not None:
                    leg.send_sound(mix.unit)


def _sends_stereo(leg: MediaLeg) -> bool:
    """Whether it has said that it will (RFC 7587 section 6.1)."""
    audio = leg.spec.audio
    return (
        audio is not None
        and audio.receive
        and any(codec.parameters.get("sprop-stereo") == "1" for codec in audio.receive_codecs)
    )


def _sound_leg(leg: MediaLeg) -> SoundLeg | None:
    spec = leg.spec
    if spec.audio is None:
        return None
    return SoundLeg(
        id=leg.id,
        receive_codecs=spec.audio.receive_codecs,
        send_codec=spec.audio.send_codec,
        microphone_muted=spec.microphone_muted,
        speaker_muted=spec.speaker_muted,
        send=spec.audio.send and not spec.held,
        receive=spec.audio.receive and not spec.held,
        # Browsers have buttons, and rooms that send telephone events send no tones.
        find_keys=spec.transport.kind == "rtp" and spec.audio.dtmf_payload_type is None,
        gain=spec.gain,
        listen_gain=spec.listen_gain,
        music=spec.music,
        forwarded=gives_voice(spec),
        hears_rest=hears_voices(spec),
    )
