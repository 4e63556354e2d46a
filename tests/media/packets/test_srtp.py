"""Compiled SRTP against libsrtp, packet by packet, and what it remembers and refuses."""

from __future__ import annotations

import random
import struct

import pylibsrtp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.media.packets import Srtp

PROFILES = {
    "AES_CM_128_HMAC_SHA1_80": (pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 30),
    "AES_CM_128_HMAC_SHA1_32": (pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_32, 30),
    "AEAD_AES_128_GCM": (pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 28),
    "AEAD_AES_256_GCM": (pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_256_GCM, 44),
}
SUITES = pytest.mark.parametrize("suite", PROFILES)


def material(suite: str) -> bytes:
    return random.Random(suite).randbytes(PROFILES[suite][1])


def reference(suite: str, inbound: bool) -> pylibsrtp.Session:
    policy = pylibsrtp.Policy(
        key=material(suite),
        ssrc_type=pylibsrtp.Policy.SSRC_ANY_INBOUND if inbound else pylibsrtp.Policy.SSRC_ANY_OUTBOUND,
        srtp_profile=PROFILES[suite][0],
    )
    policy.window_size = 1024
    return pylibsrtp.Session(policy)


def context(suite: str, inbound: bool) -> Srtp:
    return Srtp(suite, material(suite), inbound=inbound)


def rtp(sequence: int, ssrc: int = 5, payload: bytes = b"payload") -> bytes:
    return struct.pack("!BBHII", 0x80, 96, sequence & 0xFFFF, 0, ssrc) + payload


def rich(sequence: int, rng: random.Random) -> bytes:
    """With CSRCs and an extension, which stay readable; and a payload of any length, none included."""
    csrcs, words = rng.randrange(4), rng.randrange(3)
    header = struct.pack("!BBHII", 0x90 | csrcs, 0xE0, sequence & 0xFFFF, rng.getrandbits(32), 9)
    header += rng.randbytes(4 * csrcs) + struct.pack("!HH", 0xBEDE, words) + rng.randbytes(4 * words)
    return header + rng.randbytes(rng.choice((0, 1, 15, 16, 17, 1200)))


