"""SRTP with keys from descriptions: every suite both ways, rubbish, and a call that is taken over in its middle."""

from __future__ import annotations

import base64
import struct

import pylibsrtp
import pytest

from mcu.media.spec import SdesKeys, SuiteName
from mcu.media.transport.srtp import MAX_ROLLOVERS, SdesCipher

OCTETS: dict[SuiteName, int] = {
    "AES_CM_128_HMAC_SHA1_80": 30, "AES_CM_128_HMAC_SHA1_32": 30, "AEAD_AES_128_GCM": 28, "AEAD_AES_256_GCM": 44,
}  # fmt: skip
RTCP = bytes.fromhex("80c9000100000001")


def rtp(sequence: int, ssrc: int = 5) -> bytes:
    return struct.pack("!BBHII", 0x80, 96, sequence & 0xFFFF, 0, ssrc) + b"payload"


def pair(suite: SuiteName) -> tuple[SdesCipher, SdesCipher]:
    mine, theirs = (base64.b64encode(bytes([fill]) * OCTETS[suite]).decode() for fill in (1, 2))
    ours = SdesKeys(suite=suite, local=mine, remote=theirs)
    return SdesCipher(ours), SdesCipher(SdesKeys(suite=suite, local=theirs, remote=mine))


@pytest.mark.parametrize("suite", OCTETS)
def test_what_one_protects_the_other_reads(suite: SuiteName) -> None:
    ours, theirs = pair(suite)
    (protected,), (report,) = ours.protect_rtp([rtp(1)]), ours.protect_rtcp([RTCP])
    assert b"payload" not in protected and protected[:12] == rtp(1)[:12]
    assert (theirs.unprotect_rtp(protected), theirs.unprotect_rtcp(report)) == (rtp(1), RTCP)


@pytest.mark.parametrize("suite", OCTETS)
def test_what_was_changed_repeated_or_is_rubbish_does_not_come_through(suite: SuiteName) -> None:
    ours, theirs = pair(suite)
    (protected,), (report,) = ours.protect_rtp([rtp(1)]), ours.protect_rtcp([RTCP])
    assert theirs.unprotect_rtp(protected[:-1] + bytes([protected[-1] ^ 1])) is None
    assert theirs.unprotect_rtp(protected) == rtp(1)
    assert theirs.unprotect_rtp(protected) is None
    assert theirs.unprotect_rtcp(report[:-1] + bytes([report[-1] ^ 1])) is None
    for rubbish in (b"", b"\x80", bytes(12), rtp(2), b"\x80\xc9" + bytes(2000)):
        assert theirs.unprotect_rtp(rubbish) is None and theirs.unprotect_rtcp(rubbish) is None
    assert theirs.refused > 5


@pytest.mark.parametrize("suite", OCTETS)
@pytest.mark.parametrize("rollovers", [1, 2, MAX_ROLLOVERS - 1])
def test_a_worker_that_takes_a_call_over_finds_out_how_often_the_sequence_rolled_over(
    suite: SuiteName, rollovers: int
) -> None:
    sender, _ = pair(suite)
    _, successor = pair(suite)
    for index in range(0, rollovers << 16, 0x4000):
        sender.protect_rtp([rtp(index)])
    for sequence in (3, 4, 5):
        (protected,) = sender.protect_rtp([rtp(sequence)])
        assert successor.unprotect_rtp(protected) == rtp(sequence)


def test_what_is_no_packet_is_left_out_of_its_batch_and_counted() -> None:
    ours, theirs = pair("AES_CM_128_HMAC_SHA1_80")
    protected = ours.protect_rtp([rtp(1), b"none", rtp(2)])
    assert [theirs.unprotect_rtp(packet) for packet in protected] == [rtp(1), rtp(2)]
    assert ours.protect_rtcp([b""]) == [] and ours.refused == 2


def test_rubbish_of_strangers_costs_few_searches() -> None:
    _, theirs = pair("AES_CM_128_HMAC_SHA1_80")
    for number in range(600):
        assert theirs.unprotect_rtp(rtp(number, ssrc=9) + bytes(20)) is None
    assert theirs.refused == 600


def test_keys_must_fit_their_suite() -> None:
    short = base64.b64encode(bytes(16)).decode()
    for local, remote in ((short, short), ("?", short)):
        with pytest.raises(ValueError):
            SdesCipher(SdesKeys(suite="AEAD_AES_256_GCM", local=local, remote=remote))


def test_keys_show_neither_in_the_description_nor_in_its_errors() -> None:
    keys = SdesKeys(suite="AEAD_AES_128_GCM", local="c2VjcmV0", remote="c2VjcmV0")
    assert "c2VjcmV0" not in repr(keys) + str(keys)
    with pytest.raises(ValueError) as error:
        SdesKeys.model_validate({"suite": "none", "local": "c2VjcmV0", "remote": ["c2VjcmV0"]})
    assert "c2VjcmV0" not in str(error.value)


TAGS: dict[SuiteName, tuple[int, int]] = {
    "AES_CM_128_HMAC_SHA1_80": (10, 10), "AES_CM_128_HMAC_SHA1_32": (4, 10), "AEAD_AES_128_GCM": (0, 0),
    "AEAD_AES_256_GCM": (0, 0),
}  # fmt: skip


