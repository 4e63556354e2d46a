"""Short runs of the SIP fuzz targets: random bytes, and real messages with damage."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import fuzz_sip_agent, fuzz_sip_headers, fuzz_sip_message, fuzz_sip_stun
from tests.sip.test_message import raw

SEEDS = (
    raw(body=b"v=0\r\n", Content_Type="application/sdp", Content_Length="5", Contact='"A" <sip:a@192.0.2.9;lr>'),
    raw("ACK sip:b@s.example SIP/2.0", CSeq="1 ACK", To="<sip:b@s.example>;tag=x"),
    raw("CANCEL sip:b@s.example SIP/2.0", CSeq="1 CANCEL"),
    raw("BYE sip:b@[::1]:5060 SIP/2.0", CSeq="2 BYE", Reason='Q.850;cause=16;text="x"', Route="<sip:p;lr>, <sip:q>"),
    raw("SIP/2.0 200 OK", To="<sip:b@s.example>;tag=x", Record_Route="<sip:p;lr>", Warning='304 h "t"'),
    raw(
        Replaces="a@b;to-tag=1;from-tag=2",
        Session_Expires="90;refresher=uac",
        Require="100rel",
        Contact="<sip:a@b>",
        Supported="timer",
    ),
    raw("SUBSCRIBE sip:b@s.example SIP/2.0", CSeq="1 SUBSCRIBE", Event="conference;id=1", Contact="<sip:a@b>"),
    raw("REFER sip:b@s.example SIP/2.0", CSeq="1 REFER", Refer_To="<sip:a@b?Replaces=c>", Contact="<sip:a@b>"),
    raw("MESSAGE sip:b@s.example SIP/2.0", CSeq="1 MESSAGE", body=b"hi", Content_Type="text/plain"),
    raw(
        "SIP/2.0 401 Unauthorized",
        To="<sip:b@s.example>;tag=x",
        WWW_Authenticate='Digest realm="r", nonce="n", algorithm=MD5, qop="auth"',
    ),
    raw(
        body=b"--b\r\nc: application/sdp\r\n\r\nv=0\r\n--b--",
        Content_Type="multipart/mixed;boundary=b",
        Contact="<sip:a@b>",
    ),
)
PIECES = (
    b"\r\n",
    b"\0",
    b"<",
    b">",
    b'"',
    b"\\",
    b";",
    b",",
    b"@",
    b":",
    b"[",
    b"%",
    b" ",
    b"\xff",
    b"sip:",
    b"0" * 40,
)


def damaged(seed: int) -> bytes:
    """One to three real messages with a few bytes changed, cut or put in."""
    rng = random.Random(seed)
    data = bytearray(b"\0".join(rng.choice(SEEDS) for _ in range(rng.randint(1, 3))))
    for _ in range(rng.randint(0, 6)):
        position = rng.randrange(len(data) + 1)
        action = rng.randrange(4)
        if action == 0:
            data[position:position] = rng.choice(PIECES)
        elif action == 1:
            del data[position : position + rng.randint(1, 20)]
        elif action == 2 and position < len(data):
            data[position] = rng.randrange(256)
        else:
            data[position:position] = data[rng.randrange(len(data) + 1) :][: rng.randint(1, 60)]
    return bytes(data)


@pytest.mark.parametrize(
    "target", [fuzz_sip_message, fuzz_sip_headers, fuzz_sip_agent], ids=lambda module: module.__name__
)
def test_damaged_messages(target: object) -> None:
    for seed in range(600):
        data = damaged(seed)
        try:
            target.fuzz_one(data)  # type: ignore[attr-defined]
        except Exception as error:
            raise AssertionError(f"seed {seed}: {data!r}") from error


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_random_bytes(data: bytes) -> None:
    fuzz_sip_message.fuzz_one(data)
    fuzz_sip_headers.fuzz_one(data)
    fuzz_sip_agent.fuzz_one(data)
    fuzz_sip_stun.fuzz_one(data)


HEADER_PIECES = (*'abAZ09 \t;,:<>@"\\=%[]().-_?*/', "sip:", "SIP/2.0/UDP h", "会", "tag=", "\udcff", "INVITE", "304 h ")
HEADER_TEXT = st.lists(st.sampled_from(HEADER_PIECES), max_size=40).map("".join)


@settings(max_examples=500, deadline=None)
@given(HEADER_TEXT)
def test_header_like_text(text: str) -> None:
    fuzz_sip_headers.fuzz_one(text.encode("utf-8", "surrogateescape"))
