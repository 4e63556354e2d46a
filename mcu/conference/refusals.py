"""Why a command was not carried out."""

from __future__ import annotations

from enum import StrEnum


class Refusal(StrEnum):
    """Why a command was not carried out."""

    FORBIDDEN = "forbidden"
    INVALID = "invalid"
    UNKNOWN_CONFERENCE = "unknown_conference"
    UNKNOWN_PARTICIPANT = "unknown_participant"
    UNKNOWN_LAYOUT = "unknown_layout"
    UNKNOWN_LOGO = "unknown_logo"
    NAME_TAKEN = "name_taken"
    IN_USE = "in_use"
    TOO_MANY_LAYOUTS = "too_many_layouts"
    TOO_MANY_LOGOS = "too_many_logos"
    MUTED_BY_CHAIR = "muted_by_chair"
    TOO_MANY_VIEWS = "too_many_views"
    NO_CAMERA = "no_camera"
    NUMBER_TAKEN = "number_taken"
    NOT_ACTIVE = "not_active"
    ALREADY_RECORDING = "already_recording"
    NOT_RECORDING = "not_recording"
    NO_CONTENT = "no_content"
    FLOOR_FREE = "floor_free"
    MEDIA = "media"
    CAPACITY = "capacity"
    CALL_NOT_ALLOWED = "call_not_allowed"
    ALREADY_CALLING = "already_calling"
    UNKNOWN_CALL = "unknown_call"
    TOO_MANY_MESSAGES = "too_many_messages"


class CommandRefused(Exception):
    """A command was not carried out; nothing changed. ``code`` is for programs, the text for people."""

    def __init__(self, code: Refusal, message: str) -> None:
        super().__init__(message)
        self.code = code
