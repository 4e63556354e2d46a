"""A second picture and floor control, offered by real rooms and by us."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sip.sdp.capabilities import LocalCapabilities, LocalMedia
from sip.sdp.floor import FloorRole, LocalFloor, NegotiatedFloor
from sip.sdp.grammar import MediaDescription, SessionDescription, parse
from sip.sdp.negotiation import NotAcceptable, accept_answer, answer, make_offer
from sip.sdp.security import Encryption, LocalSecurity
from sip.sdp.session import NegotiatedSession

OFFERS = Path(__file__).parent / "offers"
CAPABILITIES = LocalCapabilities()
SERVER = LocalMedia(
    "198.51.100.7",
    40000,
    40002,
    content_port=40004,
    floor=LocalFloor(40006, conference_id=77, user_id=5),
)
CLIENT = LocalMedia("192.0.2.9", 50000, 50002, content_port=50004, floor=LocalFloor(50006, (FloorRole.CLIENT,)))


def offered(name: str, local: LocalMedia = SERVER) -> NegotiatedSession:
    return answer(parse((OFFERS / name).read_text()), CAPABILITIES, local, session_id=1, version=1)


def floor_line(description: SessionDescription) -> MediaDescription:
    return next(media for media in description.media if "BFCP" in media.protocol)


def session(lines: str) -> SessionDescription:
    return parse(f"v=0\no=- 5 6 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\n{lines}")


VIDEO = "m=video {port} RTP/AVP 97\na=rtpmap:97 H264/90000\na=fmtp:97 profile-level-id=42e01f;packetization-mode=1\n"
BFCP = "m=application 5000 UDP/BFCP *\na=floorctrl:c-s\na=confid:1\na=userid:2\na=floorid:1 mstrm:3\n"


def test_a_room_that_may_be_either_gets_us_as_its_server() -> None:
    negotiated = offered("polycom_like.sdp")
    assert negotiated.content is not None and negotiated.video is not None
    assert (negotiated.video.index, negotiated.content.index) == (1, 3)
    assert (negotiated.content.remote_port, negotiated.content.kind) == (49174, "content")
    assert negotiated.floor == NegotiatedFloor(
        2, "UDP/BFCP", FloorRole.SERVER, "192.0.2.20", 3238, 77, 5, 1, answering=True
    )

    line, slides = floor_line(negotiated.description), negotiated.description.media[3]
    assert (line.port, line.value("floorctrl"), line.value("bfcpver")) == (40006, "s-only", "2")
    assert (line.value("confid"), line.value("userid"), line.value("floorid")) == ("77", "5", "1 mstrm:11")
    assert (slides.port, slides.value("content"), slides.value("label")) == (40004, "slides", "11")
    assert not line.has("setup")


def test_a_room_with_its_floor_before_its_slides_and_numbers_of_its_own() -> None:
    negotiated = offered("cisco_like.sdp")
    assert negotiated.content is not None and negotiated.floor is not None
    assert negotiated.content.remote_port == 16448
    assert negotiated.floor.role is FloorRole.SERVER and negotiated.floor.conference_id == 77
    assert len(negotiated.description.media) == 5 and negotiated.description.media[4].port == 0


def test_a_room_with_bfcp_over_tcp_connects_to_us() -> None:
    negotiated = offered("huawei_like.sdp")
    assert negotiated.floor is not None
    assert (negotiated.floor.reliable, negotiated.floor.active) == (True, False)
    line = floor_line(negotiated.description)
    assert (line.value("setup"), line.value("connection"), line.value("bfcpver")) == ("passive", "new", "1")


def test_a_room_that_waits_for_connections_gets_ours() -> None:
    text = (OFFERS / "huawei_like.sdp").read_text().replace("a=setup:actpass", "a=setup:passive")
    negotiated = answer(parse(text), CAPABILITIES, SERVER, session_id=1, version=1)
    assert negotiated.floor is not None and negotiated.floor.active
    assert floor_line(negotiated.description).value("setup") == "active"


def test_without_a_place_for_slides_both_lines_are_refused() -> None:
    negotiated = offered("polycom_like.sdp", LocalMedia("198.51.100.7", 40000, 40002))
    assert negotiated.content is None and negotiated.floor is None
    assert [media.port for media in negotiated.description.media[2:]] == [0, 0, 0]


def test_a_second_picture_that_says_nothing_is_slides_where_there_is_a_floor() -> None:
    both = VIDEO.format(port=4002) + VIDEO.format(port=4004)
    with_floor = answer(session(both + BFCP), CAPABILITIES, SERVER, session_id=1, version=1)
    assert with_floor.content is not None and with_floor.content.remote_port == 4004
    without = answer(session(both), CAPABILITIES, SERVER, session_id=1, version=1)
    assert without.content is None and without.description.media[1].port == 0


def test_a_picture_of_something_else_is_neither_face_nor_slides() -> None:
    odd = VIDEO.format(port=4004) + "a=content:sl\n"
    negotiated = answer(session(VIDEO.format(port=4002) + odd + BFCP), CAPABILITIES, SERVER, session_id=1, version=1)
    assert negotiated.content is None and negotiated.floor is None


def test_a_server_only_room_needs_a_client() -> None:
    offer = session(
        VIDEO.format(port=4002) + VIDEO.format(port=4004) + "a=content:slides\n" + BFCP.replace("c-s", "s-only")
    )
    assert answer(offer, CAPABILITIES, SERVER, session_id=1, version=1).floor is None
    floor = answer(offer, CAPABILITIES, CLIENT, session_id=1, version=1).floor
    assert floor is not None
    assert (floor.role, floor.conference_id, floor.user_id, floor.floor_id) == (FloorRole.CLIENT, 1, 2, 1)


@pytest.mark.parametrize("missing", ["a=confid:1\n", "a=userid:2\n", "a=floorid:1 mstrm:3\n"])
def test_a_server_without_numbers_is_none(missing: str) -> None:
    lines = VIDEO.format(port=4002) + VIDEO.format(port=4004) + "a=content:slides\n" + BFCP.replace("c-s", "s-only")
    negotiated = answer(session(lines.replace(missing, "")), CAPABILITIES, CLIENT, session_id=1, version=1)
    assert negotiated.content is not None and negotiated.floor is None


@pytest.mark.parametrize("protocol", ["UDP/BFCP", "TCP/BFCP"])
def test_our_own_offer_and_our_own_answer_agree(protocol: str) -> None:
    floor = LocalFloor(50006, (FloorRole.CLIENT,), protocol)
    offer = make_offer(CAPABILITIES, replace(CLIENT, floor=floor), session_id=1, version=1)
    theirs = answer(parse(str(offer)), CAPABILITIES, SERVER, session_id=2, version=1)
    ours = accept_answer(offer, parse(str(theirs.description)))

    assert ours.content is not None and ours.floor is not None and theirs.floor is not None
    assert (theirs.floor.role, ours.floor.role) == (FloorRole.SERVER, FloorRole.CLIENT)
    assert (ours.floor.conference_id, ours.floor.user_id, ours.floor.floor_id) == (77, 5, 1)
    assert (ours.floor.remote_host, ours.floor.remote_port) == ("198.51.100.7", 40006)
    assert (ours.floor.active, theirs.floor.active) == (protocol == "TCP/BFCP", False)


def test_the_other_way_round_the_server_offers() -> None:
    offer = make_offer(CAPABILITIES, SERVER, session_id=1, version=1)
    theirs = answer(parse(str(offer)), CAPABILITIES, CLIENT, session_id=2, version=1)
    ours = accept_answer(offer, parse(str(theirs.description)))
    assert theirs.floor is not None and ours.floor is not None
    assert (theirs.floor.role, ours.floor.role) == (FloorRole.CLIENT, FloorRole.SERVER)
    assert (theirs.floor.conference_id, ours.floor.conference_id) == (77, 77)


def test_the_next_offer_keeps_both_lines_in_their_places() -> None:
    negotiated = offered("polycom_like.sdp")
    for full in (False, True):
        again = make_offer(CAPABILITIES, SERVER, session_id=1, version=2, previous=negotiated.description, full=full)
        assert [media.port for media in again.media] == [40000, 40002, 40006, 40004, 0]
        line = floor_line(again)
        assert (line.value("floorctrl"), line.value("confid")) == ("s-only", "77")
        assert again.media[3].value("content") == "slides"


def test_both_pictures_together_keep_to_the_rate_of_the_call() -> None:
    assert offered("polycom_like.sdp").pictures_bitrate == int(1_920_000 * 0.95) - 80_000
    assert offered("cisco_like.sdp").pictures_bitrate == CAPABILITIES.send_bitrate
    assert offered("polycom_like.sdp", LocalMedia("198.51.100.7", 40000, 40002)).pictures_bitrate is None


# Over TLS

OURS = ("sha-256", ":".join(["AB"] * 32))
THEIRS = "sha-256 " + ":".join(["CD"] * 32)
SECURE_SERVER = replace(SERVER, floor=LocalFloor(40006, conference_id=77, user_id=5, fingerprint=OURS))
TLS = BFCP.replace("UDP/BFCP", "TCP/TLS/BFCP") + f"a=setup:actpass\na=connection:new\na=fingerprint:{THEIRS}\n"
PICTURES = VIDEO.format(port=4002) + VIDEO.format(port=4004) + "a=content:slides\n"


def test_floor_control_over_tls_is_answered_with_our_certificate() -> None:
    negotiated = answer(session(PICTURES + TLS), CAPABILITIES, SECURE_SERVER, session_id=1, version=1)
    floor, line = negotiated.floor, floor_line(negotiated.description)
    assert floor is not None and floor.secure and floor.reliable and floor.answering
    assert floor.fingerprints == (("sha-256", ":".join(["CD"] * 32)),)
    assert (line.port, line.protocol, line.value("bfcpver")) == (40006, "TCP/TLS/BFCP", "1")
    assert (line.value("setup"), line.value("connection")) == ("passive", "new")
    assert line.value("fingerprint") == " ".join(OURS)


@pytest.mark.parametrize(
    ("lines", "local"),
    [
        (TLS, SERVER),  # we have no certificate
        (TLS.replace(f"a=fingerprint:{THEIRS}\n", ""), SECURE_SERVER),  # nobody could tell who connects
        (TLS.replace("sha-256", "sha-1"), SECURE_SERVER),
    ],
)
def test_tls_that_proves_nothing_is_refused_and_the_pictures_stay(lines: str, local: LocalMedia) -> None:
    negotiated = answer(session(PICTURES + lines), CAPABILITIES, local, session_id=1, version=1)
    assert negotiated.floor is None and negotiated.content is not None
    assert floor_line(negotiated.description).port == 0


def test_a_fingerprint_of_the_whole_session_counts_as_well() -> None:
    lines = PICTURES + TLS.replace(f"a=fingerprint:{THEIRS}\n", "")
    offer = parse(f"v=0\no=- 5 6 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\na=fingerprint:{THEIRS}\n{lines}")
    floor = answer(offer, CAPABILITIES, SECURE_SERVER, session_id=1, version=1).floor
    assert floor is not None and floor.fingerprints


def test_of_two_lines_the_encrypted_one_is_taken() -> None:
    negotiated = answer(session(PICTURES + BFCP + TLS), CAPABILITIES, SECURE_SERVER, session_id=1, version=1)
    assert negotiated.floor is not None and negotiated.floor.secure
    assert [media.port for media in negotiated.description.media if "BFCP" in media.protocol] == [0, 40006]


def test_where_encryption_is_required_floor_control_in_the_clear_is_refused() -> None:
    required = replace(CAPABILITIES, encryption=Encryption.REQUIRED)
    local = replace(SECURE_SERVER, security=LocalSecurity(bytes(32), OURS))
    key = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd\n"
    lines = PICTURES.replace("RTP/AVP", "RTP/SAVP").replace("a=rtpmap:97", key + "a=rtpmap:97")
    for protocol, taken in (("UDP/BFCP", False), ("TCP/BFCP", False), ("TCP/TLS/BFCP", True)):
        offer = session(lines + TLS.replace("TCP/TLS/BFCP", protocol))
        negotiated = answer(offer, required, local, session_id=1, version=1)
        assert negotiated.content is not None and (negotiated.floor is not None) is taken, protocol
    with pytest.raises(NotAcceptable):
        answer(session(PICTURES + TLS), required, local, session_id=1, version=1)


@pytest.mark.parametrize("policy", Encryption)
def test_our_offers_have_floor_control_as_the_policy_wants_it(policy: Encryption) -> None:
    capabilities = replace(CAPABILITIES, encryption=policy)
    local = replace(SECURE_SERVER, security=LocalSecurity(bytes(32), OURS))
    offer = make_offer(capabilities, local, session_id=1, version=1)
    line = floor_line(offer)
    assert line.protocol == ("TCP/TLS/BFCP" if policy is Encryption.REQUIRED else "UDP/BFCP")
    assert line.has("fingerprint") is (policy is Encryption.REQUIRED)

    client = LocalFloor(50006, (FloorRole.CLIENT,), fingerprint=("sha-256", ":".join(["CD"] * 32)))
    peer = replace(CLIENT, floor=client, security=LocalSecurity(bytes(range(32)), None))
    theirs = answer(parse(str(offer)), capabilities, peer, session_id=2, version=1)
    ours = accept_answer(offer, parse(str(theirs.description)), capabilities)
    assert ours.floor is not None and theirs.floor is not None
    assert ours.floor.secure is theirs.floor.secure is (policy is Encryption.REQUIRED)
    assert (ours.floor.answering, theirs.floor.answering) == (False, True)
    assert bool(ours.floor.fingerprints) is ours.floor.secure


def test_where_encryption_is_required_and_we_have_no_certificate_no_floor_is_offered() -> None:
    required = replace(CAPABILITIES, encryption=Encryption.REQUIRED)
    local = replace(SERVER, security=LocalSecurity(bytes(32), None))
    assert not any("BFCP" in media.protocol for media in make_offer(required, local, session_id=1, version=1).media)


def test_an_answer_without_a_fingerprint_makes_no_floor() -> None:
    required = replace(CAPABILITIES, encryption=Encryption.REQUIRED)
    local = replace(SECURE_SERVER, security=LocalSecurity(bytes(32), OURS))
    offer = make_offer(required, local, session_id=1, version=1)
    client = LocalFloor(50006, (FloorRole.CLIENT,), fingerprint=("sha-256", ":".join(["CD"] * 32)))
    peer = replace(CLIENT, floor=client, security=LocalSecurity(bytes(range(32)), None))
    text = str(answer(parse(str(offer)), required, peer, session_id=2, version=1).description)
    assert accept_answer(offer, parse(text.replace(":CD", ":XX")), required).floor is None


def test_a_connection_that_stands_is_answered_as_such() -> None:
    offer = session(PICTURES + TLS.replace("connection:new", "connection:existing"))
    negotiated = answer(offer, CAPABILITIES, SECURE_SERVER, session_id=1, version=2)
    assert floor_line(negotiated.description).value("connection") == "existing"


def test_a_floor_line_has_the_format_of_its_rfc_whatever_was_offered() -> None:
    """RFC 8856 section 4: the format is "*", and who reads it ignores it. (Found by fuzzing.)"""
    offer = (OFFERS / "polycom_like.sdp").read_text()
    assert "UDP/BFCP *" in offer
    changed = parse(offer.replace("UDP/BFCP *", "UDP/BFCP *ew"))
    negotiated = answer(changed, CAPABILITIES, SERVER, session_id=1, version=1)
    line = floor_line(negotiated.description)
    assert (line.port, list(line.formats)) == (40006, ["*"])
