"""The ``m=application`` line of floor control (RFC 8856): who is the server, under which numbers, and where.

Of the transports, BFCP over UDP and over TCP are spoken (``UDP/BFCP``, ``TCP/BFCP``); lines of others are refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from sip.sdp.direction import connection_address, ip_address
from sip.sdp.grammar import Attribute, MediaDescription, SessionDescription

PROTOCOLS = ("UDP/BFCP", "TCP/BFCP")

# BFCP over UDP is version 2, over TCP version 1 (RFC 8855 section 5.1).
_VERSIONS = {"UDP/BFCP": "2", "TCP/BFCP": "1"}

CONTENT_LABEL = "11"
"""Our label (RFC 4574) of the slides' m-line, which the floor is tied to."""

# What RFC 8855 section 5.1 has room for.
_MAX_CONFERENCE, _MAX_USER = 0xFFFFFFFF, 0xFFFF


class FloorRole(Enum):
    """Our part in floor control: the server that grants the floor, or a client that asks for it (RFC 8856 5.1)."""

    SERVER = "s-only"
    CLIENT = "c-only"


@dataclass(frozen=True)
class LocalFloor:
    """What we bring to floor control: ``roles`` in our order of preference, and the numbers we give as a server."""

    port: int
    roles: tuple[FloorRole, ...] = (FloorRole.SERVER,)
    protocol: str = PROTOCOLS[0]
    conference_id: int = 1
    user_id: int = 1
    floor_id: int = 1


@dataclass(frozen=True)
class NegotiatedFloor:
    """Agreed floor control. ``role`` is ours; the numbers are the server's, whoever that is.

    ``remote_host`` is None where the peer gave no address. ``active``: over TCP it is we who connect.
    """

    index: int
    protocol: str
    role: FloorRole
    remote_host: str | None
    remote_port: int
    conference_id: int
    user_id: int
    floor_id: int
    active: bool = False

    @property
    def reliable(self) -> bool:
        """Whether this is a stream (version 1) rather than datagrams (version 2)."""
        return self.protocol == "TCP/BFCP"


def is_floor(media: MediaDescription) -> bool:
    """Whether this m-line is floor control that we can take."""
    return media.media == "application" and media.protocol in PROTOCOLS


def labels_of_floors(description: SessionDescription) -> frozenset[str]:
    """The labels of the m-lines that a floor stands for; RFC 4583 wrote ``m-stream`` where RFC 8856 has ``mstrm``."""
    found: set[str] = set()
    for media in description.media:
        if media.media == "application" and "BFCP" in media.protocol:
            for value in media.values("floorid"):
                _, _, streams = value.replace("m-stream:", "mstrm:").partition("mstrm:")
                found.update(streams.split())
    return frozenset(found)


def floor_line(local: LocalFloor, role: FloorRole | None, protocol: str, *, setup: str | None) -> MediaDescription:
    """Our m-line; ``role`` None offers whatever we can be."""
    roles = local.roles if role is None else (role,)
    attributes = [
        Attribute("floorctrl", " ".join(one.value for one in roles)),
        Attribute("bfcpver", _VERSIONS[protocol]),
    ]
    if FloorRole.SERVER in roles:
        attributes += [
            Attribute("confid", str(local.conference_id)),
            Attribute("userid", str(local.user_id)),
            Attribute("floorid", f"{local.floor_id} mstrm:{CONTENT_LABEL}"),
        ]
    if protocol == "TCP/BFCP":
        attributes += [Attribute("setup", setup or "actpass"), Attribute("connection", "new")]
    return MediaDescription("application", local.port, protocol, ("*",), attributes=tuple(attributes))


def answer_floor(offer: SessionDescription, local: LocalFloor) -> tuple[NegotiatedFloor, MediaDescription] | None:
    """Take the first m-line of the offer that leaves us one of our roles; None when there is no such line."""
    for index, media in enumerate(offer.media):
        if not is_floor(media) or media.port == 0:
            continue
        theirs = roles_of(media, default=FloorRole.CLIENT)
        role = next((one for one in local.roles if _opposite(one) in theirs), None)
        if role is None:
            continue
        active = (media.value("setup") or "").strip().lower() == "passive"
        line = floor_line(local, role, media.protocol, setup="active" if active else "passive")
        numbers = line if role is FloorRole.SERVER else media
        floor = _negotiated(offer, index, media, role, active, numbers)
        if floor is not None:
            return floor, line
    return None


def accept_floor(offer: SessionDescription, answer: SessionDescription) -> NegotiatedFloor | None:
    """What an answer made of the floor control that we offered; None when it was refused or makes no sense."""
    for index, (ours, theirs) in enumerate(zip(offer.media, answer.media, strict=False)):
        if not is_floor(ours) or ours.port == 0 or theirs.port == 0 or theirs.protocol != ours.protocol:
            continue
        answered = roles_of(theirs, default=FloorRole.SERVER)
        role = next((one for one in roles_of(ours) if _opposite(one) in answered), None)
        if role is not None:
            active = (theirs.value("setup") or "").strip().lower() == "passive"
            return _negotiated(
                answer, index, theirs, role, active, numbers=ours if role is FloorRole.SERVER else theirs
            )
    return None


def roles_of(media: MediaDescription, default: FloorRole = FloorRole.CLIENT) -> tuple[FloorRole, ...]:
    """The roles that the writer of this line can take, in its order; ``c-s`` (RFC 4583) means either."""
    found: list[FloorRole] = []
    for word in (media.value("floorctrl") or default.value).lower().split():
        if word == "c-s":
            found += [FloorRole.CLIENT, FloorRole.SERVER]
        else:
            found += [role for role in FloorRole if role.value == word]
    return tuple(dict.fromkeys(found))


def _opposite(role: FloorRole) -> FloorRole:
    return FloorRole.CLIENT if role is FloorRole.SERVER else FloorRole.SERVER


def _negotiated(
    remote: SessionDescription,
    index: int,
    media: MediaDescription,
    role: FloorRole,
    active: bool,
    numbers: MediaDescription,
) -> NegotiatedFloor | None:
    """``numbers`` is the server's line; None when it does not give what a client needs."""
    conference = _number(numbers.value("confid"), _MAX_CONFERENCE)
    user = _number(numbers.value("userid"), _MAX_USER)
    floor = _number(numbers.value("floorid"), _MAX_USER)
    if conference is None or user is None or floor is None:
        return None
    return NegotiatedFloor(
        index=index,
        protocol=media.protocol,
        role=role,
        remote_host=ip_address(connection_address(remote, media)),
        remote_port=media.port,
        conference_id=conference,
        user_id=user,
        floor_id=floor,
        active=active,
    )


def _number(value: str | None, maximum: int) -> int | None:
    """The decimal number at the beginning of an attribute's value."""
    word = (value or "").partition(" ")[0]
    if word.isascii() and word.isdecimal() and len(word) <= 10 and int(word) <= maximum:
        return int(word)
    return None
