"""The menu for rooms that dial the server's bare address or an access number: asks for a conference number and a PIN.

Pure: keys, answers and time (monotonic seconds) come in, actions go out. ``#`` ends a number, as does a pause; ``*``
begins a new conference, or erases what was typed. Keys pressed while a number is looked up count afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto

from mcu.conference.door.joining import JoinCode

LONGEST_NUMBER = 12
"""Keys of a conference number; rooms whose number has letters cannot be typed anyway."""

LONGEST_PIN = 12

PAUSE_ENDS = 4.0
"""Seconds after the last key until what was typed counts as whole."""

ASK_AGAIN = 15.0
"""Seconds without any key until the question is repeated."""

MAXIMUM_QUESTIONS = 4
"""Times that one question is asked without an answer."""

MAXIMUM_WRONG = 3
"""Wrong numbers, and as many wrong PINs, before the call is ended: the menu is no place to try numbers out."""

TELL_SECONDS = 15.0
"""For which the number of a new conference is shown, unless a key is pressed."""

GOODBYE_SECONDS = 4.0

LONGEST_CALL = 300.0
"""Seconds in the menu altogether."""

MAXIMUM_AHEAD = 32
"""Keys kept while a number is looked up."""


class Prompt(StrEnum):
    """What is said. Each has a sound file of this name in each language; digits follow as ``digit_0`` and so on."""

    ENTER_NUMBER = "enter_number"
    ENTER_PIN = "enter_pin"
    UNKNOWN_NUMBER = "unknown_number"
    WRONG_PIN = "wrong_pin"
    NO_ENTRY = "no_entry"
    YOUR_NUMBER = "your_number"
    GOODBYE = "goodbye"


class MenuStep(Enum):
    """Where the dialogue stands."""

    NUMBER = auto()
    PIN = auto()
    WAITING = auto()
    """A number is looked up, or a conference is being joined."""
    TELLING = auto()
    LEAVING = auto()
    OVER = auto()


@dataclass(frozen=True)
class Say:
    """Play a prompt, followed by digits."""

    prompt: Prompt
    digits: str = ""


@dataclass(frozen=True)
class Show:
    """Show the step. ``typed``: what to show of the entry, a PIN only as dots; ``trouble``: why it is asked again."""

    step: MenuStep
    typed: str = ""
    trouble: Prompt | None = None


@dataclass(frozen=True)
class LookUp:
    """Tell by ``looked_up`` what this number is."""

    number: str


@dataclass(frozen=True)
class Join:
    """Join; tell by ``refused`` when that fails."""

    number: str
    pin: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class HangUp:
    """End the call."""


Action = Say | Show | LookUp | Join | HangUp


class MenuDialogue:
    """One caller's way through the menu. ``new_number`` gives a free number; None where none may be opened."""

    def __init__(self, new_number: Callable[[], str] | None, now: float) -> None:
        self._new_number = new_number
        self._ends_at = now + LONGEST_CALL
        self._deadline: float | None = None
        self._actions: list[Action] = []
        self._step = MenuStep.NUMBER
        self._typed = ""
        self._ahead = ""
        self._number = ""
        self._asked = 0
        self._wrong_numbers = 0
        self._wrong_pins = 0

    @property
    def step(self) -> MenuStep:
        """Where the dialogue stands."""
        return self._step

    @property
    def may_begin(self) -> bool:
        """Whether ``*`` begins a new conference."""
        return self._new_number is not None

    def next_deadline(self) -> float | None:
        """When ``handle_timer`` is to be called; None when the dialogue is over."""
        if self._step is MenuStep.OVER:
            return None
        return self._ends_at if self._deadline is None else min(self._deadline, self._ends_at)

    def begin(self, now: float) -> list[Action]:
        """The caller is there."""
        self._ask(MenuStep.NUMBER, now)
        return self._taken()

    def press(self, key: str, now: float) -> list[Action]:
        """A key: 0 to 9, ``*`` or ``#``; others mean nothing."""
        if len(key) != 1 or key not in "0123456789*#":
            return []
        if self._step is MenuStep.WAITING:
            self._ahead = (self._ahead + key)[:MAXIMUM_AHEAD]
        else:
            self._take_key(key, now)
        return self._taken()

    def looked_up(self, exists: bool, pin_required: bool, now: float) -> list[Action]:
        """What the number is that was asked about."""
        if self._step is not MenuStep.WAITING:
            return []
        if not exists:
            self._wrong_number(now)
        elif pin_required:
            self._ask(MenuStep.PIN, now)
        else:
            self._actions.append(Join(self._number))
        self._replay(now)
        return self._taken()

    def refused(self, code: JoinCode, now: float) -> list[Action]:
        """The conference did not let the caller in."""
        if self._step is not MenuStep.WAITING:
            return []
        if code is JoinCode.WRONG_PIN:
            self._wrong_pins += 1
            if self._wrong_pins >= MAXIMUM_WRONG:
                self._leave(Prompt.WRONG_PIN, now)
            else:
                self._ask(MenuStep.PIN, now, Prompt.WRONG_PIN)
        elif code is JoinCode.UNKNOWN_ROOM:
            self._wrong_number(now)
        elif code is JoinCode.TOO_MANY_ATTEMPTS:
            self._leave(Prompt.NO_ENTRY, now)
        else:
            self._wrong_numbers += 1
            if self._wrong_numbers >= MAXIMUM_WRONG:
                self._leave(Prompt.NO_ENTRY, now)
            else:
                self._ask(MenuStep.NUMBER, now, Prompt.NO_ENTRY)
        self._replay(now)
        return self._taken()

    def handle_timer(self, now: float) -> list[Action]:
        """Let what is due happen."""
        if self._step is MenuStep.OVER:
            return []
        if now >= self._ends_at and self._step is not MenuStep.LEAVING:
            self._leave(Prompt.GOODBYE, now)
            self._ends_at = now + GOODBYE_SECONDS
        elif self._deadline is not None and now >= self._deadline:
            self._deadline = None
            self._time_is_up(now)
        return self._taken()

    # Inside

    def _taken(self) -> list[Action]:
        actions, self._actions = self._actions, []
        return actions

    def _time_is_up(self, now: float) -> None:
        if self._step is MenuStep.LEAVING:
            self._step = MenuStep.OVER
            self._actions.append(HangUp())
        elif self._step is MenuStep.TELLING:
            self._join_new()
        elif self._typed:
            self._entered(now)
        elif self._asked >= MAXIMUM_QUESTIONS:
            self._leave(Prompt.GOODBYE, now)
        elif self._step in (MenuStep.NUMBER, MenuStep.PIN):
            self._ask(self._step, now, again=True)

    def _take_key(self, key: str, now: float) -> None:
        if self._step is MenuStep.TELLING:
            self._join_new()
        elif self._step in (MenuStep.NUMBER, MenuStep.PIN):
            self._asked = 1
            if key == "#":
                self._entered(now)
            elif key == "*":
                self._star(now)
            else:
                self._digit(key, now)

    def _digit(self, digit: str, now: float) -> None:
        longest = LONGEST_NUMBER if self._step is MenuStep.NUMBER else LONGEST_PIN
        self._typed += digit
        self._show()
        if len(self._typed) >= longest:
            self._entered(now)
        else:
            self._deadline = now + PAUSE_ENDS

    def _star(self, now: float) -> None:
        if self._typed:
            self._typed = ""
            self._show()
            self._deadline = now + ASK_AGAIN
        elif self._step is MenuStep.PIN:
            self._ask(MenuStep.NUMBER, now)
        elif self._new_number is not None:
            self._number = self._new_number()
            self._step = MenuStep.TELLING
            self._actions += [Say(Prompt.YOUR_NUMBER, self._number), Show(self._step, self._number)]
            self._deadline = now + TELL_SECONDS

    def _entered(self, now: float) -> None:
        if not self._typed:
            self._deadline = now + ASK_AGAIN
            return
        typed, self._typed = self._typed, ""
        step, self._step = self._step, MenuStep.WAITING
        self._deadline = None
        self._actions.append(Show(self._step))
        if step is MenuStep.NUMBER:
            self._number = typed
            self._actions.append(LookUp(typed))
        else:
            self._actions.append(Join(self._number, typed))

    def _join_new(self) -> None:
        self._step, self._deadline = MenuStep.WAITING, None
        self._actions += [Show(self._step), Join(self._number)]

    def _wrong_number(self, now: float) -> None:
        self._wrong_numbers += 1
        if self._wrong_numbers >= MAXIMUM_WRONG:
            self._leave(Prompt.UNKNOWN_NUMBER, now)
        else:
            self._ask(MenuStep.NUMBER, now, Prompt.UNKNOWN_NUMBER)

    def _ask(self, step: MenuStep, now: float, trouble: Prompt | None = None, *, again: bool = False) -> None:
        self._asked = self._asked + 1 if again else 1
        self._step, self._typed = step, ""
        self._deadline = now + ASK_AGAIN
        question = Prompt.ENTER_NUMBER if step is MenuStep.NUMBER else Prompt.ENTER_PIN
        self._actions += [Say(trouble or question), Show(step, "", trouble)]

    def _leave(self, prompt: Prompt, now: float) -> None:
        self._step, self._typed, self._ahead = MenuStep.LEAVING, "", ""
        self._deadline = now + GOODBYE_SECONDS
        self._actions += [Say(prompt), Show(self._step, "", prompt)]

    def _show(self) -> None:
        shown = self._typed if self._step is MenuStep.NUMBER else "•" * len(self._typed)
        self._actions.append(Show(self._step, shown))

    def _replay(self, now: float) -> None:
        """Keys that were pressed ahead, as far as nothing is waited for again."""
        while self._ahead and self._step in (MenuStep.NUMBER, MenuStep.PIN):
            key, self._ahead = self._ahead[0], self._ahead[1:]
            self._take_key(key, now)
