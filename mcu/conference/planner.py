"""From the model to desired state: what the media worker is told about a conference."""

from __future__ import annotations

from mcu.conference.model import Conference, Participant
from mcu.conference.settings import ConferenceSettings
from mcu.media.spec import ConferenceSpec, LegSpec, RecordingSpec


def plan(conference: Conference, settings: ConferenceSettings, revision: int) -> ConferenceSpec:
    """The whole description of the conference's media."""
    recording = conference.recording
    return ConferenceSpec(
        id=conference.id,
        revision=revision,
        layout=conference.layout,
        watch=conference.broadcast_id,
        width=settings.width,
        height=settings.height,
        frame_rate=settings.frame_rate,
        bitrate=settings.bitrate,
        content_from=conference.floor.holder,
        legs=tuple(_leg(conference, participant) for participant in conference.participants),
        recordings=()
        if recording is None
        else (
            RecordingSpec(
                id=recording.id,
                directory=recording.directory,
                width=settings.width,
                height=settings.height,
                frame_rate=settings.frame_rate,
                bitrate=settings.bitrate,
            ),
        ),
    )


def _leg(conference: Conference, participant: Participant) -> LegSpec:
    """The negotiated leg under the conference's decisions. A mute that the peer's side brought along stays too.

    While one is broadcast, everybody else sees that one; own choices wait until it is over.
    """
    leg = participant.leg
    chooses = conference.broadcast_id in (None, participant.id)
    return leg.model_copy(
        update={
            "name": participant.name,
            "microphone_muted": leg.microphone_muted or participant.microphone_muted,
            "speaker_muted": leg.speaker_muted or participant.speaker_muted,
            "camera_muted": leg.camera_muted or participant.camera_muted,
            "layout": participant.layout if chooses else None,
            "watch": participant.watching if chooses else None,
            "notice": participant.notice or None,
        }
    )
