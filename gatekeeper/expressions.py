"""Expressions of the number plan: a small, bounded kind of regular expression that takes linear time.

Whoever writes a rule must not be able to stop the server with it, nor whoever dials. So expressions are not handed to
a backtracking engine: they are compiled to a short program, and all ways through it are followed side by side (Thompson
1968, with captures after Pike). A text of ``n`` characters takes at most ``n`` times the program's length.

Known are literals, ``.``, ``\\d``, ``\\w``, classes ``[a-z]`` and ``[^0-9]``, groups ``( )`` and ``(?: )``, ``|``, and
the quantifiers ``? * + {n} {n,} {n,m}``. The whole text must match; ``^`` and ``$`` may stand at the ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

MAX_SOURCE = 128
"""Characters of an expression: rules are written and read by people."""

MAX_PROGRAM = 256
"""Instructions after counted repeats were written out. With texts of 128 characters, at most a few milliseconds."""

MAX_VISITS = 16 * MAX_PROGRAM
"""Parts visited while repeats are written out."""

_TOO_LARGE = "the expression is too large once its repeats are written out"

MAX_REPEAT = 64
"""Of ``{n,m}``. No address of use is longer in one piece."""

MAX_DEPTH = 8
"""Groups within groups."""

MAX_GROUPS = 9
"""Captures that a target can name: ``{1}`` to ``{9}``."""


class ExpressionError(ValueError):
    """An expression is malformed or too large; the message says what and where."""


@dataclass(frozen=True)
class Characters:
    """A set of characters by ranges, or all but these."""

    ranges: tuple[tuple[str, str], ...]
    negated: bool = False

    def holds(self, character: str) -> bool:
        """Whether the character is one of them."""
        return any(first <= character <= last for first, last in self.ranges) is not self.negated


ANY = Characters((), negated=True)
DIGITS = Characters((("0", "9"),))
WORD = Characters((("0", "9"), ("a", "z"), ("_", "_")))


class Op(Enum):
    """What an instruction does."""

    TAKE = auto()
    SPLIT = auto()
    JUMP = auto()
    SAVE = auto()


@dataclass(frozen=True)
class Instruction:
    """``SPLIT`` tries ``first`` before ``second``, ``JUMP`` goes to ``first``, ``SAVE`` notes the place there."""

    op: Op
    characters: Characters = ANY
    first: int = 0
    second: int = 0


@dataclass(frozen=True)
class Literal:
    """One character."""

    characters: Characters


@dataclass(frozen=True)
class Sequence:
    """One after the other."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Choice:
    """One of several, the first that leads to a match."""

    options: tuple[Node, ...]


@dataclass(frozen=True)
class Repeat:
    """As often as possible within bounds; ``most`` None: without limit."""

    part: Node
    least: int
    most: int | None


@dataclass(frozen=True)
class Group:
    """A capture, counted from 1."""

    part: Node
    number: int


Node = Literal | Sequence | Choice | Repeat | Group


class Expression:
    """A compiled expression."""

    def __init__(self, node: Node) -> None:
        self._program: list[Instruction] = []
        self._visits = 0
        self._write(node)

    def match(self, text: str) -> tuple[str, ...] | None:
        """What the groups captured ("" for one that took no part), or None when the whole text does not match."""
        end = len(self._program)
        empty = (-1,) * (2 * MAX_GROUPS + 2)
        threads = self._follow([(0, empty)], 0)
        for place, character in enumerate(text):
            if not threads:
                return None
            # The final state is last in the program and takes nothing.
            going = [
                (counter + 1, saved)
                for counter, saved in threads
                if counter < end and self._program[counter].characters.holds(character)
            ]
            threads = self._follow(going, place + 1)
        for counter, saved in threads:
            if counter == end:
                pairs = [(saved[2 * number], saved[2 * number + 1]) for number in range(1, MAX_GROUPS + 1)]
                return tuple(text[first:last] if 0 <= first <= last else "" for first, last in pairs)
        return None

    def _follow(self, starts: list[tuple[int, tuple[int, ...]]], place: int) -> list[tuple[int, tuple[int, ...]]]:
        """Everywhere that can be reached without taking a character, in order of preference, each place once."""
        program, found, seen = self._program, [], set()
        stack = starts[::-1]
        while stack:
            counter, saved = stack.pop()
            if counter in seen:
                continue
            seen.add(counter)
            if counter == len(program) or program[counter].op is Op.TAKE:
                found.append((counter, saved))
                continue
            step = program[counter]
            if step.op is Op.JUMP:
                stack.append((step.first, saved))
            elif step.op is Op.SPLIT:
                stack += [(step.second, saved), (step.first, saved)]
            else:
                stack.append((counter + 1, (*saved[: step.first], place, *saved[step.first + 1 :])))
        return found

    def _write(self, node: Node) -> None:
        self._visits += 1
        if self._visits > MAX_VISITS:  # repeats of nothing write no instruction, but take time all the same
            raise ExpressionError(_TOO_LARGE)
        if isinstance(node, Literal):
            self._emit(Instruction(Op.TAKE, node.characters))
        elif isinstance(node, Sequence):
            for part in node.parts:
                self._write(part)
        elif isinstance(node, Group):
            self._emit(Instruction(Op.SAVE, first=2 * node.number))
            self._write(node.part)
            self._emit(Instruction(Op.SAVE, first=2 * node.number + 1))
        elif isinstance(node, Choice):
            self._write_choice(node)
        else:
            self._write_repeat(node)

    def _write_choice(self, node: Choice) -> None:
        jumps = []
        for option in node.options[:-1]:
            split = self._emit(Instruction(Op.SPLIT))
            self._write(option)
            jumps.append(self._emit(Instruction(Op.JUMP)))
            self._program[split] = Instruction(Op.SPLIT, first=split + 1, second=len(self._program))
        self._write(node.options[-1])
        for jump in jumps:
            self._program[jump] = Instruction(Op.JUMP, first=len(self._program))

    def _write_repeat(self, node: Repeat) -> None:
        for _ in range(node.least):
            self._write(node.part)
        if node.most is None:
            split = self._emit(Instruction(Op.SPLIT))
            self._write(node.part)
            self._emit(Instruction(Op.JUMP, first=split))
            self._program[split] = Instruction(Op.SPLIT, first=split + 1, second=len(self._program))
            return
        splits = []
        for _ in range(node.most - node.least):
            splits.append(self._emit(Instruction(Op.SPLIT)))
            self._write(node.part)
        for split in splits:
            self._program[split] = Instruction(Op.SPLIT, first=split + 1, second=len(self._program))

    def _emit(self, instruction: Instruction) -> int:
        if len(self._program) >= MAX_PROGRAM:
            raise ExpressionError(_TOO_LARGE)
        self._program.append(instruction)
        return len(self._program) - 1


def literal(text: str) -> Sequence:
    """The text itself."""
    return Sequence(tuple(Literal(Characters(((character, character),))) for character in text))
