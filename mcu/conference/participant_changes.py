"""What commands make of a participant: pure steps from one to the next."""

from __future__ import annotations

from dataclasses import replace

from mcu.conference import commands
from mcu.conference.model import Participant
from mcu.conference.refusals import CommandRefused, Refusal
from mcu.conference.text import clean_name


def changed_participant(participant: Participant, command: commands.Mute | commands.RenameParticipant) -> Participant:
    if isinstance(command, commands.RenameParticipant):
        name = clean_name(command.name)
        if not name:
            raise CommandRefused(Refusal.INVALID, "A name needs at least one visible character.")
        return replace(participant, name=name)
    return replace(
        participant,
        microphone_muted=participant.microphone_muted if command.microphone is None else command.microphone,
        speaker_muted=participant.speaker_muted if command.speaker is None else command.speaker,
        camera_muted=participant.camera_muted if command.camera is None else command.camera,
    )
