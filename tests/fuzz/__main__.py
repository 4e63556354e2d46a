"""``python -m tests.fuzz [TARGET …] [--seconds N] [--seed N]``: every fuzz target for so long.

Input that reaches a line of ours that none reached before is kept and mutated further. The first input that a target
raises on is written to a file, and the run ends with status 1; the same seed leads there again.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MAX_INPUT = 64 * 1024
"""Bytes; parsers refuse more than a datagram or a message anyway, and long input makes a slow run."""

SEEDS = {
    "fuzz_sdp": ("tests/sip/sdp/offers/*.sdp",),
    "fuzz_browser_offer": ("tests/webrtc/offers/*.sdp",),
}
"""Real input to begin from, by target. A target may bring its own as ``SEEDS``."""

TEXTS = (
    b"INVITE sip:1000@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKa\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\n"
    b"Call-ID: c\r\nCSeq: 1 INVITE\r\nContact: <sip:a@h:5062>\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
    b'"N" <sip:u:p@[::1]:5060;transport=tcp?x=y>;tag=a, <tel:+49-30>;q=0.5',
    b'{"name": "a", "number": "1000", "pin": "1234", "token": "x", "locked": true}',
)
PIECES = (
    *(b"\r\n", b"\x00", b"\xff", b"\xff\xff\xff\xff", b"%00", b"*", b";", b":", b"=", b"[", b'"', b"\x00\x00\x01"),
    *(b"-1", b"99999999999999999999", "会".encode()),
)


def say(text: str) -> None:
    """One line for whoever runs it."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def mutate(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """Change a few places: overwrite, cut out, double, insert a piece, or splice with another input."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 8))):
        place, length = rng.randint(0, len(changed)), rng.choice((1, 1, 2, 4, 16, 64))
        match rng.randrange(6):
            case 0 if changed:
                changed[min(place, len(changed) - 1)] ^= 1 << rng.randrange(8)
            case 1:
                changed[place : place + length] = rng.randbytes(length)
            case 2:
                del changed[place : place + length]
            case 3:
                changed[place:place] = changed[place : place + length] * rng.choice((1, 2, 20))
            case 4:
                changed[place:place] = rng.choice(PIECES)
            case _:
                start = rng.randint(0, len(other))
                changed[place:] = other[start:]
    return bytes(changed[:MAX_INPUT])


class Reached:
    """Which lines of ours a call runs through. Only the thread that asks is watched."""

    def __init__(self) -> None:
        self.lines: set[tuple[str, int]] = set()
        self._ours: dict[str, bool] = {}
        self._new = 0

    def new_lines(self, function: Callable[[bytes], None], data: bytes) -> int:
        """Run it; how many lines were reached for the first time. Raises what it raises."""
        self._new = 0
        sys.settrace(self._enter)
        try:
            function(data)
        finally:
            sys.settrace(None)
        return self._new

    def _enter(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any] | None:
        name = frame.f_code.co_filename
        if name not in self._ours:
            self._ours[name] = name.startswith(str(ROOT)) and "site-packages" not in name
        return self._line if self._ours[name] else None

    def _line(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any]:
        place = frame.f_code.co_filename, frame.f_lineno
        if place not in self.lines:
            self.lines.add(place)
            self._new += 1
        return self._line


def fuzz(name: str, seconds: float, seed: int) -> bool:
    """Run one target; whether it held."""
    module = importlib.import_module(f"tests.fuzz.{name}")
    target: Callable[[bytes], None] = module.fuzz_one
    rng, reached, runs = random.Random(seed), Reached(), 0
    seeds = [path.read_bytes() for pattern in SEEDS.get(name, ()) for path in sorted(ROOT.glob(pattern))]
    begin = [b"", *TEXTS, *seeds, *getattr(module, "SEEDS", ()), *(rng.randbytes(size) for size in (1, 4, 12, 40, 200))]
    corpus: list[bytes] = []
    end = time.monotonic() + seconds
    while begin or time.monotonic() < end:
        data = begin.pop() if begin else mutate(rng.choice(corpus), rng.choice(corpus), rng)
        try:
            new = reached.new_lines(target, data)
        except Exception:
            path = Path(tempfile.gettempdir()) / f"{name}-{seed}-{runs}.bin"
            path.write_bytes(data)
            traceback.print_exc()
            say(f"{name}: broken after {runs} runs by {path} ({len(data)} bytes)")
            return False
        runs += 1
        if new or not corpus:
            corpus.append(data)
    say(f"{name}: {runs} runs, {len(corpus)} inputs kept, {len(reached.lines)} lines reached")
    return True


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the targets; 0 when all held."""
    names = sorted(path.stem for path in HERE.glob("fuzz_*.py"))
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Fuzz our parsers.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(names)}; all when none is named")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each target")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args(arguments)
    if unknown := set(options.targets) - set(names):
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    logging.disable()  # that garbage is garbage is no news here
    say(f"seed {options.seed}")
    held = [fuzz(name, options.seconds, options.seed) for name in options.targets or names]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
