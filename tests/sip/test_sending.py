"""Requests that take several tries: other servers, TCP for what a datagram cannot hold, names that DNS must resolve."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sip.core import AgentSettings
from sip.events import CallAnswered, CallConfirmed, CallRefused, IncomingCall
from sip.flow import Flow, Target
from sip.message import Request, parse
from sip.uri import SipUri, parse_uri
from tests.sip.network import ANSWER, SDP, Network, Node

LARGE = SDP + "a=x:" + "y" * 1400 + "\r\n"
ROOM = "192.0.2.2"


class Locator:
    """DNS in the hands of the test: ``tell`` is its answer to the last question."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.asked: list[Flow] = []
        node.agent.attach(node, locator=self)

    def flow_for(self, target: Target) -> Flow | None:
        if target.host[0].isdigit():
            return self.node.flow_to(target.transport or target.fallback, target.host, target.port or 5060)
        return Flow(target.transport or "udp", (target.host, 0), self.node.address, target=target)

    def locate(self, flow: Flow) -> None:
        self.asked.append(flow)

    def tell(self, *places: tuple[str, str], network: Network) -> None:
        flows = [self.node.flow_to(transport, host, 5060) for transport, host in places]
        self.node.agent.flow_located(self.asked[-1], [flow for flow in flows if flow is not None], network.now)


def answering(node: Node) -> Node:
    def react(event: object) -> None:
        if isinstance(event, IncomingCall):
            node.agent.accept(event.call, ANSWER)

    node.on_event = react
    return node


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
def us(network: Network) -> Node:
    return network.node("192.0.2.1")


def requests(network: Network, node: Node, method: str = "INVITE") -> list[Request]:
    messages = [parse(data) for _, sender, data in network.sent if sender == node.address]
    return [message for message in messages if isinstance(message, Request) and message.method == method]


# Too large for a datagram


def test_a_large_request_goes_over_tcp_and_says_so(network: Network, us: Node) -> None:
    room = answering(network.node(ROOM))
    call = us.agent.invite(f"sip:1000@{ROOM}", LARGE, "sip:us@192.0.2.1")
    network.run(2)
    (invite,) = requests(network, us)
    assert invite.via.transport == "TCP"
    assert isinstance(invite.contacts[0].uri, SipUri) and invite.contacts[0].uri.transport == "tcp"
    assert us.events == [CallAnswered(call, ANSWER)]
    assert isinstance(room.events[-1], CallConfirmed)
    assert requests(network, us, "ACK")[0].via.transport == "TCP"


def test_a_small_request_stays_a_datagram(network: Network, us: Node) -> None:
    answering(network.node(ROOM))
    us.agent.invite(f"sip:1000@{ROOM}", SDP, "sip:us@192.0.2.1")
    network.run(2)
    assert requests(network, us)[0].via.transport == "UDP"


def test_the_limit_is_a_setting(network: Network) -> None:
    node = network.node("192.0.2.3", AgentSettings(largest_datagram=60_000))
    answering(network.node(ROOM))
    node.agent.invite(f"sip:1000@{ROOM}", LARGE, "sip:us@192.0.2.3")
    network.run(2)
    assert requests(network, node)[0].via.transport == "UDP"


def test_a_peer_that_refuses_tcp_gets_it_by_udp_all_the_same(network: Network, us: Node) -> None:
    room = answering(network.node(ROOM))
    call = us.agent.invite(f"sip:1000@{ROOM}", LARGE, "sip:us@192.0.2.1")
    ((over_tcp, _),) = us.agent.datagrams_to_send(network.now)
    us.agent.flow_lost(over_tcp, network.now)
    network.run(2)
    (invite,) = requests(network, us)
    assert invite.via.transport == "UDP"
    assert isinstance(invite.contacts[0].uri, SipUri) and invite.contacts[0].uri.transport is None
    assert us.events == [CallAnswered(call, ANSWER)] and isinstance(room.events[-1], CallConfirmed)


