"""ICE-lite (RFC 8445 section 2.5) for a browser leg or a port of a room: answers connectivity checks, initiates none.

A lite agent has only host candidates and always is the controlled side, so all it does is prove that it knows its
password and note which address the browser nominated. Consent (RFC 7675) shows in the browser's own checks, which go on
for as long as it is there.
"""

from __future__ import annotations

import hmac
import struct
from dataclasses import dataclass, field

from aioice import stun

from mcu.media.transport.sockets import NetworkAddress

# Largest STUN message that we look at: checks are about 100 bytes; anything near the MTU is not a check.
MAX_CHECK_SIZE = 600


class StunError(Exception):
    """Not a STUN binding request that we would answer."""


def is_stun(data: bytes) -> bool:
    """First-byte demultiplexing of RFC 7983, plus the magic cookie."""
    return len(data) >= 20 and data[0] < 4 and data[4:8] == b"\x21\x12\xa4\x42"


def parse_check(data: bytes) -> stun.Message:
    """A binding request, not yet verified. Raises StunError for anything else."""
    if len(data) > MAX_CHECK_SIZE:
        raise StunError("too long for a connectivity check")
    try:
        message = stun.parse_message(data)
    except (ValueError, struct.error, IndexError) as error:
        raise StunError(f"malformed: {error}") from error
    if message.message_method != stun.Method.BINDING or message.message_class != stun.Class.REQUEST:
        raise StunError("not a binding request")
    return message


def local_ufrag_of(check: stun.Message) -> str:
    """The ufrag of ours that a check is addressed to. Raises StunError."""
    username = check.attributes.get("USERNAME")
    if not isinstance(username, str) or ":" not in username:
        raise StunError("no USERNAME of the form ufrag:ufrag")
    return username.split(":", 1)[0]


@dataclass
class IceLiteAgent:
    """State of one leg. ``selected`` is where media goes: the address of the last nominated check.

    ``nominated`` says whether there has been such a check. Until then media go to where the first check came from.
    """

    local_ufrag: str
    local_password: str = field(repr=False)
    remote_ufrag: str
    selected: NetworkAddress | None = None
    last_check: float | None = None
    nominated: bool = False

    def verify(self, check: stun.Message) -> None:
        """Raises StunError for a request that does not know the password, or is for another leg."""
        expected = f"{self.local_ufrag}:{self.remote_ufrag}"
        if not hmac.compare_digest(str(check.attributes.get("USERNAME")).encode(), expected.encode()):
            raise StunError("for another leg")
        if not check.check_message_integrity(self.local_password.encode()):
            raise StunError("MESSAGE-INTEGRITY is missing or wrong")

    def receive_check(
        self, check: stun.Message, source: NetworkAddress, now: float, seen: NetworkAddress | None = None
    ) -> bytes:
        """Verify one binding request and return the response to send to ``source``. Raises StunError.

        ``seen`` is told as where it came from, if that is another address.
        """
        self.verify(check)
        self.last_check = now
        if "USE-CANDIDATE" in check.attributes:
            self.nominated = True
        if "USE-CANDIDATE" in check.attributes or self.selected is None:
            self.selected = source
        response = stun.Message(
            message_method=stun.Method.BINDING,
            message_class=stun.Class.RESPONSE,
            transaction_id=check.transaction_id,
        )
        response.attributes["XOR-MAPPED-ADDRESS"] = seen or source
        response.add_message_integrity(self.local_password.encode())
        return bytes(response)
