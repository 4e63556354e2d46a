"""Which way a stream flows (RFC 3264 section 6.1), and hold in both of its spellings (sections 8.4 and B.3)."""

from __future__ import annotations

import ipaddress
from enum import Enum

from sip.sdp.grammar import Attribute, MediaDescription, SessionDescription


class Direction(Enum):
    """Seen from whoever wrote the description. The value is the attribute's name."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @classmethod
    def of(cls, *, send: bool, receive: bool) -> Direction:
        """The direction that sends and receives so."""
        if send:
            return cls.SENDRECV if receive else cls.SENDONLY
        return cls.RECVONLY if receive else cls.INACTIVE

    @property
    def send(self) -> bool:
        return self in (Direction.SENDRECV, Direction.SENDONLY)

    @property
    def receive(self) -> bool:
        return self in (Direction.SENDRECV, Direction.RECVONLY)

    def reversed(self) -> Direction:
        """The same flow seen from the other side."""
        return Direction.of(send=self.receive, receive=self.send)

    def limited_to(self, other: Direction) -> Direction:
        """What both allow."""
        return Direction.of(send=self.send and other.send, receive=self.receive and other.receive)

    @property
    def attribute(self) -> Attribute:
        return Attribute(self.value)


_NOWHERE = ("0.0.0.0", "::")


def connection_address(session: SessionDescription, media: MediaDescription) -> str | None:
    """Where this m-line's packets go: its own ``c=`` line, else the session's, else None."""
    connection = media.connection or session.connection
    return None if connection is None else connection.address


def is_nowhere(address: str | None) -> bool:
    """Whether nothing can be sent there: no address at all, or the unspecified one."""
    return address is None or address in _NOWHERE


def described_direction(session: SessionDescription, media: MediaDescription) -> Direction:
    """The direction that the writer of ``session`` gives this m-line; sendrecv when it says nothing.

    An address of 0.0.0.0 is the old spelling of hold (RFC 2543): its writer does not want to receive. A browser also
    writes 0.0.0.0 as long as it has no candidates, so browser offers must not be asked by this function.
    """
    direction = attribute_direction(session, media)
    if is_nowhere(connection_address(session, media)):
        return Direction.of(send=direction.send, receive=False)
    return direction


def attribute_direction(session: SessionDescription, media: MediaDescription) -> Direction:
    """The direction by the attributes alone: the m-line's, else the session's (RFC 8866 section 6.7), else sendrecv."""
    for level in (media, session):
        for attribute in level.attributes:
            if attribute.value is None and attribute.name in Direction._value2member_map_:
                return Direction(attribute.name)
    return Direction.SENDRECV


def ip_address(word: str | None) -> str | None:
    """The address, or None for none, the unspecified one, a group's, or a host name: then symmetric RTP has to do."""
    try:
        address = ipaddress.ip_address(word or "")
    except ValueError:
        return None
    return None if address.is_unspecified or address.is_multicast else str(address)
