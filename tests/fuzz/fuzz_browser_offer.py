"""Fuzz target: offers of browsers."""

from __future__ import annotations

from mcu.webrtc.answer import BrowserLocal, PictureSources, answer_browser_offer
from sip.sdp.grammar import SdpError, parse
from sip.sdp.negotiation import NotAcceptable

_LOCAL = BrowserLocal(
    ufrag="abcd",
    password="p" * 24,
    fingerprint=("sha-256", ":".join(["AB"] * 32)),
    candidates=(("192.0.2.7", 50000),),
    audio_ssrc=1,
    video=PictureSources(2, 3),
    content=PictureSources(4, 5),
    slots=tuple(PictureSources(10 + index, 20 + index) for index in range(3)),
    cname="fuzz",
)


def fuzz_one(data: bytes) -> None:
    """Any bytes are either refused by a documented error, or lead to an answer with as many m-lines as the offer."""
    text = data.decode("utf-8", "replace")
    try:
        answer = answer_browser_offer(text, _LOCAL)
    except (SdpError, NotAcceptable):
        return
    assert answer.audio is not None or answer.video is not None
    assert len(parse(answer.sdp).media) == len(parse(text).media)
    assert len(answer.slots) <= 3
    for picture in (answer.video, answer.content, *answer.slots):
        assert picture is None or bool(picture.repeats) == (picture.rtx_ssrc is not None)
        assert picture is None or bool(picture.rids) == (picture.rid_id is not None)
