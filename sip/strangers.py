"""Connections that have not said yet what they want: bounded in time and in number, whoever opens them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

logger = logging.getLogger(__name__)

# A flood of them costs memory and descriptors; who means well says something within a round trip or two.
MAX_STRANGERS = 256


class Strangers:
    """Each has ``seconds`` to say something, and there are ``most`` at once: with more, room is made by the one that
    has waited longest of those from the address that most are from. ``group``: what of it one peer cannot change.
    """

    def __init__(
        self,
        what: str,
        seconds: float,
        most: int = MAX_STRANGERS,
        group: Callable[[str], str] = str,
    ) -> None:
        self.seconds = seconds
        self.refused = 0
        self._what = what
        self._most = most
        self._group = group
        self._of_group: dict[str, dict[Stranger, None]] = {}  # of each address, the longest waiting first

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(map(len, self._of_group.values()))

    def add(self, host: str, end: Callable[[], None]) -> Stranger:
        """Somebody from this host is there; ``end`` closes the connection at once if it comes to that."""
        stranger = Stranger(self, host, self._group(host), end)
        self._of_group.setdefault(stranger.group, {})[stranger] = None
        stranger.timer = asyncio.get_running_loop().call_later(self.seconds, self._refuse, stranger)
        if self.count > self._most:
            most = max(self._of_group.values(), key=len)
            self._refuse(next(iter(most)))
        return stranger

    def forget(self, stranger: Stranger) -> None:
        """See ``Stranger.leave``."""
        of_group = self._of_group.get(stranger.group, {})
        of_group.pop(stranger, None)
        if not of_group:
            self._of_group.pop(stranger.group, None)

    def _refuse(self, stranger: Stranger) -> None:
        if not self.refused:
            logger.info("%s: a connection from %s is cut short; counted from now on", self._what, stranger.host)
        self.refused += 1
        stranger.leave()
        stranger.end()


class Stranger:
    """One of them."""

    def __init__(self, owner: Strangers, host: str, group: str, end: Callable[[], None]) -> None:
        self.host, self.group, self.end = host, group, end
        self.timer: asyncio.TimerHandle | None = None
        self._owner = owner

    def leave(self) -> None:
        """It has said what it wants, or is gone."""
        self._owner.forget(self)
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
