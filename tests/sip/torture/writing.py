"""Writes messages as the RFCs print them: line by line, with a description of what is said at a call's beginning."""

from __future__ import annotations

SDP_BODY = """\
v=0
o=mhandley 29739 7272939 IN IP4 192.0.2.3
s=-
c=IN IP4 192.0.2.4
t=0 0
m=audio 49217 RTP/AVP 0 12
m=video 3227 RTP/AVP 31
a=rtpmap:31 LPC
"""


def written(head: str, body: str = "") -> bytes:
    """The bytes of a message: CRLF at the end of each line, an empty line before the body."""
    return f"{head.strip(chr(10))}\n\n{body}".replace("\n", "\r\n").encode()
