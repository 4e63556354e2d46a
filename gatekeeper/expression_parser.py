"""Reading expressions of the number plan (see ``gatekeeper.expressions``). Dialling knows no case, nor do they."""

from __future__ import annotations

from gatekeeper.expressions import (
    ANY,
    DIGITS,
    MAX_DEPTH,
    MAX_GROUPS,
    MAX_REPEAT,
    MAX_SOURCE,
    WORD,
    Characters,
    Choice,
    Expression,
    ExpressionError,
    Group,
    Literal,
    Node,
    Repeat,
    Sequence,
    literal,
)

_SPECIAL = frozenset("\\.[]{}()|?*+^$")


def parse_expression(source: str) -> Expression:
    """The expression compiled. Raises ExpressionError."""
    if len(source) > MAX_SOURCE:
        raise ExpressionError(f"the expression is longer than {MAX_SOURCE} characters")
    text = source.removeprefix("^")
    if text.endswith("$") and not text.endswith("\\$"):
        text = text[:-1]
    return Expression(_Parser(text).parse())


class _Parser:
    """Recursive descent, one method for each level of binding."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0
        self._groups = 0

    def parse(self) -> Node:
        node = self._choice(0)
        if self._place < len(self._text):
            raise self._error(f"unexpected {self._text[self._place]!r}")
        return node

    def _choice(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise self._error(f"more than {MAX_DEPTH} groups within one another")
        options = [self._sequence(depth)]
        while self._take("|"):
            options.append(self._sequence(depth))
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def _sequence(self, depth: int) -> Node:
        parts = []
        while self._place < len(self._text) and self._text[self._place] not in "|)":
            parts.append(self._repeat(self._atom(depth)))
        return Sequence(tuple(parts))

    def _repeat(self, atom: Node) -> Node:
        if self._take("*"):
            least, most = 0, None
        elif self._take("+"):
            least, most = 1, None
        elif self._take("?"):
            least, most = 0, 1
        elif self._take("{"):
            least, most = self._counts()
        else:
            return atom
        if self._place < len(self._text) and self._text[self._place] in "*+?{":
            raise self._error("a quantifier after a quantifier")
        return Repeat(atom, least, most)

    def _counts(self) -> tuple[int, int | None]:
        least = self._number()
        most: int | None = least
        if self._take(","):
            most = None if self._peek() == "}" else self._number()
        if not self._take("}") or (most is not None and most < least):
            raise self._error("a repeat is written {n}, {n,} or {n,m}")
        return least, most

    def _number(self) -> int:
        start = self._place
        while self._peek() in "0123456789" and self._place - start < 3 and self._peek():
            self._place += 1
        digits = self._text[start : self._place]
        if not digits or int(digits) > MAX_REPEAT:
            raise self._error(f"a repeat counts to {MAX_REPEAT} at most")
        return int(digits)

    def _atom(self, depth: int) -> Node:
        character = self._next()
        if character == "(":
            return self._group(depth)
        if character == "[":
            return Literal(self._class())
        if character == ".":
            return Literal(ANY)
        if character == "\\":
            return Literal(self._escape())
        if character in _SPECIAL:
            raise self._error(f"{character!r} stands for itself only after a backslash")
        return literal(character.casefold())

    def _group(self, depth: int) -> Node:
        captures = not self._take("?")
        number = 0
        if not captures and not self._take(":"):
            raise self._error("of groups that begin with (? only (?: is known")
        if captures:
            self._groups += 1
            number = self._groups
            if number > MAX_GROUPS:
                raise self._error(f"more than {MAX_GROUPS} groups")
        node = self._choice(depth + 1)
        if not self._take(")"):
            raise self._error("a group is not closed")
        return Group(node, number) if captures else node

    def _escape(self) -> Characters:
        character = self._next()
        if character == "d":
            return DIGITS
        if character == "w":
            return WORD
        if character.isalnum():
            raise self._error(f"\\{character} is not known")
        return Characters(((character, character),))

    def _class(self) -> Characters:
        negated = self._take("^")
        ranges: list[tuple[str, str]] = []
        while not (ranges and self._take("]")):
            first = self._next()
            if first == "\\":
                escaped = self._escape()
                if len(escaped.ranges) > 1 or escaped.ranges[0][0] != escaped.ranges[0][1]:
                    ranges += escaped.ranges
                    continue
                first = escaped.ranges[0][0]
            last = first
            if self._peek() == "-" and self._text[self._place + 1 : self._place + 2] not in ("]", ""):
                self._place += 1
                last = self._next()
            first, last = _small(first), _small(last)
            if last < first:
                raise self._error(f"the range {first}-{last} runs backwards")
            ranges.append((first, last))
        return Characters(tuple(ranges), negated)

    def _peek(self) -> str:
        return self._text[self._place : self._place + 1]

    def _next(self) -> str:
        if self._place >= len(self._text):
            raise self._error("it ends too early")
        self._place += 1
        return self._text[self._place - 1]

    def _take(self, character: str) -> bool:
        if self._peek() != character:
            return False
        self._place += 1
        return True

    def _error(self, what: str) -> ExpressionError:
        return ExpressionError(f"at character {self._place}: {what}")


def _small(character: str) -> str:
    """The small letter, where that is one character."""
    return lower if len(lower := character.lower()) == 1 else character
