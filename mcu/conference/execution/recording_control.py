"""Recordings begun and closed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePath

from mcu.conference import events
from mcu.conference.core import ConferenceCore, Running
from mcu.conference.model import Recording
from mcu.conference.refusals import CommandRefused, Refusal
from mcu.ports import MediaError


class RecordingControl:
    """Called under the conference's lock. Raises CommandRefused."""

    def __init__(self, core: ConferenceCore, ids: Callable[[], str]) -> None:
        self._core = core
        self._ids = ids

    async def start(self, running: Running) -> Recording:
        conference, core = running.conference, self._core
        if conference.recording is not None:
            raise CommandRefused(Refusal.ALREADY_RECORDING, "This conference is being recorded already.")
        recording_id, now = self._ids(), core.clock.wall()
        directory = str(PurePath(core.settings.recordings_directory) / recording_id)
        if core.recordings is not None:
            try:
                directory = await core.recordings.open(recording_id, conference.number, conference.title, now)
            except OSError as error:
                raise CommandRefused(Refusal.MEDIA, f"The recording has no place: {error.strerror}.") from error
        recording = Recording(recording_id, directory, now)
        running.conference = replace(running.conference, recording=recording)
        running.starting = recording_id
        try:
            await core.attempt(running, lambda now_: replace(now_, recording=None), None)
        except MediaError as error:
            if core.recordings is not None:
                await core.recordings.close(recording_id)
            raise CommandRefused(Refusal.MEDIA, str(error)) from error
        finally:
            running.starting = None
        current = running.conference.recording
        if current is None:
            raise CommandRefused(Refusal.MEDIA, "The recording failed as soon as it was started.")
        core.publish(events.RecordingStarted(core.clock.wall(), running.conference, current))
        return current

    async def stop(self, running: Running) -> Recording:
        recording = running.conference.recording
        if recording is None:
            raise CommandRefused(Refusal.NOT_RECORDING, "This conference is not being recorded.")
        running.conference = replace(running.conference, recording=None)
        await self._core.sync_if_possible(running)
        return await self._core.recording_closed(running, recording)
