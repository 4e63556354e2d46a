"""A short run of the fuzz program of the packet layer's C, and that its sanitizers are at work."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.fuzz.packets import NoSanitizerError, build, run, write_corpus

SECONDS = 3.0


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        return build(tmp_path_factory.mktemp("packets"))
    except NoSanitizerError as missing:
        pytest.skip(f"the packet layer is not fuzzed: {missing}")


@pytest.mark.parametrize("seed", [1, 2])
def test_no_packets_break_the_packet_layer(program: Path, tmp_path: Path, seed: int) -> None:
    corpus = write_corpus(tmp_path)
    assert corpus
    result = run(program, SECONDS, seed, corpus)
    assert result.returncode == 0, result.stderr
    assert int(result.stdout.split()[0]) > 100


def test_a_read_behind_the_end_would_be_found(program: Path) -> None:
    result = subprocess.run([program, "--break"], capture_output=True, text=True, check=False)
    assert result.returncode != 0 and "heap-buffer-overflow" in result.stderr
