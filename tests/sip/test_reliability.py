"""Reliable provisional responses that we send, and calls that take another's place."""

from __future__ import annotations

import pytest

from sip.errors import SipParseError
from sip.events import CallConfirmed, CallEnded, IncomingCall
from sip.message import Response
from sip.rack import RAck, parse_rack
from sip.replaces import Replaces, parse_replaces
from tests.sip.network import ANSWER, SDP
from tests.sip.test_agent import Peer
from tests.sip.test_calls import Pair


class Ringing(Peer):
    """A caller that wants provisional responses to be reliable, and hears one."""

    def __init__(self, body: str = SDP) -> None:
        super().__init__()
        assert self.send("INVITE", body=body, Require="100rel") == ["100"]
        self.call = self.agent.calls[0]
        self.agent.ring(self.call)
        self.network.run(0.01)

    def rings(self) -> Response:
        message = self.last()
        assert isinstance(message, Response)
        return message


def test_a_reliable_response_is_repeated_until_it_is_acknowledged() -> None:
    peer = Ringing()
    ringing = peer.rings()
    assert (ringing.status, ringing.headers.tokens("Require")) == (180, ["100rel"])
    rseq, tag = ringing.headers.get("RSeq"), ringing.to_address.tag or ""
    before = len(peer.network.sent)
    peer.network.run(3.6)  # after 0.5, 1.5 and 3.5 s
    assert len(peer.network.sent) == before + 3
    assert peer.send("PRACK", cseq=2, tag=tag, RAck=f"{int(rseq or 0) + 1} 1 INVITE") == ["481"]
    assert peer.send("PRACK", cseq=3, tag=tag, RAck="nonsense") == ["400"]
    assert peer.send("PRACK", cseq=4, tag=tag, RAck=f"{rseq} 1 INVITE") == ["200"]
    assert peer.send("PRACK", cseq=5, tag=tag, RAck=f"{rseq} 1 INVITE") == ["481"]
    before = len(peer.network.sent)
    peer.network.run(10)
    assert len(peer.network.sent) == before
    peer.agent.ring(peer.call)
    peer.network.run(0.01)
    assert peer.rings().headers.get("RSeq") == str(int(rseq or 0) + 1)


def test_an_answer_does_not_wait_for_the_acknowledgement() -> None:
    peer = Ringing()
    rseq, tag = peer.rings().headers.get("RSeq"), peer.rings().to_address.tag or ""
    peer.agent.accept(peer.call, ANSWER)
    peer.network.run(0.01)
    assert peer.rings().status == 200
    assert peer.send("PRACK", cseq=2, tag=tag, RAck=f"{rseq} 1 INVITE") == ["200"]
    peer.send("ACK", tag=tag)
    assert peer.agent_node.of_type(CallConfirmed)


def test_a_caller_that_never_acknowledges_is_refused() -> None:
    peer = Ringing()
    peer.network.run(31)
    assert not peer.agent_node.of_type(CallEnded)
    peer.network.run(2)
    assert peer.agent_node.of_type(CallEnded)
    assert peer.rings().status == 504


def test_without_an_offer_there_is_nothing_to_be_reliable_about() -> None:
    peer = Ringing(body="")
    assert peer.rings().status == 100
    peer.agent.accept(peer.call, ANSWER)
    peer.network.run(0.01)
    assert peer.rings().status == 200


@pytest.mark.parametrize("text", ["", "1 2", "1 2 IN VITE", "x 2 INVITE", "1 -2 INVITE", "99999999999 1 INVITE"])
def test_malformed_racks(text: str) -> None:
    with pytest.raises(SipParseError):
        parse_rack(text)


def test_headers_are_written_as_they_are_read() -> None:
    assert parse_rack(str(RAck(7, 1, "INVITE"))) == RAck(7, 1, "INVITE")
    for replaces in (Replaces("a@b", "1", "2"), Replaces("a", "1", "2", early_only=True)):
        assert parse_replaces(str(replaces)) == replaces
    assert parse_replaces("a;from-tag=0;to-tag=x;other").from_tag == ""


@pytest.mark.parametrize("text", ["", "a", "a;to-tag=1", "a;from-tag=1", "a b;to-tag=1;from-tag=2", 'a;to-tag=";x'])
def test_malformed_replaces(text: str) -> None:
    with pytest.raises(SipParseError):
        parse_replaces(text)


def test_a_call_takes_the_place_of_another() -> None:
    pair = Pair()
    call, incoming = pair.connect()
    dialog = pair.room.agent._calls.get(call).dialog
    assert dialog is not None
    third = pair.network.node("192.0.2.3")
    there = f"{dialog.call_id}%3Bto-tag%3D{dialog.remote.tag}%3Bfrom-tag%3D{dialog.local.tag}"
    third.agent.invite(f"sip:1000@192.0.2.2?Replaces={there}", SDP, "sip:third@192.0.2.3")
    pair.network.run(2)
    event = pair.server.of_type(IncomingCall)[-1]
    assert isinstance(event, IncomingCall)
    assert event.replaces == incoming
    assert pair.server.of_type(CallEnded) == [CallEnded(incoming, "another call takes the place of this one")]
    assert pair.room.of_type(CallEnded)
    assert pair.server.agent.calls == [event.call]


def test_a_call_that_takes_no_known_place_is_refused() -> None:
    peer = Peer()
    call, tag = peer.connect()
    assert peer.send("INVITE", body=SDP, call_id="b", Replaces="x;to-tag=1;from-tag=2") == ["481"]
    assert peer.send("INVITE", body=SDP, call_id="c", Replaces="nonsense") == ["400"]
    known = f"call;to-tag={tag};from-tag=xx"
    assert peer.send("INVITE", body=SDP, call_id="d", Replaces=f"{known};early-only") == ["486"]
    assert peer.send("INVITE", body=SDP, call_id="e", Replaces=known, Require="replaces") == ["100"]
    assert peer.agent.calls[0] == call
    peer.agent.reject(peer.agent.calls[1], 486)
    peer.network.run(0.01)
    assert peer.agent.calls == [call], "a replacement that is refused replaces nothing"
