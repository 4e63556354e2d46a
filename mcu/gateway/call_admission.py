"""The gatekeeper's word on each call: where it goes, how much bandwidth it gets, and that both are written down."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from gatekeeper.bandwidth import Refusing, Wish
from gatekeeper.dialing import PIN_SEPARATOR, AliasDestination, MenuDestination, Refused, RoomDestination, Routed
from gatekeeper.inventory import Sighting
from mcu.gateway.call_log import CallLog
from mcu.gateway.call_policy import SOUND_RATE, CallPolicy
from mcu.media.spec import LegSpec, WebRtcTransport
from sip import events as sip_events
from sip.errors import SipParseError
from sip.uri import SipUri, parse_uri

LEAST_PICTURE = 64_000
"""A call that is in is not refused a new offer: a camera switched on in a full zone gets this much, in bit/s."""

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


class CallAdmission:
    """One for the server; the SIP gateway asks it, and tells it of every end, as often as it likes."""

    def __init__(self, policy: CallPolicy, log: CallLog) -> None:
        self.policy = policy
        self.log = log
        self._wishes: dict[str, tuple[Wish, Peer]] = {}

    def receive(self, event: sip_events.IncomingCall) -> Routed:
        """Where an incoming call goes. From now on the call is known here, until ``ended``."""
        peer = Peer(event.from_uri, event.source.remote[0], event.from_name, event.user_agent, event.source.transport)
        routing = self.policy.route(event.request_uri, peer.address)
        dialled, _, _ = _user_host(event.request_uri)[0].partition(PIN_SEPARATOR)
        self._begin(
            event.call_id, peer, "in", dialled, described(routing.destination), is_important=routing.is_important
        )
        return routing.destination

    def take_place(self, event: sip_events.IncomingCall, number: str) -> None:
        """An incoming call takes the place of one between two rooms, under a number that nobody can dial."""
        peer = Peer(event.from_uri, event.source.remote[0], event.from_name, event.user_agent, event.source.transport)
        self._begin(event.call_id, peer, "in", number, f"room {number}")

    def adopt(self, call: str, peer: Peer) -> None:
        """A call out, or one that came another way, is there. Nothing for one that is known."""
        if call not in self._wishes:
            self._begin(call, peer, "out", peer.uri, peer.uri)

    def join(self, call: str, peer: Peer, number: str) -> int | None:
        """A browser joins the room with this number. Returns the picture, in bit/s, that it may have; None: any.

        Raises Refusing when there is no bandwidth for it: its call is over then.
        """
        self._begin(call, peer, "in", number, f"room {number}", kind="browser")
        try:
            rate = self.reserve(call)
        except Refusing as refusing:
            self.ended(call, "refused", 503, str(refusing))
            raise
        return rate if self._is_limited(call) else None

    def join_again(self, call: str) -> int | None:
        """A browser sets its media up anew: the picture, in bit/s, that it may have; None: any."""
        rate = self.negotiate_again(call)
        return rate if rate is not None and self._is_limited(call) else None

    def _is_limited(self, call: str) -> bool:
        wish, _ = self._wishes[call]
        return wish.zone.budget.is_limited or (wish.device_class is not None and wish.device_class.budget.is_limited)

    def knows(self, call: str) -> bool:
        """Whether the call is in the books."""
        return call in self._wishes

    def reserve(self, call: str) -> int:
        """The picture, in bit/s, that the call may negotiate: at least what it has. Raises Refusing."""
        wish, _ = self._wishes[call]
        ledger = self.policy.ledger
        granted = ledger.ask(call, replace(wish, picture=self.policy.picture_rate))
        self.log.note(call, lowered="" if granted.shortage is None else str(granted.shortage))
        return granted.picture

    def negotiate_again(self, call: str) -> int | None:
        """What the call may have in a new offer or answer, at least what it has now; None: it is not known here."""
        if call not in self._wishes:
            return None
        before = max(self.policy.ledger.picture_of(call), LEAST_PICTURE)
        try:
            return max(before, self.reserve(call))
        except Refusing:
            return before

    def room_at(self, address: str) -> int:
        """The picture, in bit/s, that a call of ours to this address may offer. What the chair wants is not refused."""
        wish = Wish(self.policy.zones.zone_of(address), None, SOUND_RATE, self.policy.picture_rate)
        try:
            return self.policy.ledger.look(wish).picture
        except Refusing:
            return max(LEAST_PICTURE, wish.zone.budget.least)

    def negotiated(self, call: str, leg: LegSpec) -> None:
        """Offer and answer have come to this leg. What of the reserved rate it does not need is free again."""
        if call not in self._wishes:
            return
        wish, peer = self._wishes[call]
        sound, picture = _rates(leg, self.policy.picture_rate)
        settled = replace(wish, sound=sound, picture=picture)
        if call in self.policy.ledger.calls:
            self.policy.ledger.settle(call, sound, picture)
        else:
            self.policy.ledger.book(call, settled)
        self._wishes[call] = settled, peer
        sighting = Sighting(
            name=peer.name,
            address=peer.address,
            transport=peer.transport,
            zone=wish.zone.name,
            user_agent=peer.user_agent,
        )
        self.log.negotiated(call, leg, None if isinstance(leg.transport, WebRtcTransport) else sighting)

    def ended(self, call: str, reason: str, status: int | None = None, detail: str = "") -> None:
        """The call is over, or came to nothing. May be called again: the first reason counts."""
        self._wishes.pop(call, None)
        self.policy.ledger.release(call)
        self.log.ended(call, reason, status, detail)

    def handle_end(self, event: sip_events.Event) -> None:
        """Take the events that end calls; all others mean nothing here."""
        match event:
            case sip_events.CallCancelled(call=call):
                self.ended(call, "cancelled")
            case sip_events.CallEnded(call=call, reason=reason, status=status):
                # A BYE may carry a Reason (RFC 3326) with the 200 of a call that went well.
                has_failed = status is not None and status >= 300
                self.ended(call, "failed" if has_failed else "left", status if has_failed else None, reason)
            case sip_events.CallRefused(call=call, status=status, reason=reason):
                self.ended(call, "refused", status, reason)

    def _begin(
        self,
        call: str,
        peer: Peer,
        direction: Literal["in", "out"],
        dialled: str,
        destination: str,
        is_important: bool = False,
        kind: Literal["sip", "browser"] = "sip",
    ) -> None:
        zone, sort = self.policy.zones.zone_of(peer.address), self.policy.zones.class_of(peer.user_agent)
        self._wishes[call] = Wish(zone, sort, SOUND_RATE, self.policy.picture_rate, is_important), peer
        record = self.log.new_record(
            peer.account or endpoint_id(peer.uri),
            kind=kind,
            direction=direction,
            name=peer.name,
            dialled=dialled[:128],
            destination=destination[:128],
            zone=zone.name,
            device_class="" if sort is None else sort.name,
            address=peer.address,
            user_agent=peer.user_agent[:256],
            important=is_important,
        )
        self.log.began(call, record)


def endpoint_id(uri: str) -> str:
    """The address of record without scheme, port and parameters: what an endpoint is known by in the inventory."""
    user, host = _user_host(uri)
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


def _user_host(uri: str) -> tuple[str, str]:
    try:
        parsed = parse_uri(uri)
    except SipParseError:
        return "", uri.partition(";")[0]
    if isinstance(parsed, SipUri):
        return parsed.user_name.partition(";")[0].casefold(), parsed.host.lower()
    return parsed.rest.partition(";")[0], ""


def _rates(leg: LegSpec, most: int) -> tuple[int, int]:
    """Sound and picture of a leg in bit/s, each picture with no more than ``most``, as no conference has one of more.

    A stream on hold counts too: it will come back.
    What is negotiated for what we send is taken for what the peer sends as well: rooms call at one rate both ways.
    """
    sound = 0 if leg.audio is None else _SOUND_RATES.get(leg.audio.send_codec.name, SOUND_RATE)
    pictures = sum(min(each.max_bitrate, most) for each in (leg.video, leg.content) if each is not None)
    return sound, pictures if leg.picture_bitrate is None else min(pictures, leg.picture_bitrate)
