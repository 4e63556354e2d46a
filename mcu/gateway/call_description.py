"""What is written down of a call: who is at its other end, where it led, what its leg takes."""

from __future__ import annotations

from dataclasses import dataclass

from gatekeeper.dialing import AliasDestination, MenuDestination, Refused, RoomDestination, Routed
from mcu.gateway.call_policy import SOUND_RATE
from mcu.media.spec import LegSpec
from sip.errors import SipParseError
from sip.uri import SipUri, parse_uri

# What a codec sends, in bit/s, where that is not 64 kbit/s.
_SOUND_RATES = {"G729": 8_000, "iLBC": 15_200, "G7221": 32_000}


@dataclass(frozen=True)
class Peer:
    """Who is at the other end of a call, as signalling tells it."""

    uri: str
    address: str
    name: str = ""
    user_agent: str = ""
    transport: str = ""
    account: str = ""
    """The account that it has proven to be."""


def endpoint_id(uri: str) -> str:
    """The address of record without scheme, port and parameters: what an endpoint is known by in the inventory."""
    user, host = user_host(uri)
    return (f"{user}@{host}" if user and host else user or host)[:256]


def described(destination: Routed) -> str:
    """A destination in a word, without its PIN."""
    match destination:
        case RoomDestination(number=number):
            return f"room {number}"
        case AliasDestination(alias=alias):
            return alias
        case MenuDestination():
            return "menu"
        case Refused():
            return ""


def user_host(uri: str) -> tuple[str, str]:
    try:
        parsed = parse_uri(uri)
    except SipParseError:
        return "", uri.partition(";")[0]
    if isinstance(parsed, SipUri):
        return parsed.user_name.partition(";")[0].casefold(), parsed.host.lower()
    return parsed.rest.partition(";")[0], ""


def rates_of(leg: LegSpec, most: int) -> tuple[int, int]:
    """Sound and picture of a leg in bit/s, each picture with no more than ``most``, as no conference has one of more.

    A stream on hold counts too: it will come back.
    What is negotiated for what we send is taken for what the peer sends as well: rooms call at one rate both ways.
    """
    sound = 0 if leg.audio is None else _SOUND_RATES.get(leg.audio.send_codec.name, SOUND_RATE)
    pictures = sum(min(each.max_bitrate, most) for each in (leg.video, leg.content) if each is not None)
    return sound, pictures if leg.picture_bitrate is None else min(pictures, leg.picture_bitrate)
