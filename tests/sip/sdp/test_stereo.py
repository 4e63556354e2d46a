"""Two channels of Opus, where the peer has them (RFC 7587 section 7.1)."""

from __future__ import annotations

import pytest

from sip.sdp.capabilities import LocalCapabilities, LocalMedia
from sip.sdp.codecs import read_parameters
from sip.sdp.grammar import parse
from sip.sdp.negotiation import answer

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
