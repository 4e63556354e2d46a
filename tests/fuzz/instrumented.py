"""``python -m tests.fuzz.instrumented [TARGET …] [--seconds N] [--seed N]``: Python targets, sanitizers below them.

The compiled packet layer as Python sees it, types and all, is built with AddressSanitizer and UBSan and takes the place
of the installed one; then the targets run that reach into it. ``tests.fuzz.packets`` runs faster, below Python.
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

from tests.fuzz.fuzzer import ROOT, say
from tests.fuzz.packets import CORE, NoSanitizerError

TARGETS = ("fuzz_rtp", "fuzz_h264_payload", "fuzz_vp8_payload", "fuzz_redundancy")
MODULE = "mcu.media.packets._native"
SANITIZE = ("-fsanitize=address,undefined", "-fno-sanitize-recover=undefined")

# Loaded by every interpreter that finds it; it knows where to find the module and nothing else.
_FINDER = """
import importlib.util
import sys


class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        return importlib.util.spec_from_file_location(name, {file!r}) if name == {module!r} else None


sys.meta_path.insert(0, Finder)
"""


def build(folder: Path) -> dict[str, str]:
    """Compile; returns the environment in which Python takes the module. Raises NoSanitizerError."""
    compiler = shutil.which("gcc")
    if compiler is None:
        raise NoSanitizerError("no gcc")
    runtimes = []
    for name in ("libasan.so", "libubsan.so"):
        found = subprocess.run([compiler, f"-print-file-name={name}"], capture_output=True, text=True, check=True)
        runtimes.append(found.stdout.strip())
        if not Path(runtimes[-1]).is_absolute():
            raise NoSanitizerError(f"gcc comes without {name}")
    module = folder / "_native.so"
    options = ("-shared", "-fPIC", "-O1", "-g", "-std=c11", "-Wno-deprecated-declarations", *SANITIZE)
    sources = map(str, sorted(CORE.glob("*.c")))
    include = sysconfig.get_path("include")
    subprocess.run([compiler, *options, f"-I{include}", *sources, "-o", str(module), "-lcrypto"], check=True)
    (folder / "sitecustomize.py").write_text(_FINDER.format(file=str(module), module=MODULE))
    return {
        **os.environ,
        "LD_PRELOAD": " ".join(runtimes),
        # The interpreter keeps what it has until it ends, and its own allocator hides what is read behind an end.
        "ASAN_OPTIONS": "detect_leaks=0",
        "PYTHONMALLOC": "malloc",
        "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}",
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; 0 when all held."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.instrumented", description="Fuzz the packet layer.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", default=TARGETS)
    parser.add_argument("--seconds", type=float, default=60.0, help="for each target")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        try:
            environment = build(Path(folder))
        except NoSanitizerError as missing:
            say(f"packets as Python sees them: not fuzzed: {missing}")
            return 1
        command = [sys.executable, "-m", "tests.fuzz", *options.targets, "--seconds", str(options.seconds)]
        return subprocess.run(
            [*command, "--seed", str(options.seed)], cwd=ROOT, env=environment, check=False
        ).returncode


if __name__ == "__main__":
    sys.exit(main())