def test_without_tcp_it_is_a_datagram(network: Network, us: Node) -> None:
    answering(network.node(ROOM))
    usual = us.flow_to
    us.flow_to = lambda transport, host, port: None if transport == "tcp" else usual(transport, host, port)  # type: ignore[method-assign]
    us.agent.invite(f"sip:1000@{ROOM}", LARGE, "sip:us@192.0.2.1")
    network.run(2)
    assert requests(network, us)[0].via.transport == "UDP"


@pytest.mark.parametrize(("told", "transport"), [(None, "TCP"), ("10.9.9.9", "UDP")])
def test_a_large_request_in_a_call_is_a_datagram_only_to_a_peer_behind_a_nat(
    network: Network, us: Node, told: str | None, transport: str
) -> None:
    room = network.node(ROOM, AgentSettings(public_host=told))
    answering(us)
    room.agent.invite("sip:1000@192.0.2.1", SDP, f"sip:room@{ROOM}")
    network.run(2)
    (incoming,) = us.of_type(IncomingCall)
    assert isinstance(incoming, IncomingCall)
    us.agent.reoffer(incoming.call, LARGE)
    network.run(2)
    (reinvite,) = requests(network, us)
    assert reinvite.via.transport == transport
    assert any(type(event).__name__ == "ReofferReceived" for event in room.events)


# Names


def test_a_call_waits_for_dns_and_takes_the_transport_that_dns_names(network: Network, us: Node) -> None:
    locator = Locator(us)
    answering(network.node(ROOM))
    call = us.agent.invite("sip:1000@hospital.example", SDP, "sip:us@192.0.2.1")
    network.run(1)
    assert requests(network, us) == [] and not us.agent.is_idle
    assert locator.asked[0].target == Target("hospital.example")
    locator.tell(("tcp", ROOM), network=network)
    network.run(2)
    (invite,) = requests(network, us)
    assert str(invite.uri) == "sip:1000@hospital.example"
    assert invite.via.transport == "TCP"
    assert isinstance(invite.contacts[0].uri, SipUri) and invite.contacts[0].uri.transport == "tcp"
    assert us.events == [CallAnswered(call, ANSWER)]


def test_several_requests_to_one_name_ask_once(network: Network, us: Node) -> None:
    locator = Locator(us)
    answering(network.node(ROOM))
    for _ in range(3):
        us.agent.invite("sip:1000@hospital.example", SDP, "sip:us@192.0.2.1")
    network.run(0.1)
    assert len(locator.asked) == 1
    locator.tell(("udp", ROOM), network=network)
    network.run(2)
    assert len(us.of_type(CallAnswered)) == 3


def test_a_name_that_leads_nowhere_is_a_refusal(network: Network, us: Node) -> None:
    locator = Locator(us)
    call = us.agent.invite("sip:1000@hospital.example", SDP, "sip:us@192.0.2.1")
    locator.tell(network=network)
    network.run(0.1)
    assert us.events == [CallRefused(call, 503, "cannot be reached")] and us.agent.is_idle


def test_a_call_given_up_before_dns_answers_sends_nothing(network: Network, us: Node) -> None:
    locator = Locator(us)
    answering(network.node(ROOM))
    call = us.agent.invite("sip:1000@hospital.example", SDP, "sip:us@192.0.2.1")
    us.agent.cancel(call)
    network.run(0.1)
    assert us.events == [CallRefused(call, 487, "cancelled")]
    locator.tell(("udp", ROOM), network=network)
    network.run(60)
    assert network.sent == [] and us.agent.is_idle


