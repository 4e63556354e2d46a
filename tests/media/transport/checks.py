"""Connectivity checks as a browser sends them."""

from __future__ import annotations

from aioice import stun

from mcu.media.transport.ice_lite import IceLiteAgent

PASSWORD = "our-password-of-the-leg"


def agent(ufrag: str = "ours", remote_ufrag: str = "them") -> IceLiteAgent:
    """A leg's agent."""
    return IceLiteAgent(ufrag, PASSWORD, remote_ufrag)


def check(
    username: str | None = "ours:them",
    password: str | None = PASSWORD,
    *,
    nominate: bool = False,
    method: stun.Method = stun.Method.BINDING,
    kind: stun.Class = stun.Class.REQUEST,
) -> bytes:
    """A binding request (RFC 8445 section 7.1), with anything about it wrong that a test wants."""
    message = stun.Message(method, kind, transaction_id=b"transaction1")
    if username is not None:
        message.attributes["USERNAME"] = username
    message.attributes["PRIORITY"] = 1_845_501_695
    message.attributes["ICE-CONTROLLING"] = 7
    if nominate:
        message.attributes["USE-CANDIDATE"] = None
    if password is not None:
        message.add_message_integrity(password.encode())
    return bytes(message)
