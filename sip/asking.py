"""Asking a peer what it is and what it can do: OPTIONS outside of calls (RFC 3261 §11)."""

from __future__ import annotations

from collections.abc import Sequence

from sip.address import NameAddress
from sip.body import session_description
from sip.core import AgentCore
from sip.events import CapabilitiesRefused, CapabilitiesTold
from sip.flow import Flow
from sip.grammar import printable
from sip.headers import Headers
from sip.message import Request, Response
from sip.transactions import Failure
from sip.uri import parse_uri

# More methods than there are; a longer list is nonsense.
MAX_METHODS = 32


class Asking:
    """Sends OPTIONS and tells what came back."""

    def __init__(self, core: AgentCore) -> None:
        self._core = core

    def ask(self, target: str, from_uri: str, via_transport: str, route: Sequence[str], flow: Flow | None) -> str:
        """Ask the peer behind a SIP URI; returns the question's handle. Raises SipParseError for a bad URI."""
        core, uri = self._core, parse_uri(target)
        sender = NameAddress(parse_uri(from_uri)).with_tag(core.ids.tag())
        headers = Headers([("Max-Forwards", "70"), ("From", str(sender)), ("To", f"<{uri}>")])
        headers.add("Call-ID", core.ids.call_id())
        headers.add("CSeq", "1 OPTIONS")
        headers.add("Accept", "application/sdp")
        for hop in route:
            headers.add("Route", f"<{parse_uri(hop)}>")
        handle = core.ids.handle("question")
        way = flow or core.flow_to(parse_uri(route[0]) if route else uri, via_transport)
        if way is None:
            core.emit(CapabilitiesRefused(handle, 503, "there is no transport to this address"))
        else:
            request = Request(headers, method="OPTIONS", uri=uri)
            core.start(request, way, lambda result: self._on_result(handle, result))
        return handle

    def _on_result(self, handle: str, result: Response | Failure) -> None:
        if isinstance(result, Failure):
            self._core.emit(CapabilitiesRefused(handle, result.status, "no reply"))
        elif result.is_success:
            self._core.emit(_told(handle, result))
        elif not result.is_provisional:
            self._core.emit(CapabilitiesRefused(handle, result.status, printable(result.reason)))


def _told(handle: str, answer: Response) -> CapabilitiesTold:
    headers = answer.headers
    return CapabilitiesTold(
        question=handle,
        # Some endpoints name themselves as servers do, some as user agents even in responses.
        product=printable(headers.get("User-Agent") or headers.get("Server") or ""),
        methods=tuple(printable(method).upper() for method in headers.tokens("Allow"))[:MAX_METHODS],
        description=session_description(answer),
    )