@pytest.mark.parametrize("suite", OCTETS)
def test_packets_carry_the_identifiers_of_their_keys(suite: SuiteName) -> None:
    """RFC 3711 section 3.1: the identifier stands between what is encrypted and the tag."""
    mine, theirs = (base64.b64encode(bytes([fill]) * OCTETS[suite]).decode() for fill in (1, 2))
    ours = SdesCipher(SdesKeys(suite=suite, local=mine, remote=theirs, local_mki="00000001", remote_mki="beef"))
    peer = SdesCipher(SdesKeys(suite=suite, local=theirs, remote=mine, local_mki="beef", remote_mki="00000001"))
    bare, _ = pair(suite)
    for tag, packet, (sent,), (without,) in (
        (TAGS[suite][0], rtp(1), ours.protect_rtp([rtp(1)]), bare.protect_rtp([rtp(1)])),
        (TAGS[suite][1], RTCP, ours.protect_rtcp([RTCP]), bare.protect_rtcp([RTCP])),
    ):
        end = len(without) - tag
        assert sent == without[:end] + b"\0\0\0\1" + without[end:]
        assert (peer.unprotect_rtcp if packet is RTCP else peer.unprotect_rtp)(sent) == packet
    (back,), (report,) = peer.protect_rtp([rtp(7)]), peer.protect_rtcp([RTCP])
    assert (ours.unprotect_rtp(back), ours.unprotect_rtcp(report)) == (rtp(7), RTCP)
    assert ours.refused == peer.refused == 0


@pytest.mark.parametrize("suite", OCTETS)
def test_an_identifier_that_is_announced_and_not_sent_is_not_missed(suite: SuiteName) -> None:
    mine, theirs = (base64.b64encode(bytes([fill]) * OCTETS[suite]).decode() for fill in (1, 2))
    ours = SdesCipher(SdesKeys(suite=suite, local=mine, remote=theirs, local_mki="01", remote_mki="01"))
    _, peer = pair(suite)
    (packet,), (report,) = peer.protect_rtp([rtp(1)]), peer.protect_rtcp([RTCP])
    assert (ours.unprotect_rtp(packet), ours.unprotect_rtcp(report)) == (rtp(1), RTCP)
    for rubbish in (b"", b"\1", bytes(9) + b"\1", b"\1" + bytes(10), bytes(11) + b"\1" + bytes(4)):
        assert ours.unprotect_rtp(rubbish) is None and ours.unprotect_rtcp(rubbish) is None


def test_a_worker_that_takes_over_such_a_call_goes_on_too() -> None:
    key = base64.b64encode(bytes(range(30))).decode()
    keys = SdesKeys(suite="AES_CM_128_HMAC_SHA1_80", local=key, remote=key, local_mki="01", remote_mki="01")
    sender, successor = SdesCipher(keys), SdesCipher(keys)
    for index in range(0, 2 << 16, 0x4000):
        sender.protect_rtp([rtp(index)])
    (packet,) = sender.protect_rtp([rtp(3)])
    assert successor.unprotect_rtp(packet) == rtp(3)


@pytest.mark.parametrize("suite", ["AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"])
def test_another_implementation_agrees_with_all_but_the_identifier(suite: SuiteName) -> None:
    key = base64.b64encode(bytes(range(30))).decode()
    ours = SdesCipher(SdesKeys(suite=suite, local=key, remote=key, local_mki="0a0b", remote_mki="0a0b"))
    profile = {"AES_CM_128_HMAC_SHA1_80": 1, "AES_CM_128_HMAC_SHA1_32": 2}[suite]
    assert profile == getattr(pylibsrtp.Policy, f"SRTP_PROFILE_AES128_CM_SHA1_{suite[-2:]}")
    library = pylibsrtp.Session(
        pylibsrtp.Policy(key=bytes(range(30)), ssrc_type=pylibsrtp.Policy.SSRC_ANY_INBOUND, srtp_profile=profile)
    )
    for tag, packet, (sent,) in (
        (TAGS[suite][0], rtp(1), ours.protect_rtp([rtp(1)])),
        (TAGS[suite][1], RTCP, ours.protect_rtcp([RTCP])),
    ):
        end = len(sent) - tag
        assert sent[end - 2 : end] == b"\x0a\x0b"
        read = library.unprotect_rtcp if packet is RTCP else library.unprotect
        assert bytes(read(sent[: end - 2] + sent[end:])) == packet


@pytest.mark.parametrize("mki", ["", "01"])
def test_packets_that_came_together_are_read_without_what_does_not_come_through(mki: str) -> None:
    mine, theirs = (base64.b64encode(bytes([fill]) * 30).decode() for fill in (1, 2))
    suite: SuiteName = "AES_CM_128_HMAC_SHA1_80"
    sender = SdesCipher(SdesKeys(suite=suite, local=mine, remote=theirs, local_mki=mki))
    receiver = SdesCipher(SdesKeys(suite=suite, local=theirs, remote=mine, remote_mki=mki))
    protected = list(sender.protect_rtp([rtp(number) for number in range(4)]))
    forged = protected[2][:-1] + bytes([protected[2][-1] ^ 1])
    run = [protected[0], protected[1], protected[0], forged, b"", protected[3]]
    assert receiver.unprotect_rtp_run(run) == [rtp(0), rtp(1), rtp(3)]
    assert receiver.refused == 3
    assert receiver.unprotect_rtp_run([protected[2]]) == [rtp(2)]


def test_a_run_after_a_take_over_is_read_once_the_roll_overs_are_found() -> None:
    sender, _ = pair("AES_CM_128_HMAC_SHA1_80")
    _, successor = pair("AES_CM_128_HMAC_SHA1_80")
    for index in range(0, 1 << 16, 0x4000):
        sender.protect_rtp([rtp(index)])
    run = list(sender.protect_rtp([rtp(number) for number in (3, 4, 5)]))
    assert successor.unprotect_rtp_run(run)[0] == rtp(3)
    assert successor.unprotect_rtp_run(list(sender.protect_rtp([rtp(6), rtp(7)]))) == [rtp(6), rtp(7)]
