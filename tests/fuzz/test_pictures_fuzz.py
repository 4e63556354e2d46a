"""A short run of arbitrary calls of the C that paints and scales, and that its sanitizers are at work."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.packets import NoSanitizerError
from tests.fuzz.pictures import build, run

SECONDS = 2.0


def test_no_calls_break_painting_and_scaling_and_a_read_behind_the_end_would_be_found(tmp_path: Path) -> None:
    try:
        environment = build(tmp_path)
    except NoSanitizerError as missing:
        pytest.skip(f"painting and scaling are not fuzzed: {missing}")
    result = run(environment, str(tmp_path), str(SECONDS), "1", seconds=SECONDS)
    assert result.returncode == 0, result.stderr
    done, refused = (int(word) for word in result.stdout.split() if word.isdecimal())
    assert done > 50 and refused > 10
    broken = run(environment, "--break")
    assert broken.returncode != 0 and "heap-buffer-overflow" in broken.stderr
