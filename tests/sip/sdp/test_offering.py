"""Our own offers, the answers to them, and the next offers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sip.sdp.capabilities import LocalCapabilities, LocalMedia
from sip.sdp.codecs import read_codecs
from sip.sdp.direction import Direction
from sip.sdp.grammar import SessionDescription, parse
from sip.sdp.h264 import PictureLimit, Profile
from sip.sdp.negotiation import NotAcceptable, accept_answer, answer, make_offer

OURS = LocalMedia("198.51.100.7", 40000, 40002)
THEIRS = LocalMedia("192.0.2.1", 5000, 5002)
EVERYTHING = LocalCapabilities()
HEAD = "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\n"


def offer(local: LocalMedia = OURS, capabilities: LocalCapabilities = EVERYTHING) -> SessionDescription:
    return make_offer(capabilities, local, session_id=1, version=1)


def test_an_offer_holds_all_we_speak_and_is_sound_sdp() -> None:
    offered = parse(str(offer()))

    audio, video = offered.media
    assert offered == offer()
    assert [codec.name for codec in read_codecs(audio)] == [
        "opus",
        "G722",
        "PCMA",
        "PCMU",
        "telephone-event",
        "telephone-event",
    ]
    h264 = [codec for codec in read_codecs(video) if codec.name == "H264"]
    assert [codec.parameters["packetization-mode"] for codec in h264] == ["1", "0"] * 3
    assert {codec.parameters["profile-level-id"] for codec in h264} == {"42e028", "4d0028", "640028"}
    assert read_codecs(video)[-1].name == "VP8"
    assert len(set(audio.formats)) == len(audio.formats)
    assert len(set(video.formats)) == len(video.formats)


def test_an_offer_is_as_small_as_its_capabilities() -> None:
    few = LocalCapabilities(audio=("PCMA",), video=("H264",), profiles=(Profile.BASELINE,), telephone_event=False)
    offered = offer(replace(OURS, rtcp_mux=False), few)

    assert offered.media[0].formats == ("8",)
    assert len(offered.media[1].formats) == 2
    assert not offered.media[0].has("rtcp-mux")
    assert [line.media for line in offer(replace(OURS, video_port=0)).media] == ["audio"]
    assert "telephone-event/48000" not in str(offer(capabilities=replace(EVERYTHING, audio=("PCMU",))))


def test_both_roles_together_agree() -> None:
    offered = offer()
    theirs = answer(offered, EVERYTHING, THEIRS, session_id=9, version=1)
    ours = accept_answer(offered, parse(str(theirs.description)))

    assert ours.description == offered
    for mine, yours in zip(ours.streams, theirs.streams, strict=True):
        assert mine.kind == yours.kind
        assert mine.send_codec.name == yours.send_codec.name
        assert mine.send_codec.payload_type in {codec.payload_type for codec in yours.receive_codecs}
        assert yours.send_codec.payload_type in {codec.payload_type for codec in mine.receive_codecs}
        assert mine.dtmf_payload_type == yours.dtmf_payload_type
        assert mine.direction is yours.direction is Direction.SENDRECV
        assert mine.rtcp_mux
    assert ours.audio is not None and ours.video is not None
    assert ours.audio.send_codec.name == "opus"
    assert ours.audio.dtmf is not None and ours.audio.dtmf.clock_rate == 48000
    assert (ours.audio.remote_host, ours.audio.remote_port) == ("192.0.2.1", 5000)
    assert ours.video.send_codec.parameters["packetization-mode"] == "1"
    assert ours.video.picture == PictureLimit(1920, 1080, 30)


def test_sound_is_sent_in_the_first_codec_of_the_answer() -> None:
    negotiated = accept_answer(offer(), parse(HEAD + "m=audio 5000 RTP/AVP 8 9 0\n"))

    assert negotiated.audio is not None
    assert negotiated.audio.send_codec.name == "PCMA"
    assert negotiated.video is None
    assert negotiated.audio.dtmf is None


def test_the_level_in_the_answer_limits_what_we_send() -> None:
    answered = parse(
        HEAD + "m=audio 5000 RTP/AVP 8\nm=video 5002 RTP/AVP 103\nb=AS:1024\na=rtpmap:103 H264/90000\n"
        "a=fmtp:103 profile-level-id=42e01f\na=rtcp-fb:* ccm fir\na=rtcp-fb:* nack\n"
    )
    negotiated = accept_answer(offer(), answered)

    assert negotiated.video is not None
    assert negotiated.video.picture == PictureLimit(1280, 720, 30)
    assert negotiated.video.max_bitrate == 972_800
    assert negotiated.video.feedback == {"fir", "nack"}
    assert not negotiated.video.rtcp_mux


def test_an_answer_may_number_payload_types_anew() -> None:
    answered = parse(
        HEAD + "m=audio 0 RTP/AVP 8\nm=video 5002 RTP/AVP 120\na=rtpmap:120 H264/90000\n"
        "a=fmtp:120 profile-level-id=640028;packetization-mode=0\n"
    )
    negotiated = accept_answer(offer(), answered)

    assert negotiated.audio is None
    assert negotiated.video is not None
    assert negotiated.video.send_codec.payload_type == 120
    received = {codec.payload_type: codec for codec in negotiated.video.receive_codecs}
    assert list(received) == [107, 120, 102, 103, 104, 105, 106]  # rooms send what was offered, whatever they answer
    assert {codec.name for codec in received.values()} == {"H264"}


def test_an_answer_that_does_not_repeat_the_mode_is_sent_mode_0() -> None:
    answered = parse(HEAD + "m=audio 0 RTP/AVP 8\nm=video 5002 RTP/AVP 102\na=rtpmap:102 H264/90000\n")
    negotiated = accept_answer(offer(), answered)

    assert negotiated.video is not None
    assert negotiated.video.send_codec.parameters == {}


@pytest.mark.parametrize(
    ("lines", "warning"),
    [
        ("", 304),
        ("m=audio 0 RTP/AVP 8\nm=video 0 RTP/AVP 102\n", 304),
        ("m=audio 5000 RTP/AVP 18\n", 305),
        ("m=audio 5000 RTP/AVP 101\na=rtpmap:101 telephone-event/8000\n", 305),
        ("m=video 5000 RTP/AVP 8\n", 302),
        ("m=audio 5000 RTP/SAVP 8\n", 302),
        (
            "m=audio 0 RTP/AVP 8\nm=video 5002 RTP/AVP 102\na=rtpmap:102 H264/90000\na=fmtp:102 profile-level-id=x\n",
            305,
        ),
    ],
)
def test_an_answer_without_anything_to_use_is_refused(lines: str, warning: int) -> None:
    with pytest.raises(NotAcceptable) as caught:
        accept_answer(offer(), parse(HEAD + lines))

    assert caught.value.warning == warning


def test_a_held_answer_is_understood() -> None:
    negotiated = accept_answer(offer(), parse(HEAD + "m=audio 5000 RTP/AVP 8\na=sendonly\n"))

    assert negotiated.held
    assert negotiated.audio is not None
    assert negotiated.audio.direction is Direction.RECVONLY


def test_our_hold_in_the_offer_stays_in_force_whatever_the_answer_says() -> None:
    holding = offer(replace(OURS, audio_direction=Direction.SENDONLY, video_direction=Direction.INACTIVE))
    negotiated = accept_answer(holding, parse(HEAD + "m=audio 5000 RTP/AVP 8\n"))

    assert negotiated.audio is not None
    assert negotiated.audio.direction is Direction.SENDONLY
    assert not negotiated.held


def test_the_next_offer_keeps_lines_and_payload_types() -> None:
    first = answer(
        parse(
            HEAD + "m=audio 5000 RTP/AVP 8 101\na=rtpmap:101 telephone-event/8000\nm=application 5004 UDP/BFCP *\n"
            "m=video 5002 RTP/AVP 97\na=rtpmap:97 H264/90000\na=fmtp:97 profile-level-id=42e01f\n"
        ),
        EVERYTHING,
        OURS,
        session_id=3,
        version=1,
    ).description
    held = replace(OURS, audio_direction=Direction.SENDONLY, video_direction=Direction.INACTIVE)
    again = make_offer(EVERYTHING, held, session_id=3, version=2, previous=first)

    assert [line.media for line in again.media] == ["audio", "application", "video"]
    assert [line.port for line in again.media] == [40000, 0, 40002]
    assert [line.formats for line in again.media] == [line.formats for line in first.media]
    assert again.media[0].has("sendonly") and not again.media[0].has("sendrecv")
    assert again.media[2].has("inactive")
    assert (again.origin.session_id, again.origin.version) == (3, 2)
    assert read_codecs(again.media[2]) == read_codecs(first.media[2])


def test_the_next_offer_can_take_the_picture_away() -> None:
    again = make_offer(EVERYTHING, replace(OURS, video_port=0), session_id=3, version=2, previous=offer())

    assert [line.port for line in again.media] == [40000, 0]


def test_a_full_offer_brings_back_what_a_hold_with_music_had_taken() -> None:
    music = answer(
        parse(
            HEAD + "m=audio 5000 RTP/AVP 8 96\na=rtpmap:96 telephone-event/8000\nm=video 0 RTP/AVP 97\n"
            "m=application 0 UDP/BFCP *\n"
        ),
        EVERYTHING,
        OURS,
        session_id=3,
        version=1,
    ).description

    again = make_offer(EVERYTHING, OURS, session_id=3, version=2, previous=music, full=True)

    assert parse(str(again)) == again
    assert [(line.media, line.port) for line in again.media] == [("audio", 40000), ("video", 40002), ("application", 0)]
    assert again.media[0].formats[:2] == ("8", "96")
    by_number = {codec.payload_type: (codec.name, codec.clock_rate) for codec in read_codecs(again.media[0])}
    assert by_number[96] == ("telephone-event", 8000)
    assert sorted(by_number.values()) == [
        ("G722", 8000),
        ("PCMA", 8000),
        ("PCMU", 8000),
        ("opus", 48000),
        ("telephone-event", 8000),
        ("telephone-event", 48000),
    ]
    assert read_codecs(again.media[1]) == read_codecs(offer().media[1])


def test_a_full_offer_keeps_the_numbers_of_a_running_picture() -> None:
    first = answer(
        parse(
            HEAD + "m=audio 0 RTP/AVP 8\nm=video 5002 RTP/AVPF 102\na=rtpmap:102 H264/90000\n"
            "a=fmtp:102 profile-level-id=42e01f;packetization-mode=0\na=rtcp-fb:102 nack pli\n"
        ),
        EVERYTHING,
        OURS,
        session_id=3,
        version=1,
    ).description

    again = make_offer(EVERYTHING, replace(OURS, audio_port=0), session_id=3, version=2, previous=first, full=True)

    assert [line.port for line in again.media] == [0, 40002]
    assert again.media[1].protocol == "RTP/AVPF"
    codecs = read_codecs(again.media[1])
    assert codecs[0] == read_codecs(first.media[1])[0]
    assert len({codec.payload_type for codec in codecs}) == len(codecs) == 7


def test_when_numbers_run_out_the_rest_is_not_offered() -> None:
    crowded = "m=video 5002 RTP/AVP " + " ".join(str(number) for number in range(96, 128)) + "\n"
    crowded += "".join(f"a=rtpmap:{number} VP8/90000\n" for number in range(96, 128))
    first = answer(parse(HEAD + crowded), EVERYTHING, OURS, session_id=3, version=1).description

    again = make_offer(EVERYTHING, OURS, session_id=3, version=2, previous=first, full=True)

    assert again.media[0].formats == first.media[0].formats