def test_the_next_server_is_tried_when_one_refuses_service_or_is_silent(network: Network, us: Node) -> None:
    locator = Locator(us)
    network.node("192.0.2.9", AgentSettings(max_calls=0))  # answers 503
    answering(network.node(ROOM))
    call = us.agent.invite("sip:1000@hospital.example", SDP, "sip:us@192.0.2.1")
    locator.tell(("udp", "192.0.2.9"), ("udp", "192.0.2.8"), ("tcp", ROOM), network=network)
    network.run(40)
    assert us.events == [CallAnswered(call, ANSWER)]
    tries = requests(network, us)
    assert tries[0].via.transport == "UDP" and tries[-1].via.transport == "TCP"
    assert len({request.via.branch for request in tries}) == 3
    assert len({request.call_id for request in tries}) == 1


def test_when_no_server_helps_the_last_answer_is_told(network: Network, us: Node) -> None:
    locator = Locator(us)
    network.node("192.0.2.9", AgentSettings(max_calls=0))
    call = us.agent.invite("sip:1000@hospital.example", SDP, "sip:us@192.0.2.1")
    locator.tell(("udp", "192.0.2.8"), ("udp", "192.0.2.9"), network=network)
    network.run(60)
    (refused,) = us.of_type(CallRefused)
    assert isinstance(refused, CallRefused) and (refused.call, refused.status) == (call, 503)


def test_a_call_that_rings_is_not_taken_elsewhere(network: Network, us: Node) -> None:
    locator = Locator(us)
    first, second = network.node("192.0.2.9"), answering(network.node(ROOM))

    def ring_then_refuse(event: object) -> None:
        if isinstance(event, IncomingCall):
            first.agent.ring(event.call)
            first.agent.reject(event.call, 503)

    first.on_event = ring_then_refuse
    us.agent.invite("sip:1000@hospital.example", SDP, "sip:us@192.0.2.1")
    locator.tell(("udp", "192.0.2.9"), ("udp", ROOM), network=network)
    network.run(5)
    assert us.of_type(CallRefused) and second.events == []


# Outbound proxy


def test_calls_go_to_the_outbound_proxy_with_a_route(network: Network) -> None:
    uri = parse_uri("sip:192.0.2.2:5060;lr")
    assert isinstance(uri, SipUri)
    node = network.node("192.0.2.3", AgentSettings(outbound_proxy=uri))
    proxy = answering(network.node(ROOM))
    node.agent.invite("sip:1000@far.example", SDP, "sip:us@192.0.2.3")
    network.run(2)
    (invite,) = requests(network, node)
    assert [str(route) for route in invite.headers.get_all("Route")] == ["<sip:192.0.2.2:5060;lr>"]
    assert str(invite.uri) == "sip:1000@far.example"
    assert proxy.of_type(IncomingCall)
    # Inside the dialog the proxy is used only if it asked to be, by Record-Route.
    assert "Route" not in requests(network, node, "ACK")[0].headers


# Addresses


@pytest.mark.parametrize(("local", "told"), [("192.0.2.1", "203.0.113.5"), ("2001:db8::1", "2001:db8::1")])
def test_a_public_address_is_told_to_its_own_family_only(network: Network, local: str, told: str) -> None:
    node = network.node(local, AgentSettings(public_host="203.0.113.5"))
    node.agent.invite("sip:1000@192.0.2.2", SDP, "sip:us@x.example")
    network.run(1)
    invite = requests(network, node)[0]
    assert invite.via.host == told
    assert isinstance(invite.contacts[0].uri, SipUri) and invite.contacts[0].uri.host == told


def test_sips_takes_tls_whatever_the_transport_parameter_says(network: Network, us: Node) -> None:
    locator = Locator(us)
    asked: list[Target] = []
    usual = locator.flow_for

    def flow_for(target: Target) -> Flow | None:
        asked.append(target)
        return usual(replace(target, host="x"))

    locator.flow_for = flow_for  # type: ignore[method-assign]
    for parameter in ("", ";transport=tcp", ";transport=udp", ";transport=ws"):
        us.agent.invite(f"sips:1000@hospital.example{parameter}", SDP, "sip:us@192.0.2.1")
    assert [target.transport for target in asked] == [None, "tls", None, "wss"]
    assert all(target.is_secure for target in asked)
