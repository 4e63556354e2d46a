"""Offers of rooms, answered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sip.sdp.capabilities import LocalCapabilities, LocalMedia
from sip.sdp.codecs import read_codecs
from sip.sdp.direction import Direction
from sip.sdp.grammar import SessionDescription, parse
from sip.sdp.h264 import PictureLimit
from sip.sdp.negotiation import NotAcceptable, answer
from sip.sdp.session import NegotiatedSession, NegotiatedStream

OFFERS = Path(__file__).parent / "offers"
HERE = LocalMedia("198.51.100.7", 40000, 40002)
AUDIO = "m=audio 4000 RTP/AVP 8\n"
VIDEO = "m=video 4002 RTP/AVP 97\na=rtpmap:97 H264/90000\na=fmtp:97 profile-level-id=42e01f;packetization-mode=1\n"


def offer(name: str) -> SessionDescription:
    return parse((OFFERS / name).read_text())


def session(lines: str, head: str = "c=IN IP4 192.0.2.1\n") -> SessionDescription:
    return parse(f"v=0\no=- 5 6 IN IP4 192.0.2.1\ns=-\n{head}t=0 0\n{lines}")


def answered(
    description: SessionDescription, local: LocalMedia = HERE, capabilities: LocalCapabilities | None = None
) -> NegotiatedSession:
    return answer(description, capabilities or LocalCapabilities(), local, session_id=77, version=2)


def audio(negotiated: NegotiatedSession) -> NegotiatedStream:
    assert negotiated.audio is not None
    return negotiated.audio


def video(negotiated: NegotiatedSession) -> NegotiatedStream:
    assert negotiated.video is not None
    return negotiated.video


def test_baresip_is_answered_in_its_order_with_mode_1_before_mode_0() -> None:
    negotiated = answered(offer("baresip_1.0.0.sdp"))

    sound, picture = audio(negotiated), video(negotiated)
    assert sound.send_codec.name == "opus"
    assert [codec.name for codec in sound.receive_codecs] == ["opus", "G722", "PCMU", "PCMA"]
    assert sound.dtmf_payload_type == 101
    assert (sound.remote_host, sound.remote_port, sound.remote_rtcp_port) == ("192.0.2.2", 27000, 27001)
    assert picture.send_codec.payload_type == 97
    assert [codec.payload_type for codec in picture.receive_codecs] == [97, 96]
    assert picture.picture == PictureLimit(1280, 720, 30)
    assert picture.feedback == {"pli"}
    assert (sound.direction, picture.direction) == (Direction.SENDRECV, Direction.SENDRECV)
    assert not negotiated.held


def test_the_answer_is_written_out_whole() -> None:
    text = str(answered(session(AUDIO + VIDEO + "a=rtcp-fb:97 ccm fir\n")).description)

    assert text.split("\r\n") == [
        "v=0",
        "o=- 77 2 IN IP4 198.51.100.7",
        "s=Consilium",
        "c=IN IP4 198.51.100.7",
        "t=0 0",
        "m=audio 40000 RTP/AVP 8",
        "a=rtpmap:8 PCMA/8000",
        "a=ptime:20",
        "a=sendrecv",
        "m=video 40002 RTP/AVP 97",
        "b=AS:4211",
        "b=TIAS:4000000",
        "a=rtpmap:97 H264/90000",
        "a=fmtp:97 profile-level-id=42e01f;packetization-mode=1",
        "a=rtcp-fb:97 ccm fir",
        "a=sendrecv",
        "",
    ]


@pytest.mark.parametrize(
    ("name", "refused", "codec", "payload_type", "bitrate", "size"),
    [
        ("polycom_like.sdp", [2, 3, 4], "G722", 110, 1_744_000, (1920, 1080)),
        ("cisco_like.sdp", [2, 3, 4], "G722", 126, 4_000_000, (1920, 1080)),
        ("huawei_like.sdp", [2, 3, 4], "G722", 106, 2_918_400, (1920, 1080)),
        ("linphone_like.sdp", [], "opus", 97, 281_000, (1280, 720)),
    ],
)
def test_hardware_rooms_get_their_best_picture_and_their_extras_refused_in_place(
    name: str, refused: list[int], codec: str, payload_type: int, bitrate: int, size: tuple[int, int]
) -> None:
    offered = offer(name)
    negotiated = answered(offered)

    lines = negotiated.description.media
    assert [(line.media, line.protocol) for line in lines] == [(line.media, line.protocol) for line in offered.media]
    assert [index for index, line in enumerate(lines) if line.port == 0] == refused
    assert all(lines[index].formats == offered.media[index].formats for index in refused)
    assert audio(negotiated).send_codec.name == codec
    picture = video(negotiated)
    assert (picture.index, picture.send_codec.payload_type) == (1, payload_type)
    assert picture.max_bitrate == bitrate
    assert picture.picture == PictureLimit(*size, 30)


def test_every_h264_payload_type_that_is_accepted_can_be_received() -> None:
    negotiated = answered(offer("huawei_like.sdp"))

    described = read_codecs(negotiated.description.media[1])
    assert [codec.payload_type for codec in described] == [106, 105, 104]
    assert [codec.payload_type for codec in video(negotiated).receive_codecs] == [106, 105, 104]
    assert [codec.parameters["profile-level-id"] for codec in described] == ["640028", "42801f", "42801f"]
    assert [codec.parameters["packetization-mode"] for codec in described] == ["1", "1", "0"]


def test_profiles_that_we_do_not_speak_and_interleaving_are_left_out() -> None:
    lines = "m=video 4002 RTP/AVP 96 97 98 99 100 101\n" + "".join(
        f"a=rtpmap:{number} H264/90000\na=fmtp:{number} profile-level-id={identifier};packetization-mode={mode}\n"
        for number, identifier, mode in [(96, "f4001f", 1), (97, "6e001f", 1), (98, "42e01f", 2), (99, "4d001f", 0)]
    )
    negotiated = answered(session(lines + "a=rtpmap:100 H264/48000\na=rtpmap:101 H265/90000\n"))

    assert negotiated.description.media[0].formats == ("99",)


def test_the_level_goes_up_to_ours_only_where_asymmetry_is_allowed() -> None:
    asymmetric = VIDEO.replace("mode=1", "mode=1;level-asymmetry-allowed=1")
    high = VIDEO.replace("42e01f", "42e033")

    def parameters(lines: str) -> str:
        return next(answered(session(lines)).description.media[0].values("fmtp"))

    assert parameters(VIDEO) == "97 profile-level-id=42e01f;packetization-mode=1"
    assert parameters(asymmetric) == "97 profile-level-id=42e028;packetization-mode=1;level-asymmetry-allowed=1"
    assert parameters(high) == "97 profile-level-id=42e028;packetization-mode=1"


def test_parameter_sets_of_the_peer_are_kept_for_receiving() -> None:
    lines = VIDEO.replace("mode=1", "mode=1;sprop-parameter-sets=Z0LAH9kA,aMuDyyA=")
    picture = video(answered(session(lines)))

    assert picture.remote_sprop == "Z0LAH9kA,aMuDyyA="
    assert picture.receive_codecs[0].parameters["sprop-parameter-sets"] == "Z0LAH9kA,aMuDyyA="


def test_vp8_is_taken_with_its_own_limits() -> None:
    vp8 = "m=video 4002 RTP/AVPF 96\na=rtpmap:96 VP8/90000\n"

    assert video(answered(session(vp8))).picture == PictureLimit(1920, 1080, 30)
    assert video(answered(session(vp8 + "a=fmtp:96 max-fs=3600;max-fr=25\n"))).picture == PictureLimit(1280, 720, 25)
    assert video(answered(session(vp8 + "a=fmtp:96 max-fr=15\n"))).picture == PictureLimit(1920, 1080, 15)
    assert video(answered(session(vp8 + "a=fmtp:96 max-fs=1\n"))).picture == PictureLimit(160, 90, 1)
    assert answered(session(vp8)).description.media[0].protocol == "RTP/AVPF"


def test_our_own_order_of_sound_is_a_choice() -> None:
    lines = "m=audio 4000 RTP/AVP 0 8 9 96\na=rtpmap:96 opus/48000/2\n"
    ours = LocalCapabilities(prefer_offer_order=False)

    assert audio(answered(session(lines))).send_codec.name == "PCMU"
    assert audio(answered(session(lines), capabilities=ours)).send_codec.name == "opus"
    assert answered(session(lines), capabilities=ours).description.media[0].formats == ("96", "9", "8", "0")


@pytest.mark.parametrize(
    ("formats", "expected"),
    [("96 8 101 102", 102), ("8 96 101 102", 101), ("96 101", 101), ("8 102", 102), ("8 96", None)],
)
def test_dtmf_takes_the_clock_of_the_sound_where_it_can(formats: str, expected: int | None) -> None:
    lines = (
        f"m=audio 4000 RTP/AVP {formats}\na=rtpmap:96 opus/48000/2\n"
        "a=rtpmap:101 telephone-event/8000\na=fmtp:101 0-16,66\na=rtpmap:102 telephone-event/48000\n"
    )
    negotiated = answered(session(lines))

    assert audio(negotiated).dtmf_payload_type == expected
    written = [codec for codec in read_codecs(negotiated.description.media[0]) if codec.name == "telephone-event"]
    assert [codec.payload_type for codec in written] == ([expected] if expected else [])
    assert all(codec.parameters == {"": "0-15"} for codec in written)


@pytest.mark.parametrize(
    ("lines", "head", "direction", "held"),
    [
        (AUDIO + "a=sendonly\n", "c=IN IP4 192.0.2.1\n", Direction.RECVONLY, True),
        (AUDIO + "a=inactive\n", "c=IN IP4 192.0.2.1\n", Direction.INACTIVE, True),
        (AUDIO, "c=IN IP4 192.0.2.1\na=sendonly\n", Direction.RECVONLY, True),
        (AUDIO, "c=IN IP4 0.0.0.0\n", Direction.RECVONLY, True),
        (AUDIO + "c=IN IP4 0.0.0.0\na=inactive\n", "c=IN IP4 192.0.2.1\n", Direction.INACTIVE, True),
        (AUDIO + "a=recvonly\n", "c=IN IP4 192.0.2.1\n", Direction.SENDONLY, False),
        (AUDIO, "c=IN IP4 192.0.2.1\n", Direction.SENDRECV, False),
    ],
)
def test_hold_is_understood_in_both_spellings(lines: str, head: str, direction: Direction, held: bool) -> None:
    negotiated = answered(session(lines, head))

    assert audio(negotiated).direction is direction
    assert negotiated.held is held
    assert negotiated.description.media[0].has(direction.value)
    assert (audio(negotiated).remote_host is None) is ("0.0.0.0" in head + lines)


def test_each_line_has_a_direction_of_its_own() -> None:
    negotiated = answered(session(AUDIO + VIDEO + "a=sendonly\n"))

    assert audio(negotiated).direction is Direction.SENDRECV
    assert video(negotiated).direction is Direction.RECVONLY
    assert video(negotiated).held
    assert not negotiated.held


def test_our_own_hold_limits_the_direction() -> None:
    local = replace(HERE, audio_direction=Direction.SENDONLY, video_direction=Direction.INACTIVE)
    negotiated = answered(session(AUDIO + VIDEO), local)

    assert audio(negotiated).direction is Direction.SENDONLY
    assert video(negotiated).direction is Direction.INACTIVE
    assert not negotiated.held


def test_a_bandwidth_of_zero_stops_what_we_send() -> None:
    negotiated = answered(session(AUDIO + VIDEO + "b=AS:0\n"))

    assert video(negotiated).direction is Direction.RECVONLY
    assert audio(negotiated).direction is Direction.SENDRECV


def test_rtcp_is_multiplexed_only_when_every_line_wants_it() -> None:
    both = answered(session(f"{AUDIO}a=rtcp-mux\n{VIDEO}a=rtcp-mux\n"))
    one = answered(session(f"{AUDIO}a=rtcp-mux\n{VIDEO}a=rtcp:5000\n"))

    assert [(stream.rtcp_mux, stream.remote_rtcp_port) for stream in both.streams] == [(True, 4000), (True, 4002)]
    assert all(line.has("rtcp-mux") for line in both.description.media)
    assert [(stream.rtcp_mux, stream.remote_rtcp_port) for stream in one.streams] == [(False, 4001), (False, 5000)]
    assert not any(line.has("rtcp-mux") for line in one.description.media)
    assert not answered(session(f"{AUDIO}a=rtcp-mux\n"), replace(HERE, rtcp_mux=False)).streams[0].rtcp_mux


def test_main_video_goes_before_whatever_stands_first() -> None:
    slides = VIDEO + "a=content:slides\n"

    assert video(answered(session(AUDIO + slides + VIDEO + "a=content:main\n"))).index == 2
    assert video(answered(session(AUDIO + VIDEO + VIDEO + "a=content:main\n"))).index == 2
    assert answered(session(AUDIO + slides)).video is None
    assert [line.port for line in answered(session(VIDEO + AUDIO + VIDEO)).description.media] == [40002, 40000, 0]


def test_sound_goes_on_where_the_picture_cannot() -> None:
    lines = AUDIO + "m=video 4002 RTP/AVP 34\nm=application 5000 TCP/BFCP *\nm=text 4004 RTP/AVP 98\n"
    negotiated = answered(session(lines))

    assert negotiated.video is None
    assert [line.port for line in negotiated.description.media] == [40000, 0, 0, 0]
    assert answered(session(AUDIO + VIDEO), replace(HERE, video_port=0)).video is None


def test_a_line_that_is_offered_with_port_0_stays_refused() -> None:
    negotiated = answered(session(AUDIO + VIDEO.replace("4002", "0")))

    assert negotiated.description.media[1].port == 0
    assert negotiated.video is None


@pytest.mark.parametrize(
    ("lines", "warning", "what"),
    [
        ("", 304, "no sound"),
        ("m=application 4000 UDP/BFCP *\n", 304, "no sound"),
        (AUDIO.replace("4000", "0"), 304, "no sound"),
        ("m=audio 4000 RTP/AVP 18\nm=video 4002 RTP/AVP 34\n", 305, "no audio codec in common"),
        ("m=audio 4000 RTP/AVP\n", 305, "no audio codec in common"),
        ("m=audio 4000 RTP/SAVP 8\n", 302, "RTP/SAVP"),
        ('m=audio 4000 "quoted" 8\n', 302, "something else"),
        ("m=audio 4000 UDP/TLS/RTP/SAVPF 8\nm=video 4002 RTP/AVP 34\n", 305, "no video codec in common"),
        ("m=audio 4000 RTP/AVP 8\nc=IN IP6 2001:db8::1\n", 301, "IP version"),
    ],
)
def test_nothing_in_common_is_refused_with_a_reason(lines: str, warning: int, what: str) -> None:
    with pytest.raises(NotAcceptable) as caught:
        answered(session(lines))

    assert caught.value.warning == warning
    assert what in caught.value.reason


@pytest.mark.parametrize("address", ["room.example.org", "224.2.1.1", "0.0.0.0"])
def test_an_address_that_packets_cannot_go_to_is_left_to_symmetric_rtp(address: str) -> None:
    assert audio(answered(session(AUDIO, f"c=IN IP4 {address}\n"))).remote_host is None


def test_ipv6_rooms_are_answered_from_an_ipv6_address() -> None:
    negotiated = answered(session(AUDIO, "c=IN IP6 2001:db8::1\n"), replace(HERE, host="2001:db8::7"))

    assert audio(negotiated).remote_host == "2001:db8::1"
    assert "c=IN IP6 2001:db8::7\r\n" in str(negotiated.description)


def test_bandwidth_and_level_and_our_own_limit_bound_what_we_send() -> None:
    def bitrate(lines: str, send: int = 4_000_000) -> int | None:
        return video(answered(session(lines), capabilities=LocalCapabilities(send_bitrate=send))).max_bitrate

    assert bitrate(VIDEO) == 4_000_000
    assert bitrate(VIDEO, 2_000_000) == 2_000_000
    assert bitrate(VIDEO + "b=TIAS:512000\n") == 512_000
    assert bitrate(VIDEO.replace("42e01f", "42e00d")) == 768_000


def test_the_timing_of_the_offer_is_repeated() -> None:
    assert "t=5 6\r\n" in str(answered(parse("v=0\nc=IN IP4 192.0.2.1\nt=5 6\n" + AUDIO)).description)
