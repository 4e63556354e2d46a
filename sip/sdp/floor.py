"""The ``m=application`` line of floor control (RFC 8856): who is the server, under which numbers, and where.

Of the transports, BFCP over UDP, over TCP, and over TLS over TCP are spoken (``UDP/BFCP``, ``TCP/BFCP``,
``TCP/TLS/BFCP``); lines of others are refused. With TLS both sides show the certificate whose fingerprint is in their
description (RFC 8122).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from sip.sdp.direction import connection_address, ip_address
from sip.sdp.grammar import Attribute, MediaDescription, SessionDescription
from sip.sdp.security import Encryption, read_fingerprints, setup_of

SECURE_PROTOCOL = "TCP/TLS/BFCP"
PROTOCOLS = ("UDP/BFCP", "TCP/BFCP", SECURE_PROTOCOL)

# BFCP over UDP is version 2, over TCP version 1 (RFC 8855 section 5.1).
_VERSIONS = {"UDP/BFCP": "2", "TCP/BFCP": "1", SECURE_PROTOCOL: "1"}

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
    """What we bring to floor control: ``roles`` in our order of preference, and the numbers we give as a server.

    ``protocol`` is what our offers have unless everything must be encrypted. ``fingerprint`` is our certificate's as
    (algorithm, value); without it there is no TLS.
    """

    port: int
    roles: tuple[FloorRole, ...] = (FloorRole.SERVER,)
    protocol: str = PROTOCOLS[0]
    conference_id: int = 1
    user_id: int = 1
    floor_id: int = 1
    fingerprint: tuple[str, str] | None = None


@dataclass(frozen=True)
class NegotiatedFloor:
    """Agreed floor control. ``role`` is ours; the numbers are the server's, whoever that is.

    ``remote_host`` is None where the peer gave no address. ``active``: over TCP it is we who connect. ``fingerprints``
    are those that the peer's certificate may have, for TLS; ``answering``: the last offer was the peer's.
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
    fingerprints: tuple[tuple[str, str], ...] = ()
    answering: bool = False

    @property
    def reliable(self) -> bool:
        """Whether this is a stream (version 1) rather than datagrams (version 2)."""
        return self.protocol.startswith("TCP/")

    @property
    def secure(self) -> bool:
        """Whether it goes through TLS."""
        return self.protocol == SECURE_PROTOCOL


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


def offered_floor(local: LocalFloor, policy: Encryption) -> MediaDescription | None:
    """The m-line of an offer of ours; None where it would have to be encrypted, and cannot."""
    protocol = SECURE_PROTOCOL if policy is Encryption.REQUIRED else local.protocol
    if protocol == SECURE_PROTOCOL and local.fingerprint is None:
        return None
    return _floor_line(local, None, protocol, setup="actpass")


def _floor_line(
    local: LocalFloor, role: FloorRole | None, protocol: str, *, setup: str, connection: str = "new"
) -> MediaDescription:
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
    if protocol != "UDP/BFCP":
        attributes += [Attribute("setup", setup), Attribute("connection", connection)]
    if protocol == SECURE_PROTOCOL and local.fingerprint is not None:
        attributes.append(Attribute("fingerprint", " ".join(local.fingerprint)))
    return MediaDescription("application", local.port, protocol, ("*",), attributes=tuple(attributes))


def answer_floor(
    offer: SessionDescription, local: LocalFloor, policy: Encryption = Encryption.ALLOWED
) -> tuple[NegotiatedFloor, MediaDescription] | None:
    """Take the first m-line of the offer that leaves us one of our roles; None when there is no such line.

    Where it is offered, an encrypted one comes first; ``policy`` may want no other.
    """
    lines = [(index, media) for index, media in enumerate(offer.media) if is_floor(media) and media.port]
    for index, media in sorted(lines, key=lambda line: line[1].protocol != SECURE_PROTOCOL):
        if not _is_bearable(offer, media, local, policy):
            continue
        theirs = roles_of(media, default=FloorRole.CLIENT)
        role = next((one for one in local.roles if _opposite(one) in theirs), None)
        if role is None:
            continue
        active = setup_of(offer, media) == "passive"
        line = _floor_line(
            local,
            role,
            media.protocol,
            setup="active" if active else "passive",
            connection="existing" if (media.value("connection") or "").strip().lower() == "existing" else "new",
        )
        numbers = line if role is FloorRole.SERVER else media
        floor = _negotiated(offer, index, media, role, active, numbers)
        if floor is not None:
            return replace(floor, answering=True), line
    return None


def _is_bearable(offer: SessionDescription, media: MediaDescription, local: LocalFloor, policy: Encryption) -> bool:
    """Whether the line is protected as the policy wants it, and we can check who is at the other end."""
    if media.protocol == SECURE_PROTOCOL:
        return local.fingerprint is not None and bool(read_fingerprints(offer, media))
    return policy is not Encryption.REQUIRED


def accept_floor(offer: SessionDescription, answer: SessionDescription) -> NegotiatedFloor | None:
    """What an answer made of the floor control that we offered; None when it was refused or makes no sense."""
    for index, (ours, theirs) in enumerate(zip(offer.media, answer.media, strict=False)):
        if not is_floor(ours) or ours.port == 0 or theirs.port == 0 or theirs.protocol != ours.protocol:
            continue
        answered = roles_of(theirs, default=FloorRole.SERVER)
        role = next((one for one in roles_of(ours) if _opposite(one) in answered), None)
        if role is not None:
            if theirs.protocol == SECURE_PROTOCOL and not read_fingerprints(answer, theirs):
                continue  # whoever connects there, nobody could tell who it is
            active = setup_of(answer, theirs) == "passive"
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
        fingerprints=read_fingerprints(remote, media) if media.protocol == SECURE_PROTOCOL else (),
    )


def _number(value: str | None, maximum: int) -> int | None:
    """The decimal number at the beginning of an attribute's value."""
    word = (value or "").partition(" ")[0]
    if word.isascii() and word.isdecimal() and len(word) <= 10 and int(word) <= maximum:
        return int(word)
    return None
