"""Keys that participants press, whatever way they come: each counts once, and steers the own view."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

from mcu.conference.commands import Command, CommandRefused
from mcu.conference.core import ConferenceCore, Running
from mcu.conference.picture.steering import key_command
from mcu.ports import Actor, ActorKind

logger = logging.getLogger(__name__)

Way = Literal["event", "tone", "info"]
"""RTP telephone event (RFC 4733), tone in the sound, SIP INFO."""

# Rooms may send one press two or three ways at once. INFO over a slow network, and a tone that is only sure at its end,
# come this much later; seconds.
SAME_PRESS = 1.5

# Presses of one participant within that time: a number that is dialled by machine has fewer, and each is a command with
# its entry in the audit. More are dropped.
MAXIMUM_PRESSES = 32

DIGITS = frozenset("0123456789*#ABCD")

Listener = Callable[[str, str], bool]
"""Told of a participant's id and its digit; True when the digit is dealt with."""


@dataclass
class _Press:
    digit: str
    at: float
    ways: set[Way] = field(default_factory=set)


class DigitMerger:
    """Tells new presses from those that came another way already. Pure; time in seconds comes in."""

    def __init__(self) -> None:
        self._presses: list[_Press] = []

    def is_new(self, digit: str, way: Way, now: float) -> bool:
        """Take note of a digit; False for an earlier press that now came by another way as well, and for a flood."""
        self._presses = [press for press in self._presses if now - press.at < SAME_PRESS]
        for press in self._presses:
            if press.digit == digit and way not in press.ways:
                press.ways.add(way)
                return False
        if len(self._presses) >= MAXIMUM_PRESSES:
            return False
        self._presses.append(_Press(digit, now, {way}))
        return True


class Keypad:
    """One for all conferences. Other listeners come first; what nobody takes steers the presser's own view."""

    def __init__(self, core: ConferenceCore, execute: Callable[[Command, Actor], Awaitable[object]]) -> None:
        self._core = core
        self._execute = execute
        self._listeners: list[Listener] = []
        self._mergers: dict[str, DigitMerger] = {}

    def listen(self, listener: Listener) -> None:
        """Let ``listener`` hear digits before they steer views."""
        self._listeners.append(listener)

    def press(self, participant_id: str, digit: str, way: Way) -> None:
        """A digit came in; never waits. What is no digit, or of nobody here, is dropped."""
        running = self._core.with_participant(participant_id)
        if running is None or digit not in DIGITS:
            return
        merger = self._mergers.get(participant_id)
        if merger is None:
            self._mergers = {one: kept for one, kept in self._mergers.items() if self._core.with_participant(one)}
            merger = self._mergers[participant_id] = DigitMerger()
        if not merger.is_new(digit, way, self._core.clock.monotonic()):
            return
        if not any(listener(participant_id, digit) for listener in self._listeners):
            self._core.spawn(self._steer(running, participant_id, digit), f"key of {participant_id}")

    async def _steer(self, running: Running, participant_id: str, digit: str) -> None:
        # One key after the other: each steps on from what the one before has come to.
        async with running.keys:
            participant = running.conference.participant(participant_id)
            command = None if participant is None else key_command(running.conference, participant, digit)
            if participant is None or command is None:
                return
            actor = Actor(ActorKind.PARTICIPANT, participant_id, participant.name, "keypad")
            try:
                await self._execute(command, actor)
            except CommandRefused as refused:
                logger.info("Conference %s: a key changed nothing: %s", running.conference.number, refused)
                return
            await self._core.show_notice(running, participant_id)
