"""The fuzzer itself, and a short run of every target from its seeds."""

from __future__ import annotations

import importlib
import itertools
import random
from pathlib import Path

import pytest

from tests.fuzz import fuzzer
from tests.fuzz.fuzzer import Hang, fuzz, fuzz_apart, targets
from tests.fuzz.mutation import MAX_INPUT, Mutator
from tests.fuzz.reached import Reached
from tests.fuzz.seeds import _MAKERS, seeds_of

INPUTS = 60

BROKEN = """
def fuzz_one(data: bytes) -> None:
    if b"needle" in data:
        {what}
"""


def test_the_same_seed_makes_the_same_inputs() -> None:
    def inputs(seed: int) -> list[bytes]:
        mutator = Mutator([b"v=0\r\nm=audio 4000 RTP/AVP 0\r\n", bytes(300)], random.Random(seed))
        return [mutator.next() for _ in range(200)]

    assert inputs(1) == inputs(1) != inputs(2)
    assert len(set(inputs(1))) > 150


def test_inputs_stay_within_bounds_and_nothing_is_no_trouble() -> None:
    mutator = Mutator([b"7" * MAX_INPUT], random.Random(1))
    assert max(len(mutator.next()) for _ in range(100)) <= MAX_INPUT
    empty = Mutator([], random.Random(1))
    assert any(empty.next() for _ in range(100))


def test_inputs_that_lead_further_are_kept_and_changed_further() -> None:
    def target(data: bytes) -> None:
        if data[:1] == b"a" and data[1:2] == b"b":
            if data[2:3] == b"c":
                raise LookupError("three steps deep")
            return

    ticks = itertools.count()
    run = fuzz(target, [b"xyz abc"], 200_000, random.Random(5), clock=lambda: float(next(ticks)))
    assert isinstance(run.error, LookupError) and run.last.startswith(b"abc")


def test_reached_lines_are_counted_once() -> None:
    reached = Reached()

    def target(data: bytes) -> None:
        if data:
            data.hex()

    assert reached.new_lines(target, b"") > 0
    assert reached.new_lines(target, b"") == 0
    assert reached.new_lines(target, b"x") == 1


def test_an_input_that_hangs_is_a_finding(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(fuzzer, "HANG", 0.05)
    monkeypatch.setattr(fuzzer, "seeds_of", lambda name: [b"loop"])
    monkeypatch.setattr(fuzzer.importlib, "import_module", lambda name: _Endless)
    monkeypatch.setattr(fuzzer.logging, "disable", lambda: None)
    scratch = tmp_path / "scratch"
    scratch.write_bytes(bytes(4 + MAX_INPUT))
    assert not fuzzer.fuzz_here("fuzz_endless", 10, 1, tmp_path / "findings", scratch)
    (found,) = (tmp_path / "findings").iterdir()
    assert found.read_bytes() == b"loop"
    assert scratch.read_bytes()[:8] == b"\0\0\0\4loop"


class _Endless:
    @staticmethod
    def fuzz_one(data: bytes) -> None:
        try:
            while data:
                pass
        except Exception:
            raise AssertionError("a target's own handling is not to swallow it") from None


@pytest.mark.parametrize("what", ['raise KeyError("not documented")', "import os; os.abort()"])
def test_what_breaks_a_target_is_kept_and_tried_first_the_next_time(
    what: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    name = "fuzz_broken_for_a_test"
    source, findings = fuzzer.HERE / f"{name}.py", tmp_path / "findings"
    findings.mkdir()
    (findings / f"{name}-known.bin").write_bytes(b"a needle of last time")
    source.write_text(BROKEN.format(what=what))
    try:
        assert not fuzz_apart(name, 5, 1, findings)
    finally:
        source.unlink()
    new = [path for path in findings.iterdir() if "known" not in path.name]
    assert [path.read_bytes() for path in new] == [b"a needle of last time"]
    assert str(new[0]) in capfd.readouterr().out


def test_every_target_has_seeds_and_none_is_left_over() -> None:
    assert set(_MAKERS) == set(targets())
    assert all(seeds_of(name) for name in targets())


@pytest.mark.parametrize("name", targets())
def test_a_short_run_from_the_seeds(name: str) -> None:
    target = importlib.import_module(f"tests.fuzz.{name}").fuzz_one
    mutator = Mutator(seeds_of(name), random.Random(name))
    for data in (b"", *seeds_of(name), *(mutator.next() for _ in range(INPUTS))):
        try:
            target(data)
        except (Exception, Hang) as error:
            raise AssertionError(f"{name}: {data!r}") from error
