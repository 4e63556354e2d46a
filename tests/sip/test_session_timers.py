"""Session timers, both roles, refreshed by UPDATE or re-INVITE (RFC 4028), and UPDATE with an offer (RFC 3311)."""

from __future__ import annotations

import pytest

from sip.core import AgentSettings
from sip.errors import SipParseError
from sip.events import CallEnded, CallRefused, Event, ReofferAnswered, ReofferReceived
from sip.message import Request, Response, parse
from sip.session_expires import Refresher, SessionExpires, parse_session_expires
from tests.sip.network import ANSWER, SDP, Network, Node
from tests.sip.test_agent import Peer
from tests.sip.test_calls import Pair


class Timed(Pair):
    """A room and a server with session timers of their own."""

    def __init__(self, room: AgentSettings | None = None, server: AgentSettings | None = None) -> None:
        super().__init__()
        self.room = self.network.node("192.0.2.1", room)
        self.server = self.network.node("192.0.2.2", server)
        self.server.on_event = self._answer_all

    def _answer_all(self, event: Event) -> None:
        self._serve(event)
        if isinstance(event, ReofferReceived):
            self.server.agent.answer_reoffer(event.call, ANSWER)

    def sent(self, node: Node, method: str) -> list[Request]:
        messages = [parse(data) for _, sender, data in self.network.sent if sender == node.address and data.strip()]
        return [item for item in messages if isinstance(item, Request) and item.method == method]

    def without(self, node: Node, method: str) -> None:
        """Let a node not tell that it knows a method."""
        node.agent._core.methods.remove(method)


def test_the_caller_refreshes_by_update_and_the_call_goes_on() -> None:
    pair = Timed(AgentSettings(session_expires=120))
    pair.connect()
    pair.network.run(1000)
    updates = pair.sent(pair.room, "UPDATE")
    assert len(updates) == 1000 // 60
    assert updates[0].headers.get("Session-Expires") == "120;refresher=uac"
    assert not updates[0].body
    assert not pair.sent(pair.server, "UPDATE")
    assert not pair.room.of_type(CallEnded) and not pair.server.of_type(CallEnded)


def test_where_update_is_unknown_the_session_is_offered_again_as_it_was() -> None:
    pair = Timed(AgentSettings(session_expires=120))
    pair.without(pair.server, "UPDATE")
    pair.connect()
    pair.network.run(200)
    invites = pair.sent(pair.room, "INVITE")
    assert len(invites) == 1 + 3
    assert invites[1].body.decode() == SDP
    assert invites[1].headers.get("Session-Expires") == "120;refresher=uac"
    assert not pair.room.of_type(ReofferAnswered), "a refresh is no news"
    pair.network.run(1000)
    assert not pair.server.of_type(CallEnded)


def test_a_vanished_caller_is_noticed_before_its_session_expires() -> None:
    pair = Timed(AgentSettings(session_expires=120))
    pair.connect()
    pair.network.drop = lambda data, sender, receiver: sender == pair.room.address
    pair.network.run(85)
    assert not pair.server.of_type(CallEnded)
    pair.network.run(2)
    ended = pair.server.of_type(CallEnded)
    assert ended == [CallEnded(pair.incoming(), "the session was not refreshed in time", 408)]
    pair.network.run(100)
    assert pair.room.of_type(CallEnded)


def test_the_answering_side_refreshes_when_the_caller_asks_for_it() -> None:
    peer = Peer(AgentSettings(session_expires=1800))
    assert peer.send("INVITE", body=SDP, Supported="timer", Session_Expires="200;refresher=uas") == ["100"]
    call = peer.agent.calls[0]
    peer.agent.accept(call, ANSWER)
    peer.network.run(0.01)
    answer = peer.last()
    assert answer.headers.get("Session-Expires") == "200;refresher=uas"
    assert answer.headers.tokens("Require") == ["timer"]
    peer.send("ACK", tag=answer.to_address.tag or "")
    before = len(peer.network.sent)
    peer.network.run(101)
    refresh = parse(peer.network.sent[before][2])
    assert isinstance(refresh, Request)
    assert (refresh.method, refresh.headers.get("Session-Expires")) == ("INVITE", "200;refresher=uac")
    assert refresh.body.decode() == ANSWER


@pytest.mark.parametrize(
    ("asked", "min_se", "supported", "agreed"),
    [
        ("", "", "timer", "1800;refresher=uac"),  # we want one, the caller can
        ("", "", "", None),  # the caller cannot
        ("600", "", "timer", "600;refresher=uac"),
        ("7200", "", "timer", "1800;refresher=uac"),  # too long for us
        ("7200", "3600", "timer", "3600;refresher=uac"),  # and too short for somebody on the way
        ("600;refresher=uas", "", "timer", "600;refresher=uas"),
        ("600", "", "", "600;refresher=uas"),  # a proxy asks, the caller does not know how
        ("nonsense", "", "timer", "1800;refresher=uac"),
    ],
)
def test_what_is_agreed(asked: str, min_se: str, supported: str, agreed: str | None) -> None:
    peer = Peer()
    assert peer.send("INVITE", body=SDP, Session_Expires=asked, Min_SE=min_se, Supported=supported) == ["100"]
    peer.agent.accept(peer.agent.calls[0], ANSWER)
    peer.network.run(0.01)
    assert peer.last().headers.get("Session-Expires") == agreed
    assert ("timer" in peer.last().headers.tokens("Require")) == (supported == "timer")


