"""Recordings as the HTTP API shows them."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from recorder.store import Recording
from vod.playlists import part_address


class View(BaseModel):
    """Frozen, and told what its fields are for in the API's documentation."""

    model_config = ConfigDict(frozen=True)


class PartView(View):
    """One part of a recording. A recording has one, and another after each crash or change of the picture's size."""

    number: int
    address: str = Field(description="relative to the recording's own address; add ?download=1 to save it")
    started_at: datetime
    duration: float = Field(description="seconds")
    size: int = Field(description="bytes")
    width: int
    height: int
    codecs: list[str]


class RecordingView(View):
    """A recording."""

    id: str
    number: str = Field(description="number of the conference that was recorded")
    title: str
    started_at: datetime
    duration: float = Field(description="seconds that it plays")
    size: int = Field(description="bytes")
    state: str = Field(description="empty, recording, finished or interrupted")
    parts: list[PartView]


class RecordingsView(View):
    """Recordings, newest first."""

    recordings: list[RecordingView]


def recording_view(recording: Recording) -> RecordingView:
    """The view of one recording."""
    return RecordingView(
        id=recording.id,
        number=recording.conference,
        title=recording.title,
        started_at=recording.started,
        duration=round(recording.duration, 3),
        size=recording.size,
        state=recording.state.value,
        parts=[
            PartView(
                number=part.number,
                address=part_address(part.number),
                started_at=datetime.fromtimestamp(part.summary.header.started, recording.started.tzinfo),
                duration=round(part.summary.duration, 3),
                size=part.summary.size,
                width=part.summary.header.width,
                height=part.summary.header.height,
                codecs=list(part.summary.header.codecs),
            )
            for part in recording.parts
        ],
    )
