"""Messages to bytes and back (RFC 8855 section 5): a header of twelve octets, then attributes by type and length."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

from sip.bfcp.errors import BfcpError, ErrorCode
from sip.bfcp.message import (
    RELIABLE,
    UNRELIABLE,
    ErrorReport,
    Message,
    Person,
    RequestInformation,
    RequestStatus,
)

HEADER = struct.Struct("!BBHIHH")
HEADER_SIZE = HEADER.size

# A FloorStatus with sixty requests, names and URIs included, fits; nobody has a reason to send more.
MAX_MESSAGE = 16_384
# In one message or group. A FloorStatus has one for each request.
MAX_ATTRIBUTES = 128
# An attribute's length is one octet and counts its own header (section 5.2).
MAX_VALUE = 253

_RESPONDER, _FRAGMENT = 0x10, 0x08


class AttributeType(IntEnum):
    """Section 5.2, table 2."""

    BENEFICIARY_ID = 1
    FLOOR_ID = 2
    FLOOR_REQUEST_ID = 3
    PRIORITY = 4
    REQUEST_STATUS = 5
    ERROR_CODE = 6
    ERROR_INFO = 7
    PARTICIPANT_PROVIDED_INFO = 8
    STATUS_INFO = 9
    SUPPORTED_ATTRIBUTES = 10
    SUPPORTED_PRIMITIVES = 11
    USER_DISPLAY_NAME = 12
    USER_URI = 13
    BENEFICIARY_INFORMATION = 14
    FLOOR_REQUEST_INFORMATION = 15
    REQUESTED_BY_INFORMATION = 16
    FLOOR_REQUEST_STATUS = 17
    OVERALL_REQUEST_STATUS = 18


_Type = AttributeType


@dataclass(frozen=True)
class _Attribute:
    kind: int
    mandatory: bool
    value: bytes

    def number(self) -> int:
        """The 16-bit number that identifiers are, and that groups begin with."""
        if len(self.value) < 2:
            raise BfcpError(f"attribute {self.kind} is too short", ErrorCode.UNABLE_TO_PARSE)
        return int.from_bytes(self.value[:2])

    def text(self) -> str:
        return self.value.decode("utf-8", "replace")


# Reading


def parse(data: bytes) -> Message:
    """One whole message, as a datagram carries it. Raises BfcpError."""
    header, length = parse_header(data)
    if len(data) != HEADER_SIZE + length:
        raise BfcpError("the payload has another length than the header says", ErrorCode.INCORRECT_LENGTH, header)
    try:
        return _read_body(header, data[HEADER_SIZE:])
    except BfcpError as error:
        raise BfcpError(str(error), error.code, header, error.details) from error


def parse_header(data: bytes) -> tuple[Message, int]:
    """The message without its attributes, and how many octets of them follow. Raises BfcpError."""
    if len(data) < HEADER_SIZE:
        raise BfcpError("shorter than a header", ErrorCode.UNABLE_TO_PARSE)
    flags, primitive, words, conference, transaction, user = HEADER.unpack_from(data)
    version = flags >> 5
    header = Message(primitive, conference, transaction, user, version=version)
    if version not in (RELIABLE, UNRELIABLE):
        raise BfcpError(f"version {version}", ErrorCode.UNSUPPORTED_VERSION, replace(header, version=UNRELIABLE))
    header = replace(header, response=version == UNRELIABLE and bool(flags & _RESPONDER))
    if flags & _FRAGMENT and version == UNRELIABLE:
        # Fragments are for messages beyond a datagram (section 5.1); no message to a server is that long.
        raise BfcpError("fragments are not supported", ErrorCode.UNABLE_TO_PARSE, header)
    length = words * 4
    if length + HEADER_SIZE > MAX_MESSAGE:
        raise BfcpError(f"longer than {MAX_MESSAGE} octets", ErrorCode.INCORRECT_LENGTH, header)
    return header, length


def _read_body(header: Message, body: bytes) -> Message:
    floors: list[int] = []
    requests: list[RequestInformation] = []
    found: dict[str, Any] = {}
    unknown: list[int] = []
    for attribute in _attributes(body):
        match attribute.kind:
            case _Type.FLOOR_ID:
                floors.append(attribute.number())
            case _Type.FLOOR_REQUEST_ID:
                found["request_id"] = attribute.number()
            case _Type.BENEFICIARY_ID:
                found["beneficiary_id"] = attribute.number()
            case _Type.PRIORITY:
                found["priority"] = _priority(attribute)
            case _Type.PARTICIPANT_PROVIDED_INFO:
                found["participant_info"] = attribute.text()
            case _Type.STATUS_INFO:
                found["status_info"] = attribute.text()
            case _Type.ERROR_CODE:
                if not attribute.value:
                    raise BfcpError("an ERROR-CODE without a code", ErrorCode.UNABLE_TO_PARSE)
                report = found.get("error", ErrorReport(0))
                found["error"] = replace(report, code=attribute.value[0], details=attribute.value[1:])
            case _Type.ERROR_INFO:
                found["error"] = replace(found.get("error", ErrorReport(0)), info=attribute.text())
            case _Type.FLOOR_REQUEST_INFORMATION:
                requests.append(_read_request(attribute))
            case _Type.BENEFICIARY_INFORMATION:
                found["beneficiary"] = _read_person(attribute)
            case _Type.SUPPORTED_PRIMITIVES:
                found["supported_primitives"] = tuple(attribute.value)
            case _Type.SUPPORTED_ATTRIBUTES:
                found["supported_attributes"] = tuple(octet >> 1 for octet in attribute.value)
            case kind if attribute.mandatory and kind not in _Type._value2member_map_:
                unknown.append(kind)
    if unknown:
        raise BfcpError(
            f"mandatory attributes {unknown} are not known",
            ErrorCode.UNKNOWN_MANDATORY_ATTRIBUTE,
            details=bytes(kind << 1 for kind in unknown),
        )
    return replace(header, floor_ids=tuple(floors), requests=tuple(requests), **found)


def _attributes(body: bytes) -> Iterator[_Attribute]:
    """Type (7 bits), mandatory (1), length (8, with these two octets, without the padding), value, padding."""
    at = count = 0
    while at < len(body):
        count += 1
        if count > MAX_ATTRIBUTES:
            raise BfcpError(f"more than {MAX_ATTRIBUTES} attributes", ErrorCode.UNABLE_TO_PARSE)
        if len(body) - at < 2:
            raise BfcpError("half an attribute at the end", ErrorCode.UNABLE_TO_PARSE)
        length = body[at + 1]
        if length < 2 or at + length > len(body):
            raise BfcpError("an attribute reaches beyond its message", ErrorCode.UNABLE_TO_PARSE)
        yield _Attribute(body[at] >> 1, bool(body[at] & 1), body[at + 2 : at + length])
        at += (length + 3) & ~3


def _priority(attribute: _Attribute) -> int:
    return attribute.number() >> 13


def _read_request(attribute: _Attribute) -> RequestInformation:
    """Section 5.2.15. Floors may differ in status; the overall one counts, else the first floor's."""
    request = RequestInformation(attribute.number())
    overall: RequestInformation | None = None
    for inner in _attributes(attribute.value[2:]):
        match inner.kind:
            case _Type.OVERALL_REQUEST_STATUS:
                overall = _read_status(inner, request)
            case _Type.FLOOR_REQUEST_STATUS:
                told = _read_status(inner, request)
                if request.status is not None:
                    told = request
                request = replace(told, floor_ids=(*request.floor_ids, inner.number()))
            case _Type.BENEFICIARY_INFORMATION:
                request = replace(request, beneficiary=_read_person(inner))
            case _Type.REQUESTED_BY_INFORMATION:
                request = replace(request, requested_by=_read_person(inner))
            case _Type.PRIORITY:
                request = replace(request, priority=_priority(inner))
            case _Type.PARTICIPANT_PROVIDED_INFO:
                request = replace(request, participant_info=inner.text())
    if overall is None or overall.status is None:
        return request
    return replace(
        request, status=overall.status, queue_position=overall.queue_position, status_info=overall.status_info
    )


