"""Where the streams of a leg begin in this worker, and how far they have come for the next one. Pure.

A successor goes on under the same SSRCs and keys. What its predecessor sent after its last report is unknown, so it
leaves out more numbers than can have been used: under SRTP no index may be used twice (RFC 3711 section 9.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mcu.media.rtp.beginning import AHEAD, Beginning, derived
from mcu.media.spec import Continuation, LegNumbers, Path, PathNumbers, SentNumbers

REPORT_INTERVAL = 5.0
"""Longest time in seconds between two reports of a leg's numbers that have moved.

RTCP of rooms is not looked after otherwise; ``AHEAD`` lasts for 300 packets of it a second.
"""

REPORT_AFTER = 750
"""So many packets of one stream since the last report make the next one due at once.

Half of ``AHEAD``: what is left is for the time until that is noticed and told, a quarter of a second at 3000 packets a
second, which is 28 Mbit/s.
"""

_LAST_RTCP_INDEX = (1 << 31) - 1


class LegNumbering:
    """Made from the description when a leg is opened.

    ``known`` are the numbers of the same leg in the same process, exact; they come before those of the description.
    """

    def __init__(self, continuation: Continuation, known: LegNumbers | None = None) -> None:
        self._seed = continuation.seed
        self._ahead = continuation.ahead if known is None else 0
        self._numbers = known or continuation.numbers or LegNumbers()
        self.inherited = known is None and continuation.numbers is not None
        """Whether the numbers are those of another process."""
        self.keys = continuation.keys
        """Those of a browser's handshake with another process; None: it is to shake hands with this one."""
        self.pictures = self._numbers.pictures if self.inherited and self.keys is not None else ()
        """What the packets of a browser are of, which goes on without a handshake."""
        self.addresses, self.selected = self._numbers.addresses, self._numbers.selected
        self.first_number = first_number(self._numbers.transport_sequence, self._ahead, continuation.seed)
        """The transport-wide number of the first packet."""

    def path(self, path: Path, protection: str) -> PathNumbers:
        """What this path goes on from: nothing where its keys are others than those the numbers were counted under."""
        numbers = self._numbers.paths.get(path)
        if numbers is None or numbers.protection != protection:
            return PathNumbers(protection=protection)
        sent = {ssrc: _advanced(each, self._ahead) for ssrc, each in numbers.sent.items()}
        return numbers.model_copy(update={"sent": sent})

    def beginning(self, path: Path, protection: str, ssrc: int) -> Beginning:
        """Where the stream that we send under ``ssrc`` begins."""
        first = derived(self._seed, ssrc)
        sent = self.path(path, protection).sent.get(ssrc)
        if sent is None:
            ahead = AHEAD * self._ahead
            picture = (first.picture + ahead) & 0x7FFF
            return replace(first, sequence=first.sequence + ahead, picture=picture, resumed=self._ahead > 0)
        picture = first.picture if sent.picture is None else sent.picture & 0x7FFF
        return replace(first, sequence=sent.sequence, picture=picture, resumed=True)


def _advanced(sent: SentNumbers, ahead: int) -> SentNumbers:
    return SentNumbers(
        sequence=sent.sequence + AHEAD * ahead,
        rtcp_index=min(sent.rtcp_index + AHEAD * ahead, _LAST_RTCP_INDEX),
        picture=None if sent.picture is None else sent.picture + AHEAD * ahead,
    )


def first_number(before: int | None, ahead: int, seed: int) -> int:
    """Behind what ``ahead`` others may have used since ``before`` was said, else anywhere in the lower half.

    A receiver takes a jump of up to half the circle for loss.
    """
    if before is None:
        return seed & 0x7FFF
    return (before + min(8 * AHEAD * ahead, 0x6000)) & 0xFFFF


def merged(counted: Mapping[int, SentNumbers], protected: Mapping[int, SentNumbers]) -> dict[int, SentNumbers]:
    """What the streams have ``counted``, and what SRTP has ``protected``: that knows SRTCP, and SSRCs besides."""
    found = dict(protected)
    for ssrc, sent in counted.items():
        index = protected[ssrc].rtcp_index if ssrc in protected else 0
        found[ssrc] = sent.model_copy(update={"rtcp_index": index})
    return found
