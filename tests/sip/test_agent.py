"""A user agent against hand-written messages: refusals, odd peers, dialogs behind proxies and NAT."""

from __future__ import annotations

import logging

import pytest

from sip.core import AgentSettings
from sip.errors import CallStateError
from sip.events import CallAnswered, CallEnded, CallRefused, IncomingCall, OptionsReceived, ReofferReceived
from sip.flow import Address
from sip.local_networks import LocalNetworks
from sip.message import Request, Response, parse
from tests.sip.network import ANSWER, SDP, Network, Node

PEER = ("192.0.2.9", 5060)


class Peer:
    """Writes messages by hand to a user agent and reads what comes back."""

    def __init__(self, settings: AgentSettings | None = None, transport: str = "udp") -> None:
        self.network = Network(delay=0.0)
        self.agent_node: Node = self.network.node("192.0.2.2", settings)
        self.agent = self.agent_node.agent
        self.transport = transport
        self.source = PEER
        self.via = "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK"
        self.contact = "<sip:x@192.0.2.9>"
        self.branches = 0
        self.last_branch = ""

    def send(
        self,
        method: str,
        cseq: int = 1,
        tag: str = "",
        body: str = "",
        branch: str = "",
        uri: str = "sip:1000@192.0.2.2",
        call_id: str = "call",
        **headers: str,
    ) -> list[str]:
        """Send a request; returns the status lines' codes and methods sent back."""
        self.branches += 1
        self.last_branch = branch or str(self.branches)
        lines = {
            "Via": f"{self.via}{self.last_branch}",
            "From": "<sip:x@192.0.2.9>;tag=xx",
            "To": "<sip:1000@192.0.2.2>" + (f";tag={tag}" if tag else ""),
            "Call-ID": call_id,
            "CSeq": f"{cseq} {method}",
            "Contact": self.contact,
            "Content-Length": str(len(body.encode())),
        }
        if body:
            lines["Content-Type"] = "application/sdp"
        lines.update({name.replace("_", "-"): value for name, value in headers.items()})
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)
        return self.send_raw(f"{method} {uri} SIP/2.0\r\n{head}\r\n{body}".encode())

    def send_raw(self, data: bytes) -> list[str]:
        before = len(self.network.sent)
        self.network.inject(data, self.source, self.agent_node, self.transport)
        self.network.run(0.01)
        words = [(item[2].split(b"\r\n")[0].decode() or "pong").split() for item in self.network.sent[before:]]
        return [word[1] if word[0] == "SIP/2.0" else word[0] for word in words]

    def last(self) -> Request | Response:
        return parse(self.network.sent[-1][2])

    def connect(self, record_route: str = "") -> tuple[str, str]:
        """An established call: handle and our tag."""
        assert self.send("INVITE", body=SDP, Record_Route=record_route) == ["100"]
        event = self.agent_node.of_type(IncomingCall)[-1]
        assert isinstance(event, IncomingCall)
        self.agent.accept(event.call, ANSWER)
        self.network.run(0.01)
        tag = self.last().to_address.tag or ""
        assert self.send("ACK", tag=tag) == []
        return event.call, tag


@pytest.fixture
def peer() -> Peer:
    return Peer()


def header(peer: Peer, name: str) -> str | None:
    return peer.last().headers.get(name)


def test_unknown_methods_get_405_with_allow(peer: Peer) -> None:
    for method in ("REGISTER", "NEWMETHOD"):
        assert peer.send(method, call_id=method) == ["405"]
        assert header(peer, "Allow") == ", ".join(peer.agent._core.methods)


def test_unknown_schemes_get_416_and_tel_is_served(peer: Peer) -> None:
    assert peer.send("INVITE", uri="soap.beep://192.0.2.103:3002", call_id="a") == ["416"]
    assert peer.send("INVITE", uri="tel:+86100", call_id="b") == ["100"]


def test_unknown_extensions_get_420(peer: Peer) -> None:
    assert peer.send("INVITE", Require="precondition, nothingSupportsThis") == ["420"]
    assert header(peer, "Unsupported") == "precondition, nothingSupportsThis"


def test_bodies_that_cannot_be_read_get_415(peer: Peer) -> None:
    assert peer.send("INVITE", body="x", Content_Type="text/plain", call_id="a") == ["415"]
    assert header(peer, "Accept") == "application/sdp"
    assert peer.send("INVITE", body="x", Content_Encoding="gzip", call_id="b") == ["415"]
    assert header(peer, "Accept-Encoding") == "identity"


