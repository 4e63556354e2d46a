"""What the conference decides about a call, in the words of SIP: refusals of calls and offers, reasons of a BYE."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gatekeeper.bandwidth import Refusing
from mcu.conference.door.joining import JoinCode, JoinRefused
from sip.sdp.grammar import SdpError
from sip.sdp.negotiation import NotAcceptable
from sip.warning import Warning

# 480 may say when to try again (RFC 3261 section 20.33), 403 may not.
_STATUS = {
    JoinCode.UNKNOWN_ROOM: 404,
    JoinCode.WRONG_PIN: 403,
    JoinCode.TOO_MANY_ATTEMPTS: 480,
    JoinCode.FULL: 486,
    JoinCode.LOCKED: 480,
    JoinCode.MEDIA: 503,
    JoinCode.CAPACITY: 503,
}

# Seconds after which somebody's call may have ended.
BANDWIDTH_RETRY = 60

# Some rooms show the text of a Reason header (RFC 3326) to the people in them.
_REASONS = {
    "kicked": "You were removed from the conference",
    "ended": "The conference was ended",
    "conference_ended": "The conference was ended",
    "server_stopping": "The server is stopping",
    "media_failed": "The media path failed",
}


@dataclass(frozen=True)
class Refusal:
    """A final response that turns a call or an offer away. ``retry_after`` in whole seconds."""

    status: int
    phrase: str
    warning: Warning | None = None
    retry_after: int | None = None


def refusal_of(error: JoinRefused | SdpError | NotAcceptable | Refusing) -> Refusal:
    """How to refuse what came to this error. Some rooms show the status line, some the Warning: both say why."""
    if isinstance(error, NotAcceptable):
        return Refusal(488, "Not acceptable here", Warning(error.warning, error.reason))
    if isinstance(error, Refusing):
        # RFC 3261 section 20.43: 370 is too little bandwidth. The limit of each call stays as it is; what others use
        # may be free in a while, and 503 is the status that may say when to try again.
        warning = Warning(370, str(error))
        if error.shortage.is_per_call:
            return Refusal(488, "Not enough bandwidth", warning)
        return Refusal(503, "Not enough bandwidth", warning, BANDWIDTH_RETRY)
    if isinstance(error, SdpError):
        return Refusal(400, "Malformed session description", Warning(399, str(error)))
    retry_after = None if error.retry_after is None else max(1, math.ceil(error.retry_after))
    return Refusal(_STATUS[error.code], str(error), Warning(399, str(error)), retry_after)


def end_reason(reason: str) -> str:
    """Why the conference ended a call, for people."""
    return _REASONS.get(reason, reason)
