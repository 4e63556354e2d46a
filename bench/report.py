"""What a benchmark is, and how its figures are put together."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Figure = float | int | str | bool | None
Figures = dict[str, "Figure | Figures"]
"""Figures by name; those of one part of a benchmark may stand together under a name of their own."""


@dataclass(frozen=True)
class Benchmark:
    """One claim. ``run(seconds, **options)`` measures; ``aims`` says for a figure's name what it should be.

    ``options`` are (name, default, help) of further command-line options.
    """

    summary: str
    run: Callable[..., Coroutine[Any, Any, Figures]]
    seconds: float
    aims: Mapping[str, str] = field(default_factory=dict)
    options: tuple[tuple[str, int | str, str], ...] = ()


def flat(figures: Figures) -> dict[str, Figure]:
    """All figures in one table, those of a part as ``part.name``."""
    found: dict[str, Figure] = {}
    for name, figure in figures.items():
        if isinstance(figure, dict):
            found |= {f"{name}.{inner}": value for inner, value in flat(figure).items()}
        else:
            found[name] = figure
    return found


def percentile(values: Sequence[float], percent: float, digits: int = 1) -> float | None:
    """A percentile, or None where nothing was measured."""
    return round(float(np.percentile(values, percent)), digits) if len(values) else None
