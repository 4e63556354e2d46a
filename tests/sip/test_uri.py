from __future__ import annotations

import pytest

from sip.errors import SipParseError
from sip.uri import MAX_URI_LENGTH, OtherUri, SipUri, parse_host_port, parse_uri


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sip:1000@192.0.2.1", SipUri("192.0.2.1", "1000")),
        ("sip:192.0.2.1", SipUri("192.0.2.1")),
        ("SIPS:room@Example.com:5061", SipUri("Example.com", "room", 5061, "sips")),
        ("sip:a@b;transport=TCP;lr", SipUri("b", "a", None, "sip", (("transport", "TCP"), ("lr", None)))),
        ("sip:a@[2001:db8::1]:5060", SipUri("2001:db8::1", "a", 5060)),
        ("sip:1000*1234@h", SipUri("h", "1000*1234")),
        ("sip:user;par=u%40example.net@example.com", SipUri("example.com", "user;par=u%40example.net")),
        ("sip:a@b?Subject=x", SipUri("b", "a", headers="Subject=x")),
        ("sip:a@b;%6C%72;x=[1:2]", SipUri("b", "a", parameters=(("%6c%72", None), ("x", "[1:2]")))),
        ("sip:a:secret@b", SipUri("b", "a", password="secret")),
        ("tel:+8613800000000", OtherUri("tel", "+8613800000000")),
    ],
)
def test_well_formed_uris(text: str, expected: SipUri | OtherUri) -> None:
    uri = parse_uri(text)
    assert uri == expected
    assert parse_uri(str(uri)) == uri


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1000",
        "sip:",
        "sip:@host",
        "sip:a@",
        "sip:a@b:x",
        "sip:a@b:65536",
        "sip:a b@c",
        "sip:a@[::1",
        "sip:a@[zz]",
        "sip:a@[::1]x",
        "sip:a%zz@b",
        "sip:a@b;=x",
        "sip:a@-b",
        "<sip:a@b>",
        "sip:a@b\r\nX: y",
        ":x",
        "sip:" + "a" * MAX_URI_LENGTH + "@b",
        "sip:a@b" + ";p" * 100,
    ],
)
def test_malformed_uris_raise(text: str) -> None:
    with pytest.raises(SipParseError):
        parse_uri(text)


def test_properties() -> None:
    uri = parse_uri("sip:%E4%BC%9A%E8%AF%8A@h;transport=TLS;lr")
    assert isinstance(uri, SipUri)
    assert (uri.user_name, uri.transport, uri.is_loose_router) == ("会诊", "tls", True)
    bare = SipUri("h")
    assert (bare.user_name, bare.transport, bare.is_loose_router) == ("", None, False)


def test_password_is_not_shown() -> None:
    assert "secret" not in repr(parse_uri("sip:a:secret@b"))


def test_host_port_with_spaces_as_in_via() -> None:
    assert parse_host_port("host : 5070") == ("host", 5070)
    assert parse_host_port("[::1] : 5070") == ("::1", 5070)