def test_the_same_invite_over_two_ways_is_served_once(peer: Peer) -> None:
    assert peer.send("INVITE", body=SDP) == ["100"]
    assert peer.send("INVITE", body=SDP) == ["482"]


def test_requests_in_unknown_calls_get_481(peer: Peer) -> None:
    for method in ("BYE", "INVITE", "INFO"):
        assert peer.send(method, tag="unknown", call_id=method) == ["481"]
    assert peer.send("BYE", call_id="untagged") == ["481"]
    assert peer.send("CANCEL", call_id="cancel") == ["481"]
    assert peer.send("ACK", tag="unknown", call_id="ack") == []


def test_an_invite_without_one_sip_contact_gets_400(peer: Peer) -> None:
    for contact in ("", "<tel:+86>", "<sip:a@b>, <sip:c@d>"):
        assert peer.send("INVITE", body=SDP, Contact=contact, call_id=f"c{len(contact)}") == ["400"]


def test_malformed_requests_get_400_and_acks_nothing(peer: Peer) -> None:
    assert peer.send("INVITE", Content_Length="999") == ["400"]
    response = peer.last()
    assert isinstance(response, Response) and "Content-Length" in response.reason
    assert peer.send("ACK", Content_Length="999") == []
    assert peer.send("INVITE", uri="sip:1000@192.0.2.2 SIP/3.0 x", call_id="v") == ["400"]
    assert peer.agent.statistics.malformed == 3


def test_garbage_is_counted_and_logged_once(peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "sip"):
        for data in (b"\x16\x03\x01garbage", b"GET / HTTP/1.1\r\n\r\n", b"\xff\xff"):
            assert peer.send_raw(data) == []
    assert len(caplog.records) == 1 and peer.agent.statistics.malformed == 3


def test_keep_alives_are_not_garbage(peer: Peer) -> None:
    assert peer.send_raw(b"\r\n\r\n") == [] and peer.send_raw(b"\0\0\0\0") == []
    assert peer.agent.statistics.malformed == 0


def test_options_tells_what_we_can_do(peer: Peer) -> None:
    assert peer.send("OPTIONS") == ["200"]
    assert header(peer, "Allow") and header(peer, "Accept") == "application/sdp"
    assert header(peer, "Server") == "Consilium"
    assert peer.agent_node.of_type(OptionsReceived)


def test_responses_go_to_the_port_that_via_asks_for(peer: Peer) -> None:
    peer.source = ("192.0.2.9", 33333)
    receivers: list[Address] = []

    def note(data: bytes, sender: Address, receiver: Address) -> bool:
        receivers.append(receiver)
        return False

    peer.network.drop = note
    peer.send("OPTIONS", call_id="a")
    peer.via = "SIP/2.0/UDP 10.0.0.1;rport;branch=z9hG4bKr"
    peer.send("OPTIONS", call_id="b")
    assert receivers == [("192.0.2.9", 5060), ("192.0.2.9", 33333)]
    assert ";received=192.0.2.9;rport=33333" in (header(peer, "Via") or "")


def test_several_vias_in_one_line_all_come_back(peer: Peer) -> None:
    peer.send("OPTIONS", Via="SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKa, SIP/2.0/TCP b;branch=z9hG4bKb", X="1")
    vias = peer.last().vias
    assert [via.host for via in vias] == ["10.0.0.1", "b"]
    assert dict(vias[0].parameters)["received"] == "192.0.2.9"


def test_record_routes_come_back_and_lead_later_requests(peer: Peer) -> None:
    call, _ = peer.connect("<sip:p1.example;lr>, <sip:p2.example:5070;lr>")
    peer.agent.send_info(call, "application/dtmf", "1")
    peer.network.run(0)
    info = peer.last()
    assert isinstance(info, Request)
    assert [str(route) for route in info.routes] == ["<sip:p1.example;lr>", "<sip:p2.example:5070;lr>"]
    assert str(info.uri) == "sip:x@192.0.2.9"


def test_a_strict_router_gets_itself_in_the_request_uri(peer: Peer) -> None:
    call, _ = peer.connect("<sip:old.example>, <sip:p2.example;lr>")
    peer.agent.hang_up(call)
    peer.network.run(0)
    bye = peer.last()
    assert isinstance(bye, Request)
    assert str(bye.uri) == "sip:old.example"
    assert [str(route) for route in bye.routes] == ["<sip:p2.example;lr>", "<sip:x@192.0.2.9>"]


