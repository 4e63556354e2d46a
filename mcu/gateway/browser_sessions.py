"""What browsers have been answered. One that offers anew on the same connection is answered the same, and goes on.

A page that restarts ICE, since its network has changed, keeps its DTLS association: keys, streams and numbers stay, and
only where packets go is found out anew (RFC 8445 section 9, RFC 8842 section 5.5). A page that begins with a fresh
connection gets everything fresh.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

from mcu.media.spec import WebRtcTransport
from mcu.webrtc.answer import BrowserAnswer, BrowserLocal, answer_browser_offer


@dataclass(frozen=True)
class _Answered:
    local: BrowserLocal
    origin: tuple[str, int]
    transport: WebRtcTransport


class BrowserSessions:
    """One for the server. ``is_here`` says whether a participant still is."""

    def __init__(self, is_here: Callable[[str], bool]) -> None:
        self._is_here = is_here
        self._answered: dict[str, _Answered] = {}

    def answer(self, participant: str, offer: str, fresh: BrowserLocal) -> BrowserAnswer:
        """Answer an offer of this participant. Raises SdpError, NotAcceptable; then what was answered before stands.

        ``fresh`` is what a new connection is answered with. Of it only addresses and rate count for one that goes on.
        """
        for gone in [one for one in self._answered if one != participant and not self._is_here(one)]:
            del self._answered[gone]
        answer, local = answer_browser_offer(offer, fresh), fresh
        association = secrets.token_hex(8)
        before = self._answered.get(participant)
        if before is not None and _goes_on(before, answer):
            local = _kept(before, answer, fresh)
            answer, association = answer_browser_offer(offer, local), before.transport.association
        transport = answer.transport.model_copy(update={"association": association})
        self._answered[participant] = _Answered(local, answer.offered_by, transport)
        return replace(answer, transport=transport)

    def forget(self, participant: str) -> None:
        """What it was answered last came to nothing; whatever it offers next begins anew."""
        self._answered.pop(participant, None)


def _goes_on(before: _Answered, answer: BrowserAnswer) -> bool:
    """Whether an offer is of the same connection (RFC 8829 section 5.2.2) and of the same association."""
    return before.origin == answer.offered_by and before.transport.fingerprints == answer.transport.fingerprints


def _kept(before: _Answered, answer: BrowserAnswer, fresh: BrowserLocal) -> BrowserLocal:
    """Our side as it was. The browser has restarted ICE where its credentials are others; then so are ours."""
    old, new = before.transport, answer.transport
    restarted = (old.remote_ufrag, old.remote_password) != (new.remote_ufrag, new.remote_password)
    credentials = fresh if restarted else before.local
    return replace(
        before.local,
        version=before.local.version + 1,
        ufrag=credentials.ufrag,
        password=credentials.password,
        candidates=fresh.candidates,
        tcp_candidates=fresh.tcp_candidates,
        picture_rate=fresh.picture_rate,
    )
