"""Events as JSON messages, and which of them are for whom."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from mcu.conference import events
from mcu.conference.model import Participant
from mcu.conference.views import (
    ConferenceView,
    call_view,
    chat_view,
    conference_view,
    floor_view,
    participant_view,
    recording_view,
)
from mcu.ports import Actor


def _at(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def welcome(conferences: list[ConferenceView], at: datetime, one: Participant | None = None) -> dict[str, Any]:
    """The first message: everything as it is now, with what the slots show of the participant that it is for."""
    message: dict[str, Any] = {
        "type": "welcome",
        "at": _at(at),
        "conferences": [conference.model_dump(mode="json") for conference in conferences],
    }
    return message if one is None else message | _slots(one)


def _slots(one: Participant) -> dict[str, Any]:
    return {"slots": list(one.slots), "shared": one.shared, "sound_behind": list(one.sound_behind)}


def kicked(reason: str, at: datetime) -> dict[str, Any]:
    """The last message to a participant that is out."""
    return {"type": "kicked", "at": _at(at), "reason": reason}


def is_for(event: events.ConferenceEvent, actor: Actor) -> bool:
    """Whether whoever sees the event's conference is told of it: what slots show is for who looks at them."""
    return not isinstance(event, events.SlotsChanged) or event.participant.id == actor.id


def event_message(event: events.ConferenceEvent) -> dict[str, Any]:
    """The event as subscribers get it."""
    return {"at": _at(event.at), "number": event.conference.number} | _content(event)


def _content(event: events.ConferenceEvent) -> dict[str, Any]:
    conference = event.conference
    match event:
        case events.ConferenceCreated():
            return {"type": "conference_created", "conference": conference_view(conference).model_dump(mode="json")}
        case events.ConferenceChanged():
            return {"type": "conference_changed", "conference": conference_view(conference).model_dump(mode="json")}
        case events.ConferenceEnded():
            view = conference_view(conference).model_copy(update={"active": False, "started_at": None})
            return {"type": "conference_ended", "conference": view.model_dump(mode="json"), "reason": event.reason}
        case events.ParticipantJoined() | events.ParticipantChanged():
            joined = isinstance(event, events.ParticipantJoined)
            view_ = participant_view(event.participant, conference)
            return {
                "type": "participant_joined" if joined else "participant_changed",
                "participant": view_.model_dump(mode="json"),
            }
        case events.ParticipantLeft():
            gone = participant_view(event.participant, None).model_dump(mode="json")
            return {"type": "participant_left", "participant": gone, "reason": event.reason}
        case events.SpeakerChanged():
            return {"type": "speaker_changed", "participant_id": event.participant_id}
        case events.SlotsChanged():
            return {"type": "slots_changed", "participant_id": event.participant.id} | _slots(event.participant)
        case events.RecordingStarted() | events.RecordingProgress() | events.RecordingStopped():
            kind = type(event).__name__.removeprefix("Recording").lower()
            return {"type": f"recording_{kind}", "recording": recording_view(event.recording).model_dump(mode="json")}
        case events.RecordingFailed():
            recording = recording_view(event.recording).model_dump(mode="json")
            return {"type": "recording_failed", "recording": recording, "reason": event.reason}
        case events.FloorChanged():
            floor = floor_view(conference.floor).model_dump(mode="json")
            return {"type": "floor_changed", "floor": floor, "revoked_id": event.revoked_id}
        case events.CallChanged():
            call = call_view(event.call).model_dump(mode="json")
            return {"type": f"call_{event.call.state.value}", "call": call}
        case events.ChatPosted():
            return {"type": "chat_message", "message": chat_view(event.message).model_dump(mode="json")}
        case events.MediaRestarted():
            return {"type": "media_restarted"}
        case _:
            raise TypeError(f"no message for {type(event).__name__}")
