"""Forward error correction towards browsers: FlexFEC where it is offered, beside the picture and under its own SSRC."""

from __future__ import annotations

from pathlib import Path

from mcu.media.spec import RepairSpec
from mcu.webrtc.answer import BrowserLocal, PictureSources, answer_browser_offer
from sip.sdp.codecs import read_codecs
from sip.sdp.grammar import parse

OFFERS = Path(__file__).parent / "offers"
WATCHES = (OFFERS / "chromium_recvonly.sdp").read_text()
SENDS = (OFFERS / "chromium.sdp").read_text()


def local(video: PictureSources) -> BrowserLocal:
    return BrowserLocal(
        ufrag="ours",
        password="password-of-ours-which-is-long",
        fingerprint=("sha-256", ":".join(["AB"] * 32)),
        candidates=(("192.0.2.7", 50000),),
        audio_ssrc=1001,
        video=video,
        cname="consilium",
    )


def test_chromium_that_watches_gets_repair_packets() -> None:
    answer = answer_browser_offer(WATCHES, local(PictureSources(1002, 2002, 3002)))
    assert answer.video is not None
    assert answer.video.repair == RepairSpec(form="flexfec-03", payload_type=49, ssrc=3002, single=True)
    line = parse(answer.sdp).media[1]
    assert line.formats[-1] == "49" and "49 flexfec-03/90000" in line.values("rtpmap")
    assert set(line.values("ssrc-group")) == {"FID 1002 2002", "FEC-FR 1002 3002"}
    assert [value.split()[0] for value in line.values("ssrc")] == ["1002", "2002", "3002"]
    assert 49 not in {codec.payload_type for codec in answer.video.receive_codecs}


def test_without_an_ssrc_for_them_none_are_agreed() -> None:
    answer = answer_browser_offer(WATCHES, local(PictureSources(1002, 2002)))
    assert answer.video is not None and answer.video.repair is None
    assert "flexfec" not in answer.sdp and "FEC-FR" not in answer.sdp


def test_ulpfec_which_shares_the_numbers_of_the_picture_is_left_alone() -> None:
    answer = answer_browser_offer(SENDS, local(PictureSources(1002, 2002, 3002)))
    assert answer.video is not None and answer.video.repair is None
    names = {codec.name for line in parse(answer.sdp).media if line.media == "video" for codec in read_codecs(line)}
    assert names and not names & {"red", "ulpfec", "flexfec-03"}
