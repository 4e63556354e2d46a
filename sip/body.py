"""What a message carries: a session description or text, alone or as a part of multipart/mixed (RFC 5621)."""

from __future__ import annotations

import re

from sip.message import Message

SDP = "application/sdp"
# An offer with SIP-ISUP or a location beside it has two or three parts.
MAX_PARTS = 16

_BOUNDARY = re.compile(r';\s*boundary\s*=\s*(?:"([^"]{1,70})"|([^\s;"]{1,70}))', re.IGNORECASE)


def session_description(message: Message) -> str | None:
    """The SDP of a message, or None when it carries none. Never raises: bad bytes become U+FFFD, which SDP refuses."""
    content = part_of(message, SDP)
    return None if content is None else content.decode("utf-8", "replace")


def part_of(message: Message, content_type: str) -> bytes | None:
    """The content of this type: the whole body, or the first such part of it; None when there is none."""
    if not message.body:
        return None
    if message.content_type == content_type:
        return message.body
    if message.content_type == "multipart/mixed":
        return _from_multipart(message, content_type)
    return None


def _from_multipart(message: Message, content_type: str) -> bytes | None:
    match = _BOUNDARY.search(message.headers.get("Content-Type") or "")
    if match is None:
        return None
    boundary = b"--" + (match[1] or match[2]).encode("utf-8", "surrogateescape")
    for part in message.body.split(boundary)[1 : MAX_PARTS + 1]:
        head, _, content = part.lstrip(b"\r\n").partition(b"\r\n\r\n")
        for line in head.decode("utf-8", "replace").split("\r\n"):
            name, _, value = line.partition(":")
            is_type = name.strip().lower() in ("content-type", "c")
            if is_type and value.partition(";")[0].strip().lower() == content_type:
                return content.removesuffix(b"\r\n") + b"\r\n"
    return None


def is_understood(message: Message) -> bool:
    """Whether the body of an INVITE is one that we can act on (RFC 3261 §8.2.3)."""
    if not message.body or session_description(message) is not None:
        return True
    return "handling=optional" in (message.headers.get("Content-Disposition") or "").replace(" ", "").lower()
