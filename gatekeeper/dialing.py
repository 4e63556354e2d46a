"""Where a dialled SIP URI leads: a room of this server, with the PIN where one was dialled along, or nowhere.

``sip:1000@host`` is room 1000, ``sip:1000*1234@host`` room 1000 with PIN 1234 (as rooms are dialled from keypads that
know no second prompt). Number plan and registrations come to stand in front of this.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sip.errors import SipParseError
from sip.uri import OtherUri, SipUri, parse_uri

PIN_SEPARATOR = "*"

_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_PIN = re.compile(r"[0-9]{1,12}")
# RFC 3966 section 5.1.1: what may be put between the digits of a telephone number for reading.
_VISUAL_SEPARATORS = re.compile(r"[-.()]")


@dataclass(frozen=True)
class DialSettings:
    """``domains``: hosts that we answer for, in lower case; empty takes every host for ours (as an address is).

    ``default_room`` is where the server's bare address leads; None: to the menu with ``menu``, else nowhere.
    ``access_numbers`` (in lower case) lead to the menu as well.
    """

    domains: frozenset[str] = frozenset()
    default_room: str | None = None
    menu: bool = False
    access_numbers: frozenset[str] = frozenset()


@dataclass(frozen=True)
class RoomDestination:
    """A room's number as dialled (in lower case); whether there is such a room is the conference's to say."""

    number: str
    pin: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class MenuDestination:
    """The menu that asks for a room's number."""


@dataclass(frozen=True)
class Refused:
    """The call leads nowhere: the SIP status to answer with (RFC 3261 section 21) and a reason for people."""

    status: int
    reason: str


Destination = RoomDestination | MenuDestination | Refused


@dataclass(frozen=True)
class AliasDestination:
    """A person or an endpoint, to be called where it is registered. ``alias``: see ``location.Locator.locate``."""

    alias: str
    is_person: bool = False


Routed = Destination | AliasDestination
"""What the number plan may lead to (see ``gatekeeper.routing``)."""


def resolve(request_uri: str, settings: DialSettings) -> Destination:
    """Where this request URI leads. Never raises: what cannot be read is refused."""
    try:
        uri = parse_uri(request_uri)
    except SipParseError as error:
        return Refused(error.status, f"The address cannot be read: {error}")
    if isinstance(uri, OtherUri):
        return _resolve_telephone(uri)
    if settings.domains and uri.host.lower() not in settings.domains:
        return Refused(404, "This server does not answer for that domain")
    return _resolve_user(uri, settings)


def _resolve_telephone(uri: OtherUri) -> Destination:
    """``tel:`` (RFC 3966): the number without its separators and parameters."""
    if uri.scheme != "tel":
        return Refused(416, "Only sip, sips and tel addresses lead to rooms")
    number, _, _ = uri.rest.partition(";")
    return room_destination(_VISUAL_SEPARATORS.sub("", number).removeprefix("+"))


def _resolve_user(uri: SipUri, settings: DialSettings) -> Destination:
    dialled = uri.user_name
    if not dialled:
        if settings.default_room is not None:
            return room_destination(settings.default_room)
        return MenuDestination() if settings.menu else Refused(404, "No room was dialled")
    # A telephone number as user part may carry parameters (RFC 3261 section 19.1.6).
    user, _, _ = dialled.partition(";")
    if settings.menu and user.lower() in settings.access_numbers:
        return MenuDestination()
    return room_destination(user.removeprefix("+"))


def room_destination(dialled: str) -> RoomDestination | Refused:
    """The room with this number, perhaps with its PIN after a ``*``."""
    number, separator, pin = dialled.partition(PIN_SEPARATOR)
    if _NUMBER.fullmatch(number) is None:
        return Refused(404, "No room can have this number")
    if separator and pin and _PIN.fullmatch(pin) is None:
        return Refused(404, "What follows the * is no PIN")
    return RoomDestination(number.lower(), pin or None)
