"""``python -m tests.fuzz.sound_native [--seconds N] [--seed N]``: fuzzes what sound has in C.

It is compiled with AddressSanitizer and UBSan and loaded into an interpreter of its own, which calls it with jobs that
fit together and jobs that do not, from several threads. The function that it calls reads and writes all it may.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.util
import os
import random
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.fuzz.fuzzer import FINDINGS, ROOT, say
from tests.fuzz.packets import SANITIZE, NoSanitizerError

SOURCES = ROOT / "mcu" / "media" / "sound" / "native"
PATIENCE = 120.0
EXPECTED = (TypeError, ValueError, BufferError, OverflowError)
_POINTER, _NUMBER = ctypes.c_void_p, ctypes.c_int32
_Encode = ctypes.CFUNCTYPE(_NUMBER, _POINTER, _POINTER, ctypes.c_int, _POINTER, _NUMBER)


def build(folder: Path) -> Path:
    """Compile; returns the module. Raises NoSanitizerError, or CalledProcessError for what does not compile."""
    compiler = shutil.which("gcc")
    if compiler is None or not Path(_runtime("libasan.so")).is_absolute():
        raise NoSanitizerError("no gcc with the sanitizers' runtime (Debian: gcc, libasan8, libubsan1)")
    module = folder / "_native.so"
    include = sysconfig.get_paths()["include"]
    options = ["-O1", "-g", "-std=c11", "-fPIC", "-shared", "-Wall", "-Wextra", "-Wno-cast-function-type", *SANITIZE]
    sources = map(str, sorted(SOURCES.glob("*.c")))
    subprocess.run([compiler, *options, f"-I{include}", *sources, "-o", str(module)], check=True)
    return module


def _runtime(name: str) -> str:
    asked = subprocess.run(["gcc", f"-print-file-name={name}"], capture_output=True, text=True, check=True)
    return asked.stdout.strip()


def run(module: Path, seconds: float, seed: int, *more: str) -> subprocess.CompletedProcess[str]:
    """One run in an interpreter of its own; what a sanitizer found is in ``stderr``, and the status is not 0 then."""
    command = [sys.executable, "-m", "tests.fuzz.sound_native", "--inside", str(module), "--seconds", str(seconds)]
    surroundings = os.environ | {
        "LD_PRELOAD": _runtime("libasan.so"),
        "ASAN_OPTIONS": "detect_leaks=0",  # the interpreter's own
        "PYTHONMALLOC": "malloc",  # or its pools would hide what is beyond the end
        "OPENBLAS_NUM_THREADS": "1",
    }
    return subprocess.run(
        [*command, "--seed", str(seed), *more],
        capture_output=True,
        text=True,
        timeout=seconds + PATIENCE,
        check=False,
        env=surroundings,
        cwd=ROOT,
    )


def _fuzz(module: Path, seconds: float, seed: int, beyond: int) -> int:
    """Inside: returns how many calls were made. ``beyond`` octets more than there are are written, to see it found."""
    spec = importlib.util.spec_from_file_location("_native", module)
    assert spec is not None and spec.loader is not None
    native: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(native)

    def encode(encoder: int, sound: int, samples: int, data: int, most: int) -> int:
        size = samples * 4 * (2 if encoder == 2 else 1)
        if size and most >= size:
            ctypes.memmove(data, sound, size)
        ctypes.memset(data, 7, most + beyond)
        return most

    function = _Encode(encode)
    address = ctypes.cast(function, _POINTER).value or 0
    end, calls = time.monotonic() + seconds, [0, 0, 0]
    event = os.eventfd(0, os.EFD_NONBLOCK)

    def work(number: int) -> None:
        chance = random.Random(seed * 10 + number)
        while time.monotonic() < end:
            native.enrol()
            try:
                kind = chance.random()
                if kind < 0.2:
                    native.wait_until(_instant(chance), chance.random() < 0.5, chance.choice((-1, event, 1 << 30)))
                elif kind < 0.3:
                    native.wake(chance.choice((event, -1, 1 << 40, None)))
                else:
                    native.encode_all(chance.choice((address, address, 0)), _jobs(chance))
            except EXPECTED:
                pass
            calls[number] += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(calls)


def _instant(chance: random.Random) -> Any:
    now = time.monotonic()
    return chance.choice((0.0, -1.0, now, now + 0.0005, now + 1e9, float("nan"), float("inf"), 1e308, "soon", None))


def _jobs(chance: random.Random) -> Any:
    if chance.random() < 0.05:
        return chance.choice((None, (), [None], [()], [(1, 2)], [1] * 5000))
    return [_job(chance) for _ in range(chance.randrange(6))]


def _job(chance: random.Random) -> Any:
    channels = chance.choice((1, 1, 1, 2, 2))
    sound: Any = np.zeros(chance.choice((120, 960, 960, 5760)) * channels, np.float32)
    data: Any = bytearray(chance.choice((1, 400, 1276, 65_536)))
    encoder: Any = channels
    if chance.random() < 0.2:
        sound = chance.choice(
            (np.zeros(0, np.float32), np.zeros(959, np.int16), np.zeros((960, 2), np.float32).T, b"123", None, "text")
        )
    if chance.random() < 0.2:
        data = chance.choice((b"read only", bytearray(), None, memoryview(bytearray(64))[::2]))
    if chance.random() < 0.1:
        encoder = chance.choice((0, -1, 1 << 70, None))
    if chance.random() < 0.1:
        channels = chance.choice((0, -1, 3, 1 << 40))
    return encoder, channels, sound, data


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; 0 when all held."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.sound_native", description="Fuzz the C of sound.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--beyond", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.inside is not None:
        sys.stdout.write(f"{_fuzz(options.inside, options.seconds, options.seed, options.beyond)} calls\n")
        return 0
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        try:
            result = run(build(Path(name)), options.seconds, options.seed)
        except NoSanitizerError as missing:
            say(f"sound: not fuzzed: {missing}")
            return 1
    if result.returncode == 0:
        say(f"sound: {result.stdout.strip()}")
        return 0
    FINDINGS.mkdir(exist_ok=True)
    finding = FINDINGS / f"sound-{options.seed}.txt"
    finding.write_text(result.stderr, "utf-8")
    say(f"sound: broken by seed {options.seed}, see {finding}\n{result.stderr[:4000]}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