@pytest.mark.parametrize(
    ("contact", "source", "expected"),
    [
        ("<sip:x@192.0.2.9:5080>", ("192.0.2.9", 5060), ("192.0.2.9", 5080)),
        ("<sip:x@10.0.0.5:5060>", ("192.0.2.9", 40000), ("192.0.2.9", 40000)),
    ],
)
def test_requests_follow_the_contact_unless_the_peer_is_behind_nat(
    contact: str, source: tuple[str, int], expected: tuple[str, int]
) -> None:
    peer = Peer()
    peer.contact, peer.source = contact, source
    peer.via = "SIP/2.0/UDP 10.0.0.5;rport;branch=z9hG4bK"
    call, _ = peer.connect()
    dialog = peer.agent._calls.get(call).dialog
    assert dialog is not None
    flow = peer.agent._core.dialog_flow(dialog)
    assert flow is not None and flow.remote == expected


def test_a_connection_is_used_again_until_it_is_lost() -> None:
    peer = Peer(transport="tcp")
    peer.contact = "<sip:x@192.0.2.9:5060;transport=tcp>"
    call, _ = peer.connect()
    dialog = peer.agent._calls.get(call).dialog
    assert dialog is not None and peer.agent._core.dialog_flow(dialog) == dialog.flow
    peer.agent.flow_lost(dialog.flow, peer.network.now)
    fresh = peer.agent._core.dialog_flow(dialog)
    assert fresh is not None and fresh != dialog.flow and fresh.transport == "tcp"
    assert peer.agent.calls == [call]


def test_requests_out_of_order_get_500(peer: Peer) -> None:
    _, tag = peer.connect()
    assert peer.send("INFO", cseq=5, tag=tag) == ["200"]
    assert peer.send("INFO", cseq=4, tag=tag) == ["500"]


def test_a_second_invite_before_the_answer_gets_500_and_later_491(peer: Peer) -> None:
    assert peer.send("INVITE", body=SDP) == ["100"]
    event = peer.agent_node.of_type(IncomingCall)[0]
    assert isinstance(event, IncomingCall)
    peer.agent.ring(event.call)
    peer.network.run(0)
    tag = peer.last().to_address.tag or ""
    assert peer.send("INVITE", cseq=2, tag=tag, body=SDP) == ["500"]
    assert (header(peer, "Retry-After") or "").isdigit()
    peer.agent.accept(event.call, ANSWER)
    peer.network.run(0)
    assert peer.send("INVITE", cseq=3, tag=tag, body=SDP) == ["491"]


def test_a_reoffer_without_sdp_asks_for_ours(peer: Peer) -> None:
    call, tag = peer.connect()
    assert peer.send("INVITE", cseq=2, tag=tag) == ["100"]
    assert peer.agent_node.events[-1] == ReofferReceived(call, None)
    peer.agent.answer_reoffer(call, ANSWER)
    peer.network.run(0)
    assert peer.send("ACK", cseq=2, tag=tag, body=SDP) == []
    assert type(peer.agent_node.events[-1]).__name__ == "ReofferAnswered"


def test_a_cancelled_reoffer_leaves_the_call_alone(peer: Peer) -> None:
    call, tag = peer.connect()
    peer.send("INVITE", cseq=2, tag=tag, body=SDP, branch="re")
    assert peer.send("CANCEL", cseq=2, tag=tag, branch="re") == ["200", "487"]
    with pytest.raises(CallStateError):
        peer.agent.answer_reoffer(call, ANSWER)
    assert peer.agent.calls == [call]


def test_a_cancel_after_the_answer_changes_nothing(peer: Peer) -> None:
    call, tag = peer.connect()
    assert peer.send("CANCEL", branch="1") == ["200"]
    assert peer.agent.calls == [call]
    assert peer.send("BYE", cseq=2, tag=tag, Reason='Q.850;cause=16;text="Terminated"') == ["200"]
    assert peer.agent_node.events[-1] == CallEnded(call, "Terminated", None)


def test_bye_during_a_pending_invite_refuses_that_with_487(peer: Peer) -> None:
    peer.send("INVITE", body=SDP)
    event = peer.agent_node.of_type(IncomingCall)[0]
    assert isinstance(event, IncomingCall)
    peer.agent.ring(event.call)
    peer.network.run(0)
    tag = peer.last().to_address.tag or ""
    assert peer.send("BYE", cseq=2, tag=tag) == ["200", "487"]
    assert not peer.agent.calls


