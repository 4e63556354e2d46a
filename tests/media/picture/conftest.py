"""What several tests of pictures need."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.media.picture.pipeline_room import Room


@pytest.fixture
def room() -> Iterator[Room]:
    made = Room()
    made.pipeline.start()
    yield made
    made.pipeline.stop()
    assert not [
        thread.name for thread in threading.enumerate() if thread.name.startswith(("picture-", "canvas-", "enc"))
    ]
