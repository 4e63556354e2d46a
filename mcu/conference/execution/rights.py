"""Who may give which command."""

from __future__ import annotations

from mcu.conference.commands import (
    Command,
    FloorCommand,
    Kick,
    LibraryCommand,
    MoveCamera,
    Mute,
    RenameParticipant,
    RoomCommand,
    SayInChat,
    ViewCommand,
)
from mcu.conference.picture_commands import AdjustSound
from mcu.conference.refusals import CommandRefused, Refusal
from mcu.ports import Actor, ActorKind


def authorize(command: Command, actor: Actor, place: str | None) -> None:
    """Raise CommandRefused unless the actor may do this. ``place``: the id of the running conference it is about.

    Accounts (and the server itself) may do everything. A participant may mute, rename and remove itself, choose what it
    sees and how loud it hears, share, write, and move the camera of whom it watches. A chair may do everything in its
    own conference, but nothing to rooms as such (their number, title and PINs) and to the layouts and logos of all.
    """
    if actor.is_user:
        return
    if actor.kind is ActorKind.PARTICIPANT and (_is_own(command, actor) or _is_chairs(command, actor, place)):
        return
    raise CommandRefused(
        Refusal.FORBIDDEN, "This needs an account, or the chair; a participant may only change itself."
    )


def _is_own(command: Command, actor: Actor) -> bool:
    if isinstance(command, MoveCamera):
        return True  # the model tells whose camera: see ``check_camera``
    if isinstance(command, AdjustSound):
        # How loud others hear it is not its own business.
        return command.participant_id == actor.id and command.gain is None
    own = Mute | RenameParticipant | Kick | ViewCommand | FloorCommand | SayInChat
    return isinstance(command, own) and command.participant_id == actor.id


def _is_chairs(command: Command, actor: Actor, place: str | None) -> bool:
    if isinstance(command, RoomCommand | LibraryCommand | SayInChat):
        return False
    return bool(actor.chairs) and place == actor.chairs
