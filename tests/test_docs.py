"""Docs and code held together: settings, commands, API operations, dependencies, make targets, links."""

from __future__ import annotations

import argparse
import itertools
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from aiohttp.test_utils import TestClient, TestServer

from consilium.__main__ import _parser
from consilium.config import Settings, SettingsError, described, load_settings
from consilium.gatekeeping import Gatekeeping
from consilium.registration import Registry
from mcu.conference.door.hashing import Cost, Hasher
from mcu.conference.manager import ConferenceManager
from mcu.conference.settings import ConferenceSettings
from mcu.control.accounts import Accounts
from mcu.control.application import make_application
from mcu.control.audit import AuditTable
from mcu.control.database import Database
from mcu.control.room_table import RoomTable
from mcu.control.settings import ControlSettings
from mcu.gateway.browser_gateway import BrowserAddresses, BrowserGateway
from recorder.store import RecordingStore
from tests.architecture import modules, third_party
from tests.fakes.media import FakeMedia
from tests.fakes.time import FakeTime
from tests.tracked import ROOT
from vod.routes import operations as recording_operations

DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])

DISTRIBUTIONS = {
    "dns": "dnspython",
    "OpenSSL": "pyopenssl",
    "PIL": "pillow",
    "pytest_asyncio": "pytest-asyncio",
    "xdist": "pytest-xdist",
}
"""Distributions that are imported under another name."""


