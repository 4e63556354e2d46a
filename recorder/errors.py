"""Errors of the recorder.

RecorderError
├── RecordingBusy      another writer holds the recording
├── RecordingNotFound  no such recording or part
├── Mp4Error           bytes that are not the MP4 they should be
└── H264Error          a parameter set that cannot be read
"""

from __future__ import annotations


class RecorderError(Exception):
    """A recording cannot be written or read; the message says which file and what to do."""


class RecordingBusy(RecorderError):
    """A living writer, in this or another process, holds the recording."""


class RecordingNotFound(RecorderError):
    """There is no recording, or no part of it, by that name."""


class Mp4Error(RecorderError):
    """Bytes that are not the MP4 boxes they should be (ISO/IEC 14496-12)."""


class H264Error(RecorderError):
    """A parameter set that cannot be read (ITU-T H.264 clause 7.3.2)."""
