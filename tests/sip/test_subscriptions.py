"""SUBSCRIBE in, NOTIFY out (RFC 6665)."""

from __future__ import annotations

import pytest

from sip.core import AgentSettings
from sip.errors import CallStateError, SipParseError
from sip.event_package import (
    EventHeader,
    SubscriptionState,
    parse_event,
    parse_expires,
    parse_subscription_state,
)
from sip.events import SubscriptionEnded, SubscriptionRequested
from sip.message import Request, parse
from tests.sip.network import ANSWER, SDP
from tests.sip.test_agent import Peer

XML = "application/conference-info+xml"


class Watcher(Peer):
    """Watches a conference by hand."""

    def __init__(self, transport: str = "udp") -> None:
        super().__init__(transport=transport)
        self.agent.serve_packages("Conference", "reg")

    def subscribe(self, cseq: int = 1, tag: str = "", expires: str = "600", event: str = "conference") -> list[str]:
        return self.send("SUBSCRIBE", cseq=cseq, tag=tag, Event=event, Expires=expires)

    @property
    def handle(self) -> str:
        event = self.agent_node.of_type(SubscriptionRequested)[-1]
        assert isinstance(event, SubscriptionRequested)
        return event.subscription

    def accepted(self) -> tuple[str, str]:
        """Handle and tag of an accepted subscription whose first NOTIFY was confirmed."""
        assert self.subscribe() == []
        self.agent.accept_subscription(self.handle, XML, b"<v1/>")
        self.network.run(0.01)
        tag = self.notifies()[-1].from_address.tag or ""
        self.confirm()
        return self.handle, tag

    def notifies(self) -> list[Request]:
        """All NOTIFYs, repetitions not counted."""
        messages = {data: parse(data) for _, _, data in self.network.sent}
        return [item for item in messages.values() if isinstance(item, Request) and item.method == "NOTIFY"]

    def confirm(self, status: int = 200) -> None:
        """Answer the last NOTIFY."""
        response = self.notifies()[-1].response(status)
        self.network.inject(bytes(response), self.source, self.agent_node, self.transport)
        self.network.run(0.01)


def told(notify: Request) -> tuple[str | None, bytes]:
    return notify.headers.get("Subscription-State"), notify.body


def test_a_subscriber_hears_how_things_are_and_what_changes() -> None:
    watcher = Watcher()
    assert watcher.subscribe() == []
    event = watcher.agent_node.of_type(SubscriptionRequested)[0]
    assert isinstance(event, SubscriptionRequested)
    assert (event.package, event.request_uri, event.expires) == ("conference", "sip:1000@192.0.2.2", 600)
    watcher.agent.accept_subscription(event.subscription, XML, b"<v1/>")
    watcher.network.run(0.01)
    answer = parse(watcher.network.sent[-2][2])
    assert (answer.headers.get("Expires"), len(answer.contacts)) == ("600", 1)
    first = watcher.notifies()[0]
    assert told(first) == ("active;expires=600", b"<v1/>")
    assert (first.headers.get("Event"), first.content_type) == ("conference", XML)
    assert str(first.uri) == "sip:x@192.0.2.9"
    watcher.confirm()
    watcher.network.run(2)
    watcher.agent.notify(event.subscription, XML, b"<v2/>")
    watcher.network.run(0.01)
    assert watcher.notifies()[1].body == b"<v2/>"
    assert watcher.notifies()[1].cseq.number == first.cseq.number + 1


def test_many_changes_at_once_are_one_notification() -> None:
    watcher = Watcher()
    handle, _ = watcher.accepted()
    for number in range(100):
        watcher.agent.notify(handle, XML, b"<c%d/>" % number)
        watcher.network.run(0.005)
    assert len(watcher.notifies()) == 1
    watcher.network.run(1)
    assert [notify.body for notify in watcher.notifies()] == [b"<v1/>", b"<c99/>"]
    watcher.agent.notify(handle, XML, b"<later/>")  # while that one is not confirmed yet
    watcher.confirm()
    watcher.network.run(2)
    assert watcher.notifies()[-1].body == b"<later/>"


def test_a_subscription_is_renewed_and_given_up_in_its_dialog() -> None:
    watcher = Watcher()
    _, tag = watcher.accepted()
    watcher.network.run(500)
    assert watcher.subscribe(2, tag, "900")[0] == "200"
    assert told(watcher.notifies()[-1]) == ("active;expires=900", b"<v1/>")
    watcher.confirm()
    watcher.network.run(500)
    assert not watcher.agent_node.of_type(SubscriptionEnded)
    assert watcher.subscribe(3, tag, "0")[0] == "200"
    assert told(watcher.notifies()[-1])[0] == "terminated;reason=timeout"
    assert watcher.agent_node.of_type(SubscriptionEnded)
    assert watcher.subscribe(4, tag) == ["481"]


