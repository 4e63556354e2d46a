"""Fuzz target: session descriptions, as they come in from rooms, through grammar and negotiation in both roles."""

from __future__ import annotations

from sip.sdp.capabilities import LocalCapabilities, LocalMedia
from sip.sdp.floor import FloorRole, LocalFloor
from sip.sdp.grammar import SdpError, parse
from sip.sdp.ice import LocalIce
from sip.sdp.negotiation import NotAcceptable, accept_answer, answer, make_offer
from sip.sdp.security import Encryption, LocalSecurity

_CAPABILITIES = LocalCapabilities()
_LOCAL = LocalMedia(
    "198.51.100.7", 40000, 40002, content_port=40004, floor=LocalFloor(40006, (FloorRole.SERVER, FloorRole.CLIENT)),
    security=LocalSecurity(bytes(32), ("sha-256", ":".join(["AB"] * 32))), ice=LocalIce("ours", "p" * 24),
)  # fmt: skip
_OFFER = make_offer(LocalCapabilities(encryption=Encryption.PREFERRED), _LOCAL, session_id=1, version=1)

SEEDS = (
    b"v=0\nc=IN IP4 192.0.2.1\na=setup:actpass\na=ice-ufrag:abcd\na=ice-pwd:abcdefghijklmnopqrstuv\n"
    b"m=audio 4000 RTP/SAVP 18 9 99 98\na=rtpmap:99 iLBC/8000\na=rtpmap:98 G7221/16000\na=fmtp:98 bitrate=32000\n"
    b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd|2^31 WSH=64\n"
    b"m=video 4002 RTP/AVP 34 31 97\na=rtpmap:97 H263-1998/90000\na=fmtp:97 CIF4=2;CIF=1;QCIF=1\n"
    b"a=candidate:1 1 UDP 2130706431 192.0.2.1 4002 typ host\na=rtcp-rsize\na=fingerprint:sha-256 "
    + b":".join([b"AB"] * 32),
)


def fuzz_one(data: bytes) -> None:
    """Any bytes are either refused by a documented error, or lead to an answer that is sound itself."""
    try:
        description = parse(data.decode("utf-8", "replace"))
    except SdpError:
        return
    assert parse(str(description)) == description
    try:
        session = answer(description, _CAPABILITIES, _LOCAL, session_id=1, version=1)
    except NotAcceptable:
        pass
    else:
        written = parse(str(session.description))
        assert written == session.description
        assert len(written.media) == len(description.media)
        for ours, theirs in zip(written.media, description.media, strict=True):
            assert (ours.media, ours.protocol) == (theirs.media, theirs.protocol)
            # Floor control has one format, whatever the offer says (RFC 8856 section 4).
            floor = "BFCP" in ours.protocol and ours.formats == ("*",)
            assert floor or set(ours.formats) <= set(theirs.formats or ("0",))
        for stream in session.streams:
            assert written.media[stream.index].port == _LOCAL.port(stream.kind)
            assert 0 < stream.remote_port <= 65_535 and 0 < stream.remote_rtcp_port <= 65_535
            if stream.kind != "audio":
                assert stream.picture is not None and 1 <= stream.picture.frame_rate <= 30
                assert stream.max_bitrate is not None and stream.max_bitrate > 0
        if session.floor is not None:
            assert written.media[session.floor.index].port == 40006 and 0 < session.floor.remote_port <= 65_535
        again = make_offer(_CAPABILITIES, _LOCAL, session_id=1, version=2, previous=session.description)
        assert parse(str(again)) == again
        full = make_offer(_CAPABILITIES, _LOCAL, session_id=1, version=2, previous=session.description, full=True)
        assert parse(str(full)) == full
        assert len(full.media) == len(description.media)
    try:
        accept_answer(_OFFER, description)
    except NotAcceptable:
        return
