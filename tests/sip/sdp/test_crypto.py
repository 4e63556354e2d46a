"""``a=crypto`` lines: which can be used, and that no key shows."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.sdp.crypto import MAX_LINES, SUITES, CryptoLine, read_crypto

KEY = bytes(range(30))
INLINE = "inline:" + base64.b64encode(KEY).decode()
SHA1_80 = "AES_CM_128_HMAC_SHA1_80"


@pytest.mark.parametrize(
    "line",
    [
        f"1 {SHA1_80} {INLINE}",
        f"1 {SHA1_80.lower()} {INLINE}|2^31",
        f"1 {SHA1_80} {INLINE}|1048576",
        f"1 {SHA1_80} {INLINE} WSH=128 KDR=0 -VENDOR=1",
        f"1 {SHA1_80} {INLINE.rstrip('=')}",
    ],
)
def test_what_rooms_write_is_understood(line: str) -> None:
    assert read_crypto([line]) == (CryptoLine("1", SUITES[SHA1_80], KEY),)


@pytest.mark.parametrize(
    "line",
    [
        "",
        f"1 {SHA1_80}",
        f"x {SHA1_80} {INLINE}",
        f"1 F8_128_HMAC_SHA1_80 {INLINE}",
        f"1 {SHA1_80} {INLINE}|2^20|1:4|1:4",
        f"1 {SHA1_80} {INLINE}|1:4|2^20",
        f"1 {SHA1_80} {INLINE}|256:1",  # does not fit
        f"1 {SHA1_80} {INLINE}|1:0",
        f"1 {SHA1_80} {INLINE}|1:129",
        f"1 {SHA1_80} {INLINE}|1:",
        f"1 {SHA1_80} {INLINE}|x:1",
        f"1 {SHA1_80} {INLINE};{INLINE}",
        f"1 {SHA1_80} {INLINE} UNENCRYPTED_SRTP",
        f"1 {SHA1_80} {INLINE} UNAUTHENTICATED_SRTP",
        f"1 {SHA1_80} {INLINE} KDR=5",
        f"1 {SHA1_80} {INLINE} SOMETHING_NEW=1",
        f"1 {SHA1_80} {INLINE[:-4]}",
        f"1 {SHA1_80} inline:????",
        f"1 AEAD_AES_256_GCM {INLINE}",
    ],
)
def test_what_cannot_be_used_is_left_out(line: str) -> None:
    assert read_crypto([line]) == ()


@pytest.mark.parametrize(
    ("extras", "mki"),
    [("|2^20|1:4", b"\0\0\0\1"), ("|1:1", b"\1"), ("|2^31|65535:2", b"\xff\xff"), ("|0:128", bytes(128))],
)
def test_master_key_identifiers_are_read_and_written(extras: str, mki: bytes) -> None:
    (line,) = read_crypto([f"1 {SHA1_80} {INLINE}{extras}"])
    assert line == CryptoLine("1", SUITES[SHA1_80], KEY, mki)
    assert line.attribute.value == f"1 {SHA1_80} {INLINE}|{int.from_bytes(mki)}:{len(mki)}"


def test_the_peers_order_stays_and_the_number_of_lines_is_bounded() -> None:
    lines = [f"{number} {SHA1_80} {INLINE}" for number in range(1, 40)]
    assert [line.tag for line in read_crypto(lines)] == [str(number) for number in range(1, MAX_LINES + 1)]


@given(st.sampled_from(list(SUITES.values())), st.integers(1, 999_999_999), st.binary(min_size=44, max_size=44))
def test_what_we_write_is_read_as_the_same(suite: object, tag: int, octets: bytes) -> None:
    for known in SUITES.values():
        line = CryptoLine(str(tag), known, octets[: known.octets])
        assert read_crypto([line.attribute.value or ""]) == (line,)


@given(st.text(max_size=200))
def test_any_text_is_read_or_left_out(text: str) -> None:
    read_crypto([text])


def test_a_key_does_not_show() -> None:
    shown = repr(CryptoLine("1", SUITES[SHA1_80], KEY))
    assert "key" not in shown.replace("key_octets", "") and INLINE[7:20] not in shown
