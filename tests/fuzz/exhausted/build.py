"""Builds of compiled code whose memory runs out when it is told to, with AddressSanitizer and UBSan."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from tests.fuzz.fuzzer import ROOT
from tests.fuzz.packets import PATIENCE, NoSanitizerError

HERE = Path(__file__).resolve().parent
MEDIA = ROOT / "mcu" / "media"
SANITIZE = ("-fsanitize=address,undefined", "-fno-sanitize-recover=undefined")
WRAPPED = ("malloc", "calloc", "realloc", "free")
# What is built of which sources, by the module of its scenes.
SOURCES = {
    "packet_scenes": sorted((MEDIA / "packets" / "native").glob("*.c")),
    "sound_scenes": sorted((MEDIA / "sound" / "native").glob("*.c")),
    "paint_scenes": [MEDIA / "picture" / "native" / "paint.c"],
    "shrink_scenes": [MEDIA / "picture" / "native" / "shrink.c"],
}
# Seconds that the scenes may take on a loaded machine.
LONGEST = 600.0


def build(folder: Path, scenes: str) -> Path:
    """Compile; returns the file. Raises NoSanitizerError, or CalledProcessError for what does not compile."""
    compiler = shutil.which("gcc")
    if compiler is None:
        raise NoSanitizerError("no gcc")
    runtime(compiler)
    made = folder / f"{scenes}.so"
    options = ["-shared", "-fPIC", "-O1", "-g", "-std=gnu11", "-Wno-deprecated-declarations", *SANITIZE]
    options += [f"-Wl,--wrap={name}" for name in WRAPPED]
    sources = map(str, [*SOURCES[scenes], HERE / "exhausted.c"])
    include = sysconfig.get_path("include")
    subprocess.run([compiler, *options, f"-I{include}", *sources, "-o", str(made), "-lcrypto"], check=True)
    return made


def runtime(compiler: str) -> str:
    """The sanitizers' libraries, for LD_PRELOAD. Raises NoSanitizerError."""
    found = []
    for name in ("libasan.so", "libubsan.so"):
        asked = subprocess.run([compiler, f"-print-file-name={name}"], capture_output=True, text=True, check=True)
        if not Path(asked.stdout.strip()).is_absolute():
            raise NoSanitizerError(f"gcc comes without {name} (Debian: libasan8, libubsan1)")
        found.append(asked.stdout.strip())
    return " ".join(found)


def run(file: Path, scenes: str, *chosen: str) -> subprocess.CompletedProcess[str]:
    """All scenes, or the chosen ones; what was found is in ``stderr``, and the status is not 0 then."""
    surroundings = os.environ | {
        "LD_PRELOAD": runtime("gcc"),
        "ASAN_OPTIONS": "detect_leaks=0",  # the interpreter keeps much to its end; blocks are counted instead
        "PYTHONMALLOC": "malloc",  # or its pools would hide what is beyond an end
        "OPENBLAS_NUM_THREADS": "1",
    }
    return subprocess.run(
        [sys.executable, "-m", "tests.fuzz.exhausted.inside", str(file), f"tests.fuzz.exhausted.{scenes}", *chosen],
        capture_output=True,
        text=True,
        timeout=LONGEST + PATIENCE,
        check=False,
        env=surroundings,
        cwd=ROOT,
    )
