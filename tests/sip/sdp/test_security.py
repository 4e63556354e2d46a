"""Encryption negotiated: SDES and DTLS-SRTP in both roles, as an option, by demand and by policy."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from sip.sdp.capabilities import LocalCapabilities, LocalMedia
from sip.sdp.crypto import SUITES, read_crypto
from sip.sdp.grammar import SessionDescription, parse
from sip.sdp.ice import LocalIce
from sip.sdp.negotiation import NotAcceptable, accept_answer, answer, make_offer
from sip.sdp.security import DtlsAgreement, Encryption, LocalSecurity, SdesAgreement
from sip.sdp.session import NegotiatedSession

OURS = ("sha-256", ":".join(["AB"] * 32))
THEIRS = ("sha-256", ":".join(["CD"] * 32))
HERE = LocalMedia(
    "198.51.100.7", 40000, 40002, security=LocalSecurity(b"here" * 8, OURS), ice=LocalIce("uuuu", "p" * 24)
)
THERE = LocalMedia("192.0.2.1", 4000, 4002, security=LocalSecurity(b"there" * 7, THEIRS))
SHA1_80 = SUITES["AES_CM_128_HMAC_SHA1_80"]
KEY = base64.b64encode(bytes(range(30))).decode()
CRYPTO = f"a=crypto:4 AES_CM_128_HMAC_SHA1_80 inline:{KEY}\n"
FINGERPRINT = f"a=fingerprint:SHA-256 {THEIRS[1].lower()}\na=setup:actpass\n"
ICE = f"a=ice-ufrag:theirs\na=ice-pwd:{'q' * 24}\na=candidate:1 1 UDP 2130706431 192.0.2.1 4000 typ host\n"
REQUIRED = LocalCapabilities(encryption=Encryption.REQUIRED)
PREFERRED = LocalCapabilities(encryption=Encryption.PREFERRED)


def session(lines: str, head: str = "") -> SessionDescription:
    return parse(f"v=0\no=- 5 6 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\n{head}{lines}")


def sound(protocol: str, *lines: str, head: str = "") -> SessionDescription:
    return session(f"m=audio 4000 {protocol} 8\n{''.join(lines)}", head)


def answered(
    offer: SessionDescription, capabilities: LocalCapabilities | None = None, local: LocalMedia = HERE
) -> NegotiatedSession:
    return answer(offer, capabilities or LocalCapabilities(), local, session_id=7, version=1)


def agreement(negotiated: NegotiatedSession) -> SdesAgreement | DtlsAgreement | None:
    assert negotiated.audio is not None
    return negotiated.audio.security


@pytest.mark.parametrize("protocol", ["RTP/SAVP", "RTP/SAVPF", "RTP/AVP", "RTP/AVPF"])
def test_keys_are_answered_with_keys_whether_demanded_or_optional(protocol: str) -> None:
    negotiated = answered(sound(protocol, CRYPTO))
    (line,) = negotiated.description.media
    (ours,) = read_crypto(line.values("crypto"))
    assert (line.protocol, ours.tag, ours.suite) == (protocol, "4", SHA1_80)
    assert agreement(negotiated) == SdesAgreement(SHA1_80, ours.key, bytes(range(30)))
    assert ours.key != bytes(range(30))


def test_a_master_key_identifier_is_answered_with_the_same_one() -> None:
    negotiated = answered(sound("RTP/SAVP", CRYPTO.rstrip("\n") + "|2^20|1:4\n"))
    (line,) = negotiated.description.media
    (ours,) = read_crypto(line.values("crypto"))
    assert ours.mki == b"\0\0\0\1"
    assert agreement(negotiated) == SdesAgreement(SHA1_80, ours.key, bytes(range(30)), ours.mki, ours.mki)


def test_the_first_usable_suite_of_the_offer_counts() -> None:
    lines = f"a=crypto:1 F8_128_HMAC_SHA1_80 inline:{KEY}\na=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:{KEY}\n"
    found = agreement(answered(sound("RTP/SAVP", lines, CRYPTO)))
    assert isinstance(found, SdesAgreement) and found.suite.name == "AES_CM_128_HMAC_SHA1_32"


def test_every_line_and_suite_has_a_key_of_its_own_that_stays_the_same() -> None:
    assert HERE.security is not None
    keys = [HERE.security.key(line, suite) for line in ("audio", "video", "content") for suite in SUITES.values()]
    assert len({key[:16] for key in keys}) == len(keys)
    offer = sound("RTP/SAVP", CRYPTO)
    assert answered(offer).description == answered(offer).description


@pytest.mark.parametrize(
    ("setup", "role", "said"),
    [("actpass", "server", "passive"), ("active", "server", "passive"), ("passive", "client", "active")],
)
def test_dtls_is_answered_in_the_role_that_is_left(setup: str, role: str, said: str) -> None:
    negotiated = answered(sound("UDP/TLS/RTP/SAVPF", FINGERPRINT.replace("actpass", setup)))
    (line,) = negotiated.description.media
    assert agreement(negotiated) == DtlsAgreement((THEIRS,), role)  # type: ignore[arg-type]
    assert (line.protocol, line.value("setup"), line.value("fingerprint")) == (
        "UDP/TLS/RTP/SAVPF", said, " ".join(OURS),
    )  # fmt: skip


def test_a_fingerprint_may_stand_at_session_level() -> None:
    assert isinstance(agreement(answered(sound("UDP/TLS/RTP/SAVP", head=FINGERPRINT))), DtlsAgreement)


def test_of_two_optional_ways_dtls_is_taken_but_savp_means_keys() -> None:
    assert isinstance(agreement(answered(sound("RTP/AVP", CRYPTO, FINGERPRINT))), DtlsAgreement)
    assert isinstance(agreement(answered(sound("RTP/SAVP", CRYPTO, FINGERPRINT))), SdesAgreement)
    assert isinstance(agreement(answered(sound("RTP/SAVPF", FINGERPRINT))), DtlsAgreement)


@pytest.mark.parametrize("policy", [Encryption.ALLOWED, Encryption.PREFERRED])
def test_a_plain_offer_is_taken_unless_encryption_is_required(policy: Encryption) -> None:
    assert agreement(answered(sound("RTP/AVP"), LocalCapabilities(encryption=policy))) is None
    with pytest.raises(NotAcceptable, match="encryption is required here") as refusal:
        answered(sound("RTP/AVP"), REQUIRED)
    assert refusal.value.warning == 302


def test_where_encryption_is_required_an_open_line_is_refused_beside_an_encrypted_one() -> None:
    offer = session(f"m=audio 4000 RTP/SAVP 8\n{CRYPTO}m=video 4002 RTP/AVP 97\na=rtpmap:97 VP8/90000\n")
    negotiated = answered(offer, REQUIRED)
    assert negotiated.video is None and [line.port for line in negotiated.description.media] == [40000, 0]


@pytest.mark.parametrize(
    ("protocol", "lines", "reason"),
    [
        ("RTP/SAVP", "", "none of the keys"),
        ("RTP/SAVP", f"a=crypto:1 F8_128_HMAC_SHA1_80 inline:{KEY}\n", "none of the keys"),
        ("UDP/TLS/RTP/SAVP", CRYPTO, "no certificate fingerprint"),
        ("UDP/TLS/RTP/SAVP", "a=fingerprint:sha-1 AB:CD\n", "no certificate fingerprint"),
    ],
)
def test_a_demand_that_cannot_be_met_is_refused_with_the_reason(protocol: str, lines: str, reason: str) -> None:
    with pytest.raises(NotAcceptable, match=reason):
        answered(sound(protocol, lines))
    with pytest.raises(NotAcceptable):
        answered(sound(protocol, lines), local=replace(HERE, security=None))


@pytest.mark.parametrize(
    ("capabilities", "protocol"),
    [
        (LocalCapabilities(), "RTP/AVP"),
        (LocalCapabilities(offer_feedback_profile=True), "RTP/AVPF"),
        (PREFERRED, "RTP/AVP"),
        (REQUIRED, "RTP/SAVP"),
        (replace(REQUIRED, offer_feedback_profile=True), "RTP/SAVPF"),
        (replace(REQUIRED, offer_method="dtls"), "UDP/TLS/RTP/SAVP"),
        (replace(REQUIRED, offer_method="dtls", offer_feedback_profile=True), "UDP/TLS/RTP/SAVPF"),
    ],
)
def test_both_sides_come_to_the_same_keys(capabilities: LocalCapabilities, protocol: str) -> None:
    offer = make_offer(capabilities, HERE, session_id=1, version=1)
    assert {line.protocol for line in offer.media} == {protocol}
    theirs = answer(parse(str(offer)), LocalCapabilities(), THERE, session_id=2, version=1)
    ours = accept_answer(offer, parse(str(theirs.description)), capabilities)
    assert [stream.kind for stream in ours.streams] == ["audio", "video"]
    for mine, other in zip(ours.streams, theirs.streams, strict=True):
        assert mine.reduced_size_rtcp == other.reduced_size_rtcp == capabilities.offer_feedback_profile
        if capabilities.encryption is Encryption.ALLOWED:
            assert mine.security is None and other.security is None
        elif isinstance(mine.security, SdesAgreement):
            assert isinstance(other.security, SdesAgreement)
            assert (mine.security.local, mine.security.remote) == (other.security.remote, other.security.local)
        else:
            assert mine.security == DtlsAgreement((THEIRS,), "client")
            assert other.security == DtlsAgreement((OURS,), "server")


def test_a_room_that_knows_no_encryption_takes_our_optional_offer_in_the_clear() -> None:
    offer = make_offer(PREFERRED, HERE, session_id=1, version=1)
    plain = answer(offer, LocalCapabilities(), replace(THERE, security=None), session_id=2, version=1).description
    assert agreement(accept_answer(offer, plain, PREFERRED)) is None
    demanded = make_offer(REQUIRED, HERE, session_id=1, version=1)
    open_answer = replace(plain, media=tuple(replace(line, protocol="RTP/SAVP") for line in plain.media))
    for capabilities in (REQUIRED, PREFERRED):
        with pytest.raises(NotAcceptable, match="takes none of the encryption"):
            accept_answer(demanded, open_answer, capabilities)


def test_an_identifier_in_the_answer_to_our_offer_is_of_its_packets_alone() -> None:
    demanding = LocalCapabilities(encryption=Encryption.REQUIRED)
    offer = make_offer(demanding, HERE, session_id=1, version=1)
    theirs = str(answered(parse(str(offer)), local=THERE).description)
    lines = [f"{line}|1:4" if line.startswith("a=crypto") else line for line in theirs.splitlines()]
    session = accept_answer(offer, parse("\r\n".join(lines) + "\r\n"), demanding)
    security = agreement(session)
    assert isinstance(security, SdesAgreement)
    assert (security.local_mki, security.remote_mki) == (b"", b"\0\0\0\1")


def test_a_room_that_knows_dtls_alone_answers_a_demand_for_keys_with_its_fingerprint() -> None:
    demanding = LocalCapabilities(encryption=Encryption.REQUIRED)
    offer = make_offer(demanding, HERE, session_id=1, version=1)
    assert {media.protocol for media in offer.media} == {"RTP/SAVP"}
    theirs = str(answered(parse(str(offer)), local=THERE).description)
    shown = f"a=fingerprint:{' '.join(THEIRS)}"
    lines = [shown if line.startswith("a=crypto") else line for line in theirs.splitlines()]
    session = accept_answer(offer, parse("\r\n".join([*lines, "a=setup:active", ""])), demanding)
    security = agreement(session)
    assert isinstance(security, DtlsAgreement) and security.role == "server"


def test_a_next_offer_keeps_keys_and_leaves_the_choice_of_roles_again() -> None:
    keys = answered(sound("RTP/SAVP", CRYPTO)).description
    dtls = answered(sound("UDP/TLS/RTP/SAVP", FINGERPRINT)).description
    for full in (False, True):
        again = make_offer(LocalCapabilities(), HERE, session_id=7, version=2, previous=keys, full=full)
        assert (again.media[0].protocol, [*again.media[0].values("crypto")]) == (
            "RTP/SAVP", [*keys.media[0].values("crypto")],
        )  # fmt: skip
        again = make_offer(LocalCapabilities(), HERE, session_id=7, version=2, previous=dtls, full=full)
        assert (again.media[0].value("setup"), again.media[0].value("fingerprint")) == ("actpass", " ".join(OURS))


def test_ice_is_answered_by_a_lite_agent_with_its_ports() -> None:
    negotiated = answered(sound("RTP/AVP", ICE))
    (line,) = negotiated.description.media
    assert negotiated.description.has("ice-lite") and line.value("ice-ufrag") == "uuuu"
    assert [value.split()[1:7] for value in line.values("candidate")] == [
        ["1", "UDP", "2130706431", "198.51.100.7", "40000", "typ"],
        ["2", "UDP", "2130706430", "198.51.100.7", "40001", "typ"],
    ]
    assert negotiated.audio is not None and negotiated.audio.ice is not None
    assert negotiated.audio.ice.remote_ufrag == "theirs"
    (line,) = answered(sound("RTP/AVP", ICE, "a=rtcp-mux\n")).description.media
    assert len([*line.values("candidate")]) == 1


@pytest.mark.parametrize("lines", ["", ICE.replace("theirs", "no"), ICE.replace("candidate", "x")])
def test_without_usable_ice_there_is_none(lines: str) -> None:
    negotiated = answered(sound("RTP/AVP", lines))
    assert negotiated.audio is not None and negotiated.audio.ice is None and "ice" not in str(negotiated.description)


def test_two_lite_agents_have_no_use_for_ice() -> None:
    assert "ice" not in str(answered(sound("RTP/AVP", ICE, head="a=ice-lite\n")).description)


def test_reduced_size_rtcp_is_agreed_on_where_offered() -> None:
    for lines, expected in (("a=rtcp-rsize\n", True), ("", False)):
        negotiated = answered(sound("RTP/AVPF", lines))
        assert negotiated.audio is not None and negotiated.audio.reduced_size_rtcp is expected
        assert negotiated.description.media[0].has("rtcp-rsize") is expected


def test_no_secret_shows() -> None:
    negotiated = answered(sound("RTP/SAVP", CRYPTO, ICE))
    found = agreement(negotiated)
    assert isinstance(found, SdesAgreement) and negotiated.audio is not None
    shown = repr((HERE, found, negotiated.audio.ice, negotiated, sound("RTP/SAVP", CRYPTO, ICE)))
    assert "inline" not in shown and "qqq" not in shown and "inline" in str(negotiated.description)
    assert "ppp" not in shown and repr(found.local) not in shown and "here" not in shown