def page(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def all_pages() -> str:
    return "\n".join(path.read_text("utf-8") for path in PAGES)


def code_blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


# Settings


def test_every_setting_is_described_with_its_default() -> None:
    text = page("docs/configuration.md")
    missing = [f"| `{name}` | `{default}` |" for name, (default, _) in described().items()]
    assert [row for row in missing if row not in text] == []


def test_no_setting_is_described_that_does_not_exist() -> None:
    rows = re.findall(r"^\| `([a-z0-9_.]+)` \| `[^`]*` \|", page("docs/configuration.md"), re.MULTILINE)
    assert sorted(rows) == sorted(described())


def test_settings_named_anywhere_exist() -> None:
    groups = {name.partition(".")[0] for name in described() if "." in name}
    named = set(re.findall(rf"`((?:{'|'.join(groups)})\.[a-z0-9_]+)[`=]", all_pages()))
    named |= set(re.findall(r"--set ([a-z0-9_.]+)=", all_pages()))
    sources = {name for name in named if list((ROOT / name.partition(".")[0]).glob(f"{name.partition('.')[2]}*"))}
    assert named - sources - set(described()) == set()


def test_the_example_configuration_is_accepted(tmp_path: Path) -> None:
    example, *_ = code_blocks(page("docs/configuration.md"), "toml")
    tomllib.loads(example)
    file = tmp_path / "consilium.toml"
    file.write_text(example, "utf-8")
    assert load_settings(file, {}).web.https_port == 443


def test_precedence_is_as_described(tmp_path: Path) -> None:
    file = tmp_path / "consilium.toml"
    file.write_text("[sip]\nport = 5061\n[log]\nlevel = 'DEBUG'\n[rooms]\nlinger = 1\n", "utf-8")
    settings = load_settings(file, {"CONSILIUM_SIP__PORT": "5062", "CONSILIUM_LOG__LEVEL": "ERROR"}, ["sip.port=5063"])
    assert (settings.sip.port, settings.log.level, settings.rooms.linger) == (5063, "ERROR", 1.0)
    with pytest.raises(SettingsError, match=r"sip\.prot"):
        load_settings(None, {"CONSILIUM_SIP__PROT": "5062"})


# Commands


def commands() -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command of the command line."""
    for action in _parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def test_every_command_and_option_is_in_the_docs() -> None:
    text = all_pages()
    for name, parser in commands():
        assert f"consilium {name}" in text, name
        for action in parser._actions:
            for option in action.option_strings:
                if option.startswith("--") and option != "--help":
                    assert re.search(rf"{option}\b", text), f"consilium {name} {option}"


def test_commands_shown_in_the_docs_are_understood() -> None:
    """Every ``consilium …`` line of a shell example parses."""
    for path in PAGES:
        for block in code_blocks(path.read_text("utf-8"), "sh"):
            for line in block.replace("\\\n", " ").splitlines():
                found = re.match(
                    r"\s*(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?(?:python -m )?consilium (.*?)(?:\s{2,}#.*)?$", line
                )
                if found:
                    words = [word.strip("\"'") for word in re.findall(r'"[^"]*"|\'[^\']*\'|\S+', found[1])]
                    _parser().parse_args(words)


def test_make_targets_in_the_docs_exist() -> None:
    targets = set(re.findall(r"^([a-z0-9]+):", page("Makefile"), re.MULTILINE))
    for path in PAGES:
        text = path.read_text("utf-8")
        named = set(re.findall(r"`make ([a-z0-9]+)", text))
        for block in code_blocks(text, "sh"):
            named |= set(re.findall(r"^\s*make ([a-z0-9]+)", block, re.MULTILINE))
        assert named - targets == set(), path.name


def test_the_readme_opens_with_the_two_commands() -> None:
    first = code_blocks(page("README.md"), "sh")[0]
    assert [line.split()[:2] for line in first.splitlines()] == [["make", "run"], ["make", "test"]]
    assert page("README.md").index("make run") < 100


# API


@pytest.fixture
async def openapi(tmp_path: Path) -> dict[str, dict[str, dict[str, object]]]:
    """The paths of the document that a server with all its operations gives out."""
    time, media = FakeTime(), FakeMedia()
    database = await Database.open(tmp_path / "consilium.db")
    hasher = Hasher(Cost(log_n=4))
    ids = itertools.count(1)
    manager = ConferenceManager(
        media, ConferenceSettings(), time.clock, lambda: f"id{next(ids)}", RoomTable(database), pin_hasher=hasher
    )
    accounts = Accounts(database, hasher, time.clock, AuditTable(database))
    browsers = BrowserGateway(manager, media, BrowserAddresses(None, ["127.0.0.1"], "00"), lambda: next(ids))
    registry = await Registry.open(Settings(), database)
    operations = [*browsers.operations(), *recording_operations(RecordingStore(tmp_path))]
    operations += registry.operations(AuditTable(database))
    gatekeeping = await Gatekeeping.open(Settings(), database, registry.registrar, registry.users, time.clock, media)
    operations += gatekeeping.operations(AuditTable(database))
    application = make_application(manager, accounts, operations, ControlSettings())
    try:
        async with TestClient(TestServer(application)) as client:
            answer = await client.get("/api/v1/openapi.json")
            document = json.loads(await answer.text())
    finally:
        await manager.close()
        hasher.close()
        await database.close()
    paths: dict[str, dict[str, dict[str, object]]] = document["paths"]
    return paths


async def test_every_operation_is_in_the_docs(openapi: dict[str, dict[str, dict[str, object]]]) -> None:
    rows = re.findall(r"^\| ([A-Z]+) \| `(/api/v1[^`]*)` \| (.*?) \|", page("docs/api.md"), re.MULTILINE)
    served = [
        (method.upper(), path, operation["summary"])
        for path, operations in openapi.items()
        for method, operation in operations.items()
    ]
    assert sorted(rows) == sorted(served)


def test_every_event_is_in_the_docs() -> None:
    source = page("mcu/control/event_views.py")
    types = set(re.findall(r'"((?:conference|participant|speaker|media)_[a-z]+|welcome|kicked)"', source))
    types |= {f"recording_{kind}" for kind in ("started", "progress", "stopped", "failed")}
    types -= {"participant_id"}
    rows = set(re.findall(r"^\| `([a-z_]+)` \|", page("docs/api.md"), re.MULTILINE))
    assert types - rows == set()


# Dependencies


def declared() -> tuple[set[str], set[str]]:
    """Names of direct dependencies of the Python distribution: to run, and to develop."""
    project = tomllib.loads(page("pyproject.toml"))["project"]

    def names(requirements: list[str]) -> set[str]:
        return {re.split(r"[^A-Za-z0-9._-]", requirement)[0].lower() for requirement in requirements}

    return names(project["dependencies"]), names(project["optional-dependencies"]["dev"])


def test_exactly_the_direct_dependencies_are_in_the_docs() -> None:
    runtime, development = declared()
    npm = json.loads(page("package.json"))
    makefile = page("Makefile")
    packages = re.search(r"^TEST_PACKAGES = (.*)$", makefile, re.MULTILINE)
    others = re.findall(r"^(?:CLIPS|SPEECH_GRADER) = ([\w-]+)==", makefile, re.MULTILINE)
    assert packages is not None and len(others) == 2
    wanted = runtime | development | {*npm["dependencies"], *npm.get("devDependencies", {})}
    wanted |= {*packages[1].split(), *others}
    assert set(re.findall(r"^\| `([^`]+)` \|", page("docs/dependencies.md"), re.MULTILINE)) == wanted


def test_versions_in_the_docs_are_those_that_are_locked() -> None:
    locked = dict(
        re.findall(r"^([\w.-]+)==(\S+)", page("requirements-dev.lock") + page("requirements.lock"), re.MULTILINE)
    )
    packages = json.loads(page("package-lock.json"))["packages"]
    locked |= {name.removeprefix("node_modules/"): entry.get("version", "") for name, entry in packages.items()}
    locked |= dict(re.findall(r"^(?:CLIPS|SPEECH_GRADER) = ([\w-]+)==(\S+)", page("Makefile"), re.MULTILINE))
    rows = re.findall(r"^\| `([^`]+)` \| (\d[\w.]*) \|", page("docs/dependencies.md"), re.MULTILINE)
    assert len(rows) > 15
    assert [(name, version, locked.get(name)) for name, version in rows if locked.get(name) != version] == []


def test_every_imported_package_is_declared() -> None:
    runtime, development = declared()
    development |= set(re.findall(r"^SPEECH_GRADER = ([\w-]+)==", page("Makefile"), re.MULTILINE))
    for package, importers in third_party(modules(ROOT)).items():
        name = DISTRIBUTIONS.get(package, package)
        if any(not importer.startswith(("tests", "bench")) for importer in importers):
            assert name in runtime, f"{package}, imported by {sorted(importers)[0]}"
        else:
            assert name in runtime | development, f"{package}, imported by {sorted(importers)[0]}"


# Links


def slug(heading: str) -> str:
    """The anchor that a heading gets, as the usual Markdown viewers make it."""
    plain = re.sub(r"[`*]|\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", plain))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_relative_links_lead_somewhere(path: Path) -> None:
    text = re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = unquote(link).partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), f"{path.name}: {link}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text("utf-8"), re.MULTILINE)
            assert anchor in {slug(heading) for heading in headings}, f"{path.name}: {link}"


def test_files_named_in_the_docs_exist() -> None:
    """Paths of ours in backquotes; a name with a placeholder or a generated file is not meant."""
    names = sorted(path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith("."))
    folders = "|".join(name for name in names if name not in ("data", "node_modules"))
    for path in PAGES:
        for name in re.findall(rf"`((?:{folders})/[\w./-]*)`", path.read_text("utf-8")):
            assert (ROOT / name).exists(), f"{path.name}: {name}"


# Words on the pages


@pytest.mark.parametrize("language", ["en", "zh"])
def test_words_in_bold_in_the_user_guide_stand_on_the_pages(language: str) -> None:
    files = sorted((ROOT / "web_client" / "i18n").glob(f"{language}*.js"))
    texts = set(re.findall(r'": "(.*)",$', "\n".join(path.read_text("utf-8") for path in files), re.MULTILINE))
    guide = re.sub(r"^```.*?^```", "", page(f"docs/user-guide.{language}.md"), flags=re.MULTILINE | re.DOTALL)
    assert set(re.findall(r"\*\*([^*]+)\*\*", guide)) - texts == set()


def test_both_user_guides_have_the_same_chapters() -> None:
    def shape(language: str) -> list[str]:
        return re.findall(r"^(#+) ", page(f"docs/user-guide.{language}.md"), re.MULTILINE)

    assert shape("en") == shape("zh")
