"""Calls between two user agents over a network in memory."""

from __future__ import annotations

import pytest

from sip.core import AgentSettings
from sip.errors import CallStateError, SipParseError
from sip.events import (
    CallAnswered,
    CallCancelled,
    CallConfirmed,
    CallEnded,
    CallProgress,
    CallRefused,
    Event,
    IncomingCall,
    InfoReceived,
    ReofferAnswered,
    ReofferReceived,
    ReofferRefused,
)
from sip.flow import Flow
from sip.message import Request, parse
from sip.warning import Warning
from tests.sip.network import ANSWER, SDP, Network, Node, first_lines


class Pair:
    """A room that calls and a server that answers at once unless told otherwise."""

    def __init__(self, network: Network | None = None, transport: str = "udp") -> None:
        self.network = network or Network()
        self.room = self.network.node("192.0.2.1")
        self.server = self.network.node("192.0.2.2")
        self.transport = transport
        self.auto_answer = True
        self.server.on_event = self._serve

    def _serve(self, event: Event) -> None:
        if isinstance(event, IncomingCall) and self.auto_answer:
            self.server.agent.ring(event.call)
            self.server.agent.accept(event.call, ANSWER)

    def call(self) -> str:
        return self.room.agent.invite(
            "sip:1000@192.0.2.2", SDP, "sip:room@192.0.2.1", "会诊室", via_transport=self.transport
        )

    def connect(self) -> tuple[str, str]:
        """Handles at the room and at the server of an established call."""
        call = self.call()
        self.network.run(2)
        assert self.room.of_type(CallAnswered)
        return call, self.incoming()

    def incoming(self) -> str:
        event = self.server.of_type(IncomingCall)[-1]
        assert isinstance(event, IncomingCall)
        return event.call

    def everything_is_forgotten(self) -> bool:
        """After all timers no call, transaction or timer is left."""
        self.network.run(200)
        return all(
            node.agent.is_idle and node.agent.next_deadline() is None and not node.agent._core.transactions._servers
            for node in (self.room, self.server)
        )


@pytest.fixture(params=["udp", "tcp"])
def pair(request: pytest.FixtureRequest) -> Pair:
    return Pair(transport=request.param)


def last(node: Node, kind: type[Event]) -> Event:
    return node.of_type(kind)[-1]


def test_a_call_is_answered_confirmed_and_ended_by_the_caller(pair: Pair) -> None:
    call, incoming = pair.connect()
    event = last(pair.server, IncomingCall)
    assert isinstance(event, IncomingCall)
    assert (event.request_uri, event.from_uri) == ("sip:1000@192.0.2.2", "sip:room@192.0.2.1")
    assert (event.from_name, event.offer, event.user_agent) == ("会诊室", SDP, "Consilium")
    assert pair.room.events == [CallProgress(call, 180), CallAnswered(call, ANSWER)]
    assert pair.server.events[1:] == [CallConfirmed(incoming)]
    pair.room.agent.hang_up(call, "done")
    pair.network.run(1)
    assert last(pair.room, CallEnded) == CallEnded(call, "done")
    assert last(pair.server, CallEnded) == CallEnded(incoming, "done", 200)
    assert pair.everything_is_forgotten()


def test_the_called_side_ends_the_call(pair: Pair) -> None:
    call, incoming = pair.connect()
    pair.server.agent.hang_up(incoming)
    pair.network.run(1)
    assert last(pair.room, CallEnded) == CallEnded(call, "the other side hung up")
    assert pair.everything_is_forgotten()


def test_a_refusal_carries_status_reason_and_warning(pair: Pair) -> None:
    pair.auto_answer = False
    call = pair.call()
    pair.network.run(1)
    pair.server.agent.reject(pair.incoming(), 488, warning=Warning(304, "no common codec"))
    pair.network.run(1)
    assert last(pair.room, CallRefused) == CallRefused(call, 488, "Not Acceptable Here", "304 no common codec")
    assert pair.everything_is_forgotten()


def test_cancel_before_the_answer(pair: Pair) -> None:
    pair.auto_answer = False
    call = pair.call()
    pair.network.run(1)
    pair.room.agent.cancel(call, "wrong number")
    pair.network.run(1)
    assert last(pair.server, CallCancelled) == CallCancelled(pair.incoming(), "wrong number")
    assert last(pair.room, CallRefused) == CallRefused(call, 487, "Request Terminated")
    with pytest.raises(CallStateError):
        pair.server.agent.accept(pair.incoming(), ANSWER)
    assert pair.everything_is_forgotten()


