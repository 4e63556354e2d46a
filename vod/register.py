"""Enters recordings for the conference before its media worker writes them."""

from __future__ import annotations

import asyncio
import errno
import logging
from datetime import datetime

from recorder.errors import RecorderError, RecordingNotFound
from recorder.store import RecordingStore

log = logging.getLogger(__name__)


class StoreRegister:
    """``mcu.ports.RecordingRegister`` on a store of folders."""

    def __init__(self, store: RecordingStore) -> None:
        self._store = store

    async def open(self, recording_id: str, number: str, title: str, started_at: datetime) -> str:
        """Enter a new recording and return its folder. Raises OSError when there is no place."""
        try:
            directory = await asyncio.to_thread(self._store.create, recording_id, number, title, started_at)
        except RecorderError as trouble:
            cause = trouble.__cause__
            code = cause.errno if isinstance(cause, OSError) else None
            raise OSError(code or errno.EIO, str(trouble)) from trouble
        return str(directory)

    async def close(self, recording_id: str) -> None:
        """The recording is over: what its writer could not close is made right now."""
        try:
            await asyncio.to_thread(self._store.repair, recording_id)
        except RecordingNotFound:
            return
        except RecorderError as trouble:
            log.warning("recording %s: %s", recording_id, trouble)
