"""The shape that ``docs/architecture.md`` describes, held by reading the sources."""

from __future__ import annotations

import pytest

from tests.architecture import ADAPTERS, ARROWS, EXCUSED, ROOT, imports, modules, offences, owner
from tests.tracked import tracked_files

MAXIMUM_LINES = 600
"""A longer file wants splitting along its ideas. Far above what ours should have; data and locks do not count."""

SOURCES = (".py", ".js", ".mjs", ".css", ".html", ".c", ".h")


@pytest.fixture(scope="module")
def sources() -> dict[str, str]:
    return modules(ROOT)


def test_no_import_runs_against_the_arrows(sources: dict[str, str]) -> None:
    assert offences(sources) == []


def test_every_module_has_a_place_in_the_table(sources: dict[str, str]) -> None:
    homeless = [name for name, source in sources.items() if owner(name) is None and imports(name, source, frozenset())]
    assert homeless == []


def test_the_table_has_no_cycle() -> None:
    def above(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " → ".join([*path, name])
        for allowed in ARROWS[name]:
            target = owner(allowed)
            # One module of a folder that looks down on us may be let in by name: it is a value, not its folder.
            if target is not None and target == allowed and target != name:
                above(target, (*path, name))

    for name in ARROWS:
        above(name, ())


def test_every_exception_is_still_needed(sources: dict[str, str]) -> None:
    known = frozenset(sources)
    used = {
        (name, imported.module.partition(".")[0])
        for name, _ in EXCUSED
        for imported in imports(name, sources.get(name, ""), known)
    }
    assert set(EXCUSED) - used == set()
    assert set(ADAPTERS) - set(sources) == set()


def test_no_file_is_too_long() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in tracked_files()
        if path.suffix in SOURCES and (lines := len(path.read_text("utf-8").splitlines())) > MAXIMUM_LINES
    }
    assert long == {}


# The check itself, on sources made up for it.


def reasons(name: str, source: str, **others: str) -> list[str]:
    """What is wrong with one module, among others that exist."""
    neighbours = {key.replace("__", "."): text for key, text in others.items()}
    return [line.split(": ", 1)[1] for line in offences({name: source, **neighbours})]


@pytest.mark.parametrize(
    ("name", "source", "reason"),
    [
        ("layouts.grid", "import mcu.media.spec", "layouts may not import mcu.media.spec"),
        ("layouts.grid", "from mcu.media import spec", "layouts may not import mcu.media.spec"),
        ("layouts.grid", "def f():\n    from vod.routes import operations", "layouts may not import vod.routes"),
        ("sip.agent", "from sip.sdp.grammar import parse", "sip may not import sip.sdp.grammar"),
        ("sip.sdp.grammar", "from sip.message import Request", "sip.sdp may not import sip.message"),
        ("sip.sdp.grammar", "from ..message import Request", "sip.sdp may not import sip.message"),
        ("gatekeeper.dialing", "from sip.agent import UserAgent", "gatekeeper may not import sip.agent"),
        ("mcu.conference.model", "import mcu.control.accounts", "mcu.conference may not import mcu.control.accounts"),
        ("mcu.media.leg", "from mcu.media.pool import WorkerPool", "mcu.media may not import mcu.media.pool"),
        ("mcu.media.leg", "from recorder.store import RecordingStore", "mcu.media may not import recorder.store"),
        ("vod.routes", "from recorder.writer import RecordingWriter", "vod may not import recorder.writer"),
        ("mcu.control.x", "from consilium.config import Settings", "mcu.control may not import consilium.config"),
        ("consilium.server", "import tests.fakes.media", "consilium may not import tests.fakes.media"),
        ("consilium.server", "from bench import first_call", "consilium may not import bench"),
        (
            "recorder.index",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from vod.views import RecordingView",
            "recorder may not import vod.views",
        ),
        (
            "recorder.index",
            "import importlib\nimportlib.import_module('vod.views')",
            "recorder may not import vod.views",
        ),
        ("sip.message", "import socket", "a pure module may not import socket"),
        ("sip.message", "import asyncio.subprocess", "a pure module may not import asyncio.subprocess"),
        ("sip.sdp.grammar", "def f():\n    import time", "a pure module may not import time"),
        ("mcu.media.rtp.session", "from threading import Thread", "a pure module may not import threading"),
        ("layouts.grid", "from urllib.request import urlopen", "a pure module may not import urllib.request"),
        ("mcu.conference.model", "import aiohttp", "a pure module may not import aiohttp"),
        ("mcu.conference.model", "import asyncio", "a pure module may not import asyncio"),
        ("sip.agent", "from sip.transport import Transports", "a pure module may not import the adapter sip.transport"),
    ],
)
def test_an_offending_import_is_found(name: str, source: str, reason: str) -> None:
    assert reasons(name, source, mcu__media__spec="") == [reason]


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("sip.server", "import asyncio\nfrom sip.transport import Transports"),
        ("sip.message", "from __future__ import annotations\nimport re\nfrom urllib.parse import unquote"),
        ("mcu.conference.clock", "import time"),
        ("mcu.media.leg", "import threading\nfrom mcu.media.rtp.session import RtpStream"),
        ("mcu.gateway.sip_gateway", "from sip.sdp.grammar import parse\nfrom sip import events"),
        ("consilium.server", "from vod.routes import operations\nimport aiohttp"),
        ("vod.routes", "import av\nfrom .playlists import media_playlist"),
    ],
)
def test_a_proper_import_is_let_pass(name: str, source: str) -> None:
    assert reasons(name, source, mcu__media__spec="", sip__events="") == []


def test_plug_ins_do_not_import_each_other() -> None:
    found = reasons(
        "clinical_apps.ecg.routes",
        "import clinical_apps.ecg.report\nimport clinical_apps.hooks\nimport clinical_apps.imaging.viewer",
        clinical_apps__ecg__report="",
        clinical_apps__imaging__viewer="",
        clinical_apps__hooks="",
    )
    assert found == ["a plug-in may not import the plug-in clinical_apps.imaging.viewer"]