def test_cancel_waits_for_the_first_provisional_response() -> None:
    pair = Pair()
    call = pair.call()
    pair.room.agent.cancel(call)
    assert first_lines(pair.network, pair.room) == []
    pair.auto_answer = False
    pair.network.run(1)
    assert first_lines(pair.network, pair.room) == ["INVITE", "CANCEL", "ACK"]
    assert pair.everything_is_forgotten()


def test_an_answer_that_crosses_the_cancel_is_acknowledged_and_ended() -> None:
    pair = Pair()
    pair.auto_answer = False
    call = pair.call()
    pair.network.run(1)
    pair.server.agent.accept(pair.incoming(), ANSWER)
    pair.room.agent.cancel(call)
    pair.network.run(2)
    assert first_lines(pair.network, pair.room) == ["INVITE", "CANCEL", "ACK", "BYE"]
    assert pair.room.events[-1] == CallRefused(call, 487, "cancelled")
    assert pair.server.of_type(CallEnded)
    assert pair.everything_is_forgotten()


def test_a_lost_ack_has_the_2xx_sent_again_and_answered_by_the_same_ack() -> None:
    pair = Pair()
    lost: list[bytes] = []

    def drop(data: bytes, sender: object, receiver: object) -> bool:
        if data.startswith(b"ACK") and len(lost) < 3:
            lost.append(data)
            return True
        return False

    pair.network.drop = drop
    pair.call()
    pair.network.run(10)
    acks = [data for _, _, data in pair.network.sent if data.startswith(b"ACK")]
    assert len(acks) == 4 and len(set(acks)) == 1
    assert len(pair.server.of_type(CallConfirmed)) == 1


def test_without_any_ack_the_call_is_ended_by_bye_after_64_t1() -> None:
    pair = Pair()
    pair.network.drop = lambda data, sender, receiver: data.startswith(b"ACK")
    pair.call()
    pair.network.run(31)
    assert not pair.server.of_type(CallEnded)
    pair.network.run(2)
    assert last(pair.server, CallEnded) == CallEnded(pair.incoming(), "no ACK was received", 408)
    assert pair.room.of_type(CallEnded)
    # 0.5 s doubling to 4 s within 32 s (RFC 3261 §13.3.1.4)
    assert first_lines(pair.network, pair.server).count("200") == 11
    assert pair.everything_is_forgotten()


def test_hanging_up_before_the_ack_waits_for_it() -> None:
    pair = Pair()
    pair.network.drop = lambda data, sender, receiver: data.startswith(b"ACK")
    pair.call()
    pair.network.run(1)
    pair.server.agent.hang_up(pair.incoming(), "closing")
    pair.network.run(1)
    assert "BYE" not in first_lines(pair.network, pair.server)
    pair.network.drop = lambda data, sender, receiver: False
    pair.network.run(5)
    assert "BYE" in first_lines(pair.network, pair.server)
    assert not pair.server.of_type(CallConfirmed)
    assert last(pair.server, CallEnded) == CallEnded(pair.incoming(), "closing")


def test_nobody_there_is_a_timeout() -> None:
    pair = Pair()
    pair.network.loss = 1.0
    call = pair.call()
    pair.network.run(33)
    assert pair.room.events == [CallRefused(call, 408, "no reply")]
    # 0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5 (RFC 3261 §17.1.1.2)
    assert [round(time - 1000, 1) for time, _, _ in pair.network.sent] == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]


def test_a_call_that_rings_too_long_is_cancelled() -> None:
    pair = Pair()
    pair.auto_answer = False
    call = pair.call()
    pair.network.run(185)
    assert last(pair.room, CallRefused) == CallRefused(call, 487, "Request Terminated")
    assert pair.server.of_type(CallCancelled)


def test_no_transport_and_a_lost_connection_are_refusals() -> None:
    pair = Pair(transport="tcp")
    pair.room.transport_available = False
    call = pair.call()
    pair.network.run(0)
    assert pair.room.events == [CallRefused(call, 503, "there is no transport to this address")]
    pair.room.transport_available = True
    call = pair.call()
    flow = pair.room.flow_to("tcp", "192.0.2.2", 5060)
    assert flow is not None
    pair.room.agent.flow_lost(flow, pair.network.now)
    pair.network.run(0)
    assert last(pair.room, CallRefused) == CallRefused(call, 503, "cannot be reached")


def test_a_malformed_target_raises() -> None:
    with pytest.raises(SipParseError):
        Pair().room.agent.invite("1000", SDP, "sip:a@192.0.2.1")


