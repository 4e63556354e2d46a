"""Via, CSeq, Reason, Warning, and the rules below them."""

from __future__ import annotations

import pytest

from sip.cseq import CSeq, parse_cseq
from sip.errors import SipParseError
from sip.grammar import parse_number, quote, split_outside_quotes, unquote
from sip.headers import Headers
from sip.reason import Reason, parse_reasons
from sip.status import phrase
from sip.via import Via, parse_via, parse_vias
from sip.warning import Warning, parse_warnings


def test_via_with_all_white_space_the_grammar_allows() -> None:
    via = parse_via("SIP  /   2.0 / udp    host.example : 5061 ;  branch =  z9hG4bK1 ; rport")
    assert via == Via("UDP", "host.example", 5061, (("branch", "z9hG4bK1"), ("rport", None)))
    assert via.has_unique_branch and via.wants_rport
    assert parse_via(str(via)) == via


@pytest.mark.parametrize("text", ["", "SIP/2.0/UDP", "HTTP/2.0/UDP h", "SIP/2.0/UDP h:99999", "x y"])
def test_malformed_vias_raise(text: str) -> None:
    with pytest.raises(SipParseError):
        parse_via(text)


def test_via_list_and_old_branches() -> None:
    first, second = parse_vias("SIP/2.0/UDP a;branch=z9hG4bK, SIP/2.0/TCP [::1]")
    assert not first.has_unique_branch and not second.has_unique_branch
    assert (second.host, second.branch) == ("::1", "")


def test_received_and_rport_are_filled_in() -> None:
    asked = parse_via("SIP/2.0/UDP 10.0.0.1:5060;rport;branch=z9hG4bK1")
    assert str(asked.received_from("192.0.2.1", 4000)).endswith(";branch=z9hG4bK1;received=192.0.2.1;rport=4000")
    plain = parse_via("SIP/2.0/UDP 10.0.0.1;received=6.6.6.6;branch=z9hG4bK1")
    assert str(plain.received_from("192.0.2.1", 4000)).endswith(";branch=z9hG4bK1;received=192.0.2.1")
    honest = parse_via("SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1")
    assert honest.received_from("192.0.2.1", 4000) == honest


def test_cseq() -> None:
    assert parse_cseq("0009  INVITE") == CSeq(9, "INVITE")
    assert str(CSeq(9, "BYE")) == "9 BYE"
    for text in ("", "INVITE", "1", "x INVITE", "-1 INVITE", f"{2**31} INVITE", "1 IN(VITE", "1 A B"):
        with pytest.raises(SipParseError):
            parse_cseq(text)


def test_reason() -> None:
    reasons = parse_reasons('SIP;cause=200;text="Call, done; \\"ok\\"", Q.850;cause=16')
    assert reasons == (Reason("SIP", 200, 'Call, done; "ok"'), Reason("Q.850", 16))
    assert parse_reasons(", ".join(str(reason) for reason in reasons)) == reasons
    for text in ("SIP;cause=x", "S P", 'SIP;text="open', "SIP;cause=1000"):
        with pytest.raises(SipParseError):
            parse_reasons(text)


def test_warning() -> None:
    warnings = parse_warnings('304 host "no, codec", 399 x:5060 "b"')
    assert warnings == (Warning(304, "no, codec", "host"), Warning(399, "b", "x:5060"))
    assert parse_warnings(str(warnings[0])) == warnings[:1]
    with pytest.raises(SipParseError):
        parse_warnings("304 host text")


def test_numbers_are_bounded() -> None:
    assert parse_number("0" * 20 + "7", 10, "n") == 7
    for text in ("", "11", "-1", "1e3", "٣", "1" * 40):
        with pytest.raises(SipParseError):
            parse_number(text, 10, "n")


def test_quoting() -> None:
    assert unquote(quote('a"b\\c')) == 'a"b\\c'
    assert unquote("plain") == "plain"
    assert split_outside_quotes('a;"b;\\";c";<d;e>', ";") == ["a", '"b;\\";c"', "<d;e>"]
    for text in ('"open', "<open"):
        with pytest.raises(SipParseError):
            split_outside_quotes(text, ";")


def test_headers_know_compact_forms_and_keep_order() -> None:
    headers = Headers([("v", "1"), ("Via", "2"), ("X-Own", "a, b"), ("x", "60")])
    assert headers.get_all("VIA") == ["1", "2"]
    assert headers.get("session-expires") == "60"
    headers.add("K", "timer, 100rel")
    assert headers.tokens("Supported") == ["timer", "100rel"]
    headers.replace_first("Via", "3")
    headers.replace_first("New", "4")
    assert [name for name, _ in headers] == ["Via", "Via", "X-Own", "Session-Expires", "Supported", "New"]
    assert "Nothing" not in headers and len(headers) == 6
    copy = headers.copy()
    copy.add("A", "x\r\nEvil: y")
    assert copy != headers and copy.get("Accept-Contact") == "x  Evil: y"


def test_unknown_status_codes_have_the_phrase_of_their_class() -> None:
    assert (phrase(404), phrase(499), phrase(999)) == ("Not Found", "Bad Request", "Unknown")
