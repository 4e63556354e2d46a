"""The document of the event package "reg": where somebody is registered (RFC 3680). Always the full state."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from sip.xml_text import document, element, escaped, text_element

REG_PACKAGE = "reg"
REG_INFO = "application/reginfo+xml"
_NAMESPACE = "urn:ietf:params:xml:ns:reginfo"


class ContactEvent(Enum):
    """What put a contact into its state (§5.1). The last four mean that it is gone."""

    REGISTERED = "registered"
    CREATED = "created"
    REFRESHED = "refreshed"
    SHORTENED = "shortened"
    EXPIRED = "expired"
    DEACTIVATED = "deactivated"
    UNREGISTERED = "unregistered"
    REJECTED = "rejected"

    @property
    def is_active(self) -> bool:
        """Whether the contact can be reached."""
        return self in (ContactEvent.REGISTERED, ContactEvent.CREATED, ContactEvent.REFRESHED, ContactEvent.SHORTENED)


@dataclass(frozen=True)
class RegisteredContact:
    """``id`` names the contact in all documents. ``expires``: seconds that are left."""

    id: str
    uri: str
    event: ContactEvent
    expires: int | None = None
    name: str = ""


@dataclass(frozen=True)
class RegInfo:
    """``aor``: the address that is registered; ``id`` names it in all documents."""

    aor: str
    id: str
    version: int
    contacts: tuple[RegisteredContact, ...] = ()

    def to_xml(self) -> bytes:
        """The document to notify."""
        is_active = any(contact.event.is_active for contact in self.contacts)
        state = "active" if is_active else ("terminated" if self.contacts else "init")
        attributes = [("aor", self.aor), ("id", self.id), ("state", state)]
        registration = element("registration", *(_contact(item) for item in self.contacts), attributes=attributes)
        root = [("xmlns", _NAMESPACE), ("version", str(self.version)), ("state", "full")]
        return document(element("reginfo", registration, attributes=root))


def _contact(contact: RegisteredContact) -> str:
    attributes = [
        ("id", contact.id),
        ("state", "active" if contact.event.is_active else "terminated"),
        ("event", contact.event.value),
    ]
    if contact.expires is not None and contact.event.is_active:
        attributes.append(("expires", str(contact.expires)))
    uri = element("uri", escaped(contact.uri))
    return element("contact", uri, text_element("display-name", contact.name), attributes=attributes)
