"""The files that belong to the project, as the version control sees them."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@cache
def tracked_files() -> tuple[Path, ...]:
    """Every tracked file that exists. Skips the test outside a working copy (an unpacked archive)."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a working copy of the repository")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True)
    return tuple(path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file())


def text_of(path: Path) -> str | None:
    """What the file says, or None where it is no text."""
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        return None
