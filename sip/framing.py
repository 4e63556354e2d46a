"""Cutting a byte stream into messages by Content-Length (RFC 3261 §18.3, keep-alives of RFC 5626 §3.5.1)."""

from __future__ import annotations

import re

from sip.errors import SipParseError
from sip.message import MAX_HEAD_SIZE, MAX_MESSAGE_SIZE

_LENGTH = re.compile(rb"\n(?:content-length|l)[ \t]*:[ \t]*([0-9]{1,9})[ \t]*\r?\n", re.IGNORECASE)
_END = b"\r\n\r\n"


class MessageStream:
    """Bytes in, whole messages out. After an error the stream has lost its frame and must be closed."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._size: int | None = None  # of the message at the start of the buffer, once its head is complete
        self.pings = 0

    def receive(self, data: bytes) -> list[bytes]:
        """The messages completed by ``data``. Raises SipParseError when the stream makes no sense any more.

        ``pings`` counts double-CRLF keep-alives seen; the owner answers each with one CRLF and resets it.
        """
        self._buffer += data
        messages: list[bytes] = []
        while True:
            if self._size is None:
                self._skip_line_ends()
            message = self._next()
            if message is None:
                return messages
            messages.append(message)

    def _skip_line_ends(self) -> None:
        count = 0
        while count < len(self._buffer) and self._buffer[count] in b"\r\n":
            count += 1
        if self._buffer[:4] == _END:
            self.pings += 1
        # Half a ping may wait for its other half; before a message it is skipped.
        if count and (count >= 4 or count < len(self._buffer)):
            del self._buffer[:count]

    @property
    def is_partial(self) -> bool:
        """Whether a message has begun and is not complete."""
        return bool(self._buffer.strip(b"\r\n"))

    def _next(self) -> bytes | None:
        if self._size is None:
            self._size = self._find_size()
        if self._size is None or len(self._buffer) < self._size:
            return None
        message = bytes(self._buffer[: self._size])
        del self._buffer[: self._size]
        self._size = None
        return message

    def _find_size(self) -> int | None:
        end = self._buffer.find(_END)
        if end < 0:
            if len(self._buffer) > MAX_HEAD_SIZE:
                raise SipParseError("the headers do not end", status=513)
            return None
        lengths = _LENGTH.findall(bytes(self._buffer[: end + 2]))
        # Without a length nobody knows where the next message starts; the message itself is then taken as bodiless.
        size = end + len(_END) + (int(lengths[0]) if lengths else 0)
        if size > MAX_MESSAGE_SIZE:
            raise SipParseError("the message is too large", status=513)
        return size
