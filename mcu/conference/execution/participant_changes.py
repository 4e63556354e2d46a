"""What commands make of a participant: pure steps from one to the next."""

from __future__ import annotations

from dataclasses import replace

from mcu.conference import commands
from mcu.conference.model import Muted, Participant
from mcu.conference.refusals import CommandRefused, Refusal
from mcu.conference.text import clean_name
from mcu.ports import Actor

MINIMUM_GAIN, MAXIMUM_GAIN = -40.0, 20.0
"""dB. Below one hears nothing in any case, above a whisper is a shout."""


def changed_participant(participant: Participant, command: commands.ChangeCommand, actor: Actor) -> Participant:
    """The participant after the command. Raises CommandRefused."""
    match command:
        case commands.RenameParticipant():
            name = clean_name(command.name)
            if not name:
                raise CommandRefused(Refusal.INVALID, "A name needs at least one visible character.")
            return replace(participant, name=name)
        case commands.SetRole():
            return replace(participant, role=command.role)
        case commands.HideParticipant():
            return replace(participant, hidden=command.hidden)
        case commands.AdjustSound():
            return _adjusted(participant, command)
        case commands.Mute():
            return _muted(participant, command, actor)


def _adjusted(participant: Participant, command: commands.AdjustSound) -> Participant:
    gain = participant.gain if command.gain is None else command.gain
    listen_gain = participant.listen_gain if command.listen_gain is None else command.listen_gain
    if not (MINIMUM_GAIN <= gain <= MAXIMUM_GAIN and MINIMUM_GAIN <= listen_gain <= MAXIMUM_GAIN):
        raise CommandRefused(Refusal.INVALID, f"A gain is between {MINIMUM_GAIN:g} and {MAXIMUM_GAIN:g} dB.")
    music = participant.music if command.music is None else command.music
    return replace(participant, gain=gain, listen_gain=listen_gain, music=music)


def _muted(participant: Participant, command: commands.Mute, actor: Actor) -> Participant:
    """What an account or a chair mutes stays so until one of them unmutes it; one's own muting one ends oneself."""
    wanted: dict[Muted, bool | None] = {
        "microphone": command.microphone,
        "speaker": command.speaker,
        "camera": command.camera,
    }
    by_chair = set(participant.muted_by_chair)
    # A chair that mutes itself is no different from anybody else.
    steers = actor.is_user or (bool(actor.chairs) and actor.id != participant.id)
    for what, muted in wanted.items():
        if muted is None:
            continue
        if not steers:
            if not muted and what in by_chair:
                raise CommandRefused(
                    Refusal.MUTED_BY_CHAIR, f"The chair has muted the {what}; only the chair unmutes it."
                )
        elif muted:
            by_chair.add(what)
        else:
            by_chair.discard(what)
    return replace(
        participant,
        microphone_muted=participant.microphone_muted if command.microphone is None else command.microphone,
        speaker_muted=participant.speaker_muted if command.speaker is None else command.speaker,
        camera_muted=participant.camera_muted if command.camera is None else command.camera,
        muted_by_chair=frozenset(by_chair),
    )
