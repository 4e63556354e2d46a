"""The document of the event package "conference": who is in a conference (RFC 4575). Always the full state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

from sip.xml_text import document, element, text_element

CONFERENCE_PACKAGE = "conference"
CONFERENCE_INFO = "application/conference-info+xml"
_NAMESPACE = "urn:ietf:params:xml:ns:conference-info"


class EndpointStatus(Enum):
    """Where the signalling of a device stands (§5.7.3)."""

    PENDING = "pending"
    DIALING_OUT = "dialing-out"
    ALERTING = "alerting"
    ON_HOLD = "on-hold"
    CONNECTED = "connected"


class MediaDirection(Enum):
    """What flows, as the device sees it (§5.8.5)."""

    BOTH = "sendrecv"
    SEND = "sendonly"
    RECEIVE = "recvonly"
    NONE = "inactive"


@dataclass(frozen=True)
class UserMedia:
    """One stream of a device: ``kind`` "audio" or "video"."""

    id: str
    kind: str
    direction: MediaDirection


@dataclass(frozen=True)
class ConferenceUser:
    """Somebody with one device. ``entity`` is a URI that is theirs alone in this conference.

    ``dialed_out``: the conference called them. ``joined_at`` with a time zone.
    """

    entity: str
    name: str
    status: EndpointStatus
    dialed_out: bool = False
    joined_at: datetime | None = None
    media: tuple[UserMedia, ...] = ()


@dataclass(frozen=True)
class ConferenceInfo:
    """``entity``: the URI to dial. ``version`` rises with each document; who sees a gap has missed nothing."""

    entity: str
    version: int
    subject: str
    locked: bool
    users: tuple[ConferenceUser, ...]
    active: bool = True

    def to_xml(self) -> bytes:
        """The document to notify."""
        description = element("conference-description", text_element("subject", self.subject))
        state = element(
            "conference-state",
            text_element("user-count", str(len(self.users))),
            text_element("active", _boolean(self.active)),
            text_element("locked", _boolean(self.locked)),
        )
        users = element("users", *(_user(user) for user in self.users), attributes=[("state", "full")])
        attributes = [
            ("xmlns", _NAMESPACE),
            ("entity", self.entity),
            ("state", "full"),
            ("version", str(self.version)),
        ]
        return document(element("conference-info", description, state, users, attributes=attributes))


def _user(user: ConferenceUser) -> str:
    when = ""
    if user.joined_at is not None:
        stamp = user.joined_at.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat()
        when = element("joining-info", text_element("when", f"{stamp}Z"))
    endpoint = element(
        "endpoint",
        text_element("status", user.status.value),
        text_element("joining-method", "dialed-out" if user.dialed_out else "dialed-in"),
        when,
        *(_media(media) for media in user.media),
        attributes=[("entity", user.entity)],
    )
    name = text_element("display-text", user.name)
    return element("user", name, endpoint, attributes=[("entity", user.entity), ("state", "full")])


def _media(media: UserMedia) -> str:
    kind, status = text_element("type", media.kind), text_element("status", media.direction.value)
    return element("media", kind, status, attributes=[("id", media.id)])


def _boolean(value: bool) -> str:
    return "true" if value else "false"
