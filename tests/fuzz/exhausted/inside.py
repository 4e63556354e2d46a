"""``python -m tests.fuzz.exhausted.inside FILE SCENES``: runs in an interpreter of its own, with an instrumented build.

The file holds the compiled module and ``_exhausted`` beside it. Ends with status 0 when all held.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import sys
from typing import Any

from tests.fuzz.exhausted.scene import Scene

# More requests than any call makes: one that never comes to its end would go on forever.
MOST_REQUESTS = 5000
# So often a call is made to see whether it leaks, and so often again: what the interpreter keeps for later has an end.
ROUNDS = 4
PATIENCE = 200


class BrokenError(Exception):
    """Something did not hold."""


def load(name: str, file: str) -> Any:
    """A compiled module from its file, under the name that its beginning has."""
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def attempt(exhausted: Any, scene: Scene, number: int, onwards: bool) -> bool:
    """Make one attempt with request ``number`` failing; whether the call came so far as to make it."""
    made = scene.begin()
    failed, requests = False, MOST_REQUESTS
    try:
        result, requests = exhausted.call(number, onwards, made.function, *made.arguments)
        del result
    except MemoryError:
        failed = True
    try:
        made.after(failed)
    except MemoryError as error:
        raise BrokenError("memory is said to be missing when there is enough") from error
    return failed or requests > number


def run(exhausted: Any, scene: Scene) -> int:
    """All of one scene; how many failures there were. Raises BrokenError."""
    failures = 0
    for onwards in (False,) if scene.interpreted else (False, True):
        for number in range(MOST_REQUESTS):
            where = f"{scene.name}: request {number}{' and all after it' if onwards else ''}"
            try:
                reached = attempt(exhausted, scene, number, onwards)
                if not reached:
                    break
                failures += 1
                if not scene.keeps:
                    check_leaks(exhausted, scene, number, onwards)
            except Exception as error:
                raise BrokenError(f"{where}: {type(error).__name__}: {error}") from error
        else:
            raise BrokenError(f"{scene.name}: has no end")
    return failures


def check_leaks(exhausted: Any, scene: Scene, number: int, onwards: bool) -> None:
    """Raises BrokenError when something stays behind each time."""
    attempt(exhausted, scene, number, onwards)
    grown = 0
    for _ in range(PATIENCE):
        gc.collect()
        before = exhausted.held()
        for _ in range(ROUNDS):
            attempt(exhausted, scene, number, onwards)
        gc.collect()
        grown = exhausted.held() - before
        if grown < ROUNDS:
            return
    raise BrokenError(f"{grown} blocks more are held after {ROUNDS} times, always")


def main() -> int:
    file, module, chosen = sys.argv[1], sys.argv[2], sys.argv[3:]
    exhausted = load("_exhausted", file)  # first, since OpenSSL takes its allocator once
    made: list[Scene] = importlib.import_module(module).scenes(file)
    gc.collect()
    gc.freeze()
    gc.disable()
    failures = broken = 0
    for scene in made:
        if chosen and scene.name not in chosen:
            continue
        try:
            failures += run(exhausted, scene)
        except BrokenError as error:
            broken += 1
            sys.stderr.write(f"{error}\n")
    sys.stdout.write(f"{len(made)} scenes, {failures} failures\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
