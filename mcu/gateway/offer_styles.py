"""How a call out is offered, and how once more when that was refused with 488: profiles, encryption, ICE.

The profile with feedback comes first (RTP/AVPF, RTP/SAVPF); who does not know it refuses all m-lines of the offer, and
gets the next one. Where encryption is not required, a room that wants nothing else is offered it at last; where it is,
every offer demands it, each in another way.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sip.sdp.capabilities import LocalCapabilities
from sip.sdp.security import Encryption, Method

OTHER_OFFER = frozenset({488, 606})
"""Refusals that are about the description alone (RFC 3261 sections 21.4.26 and 21.6.4)."""

# Browsers speak SIP over these (RFC 7118), and media as RFC 8827 says.
_OF_BROWSERS = frozenset({"ws", "wss"})


@dataclass(frozen=True)
class OfferStyle:
    """One way to offer a call. ``encryption`` as in the policy of that name, for this offer alone."""

    encryption: Encryption
    method: Method = "sdes"
    feedback: bool = True
    ice: bool = False

    def of(self, capabilities: LocalCapabilities) -> LocalCapabilities:
        """The capabilities as they are offered in this style."""
        return replace(
            capabilities,
            encryption=self.encryption,
            offer_method=self.method,
            offer_feedback_profile=self.feedback,
            offer_ice=self.ice,
        )


_BROWSER = OfferStyle(Encryption.REQUIRED, "dtls", ice=True)


def is_browser(transport: str) -> bool:
    """Whether who is reached by this transport of SIP is a program in a browser."""
    return transport.lower() in _OF_BROWSERS


def offer_styles(capabilities: LocalCapabilities, transport: str, *, ice: bool = False) -> tuple[OfferStyle, ...]:
    """The styles in their order, by the policy in ``capabilities``, for who is reached by this transport of SIP."""
    policy, method = capabilities.encryption, capabilities.offer_method
    if policy is Encryption.REQUIRED:
        other: Method = "dtls" if method == "sdes" else "sdes"
        rooms = [OfferStyle(policy, method), OfferStyle(policy, method, feedback=False), OfferStyle(policy, other)]
    else:
        demanded = OfferStyle(Encryption.REQUIRED, method, feedback=False)
        rooms = [OfferStyle(policy), OfferStyle(policy, feedback=False), demanded]
    if is_browser(transport):
        return (_BROWSER, *(style for style in rooms if style != replace(_BROWSER, ice=False)))
    return tuple(replace(style, ice=ice) for style in rooms)
