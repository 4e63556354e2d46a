"""What tracked files never hold: places of one machine, hosts that packages came from, conflict marks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from tests.tracked import ROOT, text_of, tracked_files

# Home folders and working copies. An address of a web page may have such a word inside, so a path must begin here.
_MACHINE_PATH = re.compile(r"(?<![\w.:/*{}-])/(?:root|home/[a-z]\w*|Users/\w+|work)/[\w.]")
_WINDOWS_PATH = re.compile(r"\b[A-Z]:\\Users\\")
# Files that tell installers where to look. None of ours names a host: that is each installation's own choice.
_INSTALLER_FILES = ("Makefile", "pyproject.toml", "package.json", "package-lock.json")
_INSTALLER_OPTION = re.compile(r"--(?:extra-)?index-url|--find-links|--trusted-host|^registry=", re.MULTILINE)
_URL = re.compile(r"\b(?:https?|git\+\w+)://[^\s\"']+")
# In two pieces, so that this file does not hold what it forbids.
_REGISTRIES = tuple("".join(pieces) for pieces in (
    ("pypi", ".org"), ("files.python", "hosted.org"), ("registry.", "npmjs"), ("registry.", "yarnpkg"),
    ("deb.", "debian.org"), ("npm", "mirror.com"), ("pypi.tuna.", "tsinghua"),
))  # fmt: skip


def texts() -> Iterator[tuple[str, str]]:
    """Name and content of every tracked text file."""
    for path in tracked_files():
        if (text := text_of(path)) is not None:
            yield str(path.relative_to(ROOT)), text


def places(text: str, pattern: re.Pattern[str]) -> list[str]:
    """Line number and line of each match."""
    return [
        f"{number}: {line.strip()[:120]}" for number, line in enumerate(text.splitlines(), 1) if pattern.search(line)
    ]


def test_no_file_names_a_path_of_one_machine() -> None:
    here = re.compile(re.escape(f"{ROOT}/")) if len(ROOT.parts) > 2 else _WINDOWS_PATH
    found = {
        name: lines
        for name, text in texts()
        if (lines := [*places(text, _MACHINE_PATH), *places(text, _WINDOWS_PATH), *places(text, here)])
        and name != "tests/test_hygiene.py"
    }
    assert found == {}


def test_no_file_names_a_package_registry() -> None:
    hosts = re.compile("|".join(map(re.escape, _REGISTRIES)))
    assert {name: lines for name, text in texts() if (lines := places(text, hosts))} == {}


def test_files_for_installers_name_no_host() -> None:
    for path in [*(ROOT / name for name in _INSTALLER_FILES), *ROOT.glob("requirements*.lock"), *ROOT.glob(".ci/*")]:
        text = path.read_text("utf-8")
        assert places(text, _INSTALLER_OPTION) == [] or path.name == "Makefile", path.name
        assert places(text, _URL) == [], path.name


def test_the_npm_lock_names_no_download() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text("utf-8"))
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []
    assert [name for name, package in lock["packages"].items() if name and "integrity" not in package] == []


def test_locked_python_packages_have_hashes() -> None:
    for path in ROOT.glob("requirements*.lock"):
        entries = re.split(r"\n(?=[A-Za-z0-9])", path.read_text("utf-8"))
        unlocked = [entry.split()[0] for entry in entries if "==" in entry and "--hash=sha256:" not in entry]
        assert unlocked == [], path.name


def test_no_conflict_marks_are_left() -> None:
    marks = re.compile(r"^(?:<{7} |>{7} |={7}$)")
    assert {name: lines for name, text in texts() if (lines := places(text, marks))} == {}


def test_the_pattern_of_machine_paths_finds_them() -> None:
    def found(text: str) -> bool:
        return _MACHINE_PATH.search(text) is not None

    assert found("cd /ho" + "me/anna/consilium")
    assert found('path = "/ro' + 'ot/.cache"')
    assert not found("GET https://host/home/page")
    assert not found("the Home/End keys, and/or work/life")
