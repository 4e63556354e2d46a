"""Whose sound can go to others as it is, and who gets it so. Pure."""

from __future__ import annotations

from mcu.media.spec import AudioSpec, CodecSpec, LegSpec, WebRtcTransport


def opus_of(audio: AudioSpec) -> CodecSpec | None:
    """What a line carries of sound that is forwarded."""
    return next((codec for codec in audio.receive_codecs if codec.name == "opus"), None)


def gives_voice(leg: LegSpec) -> bool:
    """Whether the sound of a leg is forwarded: not that of rooms, nor where it has to be made louder or softer."""
    audio = leg.audio
    if audio is None or not isinstance(leg.transport, WebRtcTransport):
        return False
    return audio.receive and audio.level_id is not None and opus_of(audio) is not None and leg.gain == 0.0


def hears_voices(leg: LegSpec) -> bool:
    """Whether a leg gets others' sound as it is, and mixed only what cannot be forwarded."""
    audio = leg.audio
    wants = leg.forwarded_sound and bool(leg.voices) and leg.listen_gain == 0.0
    return wants and audio is not None and audio.send and isinstance(leg.transport, WebRtcTransport)
