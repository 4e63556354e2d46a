"""From the model to desired state: what the media worker is told about a conference."""

from __future__ import annotations

from mcu.conference.door.capacity import within
from mcu.conference.model import Conference, Participant
from mcu.conference.picture.steering import is_forwarded, is_sound_forwarded
from mcu.conference.settings import ConferenceSettings
from mcu.media.spec import ConferenceSpec, DecorationSpec, LayoutSpec, LegSpec, RecordingSpec


def plan(conference: Conference, settings: ConferenceSettings, revision: int) -> ConferenceSpec:
    """The whole description of the conference's media."""
    recording, arrangement = conference.recording, conference.arrangement
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
        layouts=_custom_layouts(conference),
        seating=arrangement.seating,
        decoration=_decoration(arrangement.decoration, settings),
        processing=arrangement.processing,
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
    leg = within(participant.leg, participant.largest_picture)
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
            "seating": participant.seating if chooses else None,
            "hide_self": participant.hide_self and chooses,
            "content_choice": participant.content_choice,
            "forwarded": chooses and is_forwarded(conference, participant),
            "forwarded_sound": is_sound_forwarded(conference, participant),
            "hidden": participant.hidden,
            "priority": participant.role.priority,
            "gain": participant.gain,
            "listen_gain": participant.listen_gain,
            "music": participant.music,
        }
    )


def _custom_layouts(conference: Conference) -> tuple[LayoutSpec, ...]:
    """Those that somebody looks at and that no catalogue has, each once."""
    chosen = [conference.arrangement.custom, *(participant.custom for participant in conference.participants)]
    return tuple({layout.name: layout for layout in chosen if layout is not None}.values())


def _decoration(decoration: DecorationSpec, settings: ConferenceSettings) -> DecorationSpec:
    """With the file of the logo in place of its id."""
    if decoration.logo is None:
        return decoration
    return decoration.model_copy(update={"logo": f"{settings.logos_directory}/{decoration.logo}.png"})
