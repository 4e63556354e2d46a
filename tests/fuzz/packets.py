"""``python -m tests.fuzz.packets [--seconds N] [--seed N]``: fuzzes the packet layer's C.

Its sources and the program in ``native/`` are compiled with AddressSanitizer and UBSan. The program feeds arbitrary and
damaged packets, among them the seeds of the Python targets, and ends with what a sanitizer found.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.fuzz.fuzzer import FINDINGS, ROOT, say
from tests.fuzz.seeds import seeds_of

HERE = Path(__file__).resolve().parent
CORE = ROOT / "mcu" / "media" / "packets" / "native"
# The files that know nothing of Python.
CORE_FILES = (
    *("srtp.c", "rtp.c", "fec.c", "fec_solve.c", "red.c", "forward.c", "port.c", "twcc.c", "udp.c"),
    *("rtp_packet.c", "picture_buffer.c", "h264_packets.c", "vp8_packets.c", "reorder.c", "history.c"),
    "source_numbers.c",
    "outlet_repair.c",
    "outlet_sound.c",
    "stun.c",
    "port_peers.c",
)
SEEDS_OF = ("fuzz_rtp", "fuzz_rtcp", "fuzz_h264_payload", "fuzz_vp8_payload", "fuzz_stun", "fuzz_telephone_event")
SANITIZE = ("-fsanitize=address,undefined,float-cast-overflow", "-fno-sanitize-recover=all")
WARN = ("-Wall", "-Wextra", "-Wconversion", "-Wno-deprecated-declarations")
# More than the run itself, for whatever a loaded machine does.
PATIENCE = 120.0


class NoSanitizerError(Exception):
    """There is no compiler with the sanitizers' runtime."""


def build(folder: Path) -> Path:
    """Compile; returns the program. Raises NoSanitizerError, or CalledProcessError for sources that do not compile."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise NoSanitizerError("no C compiler")
    probe = folder / "probe.c"
    probe.write_text("int main(void) { return 0; }\n")
    if subprocess.run(
        [compiler, *SANITIZE, probe, "-o", folder / "probe"], capture_output=True, check=False
    ).returncode:
        raise NoSanitizerError(f"{compiler} comes without the sanitizers' runtime (Debian: libasan8, libubsan1)")
    program = folder / "fuzz_packets"
    sources = [*sorted((HERE / "native").glob("*.c")), *(CORE / name for name in CORE_FILES)]
    command = [compiler, "-O1", "-g", "-std=c11", *WARN, *SANITIZE, f"-I{CORE}", *map(str, sources), "-lcrypto"]
    subprocess.run([*command, "-o", str(program)], check=True)
    return program


def write_corpus(folder: Path) -> list[Path]:
    """The Python targets' seeds as files."""
    files = []
    for name in SEEDS_OF:
        for number, data in enumerate(seeds_of(name)):
            files.append(folder / f"{name}-{number}")
            files[-1].write_bytes(data)
    return files


def run(program: Path, seconds: float, seed: int, corpus: Sequence[Path] = ()) -> subprocess.CompletedProcess[str]:
    """One run; what it found is in ``stderr``, and its status is not 0 then."""
    command = [str(program), str(seconds), str(seed), *map(str, corpus)]
    return subprocess.run(command, capture_output=True, text=True, timeout=seconds + PATIENCE, check=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; 0 when all held."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.packets", description="Fuzz the packet layer's C.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        folder = Path(name)
        try:
            program = build(folder)
        except NoSanitizerError as missing:
            say(f"packets: not fuzzed: {missing}")
            return 1
        result = run(program, options.seconds, options.seed, write_corpus(folder))
    if result.returncode == 0:
        say(f"packets: {result.stdout.strip()}")
        return 0
    FINDINGS.mkdir(exist_ok=True)
    finding = FINDINGS / f"packets-{options.seed}.txt"
    finding.write_text(result.stderr, "utf-8")
    say(f"packets: broken by seed {options.seed}, see {finding}\n{result.stderr[:4000]}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
