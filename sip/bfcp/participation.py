"""What both roles of BFCP have in common: an association, numbers, and the contract with the adapter."""

from __future__ import annotations

from typing import Generic, TypeVar

from sip.bfcp.association import Association
from sip.bfcp.message import Message, Primitive

Event = TypeVar("Event")


class Participation(Generic[Event]):
    """One side of floor control, for one floor. The three numbers are the server's (RFC 8856 section 5)."""

    def __init__(self, reliable: bool, conference_id: int, user_id: int, floor_id: int) -> None:
        self._association = Association(reliable)
        self._conference_id = conference_id
        self._user_id = user_id
        self._floor_id = floor_id
        self._events: list[Event] = []

    @property
    def malformed(self) -> int:
        """Messages that were none."""
        return self._association.malformed

    def receive(self, data: bytes, now: float) -> None:
        """Take in a datagram, or a piece of the stream. Never raises."""
        self._association.receive(data, now)
        self._dispatch(now)

    def handle_timer(self, now: float) -> None:
        """Retransmit what is due."""
        self._association.handle_timer(now)
        self._dispatch(now)

    def next_deadline(self) -> float | None:
        """When ``handle_timer`` is due."""
        return self._association.next_deadline()

    def to_send(self) -> list[bytes]:
        """What is to go out."""
        return self._association.to_send()

    def events(self) -> list[Event]:
        """What has happened."""
        events, self._events = self._events, []
        return events

    def _dispatch(self, now: float) -> None:
        """Deal with what the association has to tell."""
        raise NotImplementedError

    def _message(self, primitive: Primitive) -> Message:
        return Message(primitive, self._conference_id, 0, self._user_id)
