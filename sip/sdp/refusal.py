"""Why a description cannot be taken, in a form fit for a 488."""

from __future__ import annotations

import re

# Warning codes of RFC 3261 section 20.43.
NETWORK_ADDRESS, TRANSPORT, MEDIA_TYPE, MEDIA_FORMAT = 301, 302, 304, 305


class NotAcceptable(Exception):
    """Nothing of this description fits. ``reason`` is for a person; ``warning`` the code of RFC 3261 section 20.43."""

    def __init__(self, reason: str, warning: int = MEDIA_FORMAT) -> None:
        super().__init__(reason)
        self.reason = reason
        self.warning = warning


def shown(word: str) -> str:
    """A word of the peer's, fit for a header and a log line."""
    return word if len(word) <= 32 and re.fullmatch(r"[A-Za-z0-9/_.+-]+", word) else "something else"
