"""What is written in a conference: text only, kept as long as it lasts, bounded in size, number and rate."""

from __future__ import annotations

import unicodedata
from collections import deque
from dataclasses import dataclass
from datetime import datetime

MAXIMUM_TEXT = 2000
"""Characters of a message."""

MAXIMUM_MESSAGES = 200
"""Messages that a conference remembers for those who come later."""

BURST = 8
"""Messages that somebody may write at once …"""

REFILL = 2.0
"""… and the seconds after which there may be one more."""


@dataclass(frozen=True)
class ChatMessage:
    """Somebody wrote something. ``sender_id`` is a participant's, or empty for an account that is in no conference."""

    id: str
    at: datetime
    sender_id: str
    sender: str
    text: str


def clean_message(text: str) -> str:
    """The text without control and direction characters, line breaks kept, at most MAXIMUM_TEXT long; may be empty."""
    lines = []
    for line in text[: 2 * MAXIMUM_TEXT].replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        kept = "".join(" " if character.isspace() else character for character in line)
        lines.append("".join(character for character in kept if unicodedata.category(character)[0] != "C").rstrip())
    return unicodedata.normalize("NFC", "\n".join(lines)).strip()[:MAXIMUM_TEXT].strip()


class Chat:
    """The messages of one conference, and who may write how often. Time comes in (monotonic seconds)."""

    def __init__(self) -> None:
        self._messages: deque[ChatMessage] = deque(maxlen=MAXIMUM_MESSAGES)
        self._credit: dict[str, tuple[float, float]] = {}

    @property
    def messages(self) -> tuple[ChatMessage, ...]:
        """What was written, oldest first."""
        return tuple(self._messages)

    def wait(self, sender: str, now: float) -> float:
        """Count a message of ``sender``; 0.0 when it may be sent, else the seconds until one may."""
        credit, since = self._credit.get(sender, (float(BURST), now))
        credit = min(float(BURST), credit + (now - since) / REFILL)
        if credit < 1.0:
            self._credit[sender] = credit, now
            return (1.0 - credit) * REFILL
        self._credit[sender] = credit - 1.0, now
        return 0.0

    def add(self, message: ChatMessage) -> None:
        """Remember a message; the oldest gives way."""
        self._messages.append(message)

    def forget(self, sender: str) -> None:
        """Somebody has left."""
        self._credit.pop(sender, None)