def test_hanging_up_an_unanswered_call_refuses_it(peer: Peer) -> None:
    peer.send("INVITE", body=SDP)
    event = peer.agent_node.of_type(IncomingCall)[0]
    assert isinstance(event, IncomingCall)
    peer.agent.hang_up(event.call)
    peer.network.run(0)
    response = peer.last()
    assert isinstance(response, Response) and response.status == 480
    with pytest.raises(CallStateError):
        peer.agent.hang_up(event.call)


def test_an_old_peer_that_reuses_the_branch_in_its_ack_is_understood(peer: Peer) -> None:
    peer.send("INVITE", body=SDP, branch="same")
    event = peer.agent_node.of_type(IncomingCall)[0]
    assert isinstance(event, IncomingCall)
    peer.agent.accept(event.call, ANSWER)
    peer.network.run(0)
    peer.send("ACK", tag=peer.last().to_address.tag or "", branch="same")
    assert type(peer.agent_node.events[-1]).__name__ == "CallConfirmed"


def test_a_flood_that_waits_for_answers_is_refused_without_memory(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sip.transaction_layer.MAX_SERVER_TRANSACTIONS", 3)
    for number in range(3):
        peer.send("INVITE", body=SDP, call_id=f"waits-{number}")
    assert peer.send("OPTIONS") == ["503"]
    assert header(peer, "Retry-After") == "30"


def test_requests_that_were_answered_make_room_for_new_ones(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sip.transaction_layer.MAX_SERVER_TRANSACTIONS", 3)
    peer.send("INVITE", body=SDP)
    calls = len(peer.agent_node.of_type(IncomingCall))
    for number in range(20):
        assert peer.send("OPTIONS", call_id=f"question-{number}") == ["200"]
    assert len(peer.agent._core.transactions._servers) <= 3
    event = peer.agent_node.of_type(IncomingCall)[calls - 1]
    assert isinstance(event, IncomingCall)
    peer.agent.accept(event.call, ANSWER)  # the call that waits is still there
    peer.network.run(0)
    assert isinstance(peer.last(), Response) and peer.last().to_address.tag


def test_forked_answers_are_acknowledged_and_the_second_is_ended(peer: Peer) -> None:
    call = peer.agent.invite("sip:room@192.0.2.9", SDP, "sip:me@192.0.2.2")
    peer.network.run(0)
    invite = peer.last()
    assert isinstance(invite, Request)

    def answer(tag: str) -> list[str]:
        response = invite.response(200, tag)
        response.headers.add("Contact", f"<sip:{tag}@192.0.2.9>")
        return peer.send_raw(bytes(response))

    assert answer("one") == ["ACK"]
    assert answer("two") == ["ACK", "BYE"]
    bye = peer.last()
    assert isinstance(bye, Request) and str(bye.uri) == "sip:two@192.0.2.9"
    assert answer("one") == ["ACK"]
    assert peer.agent.calls == [call] and len(peer.agent_node.of_type(CallAnswered)) == 1


def test_a_refusal_tells_its_warning(peer: Peer) -> None:
    call = peer.agent.invite("sip:room@192.0.2.9", SDP, "sip:me@192.0.2.2")
    peer.network.run(0)
    invite = peer.last()
    assert isinstance(invite, Request)
    response = invite.response(488, "t")
    response.headers.add("Warning", '305 x "no, codec"')
    assert peer.send_raw(bytes(response)) == ["ACK"]
    assert peer.agent_node.events[-1] == CallRefused(call, 488, "Not Acceptable Here", "305 no, codec")


def test_responses_to_nobody_are_counted(peer: Peer) -> None:
    peer.send("OPTIONS")
    assert peer.send_raw(peer.network.sent[-1][2]) == []
    assert peer.agent.statistics.unmatched == 1


def test_the_public_address_is_told_to_peers() -> None:
    peer = Peer(AgentSettings(public_host="203.0.113.5"))
    peer.send("INVITE", body=SDP)
    event = peer.agent_node.of_type(IncomingCall)[0]
    assert isinstance(event, IncomingCall)
    peer.agent.ring(event.call)
    peer.network.run(0)
    assert header(peer, "Contact") == "<sip:1000@203.0.113.5:5060>"
    assert "1000" not in repr(event)


def test_peers_nearby_are_told_the_address_that_they_reach() -> None:
    peer = Peer(AgentSettings(public_host="203.0.113.5", local_networks=LocalNetworks(["192.0.2.0/24"])))
    peer.send("INVITE", body=SDP)
    event = peer.agent_node.of_type(IncomingCall)[0]
    assert isinstance(event, IncomingCall) and event.source.remote[0].startswith("192.0.2.")
    peer.agent.ring(event.call)
    peer.network.run(0)
    assert header(peer, "Contact") == f"<sip:1000@{event.source.local[0]}:5060>"


def test_a_stream_that_loses_its_frame_or_never_ends_is_closed() -> None:
    peer = Peer(transport="tcp")
    assert peer.send_raw(b"\r\n\r\n") == ["pong"]
    peer.send_raw(b"x" * 40_000)
    assert len(peer.agent.connections_to_close()) == 1
    peer.send_raw(b"INVITE sip:a@b SIP/2.0\r\n")
    peer.network.run(31)
    assert not peer.agent.connections_to_close()
    peer.network.run(2)
    assert len(peer.agent.connections_to_close()) == 1


def test_refusals_are_not_remembered_and_stay_the_same(peer: Peer) -> None:
    for method, status in (("REGISTER", "405"), ("BYE", "481"), ("OPTIONS", "200")):
        before = len(peer.agent._core.transactions._servers)
        for _ in range(2):
            assert peer.send(method, branch=method, call_id=method, tag="" if method == "OPTIONS" else "x") == [status]
        assert peer.network.sent[-1][2] == peer.network.sent[-2][2]
        assert method == "OPTIONS" or len(peer.agent._core.transactions._servers) == before


def test_a_call_nobody_answers_is_cleared_away() -> None:
    peer = Peer(AgentSettings(ring_timeout=60))
    peer.send("INVITE", body=SDP)
    peer.network.run(61)
    event = peer.agent_node.of_type(IncomingCall)[0]
    assert isinstance(event, IncomingCall)
    assert peer.agent_node.events[-1] == CallEnded(event.call, "the call was not answered in time", 480)
    peer.network.run(40)
    assert peer.agent.is_idle and peer.agent.next_deadline() is None


def test_a_refused_reoffer_does_not_move_the_target(peer: Peer) -> None:
    call, tag = peer.connect()
    dialog = peer.agent._calls.get(call).dialog
    assert dialog is not None
    for cseq, target in ((2, "sip:x@192.0.2.9"), (3, "sip:moved@192.0.2.9")):
        peer.send("INVITE", cseq=cseq, tag=tag, body=SDP, Contact="<sip:moved@192.0.2.9>")
        if cseq == 2:
            peer.agent.refuse_reoffer(call, 488)
        else:
            peer.agent.answer_reoffer(call, ANSWER)
        peer.network.run(0)
        assert str(dialog.remote_target) == target


def test_commands_that_do_not_fit_raise(peer: Peer) -> None:
    call, _ = peer.connect()
    for command in (peer.agent.ring, peer.agent.cancel):
        with pytest.raises(CallStateError):
            command(call)
    with pytest.raises(CallStateError):
        peer.agent.accept(call, ANSWER)
    with pytest.raises(CallStateError):
        peer.agent.answer_reoffer(call, ANSWER)
    peer.send("INVITE", body=SDP, call_id="other")
    unanswered = peer.agent_node.of_type(IncomingCall)[-1]
    assert isinstance(unanswered, IncomingCall)
    with pytest.raises(CallStateError):
        peer.agent.reoffer(unanswered.call, SDP)


def test_a_second_ack_changes_nothing(peer: Peer) -> None:
    _, tag = peer.connect()
    events = len(peer.agent_node.events)
    assert peer.send("ACK", tag=tag) == [] and len(peer.agent_node.events) == events


def test_unreadable_reasons_are_left_out(peer: Peer) -> None:
    call, tag = peer.connect()
    assert peer.send("BYE", cseq=2, tag=tag, Reason='SIP;text="open') == ["200"]
    assert peer.agent_node.events[-1] == CallEnded(call, "the other side hung up", None)


def test_without_a_way_to_the_peer_a_request_ends_the_call(peer: Peer) -> None:
    for number, command in enumerate(("info", "reoffer")):
        peer.contact = "<sip:x@192.0.2.9:5099>"
        peer.send("INVITE", body=SDP, call_id=command)
        event = peer.agent_node.of_type(IncomingCall)[number]
        assert isinstance(event, IncomingCall)
        peer.agent.accept(event.call, ANSWER)
        peer.network.run(0)
        peer.send("ACK", tag=peer.last().to_address.tag or "", call_id=command)
        peer.agent_node.transport_available = False
        if command == "info":
            peer.agent.send_info(event.call, "application/dtmf", "1")
        else:
            peer.agent.reoffer(event.call, SDP)
        peer.network.run(0)
        expected = CallEnded(event.call, "the other side cannot be reached any more", 503)
        assert peer.agent_node.events[-1] == expected
        peer.agent_node.transport_available = True