def rtcp(ssrc: int = 5, more: bytes = b"") -> bytes:
    return struct.pack("!BBHI", 0x80, 201, 1 + len(more) // 4, ssrc) + more


@SUITES
def test_octet_for_octet_like_libsrtp_over_a_roll_over(suite: str) -> None:
    rng = random.Random(1)
    ours, theirs = context(suite, False), reference(suite, False)
    packets = [rich(65_500 + index, rng) for index in range(100)]
    expected = [theirs.protect(packet) for packet in packets]
    assert ours.protect_rtp(packets) == expected
    assert context(suite, True).unprotect_rtp(expected) == packets
    assert ours.sources() == [(9, 1, (65_500 + 99) & 0xFFFF, 0)]


@SUITES
def test_reports_cross_between_libsrtp_and_us(suite: str) -> None:
    rng = random.Random(2)
    reports = [rtcp(more=rng.randbytes(4 * (index % 7))) for index in range(30)]
    from_us = context(suite, False).protect_rtcp(reports)
    reader = reference(suite, True)
    assert [reader.unprotect_rtcp(packet) for packet in from_us if packet is not None] == reports
    writer = reference(suite, False)
    assert context(suite, True).unprotect_rtcp([writer.protect_rtcp(report) for report in reports]) == reports


@SUITES
def test_disorder_within_the_window_comes_through_once_and_only_once(suite: str) -> None:
    packets = [rtp(65_000 + index) for index in range(1500)]
    protected = context(suite, False).protect_rtp(packets)
    order = list(range(1500))
    random.Random(3).shuffle(order)
    receiver = context(suite, True)
    start = [index for index in order if index < 700]  # all within 1023 of one another
    first = receiver.unprotect_rtp([protected[index] or b"" for index in start])
    assert first == [packets[index] for index in start]
    assert receiver.unprotect_rtp([protected[index] or b"" for index in start]) == [None] * 700
    assert receiver.replayed == 700
    assert receiver.unprotect_rtp([protected[1499] or b""]) == [packets[1499]]
    assert receiver.unprotect_rtp([protected[700] or b"", protected[475] or b""]) == [packets[700], None]


@SUITES
def test_a_changed_bit_anywhere_is_a_forgery_and_changes_nothing(suite: str) -> None:
    (good,), (report,) = context(suite, False).protect_rtp([rtp(1)]), context(suite, False).protect_rtcp([rtcp()])
    assert good is not None and report is not None
    receiver = context(suite, True)
    for whole, read in ((good, receiver.unprotect_rtp), (report, receiver.unprotect_rtcp)):
        for bit in range(8 * len(whole)):
            bad = bytearray(whole)
            bad[bit // 8] ^= 1 << bit % 8
            assert read([bytes(bad)]) == [None]
    assert receiver.sources() == [] and receiver.replayed == 0
    assert receiver.unprotect_rtp([good]) == [rtp(1)] and receiver.unprotect_rtcp([report]) == [rtcp()]


@SUITES
@pytest.mark.parametrize("inbound", [True, False])
@given(data=st.binary(max_size=80))
def test_rubbish_is_refused(suite: str, inbound: bool, data: bytes) -> None:
    receiver = context(suite, True)
    assert receiver.unprotect_rtp([data]) == receiver.unprotect_rtcp([data]) == [None]
    assert receiver.malformed + receiver.forged == 2 and receiver.sources() == []


def test_what_is_no_packet_is_not_protected() -> None:
    sender = context("AEAD_AES_128_GCM", False)
    truncated_csrcs, truncated_extension = b"\x8f" + bytes(11), b"\x90" + bytes(11)
    for packet in (b"", bytes(12), b"\x80" + bytes(10), truncated_csrcs, truncated_extension, b"\x80" + bytes(65_500)):
        assert sender.protect_rtp([packet]) == [None]
    assert sender.protect_rtcp([b"", bytes(8)]) == [None, None]
    assert sender.malformed == 8


@SUITES
def test_a_packet_sent_again_is_the_same(suite: str) -> None:
    sender = context(suite, False)
    first = sender.protect_rtp([rtp(65_535), rtp(0), rtp(1)])
    assert sender.protect_rtp([rtp(65_535), rtp(0)]) == first[:2]


@SUITES
def test_a_successor_goes_on_with_roll_overs_and_indices(suite: str) -> None:
    sender, receiver = context(suite, False), context(suite, True)
    for start in range(0, 3 << 16, 0x4000):
        receiver.unprotect_rtp([packet or b"" for packet in sender.protect_rtp([rtp(start)])])
    receiver.unprotect_rtcp([packet or b"" for packet in sender.protect_rtcp([rtcp()] * 5)])
    next_sender, next_receiver = context(suite, False), context(suite, True)
    for old, new in ((sender, next_sender), (receiver, next_receiver)):
        for source in old.sources():
            new.resume(*source)
    again = sender.protect_rtp([rtp(0x8000)])
    packets = next_sender.protect_rtp([rtp(0xC001)])
    assert packets == sender.protect_rtp([rtp(0xC001)])
    assert next_receiver.unprotect_rtp([packets[0] or b""]) == [rtp(0xC001)]
    assert next_receiver.unprotect_rtp([again[0] or b""]) == [None]  # may have been heard by the one before
    report = next_sender.protect_rtcp([rtcp()])
    assert report == sender.protect_rtcp([rtcp()])
    assert next_receiver.unprotect_rtcp([report[0] or b""]) == [rtcp()]


def test_sources_are_bounded_and_only_authentic_ones_count() -> None:
    sender, receiver = context("AEAD_AES_128_GCM", False), context("AEAD_AES_128_GCM", True)
    protected = sender.protect_rtp([rtp(1, ssrc=number) for number in range(1, 102)])
    assert protected[96:] == [None] * 5 and sender.exhausted == 5
    receiver.unprotect_rtp([packet for packet in protected if packet is not None])
    assert len(receiver.sources()) == 96
    other = context("AEAD_AES_128_GCM", False).protect_rtp([rtp(1, ssrc=200)])[0]
    assert receiver.unprotect_rtp([other or b""]) == [rtp(1, ssrc=200)]
    assert [source[0] for source in receiver.sources()].count(1) == 0  # silent for longest


@pytest.mark.parametrize(
    ("suite", "key"), [("NONE", bytes(30)), ("AEAD_AES_128_GCM", bytes(27)), ("AES_CM_128_HMAC_SHA1_80", b"")]
)
def test_wrong_keys_are_told(suite: str, key: bytes) -> None:
    with pytest.raises(ValueError, match=r"suite|octets"):
        Srtp(suite, key, inbound=True)


def test_wrong_calls_are_told() -> None:
    receiver = context("AEAD_AES_128_GCM", True)
    with pytest.raises(TypeError):
        receiver.unprotect_rtp([b"", "text"])  # type: ignore[list-item]
    for source in ((1 << 32, 0, 0, 0), (1, 1 << 32, 0, 0), (1, 0, 65_536, 0), (1, 0, -1, 0), (1, 0, 0, 1 << 31)):
        with pytest.raises(ValueError, match="range"):
            receiver.resume(*source)
    with pytest.raises(RuntimeError):
        receiver.__init__("AEAD_AES_128_GCM", bytes(28), inbound=True)  # type: ignore[misc]
