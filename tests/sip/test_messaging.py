"""Short messages, in calls and outside."""

from __future__ import annotations

import pytest

from sip.errors import CallStateError, SipParseError
from sip.events import MessageDelivered, MessageReceived, MessageRefused
from tests.sip.test_agent import Peer
from tests.sip.test_calls import Pair


def received(pair: Pair) -> MessageReceived:
    event = pair.server.of_type(MessageReceived)[-1]
    assert isinstance(event, MessageReceived)
    return event


def test_a_message_in_a_call_belongs_to_it() -> None:
    pair = Pair()
    call, incoming = pair.connect()
    message = pair.room.agent.send_message(call, "第二床\n请看")
    pair.network.run(1)
    assert (received(pair).call, received(pair).text) == (incoming, "第二床\n请看")
    assert pair.room.of_type(MessageDelivered) == [MessageDelivered(message)]
    pair.room.agent.hang_up(call)
    with pytest.raises(CallStateError):
        pair.room.agent.send_message(call, "late")


def test_a_message_outside_of_calls_names_whom_it_is_for() -> None:
    pair = Pair()
    message = pair.room.agent.send_message_to("sip:1000@192.0.2.2", "hello", "sip:room@192.0.2.1", "Room")
    pair.network.run(1)
    event = received(pair)
    assert (event.call, event.request_uri, event.from_uri) == ("", "sip:1000@192.0.2.2", "sip:room@192.0.2.1")
    assert (event.from_name, event.text) == ("Room", "hello")
    assert pair.room.of_type(MessageDelivered) == [MessageDelivered(message)]
    assert "hello" not in repr(event)
    assert pair.everything_is_forgotten()


def test_messages_that_do_not_arrive_are_reported() -> None:
    pair = Pair()
    pair.server.agent._core.methods.remove("MESSAGE")
    refused = pair.room.agent.send_message_to("sip:1000@192.0.2.2", "x", "sip:room@192.0.2.1")
    lost = pair.room.agent.send_message_to("sip:1000@192.0.2.77", "x", "sip:room@192.0.2.1")
    pair.network.run(40)
    pair.room.transport_available = False
    nowhere = pair.room.agent.send_message_to("sip:1000@192.0.2.2", "x", "sip:room@192.0.2.1")
    pair.network.run(1)
    assert [(event.message, event.status) for event in pair.room.events if isinstance(event, MessageRefused)] == [
        (refused, 405),
        (lost, 408),
        (nowhere, 503),
    ]
    with pytest.raises(SipParseError):
        pair.room.agent.send_message_to("nonsense", "x", "sip:room@192.0.2.1")


def test_what_is_no_text_is_refused_with_what_would_do() -> None:
    peer = Peer()
    assert peer.send("MESSAGE", body="<x/>", Content_Type="application/im-iscomposing+xml") == ["415"]
    assert peer.last().headers.get("Accept") == "text/plain"
    assert peer.send("MESSAGE", body="\x07a\r\nb", Content_Type="text/plain; charset=utf-8", cseq=2) == ["202"]
    event = peer.agent_node.of_type(MessageReceived)[0]
    assert isinstance(event, MessageReceived)
    assert event.text == "\ufffda\nb"
    _, tag = peer.connect()
    assert peer.send("MESSAGE", cseq=2, tag=tag, body="in", Content_Type="text/plain") == ["200"]
