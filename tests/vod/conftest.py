from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from recorder.store import RecordingStore
from tests.recorder.material import pictures, sound
from tests.recorder.writing import record

STARTED = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> RecordingStore:
    """A store with "two-parts" (6.5 s, then 4 s in another size, key frames every second) and nothing else."""
    store = RecordingStore(tmp_path_factory.mktemp("store"))
    directory = store.create("two-parts", "1000", "会诊 / ward round", STARTED)
    audio, sounds = sound(100.0, 10.6, beeps=(103.0, 108.0))
    first = pictures([100 + n / 30 for n in range(195)], key_every=30, flashes=(103.0,))
    second = pictures([106.5 + n / 30 for n in range(120)], 480, 270, key_every=30, flashes=(108.0,))
    record(directory, first + second, audio, sounds, wall=STARTED.timestamp())
    return store


@pytest.fixture
def empty_store(tmp_path: Path) -> RecordingStore:
    return RecordingStore(tmp_path)
