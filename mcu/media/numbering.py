"""Where the streams of a leg begin in this worker, and how far they have come for the next one. Pure.

A successor goes on under the same SSRCs and keys. What its predecessor sent after its last report is unknown, so it
leaves out more numbers than can have been used: under SRTP no index may be used twice (RFC 3711 section 9.1).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from mcu.media.rtp.beginning import AHEAD, Beginning, derived
from mcu.media.spec import Continuation, HeardNumbers, LegNumbers, Path, PathNumbers, SdesKeys, SentNumbers

REPORT_INTERVAL = 0.5
"""Seconds between two reports of numbers."""

REPORT_AFTER = 500
"""So many packets of one stream since the last report make the next one due at once. A third of ``AHEAD``."""

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


def protection_of(keys: SdesKeys | None) -> str:
    """Tells these keys from others without giving them away; "" for none."""
    if keys is None:
        return ""
    material = "/".join((keys.suite, keys.local, keys.remote, keys.rtcp_local or "", keys.rtcp_remote or ""))
    return hashlib.blake2b(material.encode(), digest_size=8).hexdigest()


def merged(counted: Mapping[int, SentNumbers], protected: Mapping[int, SentNumbers]) -> dict[int, SentNumbers]:
    """What the streams have ``counted``, and what SRTP has ``protected``: that knows SRTCP, and SSRCs besides."""
    found = dict(protected)
    for ssrc, sent in counted.items():
        index = protected[ssrc].rtcp_index if ssrc in protected else 0
        found[ssrc] = sent.model_copy(update={"rtcp_index": index})
    return found


Sources = list[tuple[int, int, int | None, int]]
"""As ``packets.Srtp.sources`` tells them."""


def sent_of(rtp: Sources, rtcp: Sources) -> dict[int, SentNumbers]:
    """What two contexts have protected, or one that is given twice."""
    indices = {ssrc: index for ssrc, _, _, index in rtcp}
    sequences = {ssrc: (rollovers << 16) + highest + 1 for ssrc, rollovers, highest, _ in rtp if highest is not None}
    return {
        ssrc: SentNumbers(sequence=sequences.get(ssrc, 0), rtcp_index=indices.get(ssrc, 0))
        for ssrc in {**sequences, **indices}
    }


def heard_of(rtp: Sources, rtcp: Sources) -> dict[int, HeardNumbers]:
    """What two contexts have received, or one that is given twice."""
    indices = {ssrc: index for ssrc, _, _, index in rtcp}
    found = {
        ssrc: HeardNumbers(rollovers=rollovers, highest=highest, rtcp_index=indices.pop(ssrc, 0))
        for ssrc, rollovers, highest, _ in rtp
    }
    return found | {ssrc: HeardNumbers(rtcp_index=index) for ssrc, index in indices.items()}


def sources_of(sent: Mapping[int, SentNumbers]) -> Sources:
    """What ``Srtp.resume`` is to be told, so that the next packet of each SSRC has the sequence number given."""
    found: Sources = []
    for ssrc, each in sent.items():
        last = each.sequence - 1
        found.append((ssrc, max(last, 0) >> 16, last & 0xFFFF if last >= 0 else None, each.rtcp_index))
    return found
