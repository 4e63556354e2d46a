"""Calls that a conference makes: what is known of each, and the seam to the signalling that makes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

MAXIMUM_TARGETS = 50
"""Called by one command. A longer list is rather a mistake than a consultation."""

MAXIMUM_TARGET = 256
"""Characters of what is called."""

MAXIMUM_RETRIES = 10

MAXIMUM_FAILED = 20
"""Failed calls that a conference goes on showing; the oldest give way."""


class CallState(StrEnum):
    """Where a call out stands. WAITING: for the next try. The last three are its end."""

    DIALLING = "dialling"
    RINGING = "ringing"
    WAITING = "waiting"
    ANSWERED = "answered"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it."""
        return self in (CallState.ANSWERED, CallState.FAILED, CallState.CANCELLED)


@dataclass(frozen=True)
class OutgoingCall:
    """Somebody whom the conference calls. ``attempt`` counts from 1. ``reason`` is why the last try came to nothing.

    ``status`` is the SIP status of that, None where there was none. ``participant_id`` once it was answered.
    """

    id: str
    target: str
    name: str
    started_at: datetime
    attempts: int
    attempt: int = 1
    state: CallState = CallState.DIALLING
    reason: str = ""
    status: int | None = None
    participant_id: str | None = None


class TargetRefused(Exception):
    """Nobody can, or may, be called under this address. ``is_policy``: it could be reached, but must not be."""

    def __init__(self, message: str, *, is_policy: bool = False) -> None:
        super().__init__(message)
        self.is_policy = is_policy


@dataclass(frozen=True)
class CallRequest:
    """One try. ``conference_id`` is the conference that the callee joins; ``title`` is what its display shows."""

    target: str
    name: str
    number: str
    conference_id: str
    title: str


@dataclass(frozen=True)
class CallAnswered:
    """The callee is in the conference."""

    participant_id: str


@dataclass(frozen=True)
class CallFailed:
    """It came to nothing. ``worth_retrying``: busy or away, rather than wrong."""

    reason: str
    status: int | None = None
    worth_retrying: bool = False


class Caller(Protocol):
    """Signalling that can call out."""

    def check(self, target: str) -> str:
        """A name for whoever is called under ``target``. Raises TargetRefused."""

    async def call(self, request: CallRequest, on_ringing: Callable[[], None]) -> CallAnswered | CallFailed:
        """Call, and bring the callee in when it answers. Cancelled, it gives the call up properly."""
