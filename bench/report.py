"""What a benchmark is, and how its figures are put together."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Figure = float | int | str | bool | None
Figures = dict[str, Figure]


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


def percentile(values: Sequence[float], percent: float, digits: int = 1) -> float | None:
    """A percentile, or None where nothing was measured."""
    return round(float(np.percentile(values, percent)), digits) if len(values) else None
