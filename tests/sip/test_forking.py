"""Calls of ours that reach several devices at once, or are sent elsewhere."""

from __future__ import annotations

from sip.events import CallAnswered, CallEnded, CallProgress, CallRefused, Event
from sip.message import Request, Response, parse
from tests.sip.network import ANSWER, SDP, Network, Node, first_lines
from tests.sip.test_calls import Pair

PROXY = ("192.0.2.7", 5060)


class Forks:
    """A proxy with several devices behind it, written by hand."""

    def __init__(self) -> None:
        self.network = Network(delay=0.0)
        self.room: Node = self.network.node("192.0.2.1")
        self.call = self.room.agent.invite("sip:ward@192.0.2.7", SDP, "sip:room@192.0.2.1", "")
        self.network.run(0.01)
        invite = parse(self.network.sent[-1][2])
        assert isinstance(invite, Request)
        self.invite = invite

    def answer(self, status: int, device: str, body: str = "", **headers: str) -> None:
        response = self.invite.response(status, device)
        response.headers.add("Contact", f"<sip:{device}@192.0.2.7>")
        for name, value in headers.items():
            response.headers.add(name, value)
        if body:
            response.headers.add("Content-Type", "application/sdp")
        whole = Response(response.headers, body.encode(), status=status, reason=response.reason)
        self.network.inject(bytes(whole), PROXY, self.room)
        self.network.run(0.01)

    def requests(self, method: str) -> list[Request]:
        messages = [parse(data) for _, _, data in self.network.sent]
        return [item for item in messages if isinstance(item, Request) and item.method == method]


def test_the_first_device_to_answer_gets_the_call_and_the_second_a_bye() -> None:
    forks = Forks()
    forks.answer(180, "one")
    forks.answer(180, "two")
    forks.answer(200, "two", ANSWER)
    forks.answer(200, "one", ANSWER)
    forks.answer(200, "two", ANSWER)  # its ACK was lost
    acks, byes = forks.requests("ACK"), forks.requests("BYE")
    assert [ack.to_address.tag for ack in acks] == ["two", "one", "two"]
    assert [str(bye.uri) for bye in byes] == ["sip:one@192.0.2.7"]
    assert forks.room.of_type(CallAnswered) == [CallAnswered(forks.call, ANSWER)]


def test_each_fork_has_its_own_reliable_responses() -> None:
    forks = Forks()
    forks.answer(183, "one", Require="100rel", RSeq="70")
    forks.answer(180, "two", Require="100rel", RSeq="9")
    forks.answer(183, "one", Require="100rel", RSeq="70")  # again: the PRACK is on its way
    forks.answer(180, "one", Require="100rel", RSeq="72")  # 71 is missing, and comes again
    forks.answer(180, "one", ANSWER, Require="100rel", RSeq="71")
    pracks = forks.requests("PRACK")
    assert [prack.to_address.tag for prack in pracks] == ["one", "two", "one"]
    assert [prack.headers.get("RAck") for prack in pracks] == ["70 1 INVITE", "9 1 INVITE", "71 1 INVITE"]
    assert [prack.cseq.number for prack in pracks] == [2, 2, 3]
    progress = forks.room.of_type(CallProgress)
    assert progress == [CallProgress(forks.call, status) for status in (183, 180, 180)]
    forks.answer(200, "one")  # the answer came before
    assert forks.room.of_type(CallAnswered) == [CallAnswered(forks.call, ANSWER)]
    forks.room.agent.hang_up(forks.call)
    forks.network.run(0.01)
    assert forks.requests("BYE")[0].cseq.number == 4


def test_a_provisional_response_that_cannot_be_acknowledged_does_no_harm() -> None:
    forks = Forks()
    forks.answer(180, "one", Require="100rel")
    forks.answer(180, "one", Require="100rel", RSeq="x")
    assert not forks.requests("PRACK")
    forks.answer(200, "one", ANSWER)
    assert forks.room.of_type(CallAnswered)


