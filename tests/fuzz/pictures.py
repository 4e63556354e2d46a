"""``python -m tests.fuzz.pictures [--seconds N] [--seed N]``: fuzzes the C that paints and scales pictures.

It is compiled with AddressSanitizer and UBSan, and called in an interpreter of its own by ``picture_calls.py``.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.fuzz.fuzzer import FINDINGS, ROOT, say
from tests.fuzz.packets import PATIENCE, SANITIZE, WARN, NoSanitizerError

CALLS = Path(__file__).resolve().parent / "picture_calls.py"
NATIVE = ROOT / "mcu" / "media" / "picture" / "native"
MODULES = {"paint.c": "_paint", "shrink.c": "_shrink"}


def build(folder: Path) -> dict[str, str]:
    """Compile both into ``folder``; what has to be in the environment. Raises NoSanitizerError, CalledProcessError."""
    compiler = shutil.which("gcc")
    if compiler is None:
        raise NoSanitizerError("no gcc")
    runtime = [
        subprocess.run(
            [compiler, f"-print-file-name={name}"], capture_output=True, text=True, check=True
        ).stdout.strip()
        for name in ("libasan.so", "libubsan.so")
    ]
    if not all(Path(library).is_absolute() for library in runtime):
        raise NoSanitizerError("gcc comes without the sanitizers' runtime (Debian: libasan8, libubsan1)")
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    include = f"-I{sysconfig.get_path('include')}"
    # Python's headers convert as they like.
    warn = [option for option in WARN if option != "-Wconversion"] + ["-Wno-cast-function-type"]
    for source, name in MODULES.items():
        command = [compiler, "-shared", "-fPIC", "-O1", "-g", "-std=gnu11", *warn, *SANITIZE, include]
        subprocess.run([*command, str(NATIVE / source), "-o", str(folder / f"{name}{suffix}")], check=True)
    return {
        "LD_PRELOAD": " ".join(str(Path(library).resolve()) for library in runtime),
        # The interpreter keeps much to its end.
        "ASAN_OPTIONS": "detect_leaks=0",
        "PYTHONMALLOC": "malloc",
    }


def run(environment: dict[str, str], *arguments: str, seconds: float = 0.0) -> subprocess.CompletedProcess[str]:
    """One run of ``picture_calls.py``; what it found is in ``stderr``, and its status is not 0 then."""
    return subprocess.run(
        [sys.executable, str(CALLS), *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=seconds + PATIENCE,
        check=False,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; 0 when all held."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.pictures", description="Fuzz the C of pictures.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        try:
            environment = build(Path(folder))
        except NoSanitizerError as missing:
            say(f"pictures: not fuzzed: {missing}")
            return 1
        result = run(environment, folder, str(options.seconds), str(options.seed), seconds=options.seconds)
    if result.returncode == 0:
        say(f"pictures: {result.stdout.strip()}")
        return 0
    FINDINGS.mkdir(exist_ok=True)
    finding = FINDINGS / f"pictures-{options.seed}.txt"
    finding.write_text(result.stderr, "utf-8")
    say(f"pictures: broken by seed {options.seed}, see {finding}\n{result.stderr[:4000]}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
