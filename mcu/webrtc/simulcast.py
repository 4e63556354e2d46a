"""Several encodings of one picture (RFC 8853), told apart by restriction identifiers (RFC 8851)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sip.sdp.grammar import Attribute, MediaDescription

MAXIMUM_ENCODINGS = 4
"""Browsers send three: more cost the sender much and nobody sees the difference."""

_RID = re.compile(r"[A-Za-z0-9_-]{1,255}")  # RFC 8851 section 10; a hyphen alone was allowed before it


def offered_encodings(media: MediaDescription) -> tuple[str, ...]:
    """The encodings that the offerer would send, in its order: our page names the smallest first.

    Of alternatives the first is taken. Encodings that are bound to payload types or sizes by their a=rid line are
    none of a browser's, and left out. One encoding alone is no simulcast.
    """
    sendable = {words[0] for value in media.values("rid") if len(words := value.split()) == 2 and words[1] == "send"}
    found: list[str] = []
    for stream in _send_streams(media.value("simulcast") or ""):
        rid = stream.partition(",")[0].removeprefix("~")
        if rid in sendable and rid not in found and _RID.fullmatch(rid):
            found.append(rid)
    return tuple(found[:MAXIMUM_ENCODINGS]) if len(found) > 1 else ()


def simulcast_lines(rids: Sequence[str]) -> list[Attribute]:
    """The attributes that take these encodings (RFC 8853 section 5.3.2)."""
    if not rids:
        return []
    return [*(Attribute("rid", f"{rid} recv") for rid in rids), Attribute("simulcast", f"recv {';'.join(rids)}")]


def _send_streams(value: str) -> list[str]:
    words = value.split()
    directions = dict(zip(words[::2], words[1::2], strict=False))
    return directions.get("send", "").split(";")
