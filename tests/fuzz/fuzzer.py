"""Runs one fuzz target for a while, and keeps the input that broke it.

The target runs in a process of its own: what it is given is written to shared memory first, so that an input which
takes the whole process down (targets reach into native decoders) is known all the same.
"""

from __future__ import annotations

import hashlib
import importlib
import logging
import mmap
import random
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

from tests.fuzz.mutation import MAX_INPUT, Mutator
from tests.fuzz.reached import Reached
from tests.fuzz.seeds import seeds_of

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FINDINGS = HERE / "findings"

# Longer for one input is a finding too. No parser needs more than milliseconds; a busy machine may.
HANG = 20.0
# Watching which lines are reached makes a run slow, so only one in so many is watched.
WATCHED = 4

Target = Callable[[bytes], None]


def say(text: str) -> None:
    """A line for whoever watches."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def targets() -> list[str]:
    """Names of all targets."""
    return sorted(path.stem for path in HERE.glob("fuzz_*.py"))


def fuzz_apart(name: str, seconds: float, seed: int, findings: Path = FINDINGS) -> bool:
    """Run the target in a process of its own; whether it held. What broke it is in ``findings`` then."""
    with tempfile.NamedTemporaryFile(prefix="fuzz-") as scratch:
        scratch.truncate(4 + MAX_INPUT)
        command = [sys.executable, "-m", "tests.fuzz", name, "--seconds", str(seconds), "--seed", str(seed)]
        status = subprocess.run(
            [*command, "--findings", str(findings), "--scratch", scratch.name], cwd=ROOT, check=False
        ).returncode
        if status < 0:  # died of a signal, so it could not say what it was given
            scratch.seek(0)
            data = scratch.read(int.from_bytes(scratch.read(4)))
            say(f"{name}: died of {signal.Signals(-status).name} by {save(name, data, findings)}")
    return status == 0


def fuzz_here(name: str, seconds: float, seed: int, findings: Path, scratch: Path) -> bool:
    """Run the target in this process; whether it held."""
    logging.disable()  # what is wrong with each input is not news here
    target: Target = importlib.import_module(f"tests.fuzz.{name}").fuzz_one
    known = [path.read_bytes() for path in sorted(findings.glob(f"{name}-*.bin"))]
    with scratch.open("r+b") as file, mmap.mmap(file.fileno(), 0) as memory, alarm():

        def watched(data: bytes) -> None:
            memory[: 4 + len(data)] = len(data).to_bytes(4) + data
            signal.setitimer(signal.ITIMER_REAL, HANG)
            try:
                target(data)
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)

        run = fuzz(watched, [*known, *seeds_of(name)], seconds, random.Random(f"{seed} {name}"))
    if run.error is None:
        say(f"{name}: {run.inputs} inputs, {run.kept} kept, {run.lines} lines reached")
        return True
    traceback.print_exception(run.error)
    path = save(name, run.last, findings)
    say(f"{name}: broken after {run.inputs} inputs by {path} ({len(run.last)} bytes)")
    return False


@dataclass
class Run:
    """What came of a run; ``error`` is what ``last`` led to."""

    inputs: int = 0
    kept: int = 0
    lines: int = 0
    last: bytes = b""
    error: BaseException | None = None


def fuzz(
    target: Target, seeds: list[bytes], seconds: float, rng: random.Random, clock: Callable[[], float] = time.monotonic
) -> Run:
    """All seeds, then mutations of them and of what led to new lines, until the time is over or the target raises."""
    run, reached = Run(), Reached()
    mutator = Mutator(seeds, rng)
    waiting = [b"", *(seed[:MAX_INPUT] for seed in seeds)]
    end = clock() + seconds
    while waiting or clock() < end:
        is_seed = bool(waiting)
        run.last = waiting.pop(0) if waiting else mutator.next()
        run.inputs += 1
        try:
            if not is_seed and rng.randrange(WATCHED):
                target(run.last)
            elif reached.new_lines(target, run.last) and not is_seed:
                mutator.keep(run.last)
                run.kept += 1
        except (Exception, Hang) as error:
            run.error = error
            break
    run.lines = len(reached.lines)
    return run


def save(name: str, data: bytes, findings: Path) -> Path:
    """Write an input down under a name of its own."""
    findings.mkdir(parents=True, exist_ok=True)
    path = findings / f"{name}-{hashlib.sha256(data).hexdigest()[:12]}.bin"
    path.write_bytes(data)
    return path


class Hang(BaseException):
    """An input took far too long. No Exception, so that no target's own handling takes it for its own."""


@contextmanager
def alarm() -> Iterator[None]:
    """Let the timer raise Hang in the main thread."""

    def ring(number: int, frame: FrameType | None) -> NoReturn:
        raise Hang(f"more than {HANG:.0f} s for one input")

    before = signal.signal(signal.SIGALRM, ring)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
