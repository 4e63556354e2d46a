"""Negotiated sessions as legs of the media worker."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pytest

from mcu.gateway.sip_media import RoomMedia, local_media, room_capabilities, sip_leg
from mcu.media.spec import Address, DtlsKeys, IceSpec, LegSpec, PlainTransport, SdesKeys
from sip.sdp.direction import Direction
from sip.sdp.grammar import parse
from sip.sdp.ice import LocalIce
from sip.sdp.negotiation import NotAcceptable, accept_answer, answer, make_offer
from sip.sdp.security import LocalSecurity

OFFERS = Path(__file__).parent.parent / "sip" / "sdp" / "offers"
ROOM = RoomMedia(
    bind_host="10.0.0.7",
    public_host="198.51.100.7",
    audio_port=40000,
    video_port=40002,
    audio_ssrc=11,
    video_ssrc=12,
)


def leg_of(offer: str, room: RoomMedia = ROOM) -> LegSpec:
    session = answer(parse(offer), room_capabilities(), local_media(room), session_id=1, version=1)
    return sip_leg(session, leg_id="leg-1", name="手术室 2", room=room)


def transport_of(leg: LegSpec) -> PlainTransport:
    assert isinstance(leg.transport, PlainTransport)
    return leg.transport


def test_a_room_becomes_a_leg() -> None:
    leg = leg_of((OFFERS / "baresip_1.0.0.sdp").read_text())

    assert (leg.id, leg.name, leg.held) == ("leg-1", "手术室 2", False)
    transport = transport_of(leg)
    assert (transport.local_host, transport.audio_port, transport.video_port) == ("10.0.0.7", 40000, 40002)
    assert transport.audio_remote == Address(host="192.0.2.2", port=27000)
    assert transport.video_remote == Address(host="192.0.2.2", port=27008)
    assert transport.symmetric and not transport.rtcp_mux
    assert leg.audio is not None and leg.video is not None
    assert (leg.audio.send_codec.name, leg.audio.send_codec.clock_rate, leg.audio.send_codec.channels) == (
        "opus",
        48000,
        2,
    )
    assert (leg.audio.dtmf_payload_type, leg.audio.dtmf_clock_rate, leg.audio.ssrc) == (101, 8000, 11)
    assert [codec.payload_type for codec in leg.video.receive_codecs] == [97, 96, 34]
    assert (leg.video.max_width, leg.video.max_height, leg.video.max_frame_rate) == (1280, 720, 30)
    assert (leg.video.max_bitrate, leg.video.feedback, leg.video.ssrc) == (4_000_000, {"pli"}, 12)


def test_a_leg_survives_the_trip_to_a_worker() -> None:
    leg = leg_of((OFFERS / "cisco_like.sdp").read_text())

    assert LegSpec.model_validate_json(leg.model_dump_json()) == leg


def test_our_description_tells_the_public_address() -> None:
    local = local_media(ROOM)

    assert local.host == "198.51.100.7"
    assert "10.0.0.7" not in str(make_offer(room_capabilities(), local, session_id=1, version=1))


def test_a_refused_medium_has_no_port() -> None:
    leg = leg_of("v=0\nc=IN IP4 192.0.2.1\nm=audio 4000 RTP/AVP 8\nm=video 4002 RTP/AVP 26\n")

    assert leg.video is None
    assert (transport_of(leg).video_port, transport_of(leg).video_remote) == (0, None)
    assert leg.audio is not None and leg.audio.dtmf_payload_type is None


def test_a_picture_alone_has_no_port_for_sound() -> None:
    leg = leg_of("v=0\nc=IN IP4 192.0.2.1\nm=video 4002 RTP/AVP 96\na=rtpmap:96 VP8/90000\na=rtcp-mux\n")

    assert leg.audio is None
    assert transport_of(leg).audio_port == 0
    assert transport_of(leg).rtcp_mux


def test_a_held_call_is_not_sent_to() -> None:
    leg = leg_of("v=0\nc=IN IP4 0.0.0.0\nm=audio 4000 RTP/AVP 8\n")

    assert leg.held
    assert leg.audio is not None and not leg.audio.send and leg.audio.receive
    assert transport_of(leg).audio_remote is None


def test_holding_on_our_side_asks_for_nothing() -> None:
    local = local_media(ROOM, hold=True)

    assert (local.audio_direction, local.video_direction) == (Direction.INACTIVE, Direction.INACTIVE)


def test_a_late_offer_comes_to_the_same_leg() -> None:
    offer = make_offer(room_capabilities(bitrate=2_000_000), local_media(ROOM), session_id=1, version=1)
    answered = parse(
        "v=0\nc=IN IP4 192.0.2.1\nm=audio 5000 RTP/AVP 8\na=rtcp-mux\nm=video 5002 RTP/AVP 102\n"
        "a=rtpmap:102 H264/90000\na=fmtp:102 profile-level-id=42e01f;packetization-mode=1\na=rtcp-mux\n"
    )
    session = accept_answer(offer, answered, room_capabilities(bitrate=2_000_000))
    leg = sip_leg(session, leg_id="leg-2", name="x", room=ROOM)

    assert leg.video is not None and leg.video.max_bitrate == 2_000_000
    assert transport_of(leg).rtcp_mux
    assert transport_of(leg).video_remote == Address(host="192.0.2.1", port=5002)


CRYPTO = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd\n"
ICE = f"a=ice-ufrag:abcd\na=ice-pwd:{'q' * 24}\na=candidate:1 1 UDP 1 192.0.2.1 4000 typ host\n"
SECRETS = replace(ROOM, security=LocalSecurity(b"x" * 32, ("sha-256", "AB")), ice=LocalIce("ours", "p" * 24))


def test_a_leg_has_the_keys_of_each_of_its_lines() -> None:
    fingerprint = "a=setup:actpass\na=fingerprint:sha-256 " + ":".join(["CD"] * 32) + "\n"
    leg = leg_of(
        f"v=0\nc=IN IP4 192.0.2.1\nm=audio 4000 RTP/SAVP 8\n{CRYPTO}{ICE}"
        f"m=video 4002 UDP/TLS/RTP/SAVPF 34\n{fingerprint}a=rtcp-rsize\n",
        SECRETS,
    )
    transport = transport_of(leg)
    assert leg.audio is not None and leg.video is not None
    assert leg.video.reduced_size_rtcp and not leg.audio.reduced_size_rtcp
    keys = transport.security["audio"]
    assert isinstance(keys, SdesKeys) and keys.remote == "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd"
    assert len(base64.b64decode(keys.local)) == 30
    fingerprints = (("sha-256", ":".join(["CD"] * 32)),)
    assert transport.security["video"] == DtlsKeys(fingerprints=fingerprints, role="server")
    assert transport.ice == {"audio": IceSpec(local_ufrag="ours", local_password="p" * 24, remote_ufrag="abcd")}
    assert LegSpec.model_validate_json(leg.model_dump_json()) == leg
    for secret in (keys.local, keys.remote, "pppp"):
        assert secret not in repr(leg) and secret not in str(leg)


def test_a_leg_in_the_clear_has_no_keys() -> None:
    transport = transport_of(leg_of("v=0\nc=IN IP4 192.0.2.1\nm=audio 4000 RTP/AVP 8\n", SECRETS))
    assert (transport.security, transport.ice) == ({}, {})


def test_g729_alone_is_taken_where_it_can_be_sent_and_else_refused() -> None:
    offer = parse(
        "v=0\no=- 5 6 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\nm=audio 4000 RTP/AVP 18\na=fmtp:18 annexb=yes\n"
    )
    able = room_capabilities(sends_g729=True)
    session = answer(offer, able, local_media(ROOM), session_id=1, version=1)
    assert session.audio is not None
    assert session.audio.send_codec.name == "G729"
    assert session.description.media[0].value("fmtp") == "18 annexb=no"
    with pytest.raises(NotAcceptable):
        answer(offer, room_capabilities(), local_media(ROOM), session_id=1, version=1)
    offers = [str(make_offer(one, local_media(ROOM), session_id=1, version=1)) for one in (able, room_capabilities())]
    assert ["a=fmtp:18 annexb=no" in one for one in offers] == [True, False]
