"""What is tried while memory runs out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


def nothing(failed: bool) -> None:
    """There is nothing to be seen afterwards."""


@dataclass(frozen=True)
class Attempt:
    """A call on objects made for it; ``after`` hears whether it failed, and asserts what has to hold then."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...] = ()
    after: Callable[[bool], None] = nothing


@dataclass(frozen=True)
class Scene:
    """An attempt that can be made again and again, each time from the beginning."""

    name: str
    begin: Callable[[], Attempt]
    interpreted: bool = False
    """Python's own code runs in it, which may never end while all memory is gone: one request fails only."""
    keeps: bool = False
    """Something stays behind by right, as a module does whose import fails."""


def calls(name: str, function: Callable[..., Any], *arguments: Any) -> Scene:
    """A call that depends on nothing and keeps nothing: afterwards it gives the same again."""
    expected = function(*arguments)

    def after(failed: bool) -> None:
        again = function(*arguments)
        assert again == expected, (again, expected)

    return Scene(name, lambda: Attempt(function, arguments, after))


def untried(module: Any, scenes: list[Scene]) -> list[str]:
    """What a module offers that no scene is named after."""
    names = {scene.name.split()[0] for scene in scenes}
    offered = []
    for name, found in vars(module).items():
        if not callable(found) or (isinstance(found, type) and issubclass(found, Exception)):
            continue
        offered.append(name)
        if isinstance(found, type):
            offered += [f"{name}.{method}" for method, inner in vars(found).items() if callable(inner)]
    return [name for name in offered if "__" not in name and name not in names]


def makes(name: str, function: Callable[..., Any], *arguments: Any) -> Scene:
    """An object is made, and goes again."""
    return Scene(name, lambda: Attempt(function, arguments))
