"""``python -m bench`` lists the benchmarks; ``python -m bench NAME [--seconds N] [--json]`` runs one.

A run ends with one JSON object on one line: ``{"bench": NAME, "figures": {…}, "machine": {…}}``.
"""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import pkgutil
import sys
from collections.abc import Sequence

import uvloop

import bench
from bench.machine import machine
from bench.report import Benchmark, flat


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a benchmark; returns the exit status."""
    benchmarks = _benchmarks()
    parser = argparse.ArgumentParser(prog="python -m bench", description="Benchmarks: one for each claim.")
    commands = parser.add_subparsers(dest="name", metavar="NAME")
    for name, benchmark in benchmarks.items():
        command = commands.add_parser(name, help=benchmark.summary, description=benchmark.summary)
        command.add_argument("--seconds", type=float, default=benchmark.seconds, help="about how long to measure")
        command.add_argument("--json", action="store_true", help="nothing but the JSON line")
        for option, default, text in benchmark.options:
            command.add_argument(f"--{option}", type=type(default), default=default, help=text)
    options = parser.parse_args(arguments)
    if options.name is None:
        for name, benchmark in benchmarks.items():
            print(f"{name:16} {benchmark.summary}")
        return 0
    benchmark = benchmarks[options.name]
    logging.basicConfig(level="ERROR" if options.json else "INFO", stream=sys.stderr)
    extra = {option: getattr(options, option) for option, _, _ in benchmark.options}
    figures = uvloop.run(benchmark.run(options.seconds, **extra))
    if not options.json:
        for name, figure in flat(figures).items():
            aim = benchmark.aims.get(name)
            print(f"{name:36} {figure!s:>12}" + (f"   (aim: {aim})" if aim else ""))
    print(json.dumps({"bench": options.name, "figures": figures, "machine": machine()}))
    return 0


def _benchmarks() -> dict[str, Benchmark]:
    """Every module of this package that defines ``BENCHMARK``, by its name."""
    found: dict[str, Benchmark] = {}
    for info in pkgutil.iter_modules(bench.__path__):
        if info.name == "__main__":
            continue
        module = importlib.import_module(f"bench.{info.name}")
        benchmark = getattr(module, "BENCHMARK", None)
        if isinstance(benchmark, Benchmark):
            found[info.name] = benchmark
    return found


if __name__ == "__main__":
    sys.exit(main())
