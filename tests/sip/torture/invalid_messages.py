"""RFC 4475 §3.1.2: malformed, each in one way."""

from __future__ import annotations

from tests.sip.torture.writing import SDP_BODY, written


def _request(
    method: str = "INVITE",
    name: str = "",
    *,
    start: str = "",
    to: str = "sip:user@example.com",
    sender: str = "<sip:caller@example.net>;tag=39291",
    via: str = "SIP/2.0/UDP host.example.com;branch=z9hG4bKkdjuw2395",
    cseq: str = "",
    length: str = "",
    more: str = "",
    body: str = SDP_BODY,
) -> bytes:
    """A request in order but for what is given. An INVITE describes a session."""
    is_invite = method == "INVITE"
    contact = "Contact: <sip:caller@host.example.net>\nContent-Type: application/sdp\n" if is_invite else ""
    return written(
        f"""
{start or f"{method} sip:user@example.com SIP/2.0"}
To: {to}
From: {sender}
Max-Forwards: 70
Call-ID: {name}.0ha0isndaksdj
CSeq: {cseq or f"8 {method}"}
Via: {via}
{contact}{more}Content-Length: {length or ("150" if is_invite else "0")}
""",
        body if is_invite else "",
    )


EXTRANEOUS_SEPARATORS = _request(
    name="badinv01",
    via="SIP/2.0/UDP 192.0.2.15;;,;,,",
    more='Contact: "Joe" <sip:joe@example.org>;;;;\n',
)  # §3.1.2.1, badinv01
LENGTH_TOO_LARGE = _request(name="clerr", length="9999")  # §3.1.2.2, clerr
LENGTH_NEGATIVE = _request(name="ncl", length="-999")  # §3.1.2.3, ncl

REQUEST_SCALARS_TOO_LARGE = _request(
    "REGISTER",
    "scalar02",
    cseq="36893488147419103232 REGISTER",
    more="Max-Forwards: 300\nExpires: 10000000000000000000000000000000000000000000000000000000000000\n"
    "Contact: <sip:user@host129.example.com>\n  ;expires=280297596632815\n",
).replace(b"Max-Forwards: 70\r\n", b"")  # §3.1.2.4, scalar02

RESPONSE_SCALARS_TOO_LARGE = written(
    """
SIP/2.0 503 Service Unavailable
Via: SIP/2.0/TCP host129.example.com;branch=z9hG4bKzzxdiwo34sw;received=192.0.2.129
To: <sip:user@example.com>
From: <sip:other@example.net>;tag=2easdjfejw
CSeq: 9292394834772304023312 OPTIONS
Call-ID: scalarlg.noase0of0234hn2qofoaf0232aewf2394r
Retry-After: 949302838503028349304023988
Warning: 1812 overture "In Progress"
Content-Length: 0
"""
)  # §3.1.2.5, scalarlg

UNCLOSED_QUOTES = _request(name="quotbal", to='"Mr. J. User <sip:j.user@example.com>')  # §3.1.2.6, quotbal
BRACKETS_ROUND_THE_URI = _request(name="ltgtruri", start="INVITE <sip:user@example.com> SIP/2.0")  # §3.1.2.7, ltgtruri
SPACE_IN_THE_URI = _request(name="lwsruri", start="INVITE sip:user@example.com; lr SIP/2.0")  # §3.1.2.8, lwsruri
SPACES_IN_THE_START_LINE = _request(name="lwsstart", start="INVITE  sip:user@example.com  SIP/2.0")  # §3.1.2.9
SPACES_AFTER_THE_START_LINE = _request(
    "OPTIONS", "trws", start="OPTIONS sip:remote-target@example.com SIP/2.0  "
)  # §3.1.2.10, trws
HEADERS_IN_THE_URI = _request(
    name="escruri", start="INVITE sip:user@example.com?Route=%3Csip:example.com%3E SIP/2.0"
)  # §3.1.2.11, escruri
DATE_OUTSIDE_GMT = _request(name="baddate", more="Date: Fri, 01 Jan 2010 16:00:00 EST\n")  # §3.1.2.12, baddate
CONTACT_WITHOUT_BRACKETS = _request(
    "REGISTER", "regbadct", more="Contact: sip:user@example.com?Route=%3Csip:sip.example.com%3E\n"
)  # §3.1.2.13, regbadct
SPACES_INSIDE_BRACKETS = _request(
    "OPTIONS", "badaspec", to='"Watson, Thomas" < sip:t.watson@example.org >'
)  # §3.1.2.14, badaspec
COMMA_IN_A_BARE_NAME = _request(
    "OPTIONS", "baddn", sender="Bell, Alexander <sip:a.g.bell@example.com>;tag=43"
)  # §3.1.2.15, baddn
UNKNOWN_VERSION = _request(
    "OPTIONS",
    "badvers",
    start="OPTIONS sip:t.watson@example.org SIP/7.0",
    via="SIP/7.0/UDP c.example.com;branch=z9hG4bKkdjuw",
)  # §3.1.2.16, badvers
OTHER_METHOD_IN_CSEQ = _request("OPTIONS", "mismatch01", cseq="8 INVITE")  # §3.1.2.17, mismatch01
UNKNOWN_METHOD_WITH_OTHER_IN_CSEQ = _request("NEWMETHOD", "mismatch02", cseq="8 INVITE")  # §3.1.2.18, mismatch02

STATUS_TOO_LARGE = written(
    """
SIP/2.0 4294967301 better not break the receiver
Via: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bK2398ndaoe
Call-ID: bigcode.asdof3uj203asdnf3429uasdhfas3ehjasdfas9i
CSeq: 353494 INVITE
From: <sip:user@example.com>;tag=39ansfi3
To: <sip:user@example.edu>;tag=902jndnke3
Content-Length: 0
Contact: <sip:user@host105.example.com>
"""
)  # §3.1.2.19, bigcode
