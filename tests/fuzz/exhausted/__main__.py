"""``python -m tests.fuzz.exhausted [SCENES …]``: every request of compiled code for memory fails once."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.fuzz.exhausted.build import SOURCES, build, run
from tests.fuzz.fuzzer import say
from tests.fuzz.packets import NoSanitizerError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; 0 when all held."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.exhausted", description="Let memory run out.")
    parser.add_argument("scenes", nargs="*", metavar="SCENES", default=list(SOURCES), help=", ".join(SOURCES))
    options = parser.parse_args(arguments)
    broken = 0
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        for scenes in options.scenes:
            try:
                result = run(build(Path(name), scenes), scenes)
            except NoSanitizerError as missing:
                say(f"exhausted memory: not tried: {missing}")
                return 1
            broken += result.returncode != 0
            say(f"{scenes}: {result.stdout.strip()}\n{result.stderr}".rstrip())
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
