"""The calls that there are, found by their handle, by participant, and by who sends a message."""

from __future__ import annotations

from mcu.gateway.sip_call import SipCall
from sip import events as sip_events


class CallTable:
    """A call is in by its handle from its INVITE on, and by its participant once it has a session."""

    def __init__(self) -> None:
        self._by_handle: dict[str, SipCall] = {}
        self._by_participant: dict[str, SipCall] = {}

    def __len__(self) -> int:
        return len(self._by_handle.keys() | {call.handle for call in self._by_participant.values()})

    def add(self, call: SipCall) -> None:
        """Remember a call; once more when it has got its session."""
        self._by_handle[call.handle] = call
        if call.session is not None:
            self._by_participant[call.session.seat.participant_id] = call

    def remove(self, call: SipCall) -> None:
        """Forget it."""
        self._by_handle.pop(call.handle, None)
        if call.session is not None:
            self._by_participant.pop(call.session.seat.participant_id, None)

    def get(self, handle: str) -> SipCall | None:
        """The call with this handle."""
        return self._by_handle.get(handle)

    def of_participant(self, participant_id: str) -> SipCall | None:
        """The call of a participant."""
        return self._by_participant.get(participant_id)

    def participant_in(self, handle: str) -> str | None:
        """Whose call this is."""
        call = self._by_handle.get(handle)
        return None if call is None or call.session is None else call.session.seat.participant_id

    def writer_of(
        self, message: sip_events.MessageReceived | sip_events.SubscriptionRequested | sip_events.TransferRequested
    ) -> str | None:
        """The participant who sent a message, or asks for something.

        By its call, or by sender and address where it came outside of one.
        """
        call = self._by_handle.get(message.call)
        if call is None and not message.call:
            source, sender = message.source.remote[0], _plain_address(message.from_uri)
            its = [
                one for one in self._by_handle.values() if one.source == source and _plain_address(one.peer) == sender
            ]
            call = its[0] if len(its) == 1 else None  # of two calls nobody can tell which is meant
        if call is None or call.over or call.session is None or call.holder is not None:
            return None
        return call.session.seat.participant_id


def _plain_address(uri: str) -> str:
    """``user@host`` of a SIP URI, in lower case, for comparing."""
    return uri.partition(":")[2].partition(";")[0].partition("?")[0].lower()
