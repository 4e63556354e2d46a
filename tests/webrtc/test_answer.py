"""Browser offers, answered."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from mcu.webrtc.answer import BrowserAnswer, BrowserLocal, PictureSources, answer_browser_offer
from mcu.webrtc.extensions import ABS_SEND_TIME, TRANSPORT_SEQUENCE
from sip.sdp.capabilities import LocalCapabilities
from sip.sdp.codecs import read_codecs
from sip.sdp.grammar import SdpError, SessionDescription, parse
from sip.sdp.negotiation import NotAcceptable

OFFERS = Path(__file__).parent / "offers"
CHROMIUM = (OFFERS / "chromium.sdp").read_text()
FINGERPRINT = ":".join(["AB"] * 32)
PASSWORD = "password-of-ours-which-is-long"
HERE = BrowserLocal(
    ufrag="ours",
    password=PASSWORD,
    fingerprint=("sha-256", FINGERPRINT),
    candidates=(("192.0.2.7", 50000), ("2001:db8::7", 50000)),
    audio_ssrc=1001,
    video=PictureSources(1002),
    cname="consilium@example",
)


def answered(offer: str, local: BrowserLocal = HERE) -> tuple[BrowserAnswer, SessionDescription]:
    answer = answer_browser_offer(offer, local)
    return answer, parse(answer.sdp)


def test_sound_with_earlier_frames_is_taken_and_comes_first_so_that_browsers_send_it() -> None:
    answer, description = answered(CHROMIUM)
    assert answer.audio is not None and answer.audio.redundancy == 63
    assert description.media[0].formats[:2] == ("63", "111")
    assert "63 111/111" in description.media[0].values("fmtp")


def test_sound_with_earlier_frames_of_another_codec_is_refused() -> None:
    answer, description = answered(CHROMIUM.replace("a=fmtp:63 111/111", "a=fmtp:63 9/9"))
    assert answer.audio is not None and answer.audio.redundancy is None
    assert "63" not in description.media[0].formats


def test_a_browser_that_asks_for_stereo_gets_it() -> None:
    answer, description = answered(CHROMIUM.replace("minptime=10;useinbandfec=1", "stereo=1;sprop-stereo=1"))
    assert answer.audio is not None
    assert answer.audio.send_codec.parameters["stereo"] == "1"
    assert any("stereo=1;sprop-stereo=1" in line for line in description.media[0].values("fmtp"))


def test_chromium_gets_opus_and_constrained_baseline_in_mode_1() -> None:
    answer, _ = answered(CHROMIUM)

    assert answer.audio is not None and answer.video is not None
    assert (answer.audio.send_codec.name, answer.audio.send_codec.payload_type) == ("opus", 111)
    assert answer.audio.send_codec.channels == 2
    assert (answer.audio.dtmf_payload_type, answer.audio.dtmf_clock_rate) == (110, 48000)
    assert (answer.audio.ssrc, answer.audio.mid, answer.audio.mid_id) == (1001, "0", 4)
    assert answer.video.send_codec.name == "H264"
    assert answer.video.send_codec.parameters["profile-level-id"] == "42e01f"
    assert answer.video.send_codec.parameters["packetization-mode"] == "1"
    assert {codec.name for codec in answer.video.receive_codecs} == {"H264", "VP8"}
    assert (answer.video.ssrc, answer.video.mid, answer.video.abs_send_time_id) == (1002, "1", 2)
    assert answer.video.feedback == {"nack", "pli", "fir", "remb"}
    assert answer.audio.send and answer.audio.receive and answer.video.send and answer.video.receive


def test_browsers_take_the_full_picture_whatever_level_they_print() -> None:
    answer, description = answered(CHROMIUM)

    assert answer.video is not None
    assert (answer.video.max_width, answer.video.max_height, answer.video.max_frame_rate) == (1920, 1080, 30)
    assert answer.video.max_bitrate == HERE.capabilities.send_bitrate
    assert "profile-level-id=42e028" in next(description.media[1].values("fmtp"))


def test_the_transport_is_ice_lite_bundled_and_waits_for_dtls() -> None:
    answer, description = answered(CHROMIUM)

    assert description.has("ice-lite")
    assert description.value("group") == "BUNDLE 0 1"
    for media in description.media:
        assert (media.port, media.connection and media.connection.address) == (50000, "192.0.2.7")
        assert media.value("setup") == "passive"
        assert media.value("fingerprint") == f"sha-256 {FINGERPRINT}"
        assert (media.value("ice-ufrag"), media.value("ice-pwd")) == ("ours", PASSWORD)
        assert media.has("rtcp-mux") and media.has("rtcp-rsize") and media.has("end-of-candidates")
        assert list(media.values("candidate")) == [
            "1 1 udp 2130706431 192.0.2.7 50000 typ host",
            "2 1 udp 2130706175 2001:db8::7 50000 typ host",
        ]
        assert not media.has("simulcast")
    told = [value for media in description.media for value in media.values("extmap") if "audio-level" in value]
    assert told == ["1 urn:ietf:params:rtp-hdrext:ssrc-audio-level"]
    assert answer.audio is not None
    assert answer.audio.level_id == 1
    assert [media.value("msid") for media in description.media] == ["consilium audio", "consilium video"]
    assert [media.value("ssrc") for media in description.media] == [
        "1001 cname:consilium@example",
        "1002 cname:consilium@example",
    ]
    transport = answer.transport
    assert (transport.local_ufrag, transport.remote_ufrag, transport.dtls_role) == ("ours", "VsYc", "server")
    assert transport.remote_password == "O5F5rYjVSZHcMoz6ubydf+3l"
    assert transport.fingerprints[0][0] == "sha-256"


def test_every_payload_type_in_the_answer_was_offered_and_can_be_received() -> None:
    answer, description = answered(CHROMIUM)

    offered = parse(CHROMIUM)
    for ours, theirs, spec in zip(description.media, offered.media, (answer.audio, answer.video), strict=True):
        assert spec is not None
        assert set(ours.formats) <= set(theirs.formats)
        media_types = {
            codec.payload_type for codec in read_codecs(ours) if codec.name not in ("telephone-event", "red")
        }
        assert media_types == {codec.payload_type for codec in spec.receive_codecs}


def test_a_viewer_without_camera_is_sent_to_only() -> None:
    answer, description = answered((OFFERS / "chromium_recvonly.sdp").read_text())

    assert answer.audio is not None and answer.video is not None
    assert answer.audio.send and not answer.audio.receive
    assert answer.video.send and not answer.video.receive
    assert all(media.has("sendonly") for media in description.media)


def test_a_muted_direction_sends_no_ssrc() -> None:
    _, description = answered(CHROMIUM.replace("a=sendrecv", "a=sendonly"))

    assert all(media.has("recvonly") and not media.has("ssrc") for media in description.media)


def test_bundle_only_lines_count_and_data_channels_are_refused_in_place() -> None:
    offer = (OFFERS / "chromium_max_bundle_data.sdp").read_text()
    offer = offer.replace("a=mid:1", "a=mid:1\na=bundle-only")
    picture = offer.index("m=video")
    offer = offer[:picture] + "m=video 0 " + offer[offer.index("UDP/TLS", picture) :]  # as Firefox writes it

    answer, description = answered(offer)

    assert answer.audio is not None and answer.video is not None
    assert [media.port for media in description.media] == [50000, 50000, 0]
    assert description.media[2].protocol == "UDP/DTLS/SCTP"
    assert description.media[2].value("mid") == "2"
    assert description.value("group") == "BUNDLE 0 1"


def test_a_second_picture_is_refused() -> None:
    second = CHROMIUM[CHROMIUM.index("m=video") :].replace("a=mid:1", "a=mid:2")
    answer, description = answered(CHROMIUM.replace("BUNDLE 0 1", "BUNDLE 0 1 2") + second)

    assert [media.port for media in description.media] == [50000, 50000, 0]
    assert answer.video is not None and answer.video.mid == "1"


def test_a_second_picture_is_taken_for_what_is_shared_where_we_have_a_place_for_it() -> None:
    picture = CHROMIUM[CHROMIUM.index("m=video") :].replace("a=mid:1", "a=mid:2")
    offer = (CHROMIUM + picture).replace("a=group:BUNDLE 0 1", "a=group:BUNDLE 0 1 2")

    answer, description = answered(offer, replace(HERE, content=PictureSources(1003)))

    assert answer.video is not None and answer.content is not None
    assert (answer.video.ssrc, answer.video.mid) == (1002, "1")
    assert (answer.content.ssrc, answer.content.mid) == (1003, "2")
    assert answer.content.send_codec == answer.video.send_codec
    assert description.value("group") == "BUNDLE 0 1 2"
    assert [media.value("msid") for media in description.media] == [
        "consilium audio",
        "consilium video",
        "consilium-content content",
    ]
    assert description.media[2].value("ssrc") == "1003 cname:consilium@example"


def test_a_browser_without_h264_gets_vp8() -> None:
    answer, _ = answered(CHROMIUM.replace("H264/90000", "H265/90000"))

    assert answer.video is not None
    assert answer.video.send_codec.name == "VP8"
    assert len(answer.video.receive_codecs) == 1


def test_h264_of_a_profile_that_we_cannot_speak_falls_back_to_vp8() -> None:
    offer = CHROMIUM
    for profile in ("42001f", "42e01f", "4d001f"):
        offer = offer.replace(profile, "f4001f")

    answer, _ = answered(offer)

    assert answer.video is not None and answer.video.send_codec.name == "VP8"


def test_picture_alone_or_sound_alone_will_do() -> None:
    sound, _ = answered(CHROMIUM[: CHROMIUM.index("m=video")])
    picture, description = answered(CHROMIUM.replace("opus/48000/2", "x/1").replace(" 9 0 8 ", " "))

    assert sound.video is None and sound.audio is not None
    assert picture.audio is None and picture.video is not None
    assert description.value("group") == "BUNDLE 1"
    assert [media.port for media in description.media] == [0, 50000]


def test_without_a_group_only_one_line_can_be_on_our_port() -> None:
    offer = CHROMIUM.replace("a=group:BUNDLE 0 1\n", "")
    answer, description = answered(offer)

    assert answer.audio is not None and answer.video is None
    assert description.value("group") is None
    assert [media.port for media in description.media] == [50000, 0]


def test_lines_with_the_same_mid_are_not_both_taken() -> None:
    answer, _ = answered(CHROMIUM.replace("a=mid:1", "a=mid:0"))

    assert answer.video is None


def test_a_limit_of_the_browser_is_kept() -> None:
    answer, _ = answered(CHROMIUM.replace("a=mid:1", "b=TIAS:700000\na=mid:1"))

    assert answer.video is not None and answer.video.max_bitrate == 700_000


def test_tcp_candidates_are_passive_and_come_after_those_of_udp() -> None:
    _, description = answered(CHROMIUM, replace(HERE, tcp_candidates=(("192.0.2.7", 50001), ("2001:db8::7", 50001))))
    *udp, first, second = description.media[0].values("candidate")
    assert first == "3 1 tcp 1520435199 192.0.2.7 50001 typ host tcptype passive"
    assert second.split()[:6] == ["4", "1", "tcp", "1520434943", "2001:db8::7", "50001"]
    assert all(int(line.split()[3]) > 1520435199 and " udp " in line for line in udp)


@pytest.mark.parametrize(
    ("removed", "counted"),
    [
        ("nothing", 2),
        (r"a=rtcp-fb:\d+ transport-cc\r?\n", 0),  # nothing would be told of them
        (r"a=extmap:3 [^\r\n]*\r?\n", 0),
        (r"a=rtpmap:\d+ rtx[^\r\n]*\r?\n", 1),  # a picture could only be sent again under the same number
    ],
)
def test_packets_are_counted_where_that_is_of_use(removed: str, counted: int) -> None:
    local = replace(HERE, video=PictureSources(1002, 1003))
    answer, description = answered(re.sub(removed, "", CHROMIUM), local)

    extensions = [" ".join(media.values("extmap")) for media in description.media]
    assert [f"3 {TRANSPORT_SEQUENCE}" in one for one in extensions] == [counted > 0, counted > 1]
    assert [ABS_SEND_TIME in one for one in extensions] == [counted == 0, counted < 2]  # one to estimate by
    feedback = [" ".join(media.values("rtcp-fb")) for media in description.media]
    assert ["transport-cc" in one for one in feedback] == [counted > 0, counted > 1]
    assert answer.audio is not None and answer.video is not None
    assert answer.audio.transport_sequence_id == (3 if counted > 0 else None)
    assert answer.video.transport_sequence_id == (3 if counted > 1 else None)
    assert answer.video.abs_send_time_id == (None if counted > 1 else 2)


def test_without_candidates_the_answer_can_still_be_written() -> None:
    _, description = answered(CHROMIUM, replace(HERE, candidates=()))

    assert description.media[0].port == 9
    assert list(description.media[0].values("candidate")) == []


def test_credentials_do_not_show_in_reprs() -> None:
    answer, _ = answered(CHROMIUM)

    assert PASSWORD not in repr(answer) + repr(HERE)
    assert answer.transport.remote_password not in repr(answer)


def test_header_extensions_that_do_not_fit_one_octet_are_left_out() -> None:
    for number in ("0", "15", "300", "x"):
        answer, _ = answered(CHROMIUM.replace(f"a=extmap:2 {ABS_SEND_TIME}", f"a=extmap:{number} {ABS_SEND_TIME}"))
        assert answer.video is not None and answer.video.abs_send_time_id is None


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("a=rtcp-mux", "a=x", "no bundled codec"),
        ("UDP/TLS/RTP/SAVPF", "RTP/AVP", "no bundled codec"),
        ("BUNDLE 0 1", "BUNDLE 7", "no bundled codec"),
        ("a=ice-ufrag:VsYc", "a=ice-ufrag:x", "ICE credentials"),
        ("a=ice-pwd:O5F5", "a=ice-pwd: ", "ICE credentials"),
        ("a=ice-pwd:", "a=no-pwd:", "ICE credentials"),
        ("a=fingerprint:sha-256", "a=fingerprint:md5", "fingerprint"),
        ("a=fingerprint:sha-256 45:", "a=fingerprint:sha-256 ", "fingerprint"),
        ("a=setup:actpass", "a=setup:passive", "DTLS server"),
        ("a=extmap-allow-mixed", "a=ice-lite", "ICE-lite"),
        ("m=audio", "m=text", ""),
    ],
)
def test_what_cannot_work_is_refused_with_a_reason(old: str, new: str, what: str) -> None:
    offer = CHROMIUM.replace(old, new)
    if not what:
        assert answered(offer)[0].audio is None
        return
    with pytest.raises(NotAcceptable, match=what):
        answer_browser_offer(offer, HERE)


def test_an_offer_of_plain_rtp_sdp_or_no_sdp_at_all_has_one_error_each() -> None:
    with pytest.raises(SdpError):
        answer_browser_offer("<html>", HERE)
    with pytest.raises(NotAcceptable):
        answer_browser_offer("v=0\r\nm=audio 4000 RTP/AVP 8\r\n", HERE)


def test_what_we_speak_with_browsers_can_be_narrowed() -> None:
    answer, _ = answered(CHROMIUM, replace(HERE, capabilities=LocalCapabilities(video=("VP8",), audio=("PCMA",))))

    assert answer.audio is not None and answer.audio.send_codec.name == "PCMA"
    assert answer.video is not None and answer.video.send_codec.name == "VP8"
