"""``python -m tests.fuzz [TARGET …] [--seconds N] [--seed N]``: every fuzz target for so long.

Input that breaks a target is kept in ``tests/fuzz/findings/``, tried first the next time, and the run ends with
status 1. The same seed makes the same inputs.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.fuzz.fuzzer import FINDINGS, fuzz_apart, fuzz_here, say, targets


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the targets; 0 when all held."""
    names = targets()
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Fuzz our parsers.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(names)}; all when none is named")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each target")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--findings", type=Path, default=FINDINGS, help="folder for input that broke a target")
    parser.add_argument("--scratch", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if unknown := set(options.targets) - set(names):
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    if options.scratch is not None:
        (name,) = options.targets
        return 0 if fuzz_here(name, options.seconds, options.seed, options.findings, options.scratch) else 1
    say(f"seed {options.seed}")
    held = [fuzz_apart(name, options.seconds, options.seed, options.findings) for name in options.targets or names]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