def test_a_subscription_that_is_not_renewed_ends() -> None:
    watcher = Watcher()
    handle, _ = watcher.accepted()
    watcher.network.run(601)
    assert told(watcher.notifies()[-1])[0] == "terminated;reason=timeout"
    assert watcher.agent_node.of_type(SubscriptionEnded) == [SubscriptionEnded(handle, "timeout")]
    watcher.network.run(60)
    assert watcher.agent.next_deadline() is None


def test_once_is_enough_for_some() -> None:
    watcher = Watcher()
    watcher.subscribe(expires="0")
    watcher.agent.accept_subscription(watcher.handle, XML, b"<v/>")
    watcher.network.run(0.01)
    assert [told(notify) for notify in watcher.notifies()] == [("terminated;reason=timeout", b"<v/>")]


@pytest.mark.parametrize("status", [481, 500, None])
def test_who_does_not_take_notifications_is_forgotten(status: int | None) -> None:
    watcher = Watcher()
    handle, tag = watcher.accepted()
    watcher.network.run(2)
    watcher.agent.notify(handle, XML, b"<v2/>")
    watcher.network.run(0.01)
    if status is not None:
        watcher.confirm(status)
    watcher.network.run(40)
    assert len(watcher.agent_node.of_type(SubscriptionEnded)) == 1
    with pytest.raises(CallStateError):
        watcher.agent.notify(handle, XML, b"<v3/>")
    assert watcher.subscribe(2, tag) == ["481"]


def test_what_was_watched_may_end() -> None:
    watcher = Watcher()
    handle, _ = watcher.accepted()
    watcher.agent.end_subscription(handle)
    watcher.network.run(2)
    assert told(watcher.notifies()[-1]) == ("terminated;reason=noresource", b"<v1/>")
    assert not watcher.agent_node.of_type(SubscriptionEnded), "the application knows"


def test_subscriptions_that_cannot_be() -> None:
    watcher = Watcher()
    assert watcher.subscribe(event="presence") == ["489"]
    assert watcher.last().headers.tokens("Allow-Events") == ["conference", "reg"]
    assert watcher.subscribe(2, event="") == ["489"]
    assert watcher.subscribe(3, expires="5") == ["423"]
    assert watcher.last().headers.get("Min-Expires") == "30"
    assert watcher.send("SUBSCRIBE", cseq=4, Event="conference", Contact="") == ["400"]
    watcher.subscribe(5)
    watcher.agent.reject_subscription(watcher.handle, 404)
    watcher.network.run(0.01)
    assert watcher.last().headers.get("CSeq") == "5 SUBSCRIBE"
    with pytest.raises(CallStateError):
        watcher.agent.accept_subscription(watcher.handle, XML, b"")


def test_a_subscription_in_the_dialog_of_a_call() -> None:
    watcher = Watcher()
    call, tag = watcher.connect()
    assert watcher.subscribe(2, tag) == []
    watcher.agent.accept_subscription(watcher.handle, XML, b"<v1/>")
    watcher.network.run(0.01)
    assert watcher.notifies()[0].from_address.tag == tag
    watcher.confirm()
    assert watcher.subscribe(3, tag, "0")[0] == "200"
    assert watcher.agent.calls == [call]


def test_subscriptions_end_with_the_server() -> None:
    watcher = Watcher()
    watcher.accepted()
    watcher.agent.close()
    watcher.network.run(2)
    assert told(watcher.notifies()[-1])[0] == "terminated;reason=deactivated"


def test_headers_are_written_as_they_are_read() -> None:
    for event in (EventHeader("conference"), EventHeader("refer", "93809")):
        assert parse_event(str(event)) == event
    for state in (SubscriptionState("active", expires=60), SubscriptionState("terminated", "timeout")):
        assert parse_subscription_state(str(state)) == state
    assert parse_expires("x", 60) == parse_expires(None, 60) == 60


@pytest.mark.parametrize("text", ["", ";id=1", "a b", 'x;"'])
def test_malformed_events(text: str) -> None:
    with pytest.raises(SipParseError):
        parse_event(text)
    with pytest.raises(SipParseError):
        parse_subscription_state(text)


def test_a_focus_tells_that_there_is_something_to_watch() -> None:
    peer = Peer(AgentSettings(is_focus=True))
    peer.agent.serve_packages("conference")
    assert peer.send("OPTIONS") == ["200"]
    assert peer.last().headers.tokens("Allow-Events") == ["conference"]
    assert peer.send("INVITE", body=SDP, call_id="c") == ["100"]
    peer.agent.accept(peer.agent.calls[0], ANSWER)
    peer.network.run(0.01)
    assert peer.last().contacts[0].parameters == (("isfocus", None),)
    assert str(peer.last().contacts[0].uri) == "sip:1000@192.0.2.2:5060"
