"""H.263 and H.261 with their sizes, sound codecs that we only take in, and what slides are never sent in."""

from __future__ import annotations

import pytest

from sip.sdp.capabilities import LocalCapabilities, LocalMedia
from sip.sdp.codecs import read_codecs
from sip.sdp.grammar import SessionDescription, parse
from sip.sdp.h264 import PictureLimit
from sip.sdp.negotiation import NotAcceptable, accept_answer, answer, make_offer
from sip.sdp.session import NegotiatedSession

HERE = LocalMedia("198.51.100.7", 40000, 40002, content_port=40004)
EVERYTHING = LocalCapabilities(
    audio=("opus", "G722", "PCMA", "PCMU", "G7221", "G729", "iLBC"),
    video=("H264", "VP8", "H263-2000", "H263-1998", "H263", "H261"),
)


def session(lines: str) -> SessionDescription:
    return parse(f"v=0\no=- 5 6 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\n{lines}")


def answered(lines: str) -> NegotiatedSession:
    return answer(session(lines), EVERYTHING, HERE, session_id=1, version=1)


@pytest.mark.parametrize(
    ("fmtp", "limit"),
    [
        ("CIF4=2;CIF=1;QCIF=1", (704, 576, 15)),
        ("CIF=1;QCIF=1", (352, 288, 30)),
        ("QCIF=1 CIF=2 MaxBR=3840", (352, 288, 15)),
        ("QCIF=3", (176, 144, 10)),
        ("CIF=0;QCIF=33", (352, 288, 15)),
        ("", (352, 288, 15)),
        ("CIF16=1;CIF=4", (352, 288, 7)),
    ],
)
def test_the_largest_named_size_is_sent_at_its_rate(fmtp: str, limit: tuple[int, int, int]) -> None:
    line = f"a=fmtp:34 {fmtp}\n" if fmtp else ""
    negotiated = answered(f"m=video 4002 RTP/AVP 34\n{line}")
    assert negotiated.video is not None
    assert (negotiated.video.send_codec.name, negotiated.video.picture) == ("H263", PictureLimit(*limit))
    assert negotiated.description.media[0].value("fmtp") == "34 CIF4=1;CIF=1;QCIF=1"


def test_h261_has_no_larger_size_than_cif() -> None:
    negotiated = answered("m=video 4002 RTP/AVP 31\na=fmtp:31 CIF4=1;CIF=1\n")
    assert negotiated.video is not None and negotiated.video.picture == PictureLimit(352, 288, 30)
    assert negotiated.description.media[0].value("fmtp") == "31 CIF=1;QCIF=1"


def test_today_goes_before_yesterday() -> None:
    lines = "".join(
        f"a=rtpmap:{number} {name}/90000\n"
        for number, name in ((96, "H263-1998"), (97, "VP8"), (98, "H264"), (99, "h263-2000"))
    )
    negotiated = answered(f"m=video 4002 RTP/AVP 31 34 96 97 98 99\n{lines}")
    assert negotiated.video is not None
    names = [codec.name for codec in negotiated.video.receive_codecs]
    assert names == ["H264", "VP8", "H263-2000", "H263-1998", "H263", "H261"]


def test_codecs_that_are_only_taken_in_come_last_and_never_alone() -> None:
    lines = "m=audio 4000 RTP/AVP 18 96 97 8\na=rtpmap:96 iLBC/8000\na=fmtp:96 mode=20\na=rtpmap:97 G7221/16000\n"
    negotiated = answered(lines + "a=fmtp:97 bitrate=24000\n")
    assert negotiated.audio is not None and negotiated.audio.send_codec.name == "PCMA"
    (line,) = negotiated.description.media
    assert line.formats == ("8", "18", "96", "97")
    assert [*line.values("fmtp")] == ["18 annexb=no", "96 mode=20", "97 bitrate=24000"]
    with pytest.raises(NotAcceptable, match="no audio codec in common"):
        answered("m=audio 4000 RTP/AVP 18\n")


@pytest.mark.parametrize(
    "rtpmap", ["G7221/16000\na=fmtp:97 bitrate=48000", "G7221/32000\na=fmtp:97 bitrate=24000", "G7221/16000"]
)
def test_g722_1_is_only_known_in_its_two_rates(rtpmap: str) -> None:
    negotiated = answered(f"m=audio 4000 RTP/AVP 97 8\na=rtpmap:97 {rtpmap}\n")
    assert negotiated.description.media[0].formats == ("8",)


def test_slides_are_agreed_on_in_codecs_that_keep_them_legible() -> None:
    slides = "m=video 4004 RTP/AVP 34 96\na=rtpmap:96 H264/90000\na=content:slides\n"
    negotiated = answered(f"m=video 4002 RTP/AVP 34\n{slides}")
    assert negotiated.video is not None and negotiated.video.send_codec.name == "H263"
    assert negotiated.content is not None
    assert [codec.name for codec in negotiated.content.receive_codecs] == ["H264"]


def test_our_offer_holds_all_that_we_can_send() -> None:
    offer = make_offer(EVERYTHING, HERE, session_id=1, version=1)
    audio, video, content = offer.media
    assert {codec.name for codec in read_codecs(audio)} == {"opus", "G722", "PCMA", "PCMU", "telephone-event"}
    assert [codec.name for codec in read_codecs(video)][-4:] == ["H263-2000", "H263-1998", "H263", "H261"]
    assert {codec.name for codec in read_codecs(content)} == {"H264", "VP8"}
    theirs = session("m=audio 4000 RTP/AVP 8\nm=video 4002 RTP/AVP 34\na=fmtp:34 CIF=2\n")
    accepted = accept_answer(offer, theirs, EVERYTHING)
    assert accepted.video is not None and accepted.video.picture == PictureLimit(352, 288, 15)
