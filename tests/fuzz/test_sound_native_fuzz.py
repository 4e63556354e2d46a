"""A short run of the fuzz target of sound's C, and that its sanitizers are at work."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.packets import NoSanitizerError
from tests.fuzz.sound_native import build, run


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        return build(tmp_path_factory.mktemp("sound"))
    except NoSanitizerError as missing:
        pytest.skip(f"the C of sound is not fuzzed: {missing}")


def test_no_jobs_break_the_c_of_sound(module: Path) -> None:
    result = run(module, 1.5, 1)
    assert result.returncode == 0, result.stderr
    assert int(result.stdout.split()[0]) > 100


def test_a_write_behind_the_end_would_be_found(module: Path) -> None:
    result = run(module, 1.0, 1, "--beyond", "16")
    assert result.returncode != 0 and "heap-buffer-overflow" in result.stderr
