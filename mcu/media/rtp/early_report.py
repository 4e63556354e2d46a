"""When to tell of loss before the next report is due. Pure.

Senders protect by what receivers report: sound carries earlier frames, pictures get repair packets. A report every few
seconds, which may be lost itself, leaves the first seconds of a bad network unprotected.
"""

from __future__ import annotations

LEAST_LOST = 3
"""Packets missing since the last report: fewer may have been overtaken."""

LEAST_INTERVAL = 0.5
"""Seconds since the last report, early or not: of a stream of sound two a second are less than the twentieth part of it
that reports may take (RFC 3550 section 6.2)."""


class EarlyReports:
    """Of one stream received. Time in seconds is passed in."""

    __slots__ = ("_last", "_looked")

    def __init__(self, now: float) -> None:
        self._last = self._looked = now

    def reported(self, now: float) -> None:
        """A report has gone out."""
        self._last = now

    def is_due(self, missing: int, now: float) -> bool:
        """Whether to report now; so many packets are ``missing`` since the last report.

        To be asked before a packet is taken. Of those that come together only the first counts: in the midst of them
        more seem to be missing.
        """
        before, self._looked = self._looked, now
        return missing >= LEAST_LOST and now - self._last >= LEAST_INTERVAL and now > before