def _read_status(group: _Attribute, request: RequestInformation) -> RequestInformation:
    """The REQUEST-STATUS and STATUS-INFO of a group, laid over ``request``."""
    group.number()
    for inner in _attributes(group.value[2:]):
        if inner.kind == _Type.REQUEST_STATUS:
            number = inner.number()
            code, position = number >> 8, number & 0xFF
            if code not in RequestStatus._value2member_map_:
                raise BfcpError(f"request status {code}", ErrorCode.UNABLE_TO_PARSE)
            request = replace(request, status=RequestStatus(code), queue_position=position)
        elif inner.kind == _Type.STATUS_INFO:
            request = replace(request, status_info=inner.text())
    return request


def _read_person(group: _Attribute) -> Person:
    person = Person(group.number())
    for inner in _attributes(group.value[2:]):
        if inner.kind == _Type.USER_DISPLAY_NAME:
            person = replace(person, name=inner.text())
        elif inner.kind == _Type.USER_URI:
            person = replace(person, uri=inner.text())
    return person


# Writing


def serialize(message: Message) -> bytes:
    """The message as bytes. Texts that are too long for an attribute are cut."""
    body = b"".join(_write_body(message))
    flags = message.version << 5 | (_RESPONDER if message.response and message.version == UNRELIABLE else 0)
    header = HEADER.pack(
        flags, message.primitive, len(body) // 4, message.conference_id, message.transaction_id, message.user_id
    )
    return header + body


