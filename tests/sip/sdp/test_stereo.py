"""Two channels of Opus, where the peer has them (RFC 7587 section 7.1)."""

from __future__ import annotations

import pytest

from sip.sdp.capabilities import LocalCapabilities, LocalMedia
from sip.sdp.codecs import read_parameters
from sip.sdp.grammar import parse
from sip.sdp.negotiation import accept_answer, answer, make_offer

HERE = LocalMedia("198.51.100.7", 40000, 40002)


@pytest.mark.parametrize(
    ("offered", "takes", "sends"),
    [
        ("useinbandfec=1", "0", "0"),
        ("stereo=1;sprop-stereo=1", "1", "1"),
        ("sprop-stereo=1", "1", "0"),
        ("stereo=1", "1", "1"),
        ("stereo=0;sprop-stereo=0", "0", "0"),
        ("stereo=yes", "0", "0"),
    ],
)
def test_two_channels_are_agreed_on_where_the_peer_has_them(offered: str, takes: str, sends: str) -> None:
    offer = parse(
        "v=0\no=- 5 6 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\n"
        f"m=audio 4000 RTP/AVP 96\na=rtpmap:96 opus/48000/2\na=fmtp:96 {offered}\n"
    )
    negotiated = answer(offer, LocalCapabilities(), HERE, session_id=1, version=1)
    line = negotiated.description.media[0].value("fmtp") or ""
    ours = read_parameters(line.partition(" ")[2])
    assert (ours["stereo"], ours["sprop-stereo"], ours["useinbandfec"]) == (takes, sends, "1")
    assert negotiated.audio is not None
    # What is sent goes by what the peer says that it takes.
    assert negotiated.audio.send_codec.parameters.get("stereo") == read_parameters(offered).get("stereo")


@pytest.mark.parametrize(
    ("answered", "sent"), [("stereo=1;sprop-stereo=1", "1"), ("stereo=0", "0"), ("useinbandfec=1", None)]
)
def test_our_offers_have_two_channels_and_the_answer_says_what_is_sent(answered: str, sent: str | None) -> None:
    offer = make_offer(LocalCapabilities(), HERE, session_id=1, version=1)
    line = next(value for value in offer.media[0].values("fmtp") if value.startswith("96 "))
    ours = read_parameters(line.partition(" ")[2])
    assert (ours["stereo"], ours["sprop-stereo"], ours["useinbandfec"]) == ("1", "1", "1")
    reply = parse(
        "v=0\no=- 5 6 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\n"
        f"m=audio 4000 RTP/AVP 96\na=rtpmap:96 opus/48000/2\na=fmtp:96 {answered}\nm=video 0 RTP/AVP 102\n"
    )
    negotiated = accept_answer(offer, reply, LocalCapabilities())
    assert negotiated.audio is not None
    assert negotiated.audio.send_codec.parameters.get("stereo") == sent
