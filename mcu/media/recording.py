"""A recording as a leg of its conference: takes one rung's access units and the full mix, hands them to the writer."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

from mcu.media.codec.aac_config import parse_audio_config
from mcu.media.facts import Fact, RecordingFailed, RecordingProgress
from mcu.media.picture.rungs import rung_for_recording
from mcu.media.picture.state import Rung
from mcu.media.sound.pipeline import RecordedSound
from mcu.media.spec import ConferenceSpec, RecordingSpec
from mcu.media.units import CodedPicture
from recorder.writer import AudioFormat, RecordingWriter, VideoFormat

logger = logging.getLogger(__name__)

# Progress is for people's eyes: seconds between two reports.
PROGRESS_INTERVAL = 1.0


class RecordingLeg:
    """Writes until closed. A failure is reported once; what was written stays, and the call goes on."""

    def __init__(
        self,
        conference_id: str,
        spec: RecordingSpec,
        conference: ConferenceSpec,
        aac_config: bytes,
        report: Callable[[Fact], None],
        request_key_frame: Callable[[Rung], None],
    ) -> None:
        """Raises RecorderError when the folder cannot be written to."""
        self.rung: Rung = rung_for_recording(conference, spec)
        self._conference_id = conference_id
        self._spec = spec
        self._report = report
        self._failed = False
        self._last_progress = 0.0
        self._writer = RecordingWriter(
            Path(spec.directory),
            VideoFormat(codec="H264", width=self.rung.width, height=self.rung.height),
            AudioFormat(sample_rate=48_000, channels=parse_audio_config(aac_config).channels, config=aac_config),
            on_progress=self._progress,
            on_failed=self._fail,
            on_key_frame_wanted=lambda: request_key_frame(self.rung),
        )

    def write_picture(self, rung: Rung, unit: CodedPicture) -> None:
        """Take a coded picture if it is of this recording's rung; never blocks."""
        if rung == self.rung and not self._failed:
            self._writer.write_picture(unit.data, unit.time, unit.keyframe)

    def write_sound(self, sound: RecordedSound) -> None:
        """Take one AAC access unit of the mix; never blocks."""
        if not self._failed:
            self._writer.write_sound(sound.data, sound.time)

    def close(self) -> None:
        """Write what is pending and close the file; blocks as long as the disk needs."""
        self._writer.close()

    def _progress(self, seconds: float, size: int) -> None:
        now = time.monotonic()
        if now - self._last_progress >= PROGRESS_INTERVAL:
            self._last_progress = now
            self._report(
                RecordingProgress(conference=self._conference_id, recording=self._spec.id, seconds=seconds, bytes=size)
            )

    def _fail(self, reason: str) -> None:
        if not self._failed:
            self._failed = True
            logger.error("recording %s failed: %s", self._spec.id, reason)
            self._report(RecordingFailed(conference=self._conference_id, recording=self._spec.id, reason=reason))
