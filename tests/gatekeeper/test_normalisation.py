"""One address, one spelling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.normalisation import DialHabits, is_international, normalise

PEKING = DialHabits(country_code="86", outside_prefix="9")
DIRECT = DialHabits(country_code="49")


@pytest.mark.parametrize(
    ("dialled", "spelled"),
    [
        ("１０００", "1000"),
        (" 10 00 ", "1000"),
        ("10-00", "1000"),
        ("(010) 88.88/12", "010888812"),
        ("Theatre  2", "theatre 2"),
        ("急诊\u200b", "急诊"),
        ("ＤＲ．ＬＩ＠Clinic.example", "dr.li@clinic.example"),
        ("+86 10 8888", "+86108888"),
        ("ward-3", "ward-3"),
        ("0999", "0999"),
        ("-", "-"),
        ("", ""),
    ],
)
def test_without_habits_only_the_spelling_changes(dialled: str, spelled: str) -> None:
    assert normalise(dialled, DialHabits()) == spelled


@pytest.mark.parametrize(
    ("dialled", "spelled"),
    [
        ("9 010 8888 1234", "+861088881234"),
        ("9 0049 30 123456", "+4930123456"),
        ("9 8888 1234", "88881234"),
        ("0999", "0999"),
        ("8001234567", "8001234567"),
        ("９００４９３０１２３４５６", "+4930123456"),
        ("+49 30 123456", "+4930123456"),
    ],
)
def test_a_line_out_is_asked_for_first(dialled: str, spelled: str) -> None:
    assert normalise(dialled, PEKING) == spelled


def test_without_a_line_out_leading_zeros_tell() -> None:
    assert normalise("030 1234567", DIRECT) == "+49301234567"
    assert normalise("0086 10 88881234", DIRECT) == "+861088881234"
    assert normalise("1234567", DIRECT) == "1234567"


def test_what_is_international() -> None:
    assert is_international("+8610") and not is_international("8610") and not is_international("+" + "1" * 16)


@given(st.text("０1９9+- .()/aＡ\u200b急", max_size=20))
def test_spelling_twice_changes_nothing_more(text: str) -> None:
    once = normalise(text, DialHabits())
    assert normalise(once, DialHabits()) == once
