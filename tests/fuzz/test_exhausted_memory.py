"""Compiled code while memory runs out, and that it would be told where that goes wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.exhausted.build import SOURCES, build, run
from tests.fuzz.packets import NoSanitizerError


def _built(folder: Path, scenes: str) -> Path:
    try:
        return build(folder, scenes)
    except NoSanitizerError as missing:
        pytest.skip(f"memory does not run out here: {missing}")


@pytest.mark.parametrize("scenes", SOURCES)
def test_missing_memory_is_said_and_leaves_nothing_half_done(tmp_path: Path, scenes: str) -> None:
    result = run(_built(tmp_path, scenes), scenes)
    assert result.returncode == 0, result.stderr
    assert int(result.stdout.split()[2]) >= 50


def test_what_goes_wrong_is_found(tmp_path: Path) -> None:
    result = run(_built(tmp_path, "shrink_scenes"), "bad_scenes")
    assert result.returncode == 1
    told = result.stderr.splitlines()
    assert len(told) == 3
    assert "said to be wrong" in told[0] and "half done" in told[1] and "blocks more are held" in told[2]
