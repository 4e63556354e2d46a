"""What all end-to-end tests share: sources to play, and servers and peers that are stopped whatever happens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path

import pytest

from tests.e2e.material import Source, make_source
from tests.peers import baresip, chromium
from tests.peers.server import ServerProcess


def pytest_itemcollected(item: pytest.Item) -> None:
    """Everything in this folder drives real programs."""
    if item.path.is_relative_to(Path(__file__).parent):
        item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[Source]:
    """Three clips with tones; the clips are alike neither in brightness nor in composition."""
    assert baresip.available() and chromium.available(), "make tools installs the programs"
    folder = tmp_path_factory.mktemp("material")
    clips = {"bunny": "bigbuckbunny.mp4", "carphone": "carphone_pristine.mp4", "bikes": "bikes.mp4"}
    with ThreadPoolExecutor(len(clips)) as pool:
        return list(pool.map(make_source, repeat(folder), clips, clips.values(), (440.0, 700.0, 1200.0)))


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    """A fresh server of one test's own."""
    async with ServerProcess(tmp_path) as process:
        yield process