def test_late_offer_has_the_answer_in_the_ack() -> None:
    pair = Pair()
    pair.network.inject(bare_invite(), ("192.0.2.9", 5060), pair.server)
    pair.network.run(0.1)
    event = last(pair.server, IncomingCall)
    assert isinstance(event, IncomingCall) and event.offer is None
    tag = pair.network.sent[-1][2].decode().split("tag=")[-1].split("\r\n")[0]
    ack = bare_invite(method="ACK", tag=tag, branch="z9hG4bKother", body=SDP)
    pair.network.inject(ack, ("192.0.2.9", 5060), pair.server)
    pair.network.run(0.1)
    assert last(pair.server, CallConfirmed) == CallConfirmed(event.call, SDP)


def test_reoffer_both_ways(pair: Pair) -> None:
    call, incoming = pair.connect()
    pair.room.agent.reoffer(call, SDP + "a=sendonly\r\n")
    pair.network.run(1)
    assert last(pair.server, ReofferReceived) == ReofferReceived(incoming, SDP + "a=sendonly\r\n")
    pair.server.agent.answer_reoffer(incoming, ANSWER)
    pair.network.run(1)
    assert last(pair.room, ReofferAnswered) == ReofferAnswered(call, ANSWER)
    pair.server.agent.reoffer(incoming, ANSWER)
    pair.network.run(1)
    pair.room.agent.refuse_reoffer(call, 488, warning="no")
    pair.network.run(1)
    assert last(pair.server, ReofferRefused) == ReofferRefused(incoming, 488, "Not Acceptable Here")
    pair.room.agent.hang_up(call)
    assert pair.everything_is_forgotten()


def test_two_reoffers_that_cross_both_succeed_in_the_end() -> None:
    pair = Pair()
    call, incoming = pair.connect()
    pair.room.on_event = lambda event: (
        pair.room.agent.answer_reoffer(call, SDP) if isinstance(event, ReofferReceived) else None
    )
    pair.server.on_event = lambda event: (
        pair.server.agent.answer_reoffer(incoming, ANSWER) if isinstance(event, ReofferReceived) else None
    )
    pair.room.agent.reoffer(call, SDP)
    pair.server.agent.reoffer(incoming, ANSWER)
    pair.network.run(10)
    assert first_lines(pair.network, pair.room).count("491") == 1
    assert first_lines(pair.network, pair.server).count("491") == 1
    assert pair.room.of_type(ReofferAnswered) and pair.server.of_type(ReofferAnswered)


def test_a_reoffer_without_reply_ends_the_call() -> None:
    pair = Pair()
    call, _ = pair.connect()
    pair.network.loss = 1.0
    pair.room.agent.reoffer(call, SDP)
    pair.network.run(40)
    assert last(pair.room, CallEnded) == CallEnded(call, "the other side does not reply any more", 408)


def test_a_second_reoffer_must_wait() -> None:
    pair = Pair()
    call, _ = pair.connect()
    pair.room.agent.reoffer(call, SDP)
    with pytest.raises(CallStateError):
        pair.room.agent.reoffer(call, SDP)


def test_info_reaches_the_other_side(pair: Pair) -> None:
    call, incoming = pair.connect()
    pair.room.agent.send_info(call, "application/media_control+xml", "<media_control/>")
    pair.network.run(1)
    expected = InfoReceived(incoming, "application/media_control+xml", b"<media_control/>")
    assert last(pair.server, InfoReceived) == expected
    pair.room.agent.send_info(call, "text/unknown", "x")
    pair.network.run(1)
    assert first_lines(pair.network, pair.server)[-1] == "415"
    assert len(pair.server.of_type(InfoReceived)) == 1


def test_info_to_a_call_the_peer_forgot_ends_it() -> None:
    pair = Pair()
    call, incoming = pair.connect()
    pair.server.agent._calls.end(pair.server.agent._calls.get(incoming), None)
    pair.room.agent.send_info(call, "application/dtmf", "1")
    pair.network.run(1)
    assert last(pair.room, CallEnded) == CallEnded(call, "the other side does not know the call any more", 481)


def test_a_closing_agent_ends_its_calls_and_takes_no_new_ones() -> None:
    pair = Pair()
    call, _ = pair.connect()
    pair.server.agent.close()
    pair.network.run(1)
    assert last(pair.room, CallEnded) == CallEnded(call, "the server is shutting down", 200)
    assert pair.server.agent.is_idle
    pair.call()
    pair.network.run(1)
    refused = last(pair.room, CallRefused)
    assert isinstance(refused, CallRefused) and refused.status == 503


