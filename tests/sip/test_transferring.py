"""Transfers, blind and attended, by whoever asks for them."""

from __future__ import annotations

import pytest

from sip.errors import CallStateError
from sip.events import (
    CallAnswered,
    CallEnded,
    CallRefused,
    Event,
    IncomingCall,
    TransferProgress,
    TransferRefused,
    TransferRequested,
)
from sip.message import Request, parse
from tests.sip.network import ANSWER, SDP
from tests.sip.test_agent import Peer
from tests.sip.test_calls import Pair


class Three(Pair):
    """A room in a call with the server, and a ward somewhere else. The room calls whom it is sent to."""

    def __init__(self) -> None:
        super().__init__()
        self.ward = self.network.node("192.0.2.3")
        self.ward.on_event = self._answer
        self.room.on_event = self._follow
        self.transfers: dict[str, str] = {}
        self.refusing = False

    def _answer(self, event: Event) -> None:
        if isinstance(event, IncomingCall):
            if self.refusing:
                self.ward.agent.reject(event.call, 486)
            else:
                self.ward.agent.ring(event.call)
                self.ward.agent.accept(event.call, ANSWER)

    def _follow(self, event: Event) -> None:
        agent = self.room.agent
        if isinstance(event, TransferRequested):
            agent.accept_transfer(event.transfer)
            call = agent.invite(event.target, SDP, "sip:room@192.0.2.1")
            self.transfers[call] = event.transfer
        elif isinstance(event, CallAnswered) and event.call in self.transfers:
            agent.report_transfer(self.transfers[event.call], 200)
        elif isinstance(event, CallRefused) and event.call in self.transfers:
            agent.report_transfer(self.transfers[event.call], event.status, event.reason)


def test_a_blind_transfer_is_followed_and_reported() -> None:
    three = Three()
    call, incoming = three.connect()
    three.server.agent.transfer(incoming, "sip:ward@192.0.2.3")
    three.network.run(3)
    asked = three.room.of_type(TransferRequested)[0]
    assert isinstance(asked, TransferRequested)
    assert (asked.call, asked.target) == (call, "sip:ward@192.0.2.3")
    progress = three.server.of_type(TransferProgress)
    assert progress[-1] == TransferProgress(incoming, 200, "OK", True)
    assert three.ward.of_type(IncomingCall)
    three.server.agent.hang_up(incoming)
    three.network.run(2)
    assert three.room.of_type(CallEnded)
    assert len(three.room.agent.calls) == 1


def test_a_transfer_to_somebody_busy_is_reported_and_the_call_goes_on() -> None:
    three = Three()
    three.refusing = True
    _, incoming = three.connect()
    three.server.agent.transfer(incoming, "sip:ward@192.0.2.3")
    three.network.run(3)
    assert three.server.of_type(TransferProgress)[-1] == TransferProgress(incoming, 486, "Busy Here", True)
    assert three.server.agent.calls == [incoming]


def test_an_attended_transfer_puts_the_room_into_the_other_call() -> None:
    three = Three()
    _, incoming = three.connect()
    consultation = three.server.agent.invite("sip:ward@192.0.2.3", SDP, "sip:1000@192.0.2.2")
    three.network.run(2)
    three.server.agent.transfer_to_call(incoming, consultation)
    three.network.run(3)
    first, second = three.ward.of_type(IncomingCall)
    assert isinstance(first, IncomingCall) and isinstance(second, IncomingCall)
    assert (second.replaces, second.from_uri) == (first.call, "sip:room@192.0.2.1")
    assert three.ward.agent.calls == [second.call]
    ended = three.server.of_type(CallEnded)
    assert ended == [CallEnded(consultation, "another call takes the place of this one", 200)]
    assert three.server.of_type(TransferProgress)[-1] == TransferProgress(incoming, 200, "OK", True)


def test_a_transfer_may_be_refused() -> None:
    three = Three()
    _, incoming = three.connect()
    three.room.on_event = lambda event: (
        three.room.agent.refuse_transfer(event.transfer) if isinstance(event, TransferRequested) else None
    )
    three.server.agent.transfer(incoming, "sip:ward@192.0.2.3")
    three.network.run(2)
    assert three.server.of_type(TransferRefused) == [TransferRefused(incoming, 603, "Decline")]


