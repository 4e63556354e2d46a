"""Dialogs (RFC 3261 §12): what both ends remember of each other between requests."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from sip.address import NameAddress
from sip.flow import Flow
from sip.headers import Headers
from sip.message import Message, Request, Response
from sip.uri import SipUri, Uri

DialogKey = tuple[str, str, str]


@dataclass
class Dialog:
    """``local`` and ``remote`` carry their tags. ``flow`` is the way the peer was last heard on.

    ``behind_nat``: the peer's Contact is of no use. ``flow_lost``: the connection of ``flow`` is closed.
    """

    call_id: str
    local: NameAddress
    remote: NameAddress
    local_cseq: int
    remote_cseq: int | None
    route_set: tuple[NameAddress, ...]
    remote_target: Uri
    flow: Flow
    behind_nat: bool = False
    flow_lost: bool = False

    @property
    def key(self) -> DialogKey:
        """Call-ID, local tag, remote tag."""
        return self.call_id, self.local.tag or "", self.remote.tag or ""

    def make_request(self, method: str, cseq: int | None = None) -> Request:
        """A request inside the dialog, without Via and Contact (RFC 3261 §12.2.1.1).

        ACK repeats the number of its INVITE, given as ``cseq``; any other method takes the next one.
        """
        if cseq is None:
            self.local_cseq += 1
            cseq = self.local_cseq
        headers = Headers([("Max-Forwards", "70"), ("From", str(self.local)), ("To", str(self.remote))])
        headers.add("Call-ID", self.call_id)
        headers.add("CSeq", f"{cseq} {method}")
        uri, routes = self.remote_target, [str(route) for route in self.route_set]
        if self.route_set and not _is_loose(self.route_set[0]):
            # A strict router of RFC 2543 expects itself in the Request-URI.
            uri, routes = self.route_set[0].uri, [*routes[1:], f"<{self.remote_target}>"]
        for route in routes:
            headers.add("Route", route)
        return Request(headers=headers, method=method, uri=uri)

    def is_in_order(self, request: Request) -> bool:
        """Whether a request's CSeq is not lower than what was seen; remembers it (RFC 3261 §12.2.2)."""
        number = request.cseq.number
        if self.remote_cseq is not None and number < self.remote_cseq:
            return False
        self.remote_cseq = number
        return True

    def refresh(self, message: Message, flow: Flow) -> None:
        """Take over target and flow from a target refresh (INVITE, UPDATE) or its response."""
        self.flow = flow
        self.flow_lost = False
        if message.contacts:
            self.behind_nat = _is_behind_nat(message, flow)
            self.remote_target = message.contacts[0].uri

    @property
    def next_hop(self) -> Uri:
        """The URI whose host the next request is sent to when the flow is not used."""
        return self.route_set[0].uri if self.route_set else self.remote_target


def _is_loose(route: NameAddress) -> bool:
    return isinstance(route.uri, SipUri) and route.uri.is_loose_router


def dialog_of_callee(invite: Request, local_tag: str, flow: Flow) -> Dialog:
    """The dialog that our response with ``local_tag`` creates (RFC 3261 §12.1.1).

    An INVITE without Contact is one of RFC 2543; its caller is reached the way it came.
    """
    return Dialog(
        call_id=invite.call_id,
        local=invite.to_address.with_tag(local_tag),
        remote=invite.from_address,
        local_cseq=0,
        remote_cseq=invite.cseq.number,
        route_set=invite.record_routes,
        remote_target=(invite.contacts or (invite.from_address,))[0].uri,
        flow=flow,
        behind_nat=not invite.contacts or _is_behind_nat(invite, flow),
    )


def dialog_of_caller(invite: Request, response: Response, flow: Flow) -> Dialog:
    """The dialog that a response with a To tag creates for the caller (RFC 3261 §12.1.2)."""
    return Dialog(
        call_id=invite.call_id,
        local=invite.from_address,
        remote=response.to_address,
        local_cseq=invite.cseq.number,
        remote_cseq=None,
        route_set=tuple(reversed(response.record_routes)),
        remote_target=response.contacts[0].uri if response.contacts else invite.uri,
        flow=flow,
        behind_nat=_is_behind_nat(response, flow),
    )


def _is_behind_nat(message: Message, flow: Flow) -> bool:
    """Whether the peer's Contact is of no use, so that requests must go the way its messages came.

    A request straight from the peer (no proxy between) shows it by another address in its Contact than the one it
    came from. A response does not tell how many hops it made; there a private address seen from outside is the sign.
    """
    contact = message.contacts[0].uri if message.contacts else None
    if not isinstance(contact, SipUri) or contact.host.lower() == flow.remote[0].lower():
        return False
    if isinstance(message, Request):
        return len(message.vias) == 1
    return _is_private(contact.host) and not _is_private(flow.remote[0])


def _is_private(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return False
