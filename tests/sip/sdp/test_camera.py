"""Far-end camera control in descriptions (RFC 4573)."""

from __future__ import annotations

import pytest

from sip.sdp.camera import payload_type_of
from sip.sdp.capabilities import LocalCapabilities, LocalMedia
from sip.sdp.direction import Direction
from sip.sdp.grammar import MediaDescription, parse
from sip.sdp.negotiation import accept_answer, answer, make_offer
from sip.sdp.security import Encryption, LocalSecurity, SdesAgreement
from sip.sdp.session import NegotiatedSession

OURS = LocalMedia("192.0.2.1", 20000, 20002, camera_port=20008, security=LocalSecurity(b"x" * 32))
KEY = "inline:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5"
HEAD = """v=0
o=- 1 1 IN IP4 192.0.2.9
s=-
c=IN IP4 192.0.2.9
t=0 0
m=audio 30000 RTP/AVP 8
"""


def answered(lines: str, encryption: Encryption = Encryption.ALLOWED, local: LocalMedia = OURS) -> NegotiatedSession:
    offer = parse((HEAD + lines).replace("\n", "\r\n"))
    return answer(offer, LocalCapabilities(encryption=encryption), local, session_id=1, version=1)


def line(session: NegotiatedSession) -> MediaDescription:
    return session.description.media[-1]


def test_a_room_that_offers_camera_control_gets_it():
    session = answered("m=application 30004 RTP/AVP 100\na=rtpmap:100 H224/4800\na=sendrecv\n")
    camera = session.camera
    assert camera is not None
    assert (camera.payload_type, camera.remote_host, camera.remote_port) == (100, "192.0.2.9", 30004)
    assert camera.direction is Direction.SENDRECV
    assert (
        str(session.description)
        .replace("\r\n", "\n")
        .endswith("m=application 20008 RTP/AVP 100\na=rtpmap:100 H224/4800\na=sendrecv\n")
    )


@pytest.mark.parametrize(
    "lines",
    [
        "m=application 0 RTP/AVP 100\na=rtpmap:100 H224/4800\n",
        "m=application 30004 RTP/AVP 100\na=rtpmap:100 T38/8000\n",
        "m=application 30004 UDP/UDT/IX *\na=rtpmap:100 H224/4800\n",
        "m=application 30004 RTP/AVP 100\na=rtpmap:1000 H224/4800\n",
        "m=application 30004 RTP/SAVP 100\na=rtpmap:100 H224/4800\n",
        "m=application 30004 UDP/TLS/RTP/SAVP 100\na=rtpmap:100 H224/4800\na=setup:actpass\n"
        "a=fingerprint:sha-256 " + ":".join(["AB"] * 32) + "\n",
    ],
)
def test_what_is_no_camera_control_or_cannot_be_protected_is_refused_in_its_place(lines):
    session = answered(lines)
    assert session.camera is None and session.audio is not None
    assert line(session).port == 0


def test_the_name_of_the_format_is_read_in_any_case_and_with_channels():
    session = answered("m=application 30004 RTP/AVPF 126\na=rtpmap:126 h224/4800/1\n")
    assert session.camera is not None and session.camera.payload_type == 126


def test_directions_are_those_of_the_peer_turned_round():
    session = answered("m=application 30004 RTP/AVP 100\na=rtpmap:100 H224/4800\na=sendonly\n")
    assert session.camera is not None and session.camera.direction is Direction.RECVONLY
    assert line(session).has("recvonly")


def test_without_a_port_of_ours_it_is_refused():
    session = answered(
        "m=application 30004 RTP/AVP 100\na=rtpmap:100 H224/4800\n", local=LocalMedia("192.0.2.1", 20000, 20002)
    )
    assert session.camera is None and line(session).port == 0


def test_it_is_protected_where_the_room_has_keys():
    lines = f"m=application 30004 RTP/SAVP 100\na=rtpmap:100 H224/4800\na=crypto:1 AES_CM_128_HMAC_SHA1_80 {KEY}\n"
    session = answered(lines)
    assert session.camera is not None and isinstance(session.camera.security, SdesAgreement)
    assert line(session).protocol == "RTP/SAVP" and line(session).has("crypto")


@pytest.mark.parametrize("encryption", list(Encryption))
def test_two_of_us_agree_on_it(encryption):
    capabilities = LocalCapabilities(encryption=encryption)
    theirs = LocalMedia("192.0.2.9", 30000, 30002, camera_port=30008, security=LocalSecurity(b"y" * 32))
    offer = make_offer(capabilities, OURS, session_id=1, version=1)
    far = answer(offer, capabilities, theirs, session_id=2, version=1)
    near = accept_answer(offer, far.description, capabilities)
    assert near.camera is not None and far.camera is not None
    assert (near.camera.remote_port, far.camera.remote_port) == (30008, 20008)
    assert near.camera.direction is far.camera.direction is Direction.SENDRECV
    if encryption is Encryption.REQUIRED:
        ours, back = near.camera.security, far.camera.security
        assert ours is not None and back is not None
        assert (ours.local, ours.remote) == (back.remote, back.local)
        assert ours.local != near.audio.security.local


def test_an_answer_without_it_leaves_the_rest():
    capabilities = LocalCapabilities()
    offer = make_offer(capabilities, OURS, session_id=1, version=1)
    far = answer(offer, capabilities, LocalMedia("192.0.2.9", 30000, 30002), session_id=2, version=1)
    near = accept_answer(offer, far.description, capabilities)
    assert near.camera is None and near.video is not None


@pytest.mark.parametrize("full", [False, True])
def test_the_next_offer_keeps_it_in_its_place(full):
    capabilities = LocalCapabilities()
    first = answered("m=application 30004 RTP/AVP 100\na=rtpmap:100 H224/4800\na=sendrecv\n").description
    hold = LocalMedia(
        "192.0.2.1", 20000, 20002, Direction.INACTIVE, Direction.INACTIVE, camera_port=20008, security=OURS.security
    )
    again = make_offer(capabilities, hold, session_id=1, version=2, previous=first, full=full)
    assert payload_type_of(again.media[1]) == 100
    assert (again.media[1].port, again.media[1].has("inactive")) == (20008, True)
