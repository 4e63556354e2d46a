"""URIs of RFC 3261 §19.1: ``sip:``, ``sips:``, and others (``tel:``) kept as they are."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from sip.errors import SipParseError
from sip.grammar import Parameters, find_parameter, parameters_to_text, parse_number, parse_parameters, printable

# Longer than any address a device can dial; keeps logs and tables small.
MAX_URI_LENGTH = 2048

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+\-.]*")
_USER = re.compile(r"(?:[A-Za-z0-9\-_.!~*'()&=+$,;?/#]|%[0-9A-Fa-f]{2}|[^\x00-\x7f])+")
_PASSWORD = re.compile(r"(?:[A-Za-z0-9\-_.!~*'()&=+$,]|%[0-9A-Fa-f]{2})*")
_HOST_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_\-.]*[A-Za-z0-9_.])?")
# RFC 3261 §25.1 pname: more than a token, so that escapes and IPv6 references fit.
_PARAMETER_NAME = re.compile(r"(?:[A-Za-z0-9\-_.!~*'()\[\]/:&+$]|%[0-9A-Fa-f]{2})+")
_FORBIDDEN = re.compile(r'[\x00-\x20\x7f<>"\\^`{|}]')


@dataclass(frozen=True)
class SipUri:
    """A SIP or SIPS URI. ``host`` is without brackets for IPv6; ``user`` is still percent-escaped."""

    host: str
    user: str | None = None
    port: int | None = None
    scheme: str = "sip"
    parameters: Parameters = ()
    headers: str = ""
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        user = "" if self.user is None else self.user
        if self.password is not None:
            user += f":{self.password}"
        at = "" if self.user is None else "@"
        headers = f"?{self.headers}" if self.headers else ""
        return f"{self.scheme}:{user}{at}{self.host_port}{parameters_to_text(self.parameters)}{headers}"

    @property
    def host_port(self) -> str:
        """Host and, where given, port as they stand in the URI."""
        return host_port_to_text(self.host, self.port)

    @property
    def user_name(self) -> str:
        """The user part with escapes resolved, fit to be compared and shown; "" when there is none."""
        if self.user is None:
            return ""
        return printable(unquote_to_bytes(self.user.encode("utf-8", "surrogateescape")).decode("utf-8", "replace"))

    @property
    def transport(self) -> str | None:
        """The transport parameter in lower case, or None."""
        value = find_parameter(self.parameters, "transport")
        return value.lower() if value else None

    @property
    def is_loose_router(self) -> bool:
        """Whether the ``lr`` parameter is there (RFC 3261 §19.1.1)."""
        return find_parameter(self.parameters, "lr") is not None


@dataclass(frozen=True)
class OtherUri:
    """A URI of any other scheme: ``tel:`` (RFC 3966), ``mailto:`` … ``rest`` is what follows the colon."""

    scheme: str
    rest: str

    def __str__(self) -> str:
        return f"{self.scheme}:{self.rest}"


Uri = SipUri | OtherUri


def host_port_to_text(host: str, port: int | None) -> str:
    """``host[:port]`` with brackets round an IPv6 address."""
    shown = f"[{host}]" if ":" in host else host
    return shown if port is None else f"{shown}:{port}"


def parse_host_port(text: str) -> tuple[str, int | None]:
    """``host[:port]`` as in URIs and Via; IPv6 comes without brackets. Raises SipParseError."""
    if text.startswith("["):
        address, bracket, rest = text[1:].partition("]")
        try:
            # Three colons come from a slip in RFC 3261's grammar, and must be understood (RFC 5118 §4.10).
            host = str(ipaddress.IPv6Address(address.replace(":::", "::")))
        except ValueError:
            raise SipParseError("an IPv6 address is malformed") from None
        if not bracket:
            raise SipParseError("an IPv6 address is malformed")
        rest = rest.strip()
        if rest and not rest.startswith(":"):
            raise SipParseError("a port is malformed")
        port_text = rest[1:] if rest else None
    else:
        host, colon, after = text.partition(":")
        host = host.strip()
        port_text = after if colon else None
        if len(host) > 255 or _HOST_NAME.fullmatch(host) is None:
            raise SipParseError("a host name is malformed")
    if port_text is None:
        return host, None
    return host, parse_number(port_text.strip(), 65535, "port")


def parse_uri(text: str) -> Uri:
    """A URI without angle brackets. Raises SipParseError."""
    if len(text) > MAX_URI_LENGTH:
        raise SipParseError("a URI is too long", status=414)
    if _FORBIDDEN.search(text):
        raise SipParseError("a URI holds a character that must be escaped")
    scheme, colon, rest = text.partition(":")
    if not colon or not rest or _SCHEME.fullmatch(scheme) is None:
        raise SipParseError("a URI has no scheme")
    scheme = scheme.lower()
    if scheme not in ("sip", "sips"):
        return OtherUri(scheme, rest)
    return _parse_sip_uri(scheme, rest)


def _parse_sip_uri(scheme: str, rest: str) -> SipUri:
    # The user part may hold ";" and "?", so it is cut off first, at the last "@" (RFC 3261 §19.1.2 escapes others).
    user_info, at, rest = rest.rpartition("@")
    user: str | None = None
    password: str | None = None
    if at:
        user, colon, secret = user_info.partition(":")
        if _USER.fullmatch(user) is None or (colon and _PASSWORD.fullmatch(secret) is None):
            raise SipParseError("the user part of a URI is malformed")
        password = secret if colon else None
    rest, _, headers = rest.partition("?")
    host_port, *parameters = rest.split(";")
    host, port = parse_host_port(host_port)
    return SipUri(host, user, port, scheme, parse_parameters(parameters, _PARAMETER_NAME), headers, password)
