"""Who may give which command."""

from __future__ import annotations

from mcu.conference.commands import (
    Command,
    FloorCommand,
    Kick,
    MoveCamera,
    Mute,
    RenameParticipant,
    SayInChat,
    ViewCommand,
)
from mcu.conference.refusals import CommandRefused, Refusal
from mcu.ports import Actor, ActorKind


def authorize(command: Command, actor: Actor) -> None:
    """Raise CommandRefused unless the actor may do this.

    Accounts (and the server itself) may do everything; a participant may mute, rename and remove itself, choose what it
    sees, share, write, and move the camera of whom it watches, nothing else.
    """
    if actor.is_user:
        return
    if (
        actor.kind is ActorKind.PARTICIPANT
        and isinstance(command, Mute | RenameParticipant | Kick | ViewCommand | FloorCommand)
        and command.participant_id == actor.id
    ):
        return
    if actor.kind is ActorKind.PARTICIPANT and isinstance(command, MoveCamera):
        return  # the model tells whose camera: see ``camera_refusal``
    if actor.kind is ActorKind.PARTICIPANT and isinstance(command, SayInChat) and command.participant_id == actor.id:
        return
    raise CommandRefused(Refusal.FORBIDDEN, "This needs an account; a participant may only change itself.")
