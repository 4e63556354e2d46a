"""The server may open as many files as the system lets it."""

from __future__ import annotations

import subprocess
import sys

import pytest

_PROGRAM = """
import resource, sys
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), min(hard, int(sys.argv[2]))))
from consilium.open_files import allow_open_files
print(allow_open_files(), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


@pytest.mark.parametrize(("soft", "hard", "expected"), [(256, 1000, 1000), (900, 900, 900)])
def test_the_limit_is_raised_as_far_as_may_be(soft: int, hard: int, expected: int) -> None:
    command = [sys.executable, "-c", _PROGRAM, str(soft), str(hard)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert said.split() == [str(expected)] * 2