def test_more_calls_than_allowed_get_503() -> None:
    network = Network()
    server = network.node("192.0.2.2", AgentSettings(max_calls=1))
    room = network.node("192.0.2.1")
    for _ in range(2):
        room.agent.invite("sip:1@192.0.2.2", SDP, "sip:room@192.0.2.1")
    network.run(1)
    assert len(server.of_type(IncomingCall)) == 1
    assert [event.status for event in room.events if isinstance(event, CallRefused)] == [503]


@pytest.mark.parametrize("seed", range(12))
def test_calls_come_through_a_lossy_network(seed: int) -> None:
    pair = Pair(Network(seed, loss=0.3, delay=0.1, jitter=0.3))
    call = pair.call()
    pair.network.run(40)
    if not pair.room.of_type(CallAnswered):
        assert pair.room.of_type(CallRefused)
        return
    pair.room.agent.hang_up(call)
    pair.network.run(40)
    assert len(pair.server.of_type(IncomingCall)) == 1
    assert len(pair.server.of_type(CallConfirmed)) <= 1
    assert pair.everything_is_forgotten()


def bare_invite(
    method: str = "INVITE", tag: str = "", branch: str = "z9hG4bKfirst", body: str = "", extra: str = ""
) -> bytes:
    to_tag = f";tag={tag}" if tag else ""
    content = "Content-Type: application/sdp\r\n" if body else ""
    return (
        f"{method} sip:1000@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch={branch}\r\n"
        f"From: <sip:x@192.0.2.9>;tag=xx\r\nTo: <sip:1000@192.0.2.2>{to_tag}\r\nCall-ID: bare\r\n"
        f"CSeq: 1 {method}\r\nContact: <sip:x@192.0.2.9>\r\n{extra}{content}Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def test_a_lost_ack_to_a_reoffer_is_sent_again() -> None:
    pair = Pair()
    call, incoming = pair.connect()
    pair.server.on_event = lambda event: (
        pair.server.agent.answer_reoffer(incoming, ANSWER) if isinstance(event, ReofferReceived) else None
    )
    pair.network.drop = lambda data, sender, receiver: data.startswith(b"ACK")
    pair.room.agent.reoffer(call, SDP)
    pair.network.run(1)
    pair.network.drop = lambda data, sender, receiver: False
    pair.network.run(10)
    acks = [data for _, _, data in pair.network.sent if data.startswith(b"ACK") and b"2 ACK" in data]
    assert len(acks) > 1 and len(set(acks)) == 1
    assert len(pair.room.of_type(ReofferAnswered)) == 1
    pair.room.agent.hang_up(call)
    assert pair.everything_is_forgotten()


def test_hanging_up_with_an_offer_of_the_peer_unanswered_refuses_it() -> None:
    pair = Pair()
    call, incoming = pair.connect()
    pair.room.agent.reoffer(call, SDP)
    pair.network.run(1)
    pair.server.agent.hang_up(incoming)
    pair.network.run(1)
    assert first_lines(pair.network, pair.server)[-2:] == ["487", "BYE"]
    assert pair.room.of_type(CallEnded) and pair.everything_is_forgotten()


def test_info_without_reply_ends_the_call_with_bye() -> None:
    pair = Pair()
    call, _ = pair.connect()
    pair.network.loss = 1.0
    pair.room.agent.send_info(call, "application/dtmf", "1")
    pair.network.run(40)
    assert last(pair.room, CallEnded) == CallEnded(call, "the other side does not reply any more", 408)
    assert "BYE" in first_lines(pair.network, pair.room)


def test_a_registered_device_is_called_on_the_flow_it_registered_on_and_through_its_proxies() -> None:
    pair = Pair()
    flow = Flow("udp", pair.server.address, pair.room.address)
    call = pair.room.agent.invite(
        "sip:device@10.0.0.7", SDP, "sip:room@192.0.2.1", route=["sip:edge.example;lr"], flow=flow
    )
    pair.network.run(2)
    assert pair.room.of_type(CallAnswered) == [CallAnswered(call, ANSWER)]
    invite = next(parse(data) for _, _, data in pair.network.sent if data.startswith(b"INVITE"))
    assert isinstance(invite, Request)
    assert str(invite.uri) == "sip:device@10.0.0.7"
    assert invite.headers.get_all("Route") == ["<sip:edge.example;lr>"]
