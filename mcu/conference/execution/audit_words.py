"""What the audit says of a command."""

from __future__ import annotations

from dataclasses import fields

from mcu.conference import commands
from mcu.conference.commands import Command, ParticipantCommand
from mcu.conference.picture.picture_changes import Change

_SUBJECTS = ("number", "participant_id", "name", "logo_id")


def audit_subject(command: Command) -> str:
    """What the command is about: a conference's number, a participant's id, the name of a layout, a logo's id."""
    if isinstance(command, ParticipantCommand):
        return command.participant_id
    if isinstance(command, commands.AddLayout | commands.RemoveLayout):
        return command.name
    if isinstance(command, commands.RemoveLogo):
        return command.logo_id
    return "" if isinstance(command, commands.AddLogo) else command.number


def audit_detail(command: Command) -> str:
    """What was asked for, without secrets and what people wrote: of those only whether something was set."""
    subject = audit_subject(command)
    parts = []
    for item in fields(command):
        value = getattr(command, item.name)
        if (item.name in _SUBJECTS and value == subject) or value is None:
            continue
        if isinstance(value, Change):
            parts += _of_change(value)
            continue
        parts.append(f"{item.name}={_words(value, item.repr)}")
    return " ".join(parts)


def _of_change(change: Change) -> list[str]:
    shown = type(change).model_fields
    return [f"{name}={_words(getattr(change, name), shown[name].repr)}" for name in sorted(change.model_fields_set)]


def _words(value: object, is_shown: bool) -> str:
    if not is_shown:
        return "set" if value else "removed"
    if isinstance(value, tuple):
        return ",".join(value) if all(isinstance(one, str) for one in value) else str(len(value))
    if isinstance(value, dict):
        return ",".join(f"{key}:{one}" for key, one in value.items())
    return str(value)