def test_a_session_too_short_is_refused_with_what_would_do() -> None:
    peer = Peer()
    assert peer.send("INVITE", body=SDP, Supported="timer", Session_Expires="89") == ["422"]
    assert peer.last().headers.get("Min-SE") == "90"
    # Who does not know what 422 means is not refused.
    assert peer.send("INVITE", body=SDP, Session_Expires="60", call_id="other") == ["100"]


def test_a_call_refused_for_its_short_session_is_repeated_with_a_longer_one() -> None:
    pair = Timed(AgentSettings(session_expires=120), AgentSettings(min_session_expires=600))
    pair.connect()
    asked = [invite.headers.get("Session-Expires") for invite in pair.sent(pair.room, "INVITE")]
    assert asked == ["120", "600"]
    assert pair.sent(pair.room, "INVITE")[1].headers.get("Min-SE") == "600"
    assert not pair.room.of_type(CallRefused)


def test_without_session_timers_nothing_is_asked_for() -> None:
    off = AgentSettings(session_expires=0)
    pair = Timed(off, off)
    pair.connect()
    pair.network.run(5000)
    assert "Session-Expires" not in pair.sent(pair.room, "INVITE")[0].headers
    assert len(pair.sent(pair.room, "INVITE")) == 1


def test_a_refresh_that_is_refused_for_the_moment_is_tried_again() -> None:
    pair = Timed(AgentSettings(session_expires=120))
    pair.connect()
    refused: list[bytes] = []

    def drop(data: bytes, sender: tuple[str, int], receiver: tuple[str, int]) -> bool:
        if not data.startswith(b"UPDATE") or len(refused) >= 2:
            return False
        refused.append(data)
        request = parse(data)
        assert isinstance(request, Request)
        pair.network.inject(bytes(request.response(500)), receiver, pair.room)
        return True

    pair.network.drop = drop
    pair.network.run(1000)
    assert len(refused) == 2
    assert not pair.room.of_type(CallEnded) and not pair.server.of_type(CallEnded)


def test_a_refresh_that_nobody_answers_ends_the_call() -> None:
    pair = Timed(AgentSettings(session_expires=120))
    call, _ = pair.connect()
    pair.network.drop = lambda data, sender, receiver: sender == pair.server.address
    pair.network.run(120)
    ended = pair.room.of_type(CallEnded)[0]
    assert isinstance(ended, CallEnded)
    assert (ended.call, ended.status) == (call, 408)


def test_an_update_with_an_offer_is_answered_like_a_new_invite_but_in_one_round() -> None:
    peer = Peer()
    call, tag = peer.connect()
    assert peer.send("UPDATE", cseq=2, tag=tag, body=SDP) == []
    assert peer.agent_node.of_type(ReofferReceived) == [ReofferReceived(call, SDP)]
    peer.agent.answer_reoffer(call, ANSWER)
    peer.network.run(0.01)
    answer = peer.last()
    assert isinstance(answer, Response)
    assert (answer.status, answer.body.decode(), answer.content_type) == (200, ANSWER, "application/sdp")
    peer.network.run(60)
    assert not peer.agent_node.of_type(CallEnded), "no ACK is awaited"
    assert peer.send("UPDATE", cseq=3, tag=tag, body=SDP) == []
    assert peer.send("UPDATE", cseq=4, tag=tag, body=SDP) == ["500"]
    assert peer.last().headers.get("Retry-After")
    peer.agent.refuse_reoffer(call, 488)
    peer.network.run(0.01)
    refusal = peer.last()
    assert isinstance(refusal, Response)
    assert (refusal.status, refusal.cseq.number) == (488, 3)


def test_an_update_without_an_offer_moves_the_target() -> None:
    peer = Peer()
    call, tag = peer.connect()
    assert peer.send("UPDATE", cseq=2, tag=tag, Contact="<sip:moved@192.0.2.9>", Supported="timer") == ["200"]
    assert peer.last().headers.get("Session-Expires") == "1800;refresher=uac"
    peer.agent.hang_up(call)
    peer.network.run(0.01)
    bye = peer.last()
    assert isinstance(bye, Request)
    assert str(bye.uri) == "sip:moved@192.0.2.9"


def test_an_update_with_an_offer_before_the_answer_has_to_wait() -> None:
    peer = Peer()
    assert peer.send("INVITE", body=SDP) == ["100"]
    peer.agent.ring(peer.agent.calls[0])
    peer.network.run(0.01)
    tag = peer.last().to_address.tag or ""
    assert peer.send("UPDATE", cseq=2, tag=tag, body=SDP) == ["500"]
    assert peer.send("UPDATE", cseq=3, tag=tag) == ["200"]


@pytest.mark.parametrize("text", ["", "x", "90;refresher=both", "99999999999", '90;"'])
def test_malformed_session_expires(text: str) -> None:
    with pytest.raises(SipParseError):
        parse_session_expires(text)


def test_session_expires_is_written_as_it_is_read() -> None:
    for text in ("90", "1800;refresher=uac", "3600;refresher=uas"):
        assert str(parse_session_expires(text)) == text
    assert parse_session_expires("90 ; Refresher=UAS;x=y") == SessionExpires(90, Refresher.UAS)


def test_timers_survive_a_bad_network() -> None:
    pair = Timed(AgentSettings(session_expires=90))
    pair.network = Network(seed=4, loss=0.1)
    pair.room = pair.network.node("192.0.2.1", AgentSettings(session_expires=90))
    pair.server = pair.network.node("192.0.2.2")
    pair.server.on_event = pair._answer_all
    pair.call()
    pair.network.run(2000)
    assert pair.room.agent.calls and pair.server.agent.calls
