from __future__ import annotations

import pytest

from sip.address import NameAddress, parse_addresses, parse_name_address
from sip.contact import parse_contacts
from sip.errors import SipParseError
from sip.uri import SipUri

B = SipUri("b", "a")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<sip:a@b>", NameAddress(B)),
        ("sip:a@b;tag=1", NameAddress(B, "", (("tag", "1"),))),
        ("Room <sip:a@b>;tag=1", NameAddress(B, "Room", (("tag", "1"),))),
        ("caller<sip:a@b>;tag=323", NameAddress(B, "caller", (("tag", "323"),))),
        ('"Say \\"A, <B>\\"; \\\\" <sip:a@b>', NameAddress(B, 'Say "A, <B>"; \\')),
        ("会诊室 1 <sip:a@b>", NameAddress(B, "会诊室 1")),
        ('"" <sip:a@b>', NameAddress(B)),
        ("<sip:a@b;x=y> ; TAG = z", NameAddress(SipUri("b", "a", parameters=(("x", "y"),)), "", (("tag", "z"),))),
    ],
)
def test_well_formed_addresses(text: str, expected: NameAddress) -> None:
    address = parse_name_address(text)
    assert address == expected
    assert parse_name_address(str(address)) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sip:a@b?Route=x",
        "<sip:a@b> x",
        '"open <sip:a@b>',
        '"a" b" <sip:a@b>',
        "Bell, Alexander <sip:a@b>",
        "<sip:a@b",
        "<>",
        "a;b <sip:a@b>",
        "<sip:a@b>;=1",
    ],
)
def test_malformed_addresses_raise(text: str) -> None:
    with pytest.raises(SipParseError):
        parse_name_address(text)


def test_tag_is_replaced_and_empty_means_none() -> None:
    address = parse_name_address("<sip:a@b>;tag=1;x=2")
    assert str(address.with_tag("9")) == "<sip:a@b>;x=2;tag=9"
    assert parse_name_address("<sip:a@b>;tag=").tag is None


def test_a_name_cannot_smuggle_a_header_in() -> None:
    assert str(NameAddress(B, 'x"\r\nVia: y')) == '"x\\"  Via: y" <sip:a@b>'


def test_a_list_is_split_outside_of_quotes() -> None:
    assert [item.name for item in parse_addresses('"a, b" <sip:a@b>, <sip:a@b>,,')] == ["a, b", ""]


def test_too_long_a_list_raises() -> None:
    with pytest.raises(SipParseError):
        parse_addresses(",".join(["<sip:a@b>"] * 101))


def test_contact_star_stands_alone() -> None:
    assert parse_contacts(["*"]) == ()
    assert len(parse_contacts(["<sip:a@b>", "<sip:c@d>, <sip:e@f>"])) == 3
    with pytest.raises(SipParseError):
        parse_contacts(["*", "<sip:a@b>"])


def test_names_in_the_older_chinese_encoding_are_read() -> None:
    name = "会诊室".encode("gb18030").decode("utf-8", "surrogateescape")
    assert NameAddress(B, name).shown_name == "会诊室"
    assert NameAddress(B, b"\xff\xff".decode("utf-8", "surrogateescape")).shown_name == "\ufffd\ufffd"


@pytest.mark.parametrize("text", ["Room  3 <sip:a@h>", "Room\t3 <sip:a@h>", "Room\r3 <sip:a@h>", "Room 3<sip:a@h>"])
def test_white_space_in_a_bare_name_is_one_space(text: str) -> None:
    address = parse_name_address(text)
    assert address.name == "Room 3"
    assert parse_name_address(str(address)) == address


def test_a_line_end_in_a_quoted_name_becomes_a_space() -> None:
    address = parse_name_address('"a\rb" <sip:x@y>')
    assert address.name == "a b"
    assert parse_name_address(str(address)) == address
