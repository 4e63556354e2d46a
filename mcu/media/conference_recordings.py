"""The recordings of one conference: opened and closed as its description says, fed from both pipelines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from mcu.media.facts import Fact, RecordingFailed
from mcu.media.picture.state import Rung
from mcu.media.recording import RecordingLeg
from mcu.media.sound.pipeline import RecordedSound
from mcu.media.spec import ConferenceSpec, RecordingSpec
from mcu.media.units import CodedPicture
from recorder.errors import RecorderError


class ConferenceRecordings:
    """``write_picture`` and ``write_sound`` may be called from any thread, all else on the event loop."""

    def __init__(
        self,
        conference_id: str,
        report: Callable[[Fact], None],
        call: Callable[..., None],
    ) -> None:
        """``call`` leads from a recording's thread to the event loop, where ``report`` is called."""
        self._id = conference_id
        self._report = report
        self._call = call
        self._recordings: dict[str, RecordingLeg] = {}
        self._failed: set[str] = set()

    def __bool__(self) -> bool:
        """Whether anything is being recorded."""
        return bool(self._recordings)

    @property
    def rungs(self) -> frozenset[Rung]:
        """The rungs that are recorded."""
        return frozenset(recording.rung for recording in self._recordings.values())

    async def apply(self, spec: ConferenceSpec, aac_config: bytes, request_key_frame: Callable[[Rung], None]) -> None:
        """Close what is not in the description any more, open what is new in it."""
        wanted = {recording.id: recording for recording in spec.recordings}
        for recording_id in self._recordings.keys() - wanted.keys():
            recording = self._recordings.pop(recording_id)
            await asyncio.to_thread(recording.close)
        for recording_id, description in wanted.items():
            if recording_id not in self._recordings and recording_id not in self._failed:
                self._open(description, spec, aac_config, request_key_frame)

    def _open(
        self,
        description: RecordingSpec,
        spec: ConferenceSpec,
        aac_config: bytes,
        request_key_frame: Callable[[Rung], None],
    ) -> None:
        try:
            self._recordings[description.id] = RecordingLeg(
                self._id,
                description,
                spec,
                aac_config,
                lambda fact: self._call(self._report, fact),
                request_key_frame,
            )
        except RecorderError as error:
            # Told once: the next change of the conference must not fail anew.
            self._failed.add(description.id)
            self._report(RecordingFailed(conference=self._id, recording=description.id, reason=str(error)))

    async def close(self) -> None:
        """Close all, properly."""
        for recording in self._recordings.values():
            await asyncio.to_thread(recording.close)
        self._recordings.clear()

    def write_picture(self, rung: Rung, unit: CodedPicture) -> None:
        """A coded picture: each recording takes those of its own rung."""
        for recording in tuple(self._recordings.values()):
            recording.write_picture(rung, unit)

    def write_sound(self, sounds: Sequence[RecordedSound]) -> None:
        """The mix, coded."""
        for recording in tuple(self._recordings.values()):
            for sound in sounds:
                recording.write_sound(sound)
