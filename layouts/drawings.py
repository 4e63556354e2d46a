"""Layouts drawn as they look.

One letter is one tile, a dot is background, the drawing fills the canvas. Letters stand for importance: capitals first,
then small ones, each in the order of the alphabet. A tile has the canvas's aspect when its part of the columns is its
part of the rows.
"""

from __future__ import annotations

from fractions import Fraction

from layouts.layout import Cell, Layout

DRAWINGS = {
    # One large above all others.
    "1+1-side": """
        . . .
        A A .
        A A B
        A A B
        A A .
        . . .
    """,
    "1+2": """
        . . . . . .
        A A A A B B
        A A A A B B
        A A A A C C
        A A A A C C
        . . . . . .
    """,
    "1+3": """
        . . . .
        A A A B
        A A A B
        A A A C
        A A A C
        A A A D
        A A A D
        . . . .
    """,
    "1+4": """
        . . . . .
        A A A A B
        A A A A B
        A A A A C
        A A A A C
        A A A A D
        A A A A D
        A A A A E
        A A A A E
        . . . . .
    """,
    "1+5": """
        A A B
        A A C
        D E F
    """,
    "1+7": """
        A A A B
        A A A C
        A A A D
        E F G H
    """,
    "1+9": """
        A A A A B
        A A A A C
        A A A A D
        A A A A E
        F G H I J
    """,
    # One large with the others around it.
    "1+12": """
        B C D E
        F A A G
        H A A I
        J K L M
    """,
    "1+16": """
        B C D E F
        G A A A H
        I A A A J
        K A A A L
        M N O P Q
    """,
    "1+20": """
        B C D E F G
        H A A A A I
        J A A A A K
        L A A A A M
        N A A A A O
        P Q R S T U
    """,
    "1+33": """
        A A A A B C D
        A A A A E F G
        A A A A H I J
        A A A A K L M
        N O P Q R S T
        U V W X Y Z a
        b c d e f g h
    """,
    # Two large.
    "2+8": """
        A A B B
        A A B B
        C D E F
        G H I J
    """,
}


def draw(name: str, drawing: str) -> Layout:
    """The layout of a drawing."""
    rows = [line.split() for line in drawing.strip().splitlines()]
    height, width = len(rows), len(rows[0])
    places: dict[str, list[tuple[int, int]]] = {}
    for y, row in enumerate(rows):
        for x, letter in enumerate(row):
            if letter != ".":
                places.setdefault(letter, []).append((x, y))
    return Layout(name, tuple(_cell(places[letter], width, height) for letter in sorted(places)))


def _cell(places: list[tuple[int, int]], width: int, height: int) -> Cell:
    columns, lines = [x for x, _ in places], [y for _, y in places]
    return Cell(
        Fraction(min(columns), width),
        Fraction(min(lines), height),
        Fraction(max(columns) + 1, width),
        Fraction(max(lines) + 1, height),
    )