def _write_body(message: Message) -> Iterator[bytes]:
    """In the order of the message's formal syntax (section 5.3): what identifies it first."""
    if message.request_id is not None:
        yield _number(_Type.FLOOR_REQUEST_ID, message.request_id)
    yield from (_number(_Type.FLOOR_ID, floor) for floor in message.floor_ids)
    if message.beneficiary_id is not None:
        yield _number(_Type.BENEFICIARY_ID, message.beneficiary_id)
    if message.beneficiary is not None:
        yield _person(_Type.BENEFICIARY_INFORMATION, message.beneficiary)
    yield from (_request(request) for request in message.requests)
    if message.participant_info:
        yield _text(_Type.PARTICIPANT_PROVIDED_INFO, message.participant_info)
    if message.status_info:
        yield _text(_Type.STATUS_INFO, message.status_info)
    if message.priority is not None:
        yield _number(_Type.PRIORITY, message.priority << 13)
    if message.supported_primitives:
        yield _attribute(_Type.SUPPORTED_PRIMITIVES, bytes(message.supported_primitives))
    if message.supported_attributes:
        yield _attribute(_Type.SUPPORTED_ATTRIBUTES, bytes(kind << 1 for kind in message.supported_attributes))
    if message.error is not None:
        yield _attribute(_Type.ERROR_CODE, bytes([message.error.code]) + message.error.details)
        if message.error.info:
            yield _text(_Type.ERROR_INFO, message.error.info)


def _attribute(kind: int, value: bytes) -> bytes:
    """M is set on all that we write: each of them means something to the receiver."""
    value = value[:MAX_VALUE]
    return bytes([kind << 1 | 1, len(value) + 2]) + value + bytes(-(len(value) + 2) % 4)


def _number(kind: int, value: int) -> bytes:
    return _attribute(kind, value.to_bytes(2))


def _text(kind: int, text: str, longest: int = MAX_VALUE) -> bytes:
    """UTF-8, cut between characters where it is too long."""
    return _attribute(kind, text.encode()[:longest].decode("utf-8", "ignore").encode())


def _group(kind: int, number: int, parts: list[bytes]) -> bytes:
    """Parts that do not fit any more are left out from the end: the first ones tell most."""
    value = number.to_bytes(2)
    for part in parts:
        if len(value) + len(part) <= MAX_VALUE:
            value += part
    return _attribute(kind, value)


# A name and a URI must fit a group, which in turn must fit the group of its request.
_NAME = 48


def _person(kind: int, person: Person) -> bytes:
    parts = [_text(_Type.USER_DISPLAY_NAME, person.name, _NAME)] if person.name else []
    if person.uri:
        parts.append(_text(_Type.USER_URI, person.uri, _NAME))
    return _group(kind, person.user_id, parts)


def _request(request: RequestInformation) -> bytes:
    status: list[bytes] = []
    if request.status is not None:
        status.append(_number(_Type.REQUEST_STATUS, request.status << 8 | request.queue_position))
    overall = [*status, _text(_Type.STATUS_INFO, request.status_info, _NAME)] if request.status_info else status
    parts: list[bytes] = []
    if overall:
        parts.append(_group(_Type.OVERALL_REQUEST_STATUS, request.request_id, overall))
    parts += [_group(_Type.FLOOR_REQUEST_STATUS, floor, status) for floor in request.floor_ids]
    if request.beneficiary is not None:
        parts.append(_person(_Type.BENEFICIARY_INFORMATION, request.beneficiary))
    if request.requested_by is not None:
        parts.append(_person(_Type.REQUESTED_BY_INFORMATION, request.requested_by))
    if request.priority is not None:
        parts.append(_number(_Type.PRIORITY, request.priority << 13))
    if request.participant_info:
        parts.append(_text(_Type.PARTICIPANT_PROVIDED_INFO, request.participant_info, _NAME))
    return _group(_Type.FLOOR_REQUEST_INFORMATION, request.request_id, parts)


class StreamReader:
    """Cuts a byte stream into messages (section 6.1): the header tells each one's length.

    Once it cannot be followed any more it stays so; the connection is then to be closed.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._broken = False

    def feed(self, data: bytes, on_message: Callable[[bytes], None]) -> bool:
        """Take in what has come, and hand over every message that is complete; False when the stream makes no sense."""
        if self._broken:
            return False
        self._buffer += data
        while len(self._buffer) >= HEADER_SIZE:
            try:
                _, length = parse_header(bytes(self._buffer[:HEADER_SIZE]))
            except BfcpError:
                self._broken = True
                self._buffer.clear()
                return False
            size = HEADER_SIZE + length
            if len(self._buffer) < size:
                break
            message = bytes(self._buffer[:size])
            del self._buffer[:size]
            on_message(message)
        return True