def test_a_transfer_that_nobody_decides_is_refused_in_the_end() -> None:
    three = Three()
    _, incoming = three.connect()
    three.room.on_event = lambda event: None
    three.server.agent.transfer(incoming, "sip:ward@192.0.2.3")
    three.network.run(33)
    refused = three.server.of_type(TransferRefused)[0]
    assert isinstance(refused, TransferRefused)
    assert refused.status in (408, 603)
    asked = three.room.of_type(TransferRequested)[0]
    assert isinstance(asked, TransferRequested)
    with pytest.raises(CallStateError):
        three.room.agent.accept_transfer(asked.transfer)


class Referrer(Peer):
    """Asks by hand."""

    def notifies(self) -> list[Request]:
        messages = {data: parse(data) for _, _, data in self.network.sent}
        return [item for item in messages.values() if isinstance(item, Request) and item.method == "NOTIFY"]

    def confirm(self) -> None:
        self.network.inject(bytes(self.notifies()[-1].response(200)), self.source, self.agent_node, self.transport)
        self.network.run(0.01)


def test_a_stranger_may_ask_a_conference_to_call_somebody() -> None:
    peer = Referrer()
    assert peer.send("REFER", Refer_To='"Ward 3" <sip:ward@192.0.2.3>') == []
    event = peer.agent_node.of_type(TransferRequested)[0]
    assert isinstance(event, TransferRequested)
    assert (event.call, event.target_name, event.request_uri) == ("", "Ward 3", "sip:1000@192.0.2.2")
    peer.agent.accept_transfer(event.transfer)
    peer.network.run(0.01)
    first = peer.notifies()[0]
    assert (first.headers.get("Event"), first.content_type) == ("refer;id=1", "message/sipfrag")
    assert first.body == b"SIP/2.0 100 Trying\r\n"
    peer.confirm()
    peer.agent.report_transfer(event.transfer, 180)
    peer.network.run(0.01)
    peer.confirm()
    peer.agent.report_transfer(event.transfer, 603, "No\r\nEvil: header")
    peer.network.run(0.01)
    assert [notify.body for notify in peer.notifies()[1:]] == [
        b"SIP/2.0 180 Ringing\r\n",
        b"SIP/2.0 603 No  Evil: header\r\n",
    ]
    assert peer.notifies()[-1].headers.get("Subscription-State") == "terminated;reason=noresource"
    with pytest.raises(CallStateError):
        peer.agent.report_transfer(event.transfer, 200)


def test_malformed_transfers_get_400() -> None:
    peer = Referrer()
    assert peer.send("REFER") == ["400"]
    assert peer.send("REFER", cseq=2, Refer_To="nonsense") == ["400"]
    assert peer.send("REFER", cseq=3, Refer_To="<sip:a@b>", Contact="") == ["400"]
    assert not peer.agent_node.events


def test_notifications_that_belong_to_nothing() -> None:
    peer = Referrer()
    _, tag = peer.connect()
    assert peer.send("NOTIFY", cseq=2, tag=tag, Event="presence", Subscription_State="active") == ["489"]
    assert peer.send("NOTIFY", cseq=3, tag=tag, Event="refer") == ["400"]
    assert peer.send("NOTIFY", cseq=4, tag="unknown", Event="refer", Subscription_State="active") == ["481"]
    assert peer.send("NOTIFY", cseq=5, Event="refer", Subscription_State="active") == ["481"]


def test_a_transfer_between_two_calls_with_us_names_both() -> None:
    pair = Pair()
    first, _ = pair.connect()
    second = pair.call()
    pair.network.run(2)
    pair.room.agent.transfer_to_call(first, second)
    pair.network.run(1)
    event = pair.server.of_type(TransferRequested)[0]
    assert isinstance(event, TransferRequested)
    one, other = (call.call for call in pair.server.of_type(IncomingCall) if isinstance(call, IncomingCall))
    assert (event.call, event.replaces) == (one, other)
