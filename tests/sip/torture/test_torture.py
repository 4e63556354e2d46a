"""What becomes of the torture messages of RFC 4475 and RFC 5118 in a user agent with a registrar."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sip.address import NameAddress
from sip.events import IncomingCall, MessageReceived
from sip.flow import Flow
from sip.message import Request, Response, parse
from sip.sdp.grammar import parse as parse_description
from sip.serving import Responder
from sip.uri import OtherUri, SipUri
from tests.sip.network import ANSWER
from tests.sip.test_agent import Peer
from tests.sip.torture import invalid_messages as invalid
from tests.sip.torture import ipv6_messages as ipv6
from tests.sip.torture import other_messages as other
from tests.sip.torture import valid_messages as valid


class Torturer(Peer):
    """A peer of an agent whose registrar takes everything."""

    def __init__(self) -> None:
        super().__init__()
        self.registered: list[Request] = []
        self.agent.serve_method("REGISTER", self._register)

    def _register(self, request: Request, flow: Flow, responder: Responder) -> None:
        self.registered.append(request)
        responder.respond(200)

    def answers(self, data: bytes) -> list[str]:
        return self.send_raw(data)

    def call(self) -> IncomingCall:
        event = self.agent_node.of_type(IncomingCall)[-1]
        assert isinstance(event, IncomingCall)
        return event


def request(data: bytes) -> Request:
    message = parse(data)
    assert isinstance(message, Request)
    return message


def sip(address: NameAddress) -> SipUri:
    assert isinstance(address.uri, SipUri)
    return address.uri


WHAT_HAPPENS: dict[str, tuple[bytes, list[str]]] = {
    # RFC 4475 §3.1.1
    "wsinv": (valid.TORTUOUS_INVITE, ["481"]),  # by its To tag it belongs to a call that we do not know
    "intmeth": (valid.WIDE_RANGE_OF_CHARACTERS, ["405"]),
    "esc01": (valid.ESCAPES, ["100"]),
    "escnull": (valid.ESCAPED_NULLS, ["200"]),
    "esc02": (valid.PERCENT_WITHOUT_MEANING, ["405"]),
    "lwsdisp": (valid.NO_SPACE_BEFORE_BRACKET, ["200"]),
    "longreq": (valid.LONG_VALUES, ["100"]),
    "dblreq": (valid.TWO_IN_ONE_DATAGRAM, ["200"]),
    "semiuri": (valid.SEMICOLON_IN_USER_PART, ["200"]),
    "transports": (valid.VARIED_TRANSPORTS, ["200"]),
    "mpart01": (valid.MULTIPART_MESSAGE, ["202"]),
    "unreason": (valid.UNUSUAL_REASON_PHRASE, []),
    "noreason": (valid.EMPTY_REASON_PHRASE, []),
    # §3.1.2
    "badinv01": (invalid.EXTRANEOUS_SEPARATORS, ["400"]),
    "clerr": (invalid.LENGTH_TOO_LARGE, ["400"]),
    "ncl": (invalid.LENGTH_NEGATIVE, ["400"]),
    "scalar02": (invalid.REQUEST_SCALARS_TOO_LARGE, ["400"]),
    "scalarlg": (invalid.RESPONSE_SCALARS_TOO_LARGE, []),
    "quotbal": (invalid.UNCLOSED_QUOTES, ["400"]),
    "ltgtruri": (invalid.BRACKETS_ROUND_THE_URI, ["400"]),
    "lwsruri": (invalid.SPACE_IN_THE_URI, ["400"]),
    "lwsstart": (invalid.SPACES_IN_THE_START_LINE, ["400"]),
    "trws": (invalid.SPACES_AFTER_THE_START_LINE, ["400"]),
    "escruri": (invalid.HEADERS_IN_THE_URI, ["400"]),
    "baddate": (invalid.DATE_OUTSIDE_GMT, ["100"]),  # "may accept the request": we use no Date
    "regbadct": (invalid.CONTACT_WITHOUT_BRACKETS, ["400"]),
    "badaspec": (invalid.SPACES_INSIDE_BRACKETS, ["200"]),  # "SHOULD attempt to be liberal": what is meant is clear
    "baddn": (invalid.COMMA_IN_A_BARE_NAME, ["400"]),
    "badvers": (invalid.UNKNOWN_VERSION, ["505"]),
    "mismatch01": (invalid.OTHER_METHOD_IN_CSEQ, ["400"]),
    "mismatch02": (invalid.UNKNOWN_METHOD_WITH_OTHER_IN_CSEQ, ["400"]),
    "bigcode": (invalid.STATUS_TOO_LARGE, []),
    # §3.2 to §3.4
    "badbranch": (other.BRANCH_OF_COOKIE_ONLY, ["200"]),
    "insuf": (other.WITHOUT_REQUIRED_HEADERS, ["400"]),
    "unkscm": (other.UNKNOWN_SCHEME, ["416"]),
    "novelsc": (other.KNOWN_SCHEME_NOT_SIP, ["416"]),
    "unksm2": (other.UNKNOWN_SCHEMES_IN_HEADERS, ["200"]),  # whom it registers is the registrar's to judge
    "bext01": (other.UNKNOWN_EXTENSIONS, ["420"]),
    "invut": (other.UNKNOWN_BODY, ["415"]),
    "regaut01": (other.UNKNOWN_AUTHENTICATION, ["200"]),  # the same
    "multi01": (other.SINGLE_HEADERS_TWICE, ["400"]),
    "mcl01": (other.TWO_LENGTHS, ["400"]),
    "bcast": (other.RESPONSE_FOR_SOMEBODY_ELSE, []),
    "zeromf": (other.NO_HOPS_LEFT, ["200"]),  # Max-Forwards is for those who pass on
    "cparam01": (other.PARAMETER_OF_THE_CONTACT, ["200"]),
    "cparam02": (other.PARAMETER_OF_THE_URI, ["200"]),
    "regescrt": (other.HEADERS_IN_THE_CONTACT, ["200"]),
    "sdp01": (other.ANSWER_IN_AN_UNKNOWN_FORMAT, ["406"]),
    "inv2543": (other.OF_RFC_2543, ["100"]),
    # RFC 5118 §4
    "4.1": (ipv6.REFERENCE, ["200"]),
    "4.2": (ipv6.WITHOUT_BRACKETS, ["400"]),
    "4.3": (ipv6.PORT_INSIDE_BRACKETS, ["200"]),
    "4.4": (ipv6.PORT_OUTSIDE_BRACKETS, ["200"]),
    "4.5 with": (ipv6.RECEIVED_IN_BRACKETS, ["200"]),
    "4.5 without": (ipv6.RECEIVED_WITHOUT_BRACKETS, ["200"]),
    "4.6": (ipv6.DESCRIBED_IN_SDP, ["100"]),
    "4.7": (ipv6.BOTH_FAMILIES_IN_VIAS, ["481"]),
    "4.8": (ipv6.BOTH_FAMILIES_IN_SDP, ["100"]),
    "4.9": (ipv6.IPV4_MAPPED, ["100"]),
    "4.10": (ipv6.THREE_COLONS, ["200"]),
}


@pytest.mark.parametrize("name", WHAT_HAPPENS)
def test_each_message_is_answered_as_the_rfc_says(name: str) -> None:
    data, expected = WHAT_HAPPENS[name]
    torturer = Torturer()
    assert torturer.answers(data) == expected


@pytest.mark.parametrize(
    "name", [name for name, (_, expected) in WHAT_HAPPENS.items() if expected == ["100"]]
)  # the calls
def test_each_well_formed_call_can_be_answered_and_ended(name: str) -> None:
    torturer = Torturer()
    torturer.answers(WHAT_HAPPENS[name][0])
    torturer.agent.accept(torturer.call().call, ANSWER)
    torturer.network.run(40)
    sent = [parse(data) for _, _, data in torturer.network.sent]
    statuses = [message.status for message in sent if isinstance(message, Response)]
    assert statuses[:2] == [100, 200]
    assert isinstance(sent[-1], Request), "without an ACK the call ends"
    assert sent[-1].method == "BYE"


def test_wsinv_has_the_values_that_are_meant() -> None:
    message = request(valid.TORTUOUS_INVITE)
    assert (message.to_address.tag, message.from_address.tag) == ("1918181833n", "98asjd8")
    assert message.from_address.name == 'J Rosenberg \\"'
    assert (message.cseq.number, message.cseq.method) == (9, "INVITE")
    assert message.headers.get("Max-Forwards") == "0068"
    assert [via.host for via in message.vias] == ["192.0.2.2", "spindle.example.com", "192.168.255.111"]
    assert [via.transport for via in message.vias] == ["UDP", "TCP", "UDP"]
    assert [via.branch for via in message.vias] == ["390skdjuw", "z9hG4bK9ikj8", "z9hG4bK30239"]
    assert message.contacts[0].name == 'Quoted string ""'
    assert message.contacts[0].parameters == (("newparam", "newvalue"), ("secondparam", None), ("q", "0.33"))
    assert sip(message.routes[0]).parameters == (("lr", None), ("unknownwith", "value"), ("unknown-no-value", None))
    assert message.headers.get("Subject") == ""
    assert message.headers.get("NewFangledHeader") == "newfangled value continued newfangled value"
    assert message.headers.get("UnknownHeaderWithUnusualValue") == ";;,,;;,;"


def test_intmeth_keeps_its_unusual_characters() -> None:
    message = request(valid.WIDE_RANGE_OF_CHARACTERS)
    assert message.method == valid.UNUSUAL_METHOD
    uri = message.uri
    assert isinstance(uri, SipUri)
    assert uri.user == "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
    assert uri.password == "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"
    assert uri.host == "example.com"
    assert message.to_address.name == "BEL:\x07 NUL:\x00 DEL:\x7f"
    assert message.from_address.name == "token1~` token2'+_ token3*%!.-"
    assert message.from_address.tag == "_token~1'+`*%!-."


def test_escapes_are_resolved_in_names_and_nowhere_else() -> None:
    message = request(valid.ESCAPES)
    uri = message.uri
    assert isinstance(uri, SipUri)
    assert (uri.user_name, uri.host) == ("sips:user@example.com", "example.net")
    assert sip(message.to_address).user_name == "user"
    assert sip(message.from_address).user_name == "I have spaces"
    assert sip(message.contacts[0]).user_name == "caller"
    null = request(valid.ESCAPED_NULLS)
    assert sip(null.to_address).user == "null-%00-null"
    assert [sip(contact).user for contact in null.contacts] == ["%00", "%00%00"]


def test_a_percent_sign_in_a_method_or_header_name_means_nothing() -> None:
    message = request(valid.PERCENT_WITHOUT_MEANING)
    assert message.method == "RE%47IST%45R"
    assert [sip(contact).user for contact in message.contacts] == ["alias1", "alias3"]
    assert message.to_address.name == "%Z%45"
    assert not Torturer().registered


def test_longreq_has_all_its_vias() -> None:
    message = request(valid.LONG_VALUES)
    assert len(message.vias) == 34
    assert sip(message.from_address).user == "amazinglylongcallername" * 5


def test_only_the_first_message_of_a_datagram_counts() -> None:
    torturer = Torturer()
    torturer.answers(valid.TWO_IN_ONE_DATAGRAM)
    assert [message.call_id for message in torturer.registered] == ["dblreq.0ha0isndaksdj99sdfafnl3lk233412"]
    assert not torturer.agent_node.events


def test_a_semicolon_in_the_user_part_starts_no_parameter() -> None:
    uri = request(valid.SEMICOLON_IN_USER_PART).uri
    assert isinstance(uri, SipUri)
    assert (uri.user_name, uri.host, uri.parameters) == ("user;par=u@example.net", "example.com", ())


def test_the_text_of_a_message_with_binary_parts_is_found() -> None:
    torturer = Torturer()
    torturer.answers(valid.MULTIPART_MESSAGE)
    event = torturer.agent_node.of_type(MessageReceived)[0]
    assert isinstance(event, MessageReceived)
    assert (event.text, event.from_name) == ("Hello", "fluffy")


def test_reason_phrases_may_be_empty_or_in_any_language() -> None:
    response = parse(valid.UNUSUAL_REASON_PHRASE)
    assert isinstance(response, Response)
    assert response.reason == "= 2**3 * 5**2 но сто девяносто девять - простое"
    response = parse(valid.EMPTY_REASON_PHRASE)
    assert isinstance(response, Response)
    assert (response.status, response.reason) == (100, "")


def test_the_parameter_of_a_contact_without_brackets_is_the_contacts() -> None:
    contact = request(other.PARAMETER_OF_THE_CONTACT).contacts[0]
    assert (contact.parameters, sip(contact).parameters) == ((("unknownparam", None),), ())
    contact = request(other.PARAMETER_OF_THE_URI).contacts[0]
    assert (contact.parameters, sip(contact).parameters) == ((), (("unknownparam", None),))
    contact = request(other.HEADERS_IN_THE_CONTACT).contacts[0]
    assert sip(contact).headers == "Route=%3Csip:sip.example.com%3E"


def test_addresses_of_other_schemes_are_kept_for_the_registrar() -> None:
    message = request(other.UNKNOWN_SCHEMES_IN_HEADERS)
    assert message.to_address.uri == OtherUri("isbn", "2983792873")
    assert message.contacts[0].uri == OtherUri("name", "John_Smith")


def test_refusals_say_what_would_have_been_understood() -> None:
    def refused(data: bytes) -> Response:
        torturer = Torturer()
        torturer.answers(data)
        answer = torturer.last()
        assert isinstance(answer, Response)
        return answer

    assert refused(other.UNKNOWN_EXTENSIONS).headers.tokens("Unsupported") == [
        "nothingSupportsThis",
        "nothingSupportsThisEither",
    ]
    assert "application/sdp" in refused(other.UNKNOWN_BODY).headers.tokens("Accept")
    assert "INVITE" in refused(valid.PERCENT_WITHOUT_MEANING).headers.tokens("Allow")


def test_an_invite_without_required_headers_is_answered_with_what_it_has() -> None:
    torturer = Torturer()
    torturer.send_raw(other.WITHOUT_REQUIRED_HEADERS)
    data = torturer.network.sent[-1][2]
    assert data.startswith(b"SIP/2.0 400 ")
    assert b"\r\nCSeq: 193942 INVITE\r\n" in data
    assert b"\r\nCall-ID:" not in data


@pytest.mark.parametrize(
    ("data", "check"),
    [
        (ipv6.REFERENCE, lambda message: message.uri == SipUri("2001:db8::10")),
        (ipv6.PORT_INSIDE_BRACKETS, lambda message: message.uri == SipUri("2001:db8::10:5070")),
        (ipv6.PORT_OUTSIDE_BRACKETS, lambda message: message.uri == SipUri("2001:db8::10", port=5070)),
        (ipv6.RECEIVED_IN_BRACKETS, lambda message: message.via.host == "2001:db8::9:1"),
        (ipv6.THREE_COLONS, lambda message: message.uri == SipUri("2001:db8::c000:201", "user")),
        (
            ipv6.BOTH_FAMILIES_IN_VIAS,
            lambda message: [via.host for via in message.vias] == ["2001:db8::9:1", "192.0.2.1", "2001:db8::9:255"],
        ),
    ],
)
def test_ipv6_addresses_are_read(data: bytes, check: Callable[[Request], bool]) -> None:
    assert check(request(data))


def test_a_session_may_mix_address_families() -> None:
    torturer = Torturer()
    torturer.answers(ipv6.BOTH_FAMILIES_IN_SDP)
    description = parse_description(torturer.call().offer or "")
    assert [(media.media, media.connection and media.connection.address) for media in description.media] == [
        ("audio", "192.0.2.1"),
        ("video", "2001:db8::1"),
    ]
