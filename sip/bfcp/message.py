"""Floor control messages as values, with the numbers of RFC 8855 section 5."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from sip.bfcp.errors import ErrorCode

RELIABLE, UNRELIABLE = 1, 2
"""Protocol versions: over a stream, and over datagrams (RFC 8855 section 5.1)."""


class Primitive(IntEnum):
    """What a message is about (section 5.1, table 1)."""

    FLOOR_REQUEST = 1
    FLOOR_RELEASE = 2
    FLOOR_REQUEST_QUERY = 3
    FLOOR_REQUEST_STATUS = 4
    USER_QUERY = 5
    USER_STATUS = 6
    FLOOR_QUERY = 7
    FLOOR_STATUS = 8
    CHAIR_ACTION = 9
    CHAIR_ACTION_ACK = 10
    HELLO = 11
    HELLO_ACK = 12
    ERROR = 13
    FLOOR_REQUEST_STATUS_ACK = 14
    FLOOR_STATUS_ACK = 15
    GOODBYE = 16
    GOODBYE_ACK = 17


class RequestStatus(IntEnum):
    """Where a floor request stands (section 5.2.5)."""

    PENDING = 1
    ACCEPTED = 2
    GRANTED = 3
    DENIED = 4
    CANCELLED = 5
    RELEASED = 6
    REVOKED = 7

    @property
    def over(self) -> bool:
        """Whether nothing can come after it."""
        return self >= RequestStatus.DENIED


NORMAL_PRIORITY = 2


@dataclass(frozen=True)
class Person:
    """BENEFICIARY-INFORMATION and REQUESTED-BY-INFORMATION: a user, by id, name and URI."""

    user_id: int
    name: str = ""
    uri: str = ""


@dataclass(frozen=True)
class RequestInformation:
    """FLOOR-REQUEST-INFORMATION: a request and where it stands.

    ``queue_position`` is 1 for who comes next, 0 when it is not known or means nothing. ``status`` None: not told.
    """

    request_id: int
    status: RequestStatus | None = None
    queue_position: int = 0
    floor_ids: tuple[int, ...] = ()
    status_info: str = ""
    beneficiary: Person | None = None
    requested_by: Person | None = None
    priority: int | None = None
    participant_info: str = ""


@dataclass(frozen=True)
class ErrorReport:
    """ERROR-CODE with its details, and ERROR-INFO for people. ``code`` may be one that we do not know."""

    code: int
    details: bytes = b""
    info: str = ""

    @property
    def known(self) -> ErrorCode | None:
        """The code where it is one of RFC 8855."""
        return ErrorCode(self.code) if self.code in ErrorCode._value2member_map_ else None


@dataclass(frozen=True)
class Message:
    """One message. ``primitive`` is a plain number where it is one that we do not know.

    ``response`` is the R flag, which only version 2 has. Fields are empty when their attribute is absent;
    ``supported_*`` are the numbers that a HelloAck lists.
    """

    primitive: int
    conference_id: int
    transaction_id: int
    user_id: int
    version: int = RELIABLE
    response: bool = False
    floor_ids: tuple[int, ...] = ()
    request_id: int | None = None
    beneficiary_id: int | None = None
    priority: int | None = None
    participant_info: str = ""
    status_info: str = ""
    error: ErrorReport | None = None
    requests: tuple[RequestInformation, ...] = ()
    beneficiary: Person | None = None
    supported_primitives: tuple[int, ...] = ()
    supported_attributes: tuple[int, ...] = ()
