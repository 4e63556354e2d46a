"""What a request must pass before anybody acts on it (RFC 3261 §8.2.1–8.2.3)."""

from __future__ import annotations

from sip.body import SDP, is_understood, part_of
from sip.core import AgentCore
from sip.message import Request, Response
from sip.messaging import TEXT
from sip.session_expires import session_expires
from sip.uri import SipUri

# "tel" reaches the number plan; everything else has no meaning to us.
_SCHEMES = frozenset({"sip", "sips", "tel"})


def refusal(core: AgentCore, request: Request) -> Response | None:
    """The response that refuses a request which cannot be served, or None when it passes. Never for ACK or CANCEL.

    It is sent without a transaction.
    """
    if request.method not in core.methods:
        response = core.stateless_response(request, 405)
        response.headers.add("Allow", ", ".join(core.methods))
        return response
    scheme = "sip" if isinstance(request.uri, SipUri) else request.uri.scheme
    if scheme not in _SCHEMES:
        return core.stateless_response(request, 416)
    if core.transactions.is_merged(request):
        return core.stateless_response(request, 482)
    unknown = [tag for tag in request.headers.tokens("Require") if tag.lower() not in core.extensions]
    if unknown:
        response = core.stateless_response(request, 420)
        response.headers.add("Unsupported", ", ".join(unknown))
        return response
    return _refuse_session(core, request) or _refuse_body(core, request)


def _refuse_session(core: AgentCore, request: Request) -> Response | None:
    """RFC 4028 §9: a session too short for us, from somebody who knows what 422 means."""
    wanted, least = session_expires(request), core.settings.min_session_expires
    if wanted is None or wanted.seconds >= least or "timer" not in request.headers.tokens("Supported"):
        return None
    response = core.stateless_response(request, 422)
    response.headers.add("Min-SE", str(least))
    return response


def _refuse_body(core: AgentCore, request: Request) -> Response | None:
    encoding = (request.headers.get("Content-Encoding") or "identity").lower()
    if request.body and encoding != "identity":
        response = core.stateless_response(request, 415)
        response.headers.add("Accept-Encoding", "identity")
        return response
    if request.method == "INVITE" and not is_understood(request):
        response = core.stateless_response(request, 415)
        response.headers.add("Accept", SDP)
        return response
    if request.method == "INVITE" and not _accepts_sdp(request):
        return core.stateless_response(request, 406)  # RFC 4475 §3.3.15
    if _is_unreadable_text(request):
        response = core.stateless_response(request, 415)
        response.headers.add("Accept", TEXT)
        return response
    if request.method == "INFO" and request.body and request.content_type not in core.settings.info_types:
        response = core.stateless_response(request, 415)
        response.headers.add("Accept", ", ".join(sorted(core.settings.info_types)))
        return response
    return None


def _is_unreadable_text(request: Request) -> bool:
    return request.method == "MESSAGE" and bool(request.body) and part_of(request, TEXT) is None


def _accepts_sdp(request: Request) -> bool:
    """Whether the caller understands our session descriptions; an absent or empty Accept is no objection."""
    ranges = [entry.partition(";")[0].strip().lower() for entry in request.headers.tokens("Accept")]
    return not ranges or any(entry in (SDP, "application/*", "*/*") for entry in ranges)
