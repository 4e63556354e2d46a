"""RFC 5118: IPv6 addresses where SIP did not expect them."""

from __future__ import annotations

from tests.sip.torture.writing import written


def _request(
    method: str = "REGISTER",
    uri: str = "sip:[2001:db8::10]",
    via: str = "SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111",
    contact: str = "<sip:caller@[2001:db8::1]>",
    body: str = "",
) -> bytes:
    length = len(body.replace("\n", "\r\n"))
    return written(
        f"""
{method} {uri} SIP/2.0
To: sip:user@example.com
From: sip:user@example.com;tag=81x2
Via: {via}
Call-ID: SSG9559905523997077@hlau_4100
Max-Forwards: 70
Contact: {contact}
CSeq: 98176 {method}
{"Content-Type: application/sdp" + chr(10) if body else ""}Content-Length: {length}
""",
        body,
    )


_SDP = "v=0\no=assistant 971731711378798081 0 IN IP6 2001:db8::20\ns=Live video feed\nc=IN IP6 2001:db8::20\nt=0 0\n"

REFERENCE = _request(contact='"Caller" <sip:caller@[2001:db8::1]>')  # §4.1
WITHOUT_BRACKETS = _request(uri="sip:2001:db8::10")  # §4.2
PORT_INSIDE_BRACKETS = _request(uri="sip:[2001:db8::10:5070]")  # §4.3: the last group of an address, not a port
PORT_OUTSIDE_BRACKETS = _request(uri="sip:[2001:db8::10]:5070")  # §4.4
RECEIVED_IN_BRACKETS = _request(
    via="SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bKas3-111"
)  # §4.5
RECEIVED_WITHOUT_BRACKETS = _request(
    via="SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bKas3"
)  # §4.5
DESCRIBED_IN_SDP = _request(
    "INVITE",
    "sip:user@[2001:db8::10]",
    body=f"{_SDP}m=audio 6000 RTP/AVP 0 2\nm=video 6024 RTP/AVP 107\na=rtpmap:107 H263-1998/90000\n",
)  # §4.6
BOTH_FAMILIES_IN_VIAS = _request(
    "BYE",
    "sip:user@host.example.net",
    via="SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bKas3-111\n"
    "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKjhja8781hjuaij65144\n"
    "Via: SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bK451jj;received=192.0.2.200",
)  # §4.7
BOTH_FAMILIES_IN_SDP = _request(
    "INVITE",
    "sip:user@[2001:db8::10]",
    body=f"{_SDP}m=audio 22334 RTP/AVP 0\nc=IN IP4 192.0.2.1\nm=video 6024 RTP/AVP 107\nc=IN IP6 2001:db8::1\n"
    "a=rtpmap:107 H263-1998/90000\n",
)  # §4.8
IPV4_MAPPED = _request(
    "INVITE",
    "sip:user@example.com",
    via="SIP/2.0/UDP [::ffff:192.0.2.10]:19823;branch=z9hG4bKbh19",
    contact='"T. desk phone" <sip:ted@[::ffff:192.0.2.2]>',
    body="v=0\no=bob 2890844527 2890844527 IN IP6 ::ffff:192.0.2.10\ns=-\nc=IN IP6 ::ffff:192.0.2.10\nt=0 0\n"
    "m=audio 3456 RTP/AVP 0\n",
)  # §4.9
THREE_COLONS = _request("OPTIONS", "sip:user@[2001:db8:::192.0.2.1]")  # §4.10: a slip in RFC 3261's grammar allows it
