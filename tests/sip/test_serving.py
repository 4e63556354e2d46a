"""Methods and policies that an application adds."""

from __future__ import annotations

from sip.events import IncomingCall
from sip.flow import Flow
from sip.message import Request
from sip.serving import Admit, Drop, Refuse, Responder, Verdict
from tests.sip.network import SDP
from tests.sip.test_agent import Peer


def test_a_registrar_serves_register_now_or_later() -> None:
    peer = Peer()
    assert peer.send("REGISTER") == ["405"]
    waiting: list[Responder] = []
    peer.agent.serve_method("REGISTER", lambda request, flow, responder: waiting.append(responder), ["path"])
    assert peer.send("REGISTER", cseq=2, Require="path") == []
    waiting[0].respond(200, headers=[("Contact", "<sip:x@192.0.2.9>;expires=60")])
    peer.network.run(0.01)
    answer = peer.last()
    assert answer.headers.get("Contact") == "<sip:x@192.0.2.9>;expires=60"
    waiting[0].respond(403)  # too late
    assert waiting[0].is_answered
    assert peer.send("OPTIONS", cseq=3) == ["200"]
    assert "REGISTER" in peer.last().headers.tokens("Allow")
    assert "path" in peer.last().headers.tokens("Supported")


def test_a_challenged_caller_is_not_remembered_until_it_proves_who_it_is() -> None:
    peer = Peer()

    def screen(request: Request, flow: Flow) -> Verdict:
        if request.headers.get("Authorization") is not None:
            return Admit("room@example.com")
        return Refuse(401, headers=(("WWW-Authenticate", 'Digest realm="r", nonce="n"'),))

    peer.agent.screen_requests(screen)
    assert peer.send("INVITE", body=SDP) == ["401"]
    assert peer.last().headers.get("WWW-Authenticate") == 'Digest realm="r", nonce="n"'
    assert not peer.agent_node.events
    assert not peer.agent._core.transactions._servers
    assert peer.send("INVITE", cseq=2, body=SDP, Authorization="Digest …") == ["100"]
    event = peer.agent_node.of_type(IncomingCall)[0]
    assert isinstance(event, IncomingCall)
    assert event.identity == "room@example.com"


def test_dropped_requests_and_ignored_flows_get_no_answer() -> None:
    peer = Peer()
    peer.agent.screen_requests(lambda request, flow: Drop())
    assert peer.send("OPTIONS") == []
    peer.agent.screen_requests(lambda request, flow: Admit())
    peer.agent.ignore_flows(lambda flow: flow.remote[0] == "192.0.2.9")
    assert peer.send("OPTIONS", cseq=2) == []
    assert peer.agent.statistics.ignored == 2