def test_a_proxy_cannot_make_us_keep_dialogs_without_end() -> None:
    forks = Forks()
    for number in range(100):
        forks.answer(180, f"tag{number}", Require="100rel", RSeq="1")
    assert len({prack.to_address.tag for prack in forks.requests("PRACK")}) == 32
    forks.answer(486, "tag1")
    forks.network.run(200)
    assert not forks.room.agent._calls._dialogs


def test_a_fork_may_update_its_target_before_it_answers() -> None:
    forks = Forks()
    forks.answer(180, "one", Require="100rel", RSeq="1")
    own_tag = forks.invite.from_address.tag
    update = (
        f"UPDATE sip:room@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKu\r\n"
        f"From: <sip:ward@192.0.2.7>;tag=one\r\nTo: <sip:room@192.0.2.1>;tag={own_tag}\r\n"
        f"Call-ID: {forks.invite.call_id}\r\nCSeq: 1 UPDATE\r\nContact: <sip:moved@192.0.2.7>\r\n\r\n"
    )
    forks.network.inject(update.encode(), PROXY, forks.room)
    forks.network.run(0.01)
    assert first_lines(forks.network, forks.room)[-1] == "200"


class Redirecting(Pair):
    """A server that sends callers on; ``contacts`` of its 302."""

    def __init__(self, contacts: str) -> None:
        super().__init__()
        self.ward = self.network.node("192.0.2.8")
        self.ward.on_event = lambda event: self.ward.agent.accept(_call(event), ANSWER) if _call(event) else None
        self.network.drop = self._redirect
        self.contacts = contacts

    def _redirect(self, data: bytes, sender: tuple[str, int], receiver: tuple[str, int]) -> bool:
        if not data.startswith(b"INVITE") or receiver != self.server.address:
            return False
        invite = parse(data)
        assert isinstance(invite, Request)
        response = invite.response(302, "redirector")
        response.headers.add("Contact", self.contacts)
        self.network.inject(bytes(response), receiver, self.room)
        return True


def _call(event: Event) -> str:
    return getattr(event, "call_id", "")


def test_a_redirected_call_reaches_the_preferred_place() -> None:
    pair = Redirecting("<sip:x@192.0.2.99>;q=0.1, <sip:ward@192.0.2.8?Subject=free>;q=0.9")
    call = pair.call()
    pair.network.run(2)
    assert pair.room.of_type(CallAnswered) == [CallAnswered(call, ANSWER)]
    invites = [parse(data) for _, _, data in pair.network.sent if data.startswith(b"INVITE")]
    assert isinstance(invites[1], Request)
    assert (str(invites[1].uri), invites[1].cseq.number) == ("sip:ward@192.0.2.8", 2)
    assert invites[1].call_id == invites[0].call_id
    pair.room.agent.hang_up(call)
    pair.network.run(2)
    assert pair.ward.of_type(CallEnded)


def test_a_redirection_to_where_nobody_may_be_called_is_a_refusal() -> None:
    pair = Redirecting("<sip:ward@192.0.2.8>")
    pair.room.agent.restrict_redirections(lambda uri: uri.host != "192.0.2.8")
    call = pair.call()
    pair.network.run(2)
    assert pair.room.of_type(CallRefused) == [CallRefused(call, 302, "Moved Temporarily")]


def test_redirections_in_a_circle_end() -> None:
    pair = Redirecting("<sip:1000@192.0.2.2>, <sip:other@192.0.2.2>")
    call = pair.call()
    pair.network.run(2)
    assert pair.room.of_type(CallRefused) == [CallRefused(call, 302, "Moved Temporarily")]


def test_a_redirection_to_nowhere_is_a_refusal() -> None:
    pair = Redirecting("<tel:+4930>, <mailto:ward@example.com>")
    call = pair.call()
    pair.network.run(2)
    assert pair.room.of_type(CallRefused) == [CallRefused(call, 302, "Moved Temporarily")]
