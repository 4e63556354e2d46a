"""The audit as the conference sees it: one entry for every command, kept behind a seam."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from mcu.ports import Actor


@dataclass(frozen=True)
class AuditEntry:
    """Who did what to which, when, and what came of it ("done" or the code of the refusal)."""

    at: datetime
    actor: Actor
    action: str
    subject: str
    detail: str
    outcome: str


class AuditLog(Protocol):
    """Keeps audit entries. Recording one never fails for the caller and never waits."""

    def record(self, entry: AuditEntry) -> None:
        """Keep the entry."""


class NoAudit:
    """For tests and tools: keeps nothing."""

    def record(self, entry: AuditEntry) -> None:
        """Drop the entry."""
