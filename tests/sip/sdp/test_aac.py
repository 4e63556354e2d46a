"""AAC in descriptions: taken in where it is of a kind that we decode, and never what we send."""

from __future__ import annotations

import pytest

from sip.sdp.capabilities import LocalCapabilities, LocalMedia
from sip.sdp.grammar import parse
from sip.sdp.negotiation import answer
from sip.sdp.session import NegotiatedSession

HERE = LocalMedia("198.51.100.7", 40000, 40002)
OURS = LocalCapabilities(audio=("opus", "G722", "PCMA", "PCMU", "MP4A-LATM", "mpeg4-generic"))
HBR = "streamtype=5;mode=AAC-hbr;sizeLength=13;indexLength=3;indexDeltaLength=3;profile-level-id=16;config="


def answered(rtpmap: str, fmtp: str) -> NegotiatedSession:
    offer = parse(
        "v=0\no=- 5 6 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\n"
        f"m=audio 4000 RTP/AVP 100 8\na=rtpmap:100 {rtpmap}\na=fmtp:100 {fmtp}\n"
    )
    return answer(offer, OURS, HERE, session_id=1, version=1)


@pytest.mark.parametrize(
    ("rtpmap", "fmtp"),
    [
        ("MP4A-LATM/90000", "profile-level-id=24;object=23;bitrate=64000"),
        ("MP4A-LATM/48000", "profile-level-id=24;object=23;cpresent=0;config=40017310"),
        ("mpeg4-generic/48000/1", HBR + "b98800"),
        ("mpeg4-generic/48000/1", HBR + "1188"),
        ("MPEG4-GENERIC/16000/1", HBR + "1408"),
    ],
)
def test_aac_that_we_decode_is_taken_in_and_something_else_is_sent(rtpmap: str, fmtp: str) -> None:
    session = answered(rtpmap, fmtp)
    assert session.audio is not None
    assert session.audio.send_codec.name == "PCMA"
    assert [codec.name for codec in session.audio.receive_codecs] == [
        "PCMA",
        rtpmap.partition("/")[0].replace("MPEG4-GENERIC", "mpeg4-generic"),
    ]
    line = next(value for value in session.description.media[0].values("fmtp") if value.startswith("100 "))
    assert "config" not in fmtp or fmtp.rpartition("config=")[2] in line


@pytest.mark.parametrize(
    ("rtpmap", "fmtp"),
    [
        ("MP4A-LATM/90000", "profile-level-id=24;bitrate=64000"),
        ("MP4A-LATM/90000", "object=5"),
        ("MP4A-LATM/44100", "object=23"),
        ("MP4A-LATM/48000", "object=23;cpresent=0;config=zz"),
        ("MP4A-LATM/48000", "object=23;cpresent=0"),
        ("MP4A-LATM/48000", "cpresent=0;config=" + "40" * 80),
        ("mpeg4-generic/48000/1", HBR + "2b11"),
        ("mpeg4-generic/48000/1", HBR + "b98c00"),  # AAC-LD in frames of 480
        ("MP4A-LATM/48000", "object=23;cpresent=0;config=40017318"),
        ("mpeg4-generic/48000/1", HBR + "11b0"),
        ("mpeg4-generic/44100/1", HBR + "1208"),
        ("mpeg4-generic/48000/1", HBR.replace("13", "6") + "1188"),
        ("mpeg4-generic/90000", "mode=generic"),
    ],
)
def test_aac_that_we_do_not_decode_is_left_out(rtpmap: str, fmtp: str) -> None:
    session = answered(rtpmap, fmtp)
    assert session.audio is not None
    assert [codec.name for codec in session.audio.receive_codecs] == ["PCMA"]
