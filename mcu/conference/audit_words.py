"""What the audit says of a command."""

from __future__ import annotations

from dataclasses import fields

from mcu.conference.commands import Command, ParticipantCommand


def audit_subject(command: Command) -> str:
    """What the command is about: the number of a conference or the id of a participant."""
    if isinstance(command, ParticipantCommand):
        return command.participant_id
    return command.number


def audit_detail(command: Command) -> str:
    """What was asked for, without secrets: of a PIN only whether one was set."""
    parts = []
    for item in fields(command):
        value = getattr(command, item.name)
        if item.name in ("number", "participant_id") or value is None:
            continue
        if not item.repr:
            value = "set" if value else "removed"
        if isinstance(value, tuple):
            value = ",".join(value)
        parts.append(f"{item.name}={value}")
    return " ".join(parts)
