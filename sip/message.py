"""SIP requests and responses, and how they are read from bytes and written to them (RFC 3261 §7)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cached_property

from sip.address import NameAddress, parse_addresses, parse_name_address
from sip.contact import parse_contacts
from sip.cseq import CSeq, parse_cseq
from sip.errors import SipParseError
from sip.grammar import is_token, parse_number, split_outside_quotes
from sip.headers import Headers
from sip.status import phrase
from sip.uri import SipUri, Uri, parse_uri
from sip.via import Via, parse_via, parse_vias

# A datagram cannot be larger; on streams it keeps a peer from filling memory. The largest SDP of a video room with
# three m-lines stays under 8 kB.
MAX_MESSAGE_SIZE = 65535
# The start line with all headers; leaves room for long Record-Route sets.
MAX_HEAD_SIZE = 32768
# RFC 4475's longest legal message has 40 lines; proxies add some.
MAX_HEADER_LINES = 256

_HEAD_END = re.compile(rb"\r?\n\r?\n")
_LINE_END = re.compile(r"\r?\n")
_FOLD = re.compile(r"\r?\n[ \t]+")
_HEADER = re.compile(r"([A-Za-z0-9\-.!%*_+`'~]+)[ \t]*:[ \t]*(.*)", re.DOTALL)
_REQUEST_LINE = re.compile(r"(\S+) (.+) (SIP/[0-9]+\.[0-9]+)", re.IGNORECASE)
_STATUS_LINE = re.compile(r"(SIP/[0-9]+\.[0-9]+) ([0-9]{3})(?: (.*))?", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r";\s*tag\s*=\s*[^\s;]", re.IGNORECASE)
_SINGLE_HEADERS = ("From", "To", "Call-ID", "CSeq", "Content-Length", "Max-Forwards", "Content-Type")


@dataclass(frozen=True)
class _Message:
    """What requests and responses have in common. Typed headers are parsed once, on parsing the message."""

    headers: Headers = field(default_factory=Headers)
    body: bytes = b""

    @cached_property
    def vias(self) -> tuple[Via, ...]:
        """All Vias, topmost first."""
        return tuple(via for value in self.headers.get_all("Via") for via in parse_vias(value))

    @cached_property
    def via(self) -> Via:
        """The topmost Via; the others need not be readable for it."""
        return parse_via(split_outside_quotes(self._required("Via"), ",")[0])

    @cached_property
    def from_address(self) -> NameAddress:
        """The From header."""
        return parse_name_address(self._required("From"))

    @cached_property
    def to_address(self) -> NameAddress:
        """The To header."""
        return parse_name_address(self._required("To"))

    @cached_property
    def call_id(self) -> str:
        """The Call-ID header."""
        value = self._required("Call-ID")
        if not value or " " in value or len(value) > 512:
            raise SipParseError("the Call-ID is malformed")
        return value

    @cached_property
    def cseq(self) -> CSeq:
        """The CSeq header."""
        return parse_cseq(self._required("CSeq"))

    @cached_property
    def contacts(self) -> tuple[NameAddress, ...]:
        """The Contact headers."""
        return parse_contacts(self.headers.get_all("Contact"))

    @cached_property
    def record_routes(self) -> tuple[NameAddress, ...]:
        """The Record-Route headers in the order of the message."""
        return tuple(item for value in self.headers.get_all("Record-Route") for item in parse_addresses(value))

    @cached_property
    def routes(self) -> tuple[NameAddress, ...]:
        """The Route headers."""
        return tuple(item for value in self.headers.get_all("Route") for item in parse_addresses(value))

    @property
    def content_type(self) -> str:
        """The media type in lower case without parameters; "" when absent."""
        return (self.headers.get("Content-Type") or "").partition(";")[0].strip().lower()

    def _required(self, name: str) -> str:
        value = self.headers.get(name)
        if value is None:
            raise SipParseError(f"there is no {name}")
        return value

    def _check(self) -> None:
        """Parse every typed header so that later access cannot fail. Raises SipParseError."""
        for name in _SINGLE_HEADERS:
            if len(self.headers.get_all(name)) > 1:
                raise SipParseError(f"{name} stands there more than once")
        _ = self.via, self.vias, self.from_address, self.to_address, self.call_id, self.cseq
        _ = self.contacts, self.record_routes, self.routes
        if any(via.version != "2.0" for via in self.vias):
            raise SipParseError("a Via has an unknown version", status=505)
        forwards = self.headers.get("Max-Forwards")
        if forwards is not None:
            parse_number(forwards, 255, "Max-Forwards")

    def _rest_to_bytes(self, start_line: str) -> bytes:
        fields = (f"{name}: {value}" for name, value in self.headers if name.lower() != "content-length")
        lines = [start_line, *fields]
        lines.append(f"Content-Length: {len(self.body)}\r\n\r\n")
        return "\r\n".join(lines).encode("utf-8", "surrogateescape") + self.body


@dataclass(frozen=True)
class Request(_Message):
    """A request. ``method`` is case-sensitive; ``uri`` is the Request-URI."""

    method: str = field(kw_only=True)
    uri: Uri = field(kw_only=True)

    def __bytes__(self) -> bytes:
        return self._rest_to_bytes(f"{self.method} {self.uri} SIP/2.0")

    def received_from(self, host: str, port: int) -> Request:
        """The request with the address it came from in its topmost Via (RFC 3261 §18.2.1)."""
        headers = self.headers.copy()
        others = split_outside_quotes(self._required("Via"), ",")[1:]
        headers.replace_first("Via", ",".join([str(self.via.received_from(host, port)), *others]))
        return replace(self, headers=headers)

    def response(self, status: int, to_tag: str | None = None, reason: str | None = None) -> Response:
        """A response with what every response copies from its request (RFC 3261 §8.2.6.2)."""
        headers = Headers()
        for name in ("Via", "From"):
            for value in self.headers.get_all(name):
                headers.add(name, value)
        # Not by parsing it: the To may be what is refused, or even missing.
        to = self.headers.get("To")
        if to is not None:
            has_tag = _TAG.search(to.rpartition(">")[2]) is not None
            headers.add("To", to if has_tag or to_tag is None else f"{to};tag={to_tag}")
        for name in ("Call-ID", "CSeq"):
            copied = self.headers.get(name)
            if copied is not None:
                headers.add(name, copied)
        if status == 100 and "Timestamp" in self.headers:
            headers.add("Timestamp", self.headers.get("Timestamp") or "")
        return Response(headers=headers, status=status, reason=reason or phrase(status))


@dataclass(frozen=True)
class Response(_Message):
    """A response with its status code and reason phrase."""

    status: int = field(kw_only=True)
    reason: str = field(kw_only=True)

    def __bytes__(self) -> bytes:
        reason = self.reason.replace("\r", " ").replace("\n", " ")
        return self._rest_to_bytes(f"SIP/2.0 {self.status} {reason}")

    @property
    def is_provisional(self) -> bool:
        """1xx."""
        return self.status < 200

    @property
    def is_success(self) -> bool:
        """2xx."""
        return 200 <= self.status < 300


Message = Request | Response


def parse(data: bytes) -> Message:
    """One whole message, as a datagram or as cut from a stream. Raises SipParseError.

    Without Content-Length the body reaches to the end; bytes beyond Content-Length are dropped (RFC 3261 §18.3).
    """
    if len(data) > MAX_MESSAGE_SIZE:
        raise SipParseError("the message is too large", status=513)
    end = _HEAD_END.search(data)
    head, body = (data[: end.start()], data[end.end() :]) if end else (data.rstrip(b"\r\n"), b"")
    if len(head) > MAX_HEAD_SIZE:
        raise SipParseError("the headers are too large", status=513)
    start_line, *lines = _LINE_END.split(_FOLD.sub(" ", head.decode("utf-8", "surrogateescape")))
    headers, fault = _parse_header_lines(lines)
    status_line = _STATUS_LINE.fullmatch(start_line)
    if status_line is not None:
        return _parse_response(status_line, headers, body, fault)
    return _parse_request(start_line, headers, body, fault)


def _parse_header_lines(lines: list[str]) -> tuple[Headers, SipParseError | None]:
    """All readable header lines, and the first fault: a request with a bad line can still be refused politely."""
    headers = Headers()
    fault: SipParseError | None = None
    if len(lines) > MAX_HEADER_LINES:
        return headers, SipParseError("there are too many headers", status=513)
    for line in lines:
        match = _HEADER.fullmatch(line)
        if match is None:
            fault = fault or SipParseError("a header line is malformed")
        else:
            headers.add(match[1], match[2].strip())
    return headers, fault


def _cut_body(headers: Headers, body: bytes) -> bytes:
    value = headers.get("Content-Length")
    if value is None:
        return body
    length = parse_number(value, MAX_MESSAGE_SIZE, "Content-Length")
    if length > len(body):
        raise SipParseError("the body is shorter than Content-Length")
    return body[:length]


def _parse_response(match: re.Match[str], headers: Headers, body: bytes, fault: SipParseError | None) -> Response:
    if fault is not None:
        raise fault
    if match[1].upper() != "SIP/2.0":
        raise SipParseError("the version is unknown", status=505)
    status = int(match[2])
    if not 100 <= status <= 699:
        raise SipParseError("the status code is out of range")
    response = Response(headers=headers, body=_cut_body(headers, body), status=status, reason=match[3] or "")
    response._check()
    return response


def _parse_request(start_line: str, headers: Headers, body: bytes, fault: SipParseError | None) -> Request:
    match = _REQUEST_LINE.fullmatch(start_line)
    if match is None or not is_token(match[1]):
        method = start_line.partition(" ")[0]
        request = _answerable(method, headers) if " SIP/" in start_line and is_token(method) else None
        raise SipParseError("the start line is malformed", request=request)
    method = match[1]
    try:
        if match[3].upper() != "SIP/2.0":
            raise SipParseError("the version is unknown", status=505)
        if fault is not None:
            raise fault
        uri = parse_uri(match[2])
        if isinstance(uri, SipUri) and uri.headers:
            raise SipParseError("the Request-URI must not have headers")
        request = Request(headers=headers, body=_cut_body(headers, body), method=method, uri=uri)
        request._check()
        if request.cseq.method != method:
            raise SipParseError("the CSeq names another method")
    except SipParseError as error:
        raise SipParseError(str(error), error.status, _answerable(method, headers)) from None
    return request


def _answerable(method: str, headers: Headers) -> Request | None:
    """A faulty request cut down to what a response needs, or None when even that is not there.

    Whoever forgot From, To or Call-ID finds its transaction by Via and CSeq (RFC 4475 §3.3.1).
    """
    if "Via" not in headers or "CSeq" not in headers:
        return None
    request = Request(headers=headers, method=method, uri=SipUri("invalid"))
    try:
        _ = request.via  # a refusal is routed by the topmost Via; the other headers are only repeated
    except SipParseError:
        return None
    return request
