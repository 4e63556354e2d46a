"""Joins the conference's wish to record to the store on disk."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime

from recorder.errors import RecorderError
from recorder.store import RecordingStore

logger = logging.getLogger(__name__)


class StoreRegister:
    """Implements ``mcu.ports.RecordingRegister`` over ``recorder.store``; the disk is waited for in threads."""

    def __init__(self, store: RecordingStore) -> None:
        self._store = store

    async def open(self, recording_id: str, number: str, title: str, started_at: datetime) -> str:
        """See ``RecordingRegister``."""
        try:
            return str(await asyncio.to_thread(self._store.create, recording_id, number, title, started_at))
        except RecorderError as error:
            raise OSError(str(error)) from error

    async def close(self, recording_id: str) -> None:
        """See ``RecordingRegister``: a writer that died leaves something to repair."""
        try:
            await asyncio.to_thread(self._store.repair, recording_id)
        except RecorderError as error:
            logger.warning("recording %s: %s", recording_id, error)
