"""The one error of reading floor control messages, with the code that its sender is to be told."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sip.bfcp.message import Message


class ErrorCode(IntEnum):
    """RFC 8855 section 5.2.6."""

    CONFERENCE_DOES_NOT_EXIST = 1
    USER_DOES_NOT_EXIST = 2
    UNKNOWN_PRIMITIVE = 3
    UNKNOWN_MANDATORY_ATTRIBUTE = 4
    UNAUTHORIZED_OPERATION = 5
    INVALID_FLOOR_ID = 6
    FLOOR_REQUEST_ID_DOES_NOT_EXIST = 7
    TOO_MANY_REQUESTS = 8
    USE_TLS = 9
    UNABLE_TO_PARSE = 10
    USE_DTLS = 11
    UNSUPPORTED_VERSION = 12
    INCORRECT_LENGTH = 13
    GENERIC = 14


class BfcpError(Exception):
    """These bytes are no message that we understand.

    ``header`` is a message without attributes when at least the common header could be read: then an Error with
    ``code`` can be sent back. ``details`` go with the code: the attribute types of UNKNOWN_MANDATORY_ATTRIBUTE.
    """

    def __init__(self, message: str, code: ErrorCode, header: Message | None = None, details: bytes = b"") -> None:
        super().__init__(message)
        self.code = code
        self.header = header
        self.details = details
