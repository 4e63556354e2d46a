"""The four machines: what they send, when, and what they pass up (RFC 3261 §17, RFC 6026)."""

from __future__ import annotations

import pytest

from sip.flow import Flow
from sip.message import Request, Response, parse
from sip.timers import TimerQueue, TimerSettings
from sip.transaction_layer import TransactionLayer
from sip.transaction_tables import INVITE_CLIENT, INVITE_SERVER, REQUEST_CLIENT, REQUEST_SERVER, State, Step, Table
from sip.transactions import ClientTransaction, Failure, ServerTransaction, TransactionContext
from tests.sip.test_message import raw, request

UDP = Flow("udp", ("192.0.2.1", 5060), ("192.0.2.2", 5060))
TCP = Flow("tcp", ("192.0.2.1", 5060), ("192.0.2.2", 5060), 1)


class Bench:
    """A transaction layer with a clock of its own; ``sent`` holds (time, first word of the first line)."""

    def __init__(self, settings: TimerSettings | None = None) -> None:
        self.now = 0.0
        self.timers = TimerQueue()
        self.sent: list[tuple[float, str]] = []
        self.passed_up: list[object] = []
        self.layer = TransactionLayer(TransactionContext(self.timers, settings or TimerSettings(), self._send))

    def _send(self, flow: Flow, data: bytes) -> None:
        words = data.split(b"\r\n", 1)[0].decode().split()
        self.sent.append((round(self.now, 2), words[1] if words[0] == "SIP/2.0" else words[0]))

    def request(self, method: str = "INVITE", flow: Flow = UDP) -> ClientTransaction:
        message = request(raw(f"{method} sip:b@s.example SIP/2.0", CSeq=f"1 {method}", Route="<sip:p;lr>"))
        return self.layer.request(message, flow, self.passed_up.append)

    def serve(self, method: str = "INVITE", flow: Flow = UDP) -> ServerTransaction:
        transaction = self.layer.serve(incoming(method), flow)
        transaction.on_ack = self.passed_up.append
        return transaction

    def respond(self, status: int, method: str = "INVITE") -> bool:
        return self.layer.receive_response(response(status, method))

    def run(self, until: float) -> None:
        self.timers.arm(self.now)
        while (deadline := self.timers.next_deadline()) is not None and deadline <= until:
            self.now = deadline
            self.timers.expire(self.now)
        self.now = until

    def times(self, what: str) -> list[float]:
        return [time for time, word in self.sent if word == what]


def incoming(method: str, **changes: str) -> Request:
    return request(raw(f"{method} sip:b@s.example SIP/2.0", b"", **{"CSeq": f"1 {method}", **changes}))


def response(status: int, method: str = "INVITE") -> Response:
    message = parse(raw(f"SIP/2.0 {status} x", CSeq=f"1 {method}", To="<sip:b@s.example>;tag=t"))
    assert isinstance(message, Response)
    return message


def test_invite_is_sent_again_with_doubling_intervals_until_timer_b() -> None:
    bench = Bench()
    bench.request()
    bench.run(40)
    assert bench.times("INVITE") == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert bench.passed_up == [Failure.TIMEOUT]
    assert not bench.respond(200)


def test_timers_scale_with_t1_t2_t4() -> None:
    bench = Bench(TimerSettings(t1=0.1, t2=0.4, t4=0.5))
    bench.request("OPTIONS")
    bench.run(10)
    assert bench.times("OPTIONS")[:5] == [0, 0.1, 0.3, 0.7, 1.1]
    assert bench.passed_up == [Failure.TIMEOUT]
    assert bench.times("OPTIONS")[-1] <= 6.4


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
def test_a_reliable_transport_needs_no_retransmission_but_times_out(method: str) -> None:
    bench = Bench()
    bench.request(method, TCP)
    bench.run(40)
    assert bench.times(method) == [0]
    assert bench.passed_up == [Failure.TIMEOUT]


def test_a_provisional_response_stops_the_invite_for_good() -> None:
    bench = Bench()
    transaction = bench.request()
    before = transaction.may_be_cancelled
    bench.respond(180)
    assert (before, transaction.may_be_cancelled) == (False, True)
    bench.run(100)
    assert bench.times("INVITE") == [0] and len(bench.passed_up) == 1
    bench.respond(180)
    bench.run(339)
    assert len(bench.passed_up) == 2
    bench.run(341)
    assert bench.passed_up[-1] is Failure.TIMEOUT


def test_a_provisional_response_slows_other_requests_to_t2() -> None:
    bench = Bench()
    bench.request("OPTIONS")
    bench.respond(100, "OPTIONS")
    bench.run(13)
    assert bench.times("OPTIONS") == [0, 0.5, 4.5, 8.5, 12.5]


def test_a_failure_is_acknowledged_each_time_and_passed_up_once() -> None:
    bench = Bench()
    bench.request()
    for _ in range(3):
        assert bench.respond(486)
    assert len(bench.times("ACK")) == 3 and len(bench.passed_up) == 1
    bench.run(31)
    assert bench.respond(486)
    bench.run(33)
    assert not bench.respond(486)


def test_every_2xx_is_passed_up_for_64_t1() -> None:
    bench = Bench()
    bench.request()
    bench.respond(200)
    bench.respond(200)
    assert len(bench.passed_up) == 2 and not bench.times("ACK")
    bench.run(33)
    assert not bench.respond(200)


def test_the_ack_to_a_failure_repeats_via_route_and_the_tagged_to() -> None:
    bench = Bench()
    transaction = bench.request()
    ack = transaction._failure_ack(response(404))
    assert ack.headers.get("Via") == transaction.request.headers.get("Via")
    assert ack.headers.get("Route") == "<sip:p;lr>"
    assert (ack.to_address.tag, str(ack.cseq)) == ("t", "1 ACK")


def test_a_final_response_to_other_requests_is_passed_up_once() -> None:
    bench = Bench()
    bench.request("OPTIONS")
    bench.respond(200, "OPTIONS")
    bench.respond(200, "OPTIONS")
    assert len(bench.passed_up) == 1
    bench.run(6)
    assert not bench.respond(200, "OPTIONS") and bench.layer.pending_clients == 0


def test_a_lost_flow_fails_its_pending_requests_only() -> None:
    bench = Bench()
    bench.request("INVITE", TCP)
    bench.request("OPTIONS", UDP)
    bench.layer.flow_failed(TCP)
    assert bench.passed_up == [Failure.UNREACHABLE]
    assert (Failure.UNREACHABLE.status, Failure.TIMEOUT.status) == (503, 408)


def test_a_retransmitted_invite_gets_the_last_provisional_response_again() -> None:
    bench = Bench()
    transaction = bench.serve()
    assert bench.layer.absorb(incoming("INVITE")) and not bench.sent
    transaction.respond(transaction.request.response(100))
    transaction.respond(transaction.request.response(180, "t"))
    assert bench.layer.absorb(incoming("INVITE"))
    assert [word for _, word in bench.sent] == ["100", "180", "180"]


def test_a_refused_invite_repeats_the_refusal_until_the_ack() -> None:
    bench = Bench()
    transaction = bench.serve()
    transaction.respond(transaction.request.response(486, "t"))
    bench.run(8)
    assert bench.times("486") == [0, 0.5, 1.5, 3.5, 7.5]
    assert bench.layer.absorb(incoming("ACK")) and transaction.state is State.CONFIRMED
    bench.run(12.5)
    assert bench.times("486") == [0, 0.5, 1.5, 3.5, 7.5] and bench.layer.absorb(incoming("ACK"))
    bench.run(14)
    assert not bench.layer.absorb(incoming("ACK")) and not bench.passed_up


def test_a_refusal_never_acknowledged_is_given_up_after_timer_h() -> None:
    bench = Bench()
    bench.serve().respond(incoming("INVITE").response(486, "t"))
    bench.run(31)
    assert bench.layer.absorb(incoming("INVITE"))
    bench.run(33)
    assert not bench.layer.absorb(incoming("INVITE"))


def test_an_accepted_invite_absorbs_retransmissions_and_lets_only_2xx_out() -> None:
    bench = Bench()
    transaction = bench.serve()
    for status in (200, 200, 486, 180):
        transaction.respond(transaction.request.response(status, "t"))
    assert bench.layer.absorb(incoming("INVITE")) and transaction.is_answered
    assert [word for _, word in bench.sent] == ["200", "200"]
    assert bench.layer.absorb(incoming("ACK")) and len(bench.passed_up) == 1
    bench.run(33)
    assert not bench.layer.absorb(incoming("INVITE"))


@pytest.mark.parametrize(("flow", "lifetime"), [(UDP, 32.0), (TCP, 0.0)])
def test_other_requests_are_answered_again_while_remembered(flow: Flow, lifetime: float) -> None:
    bench = Bench()
    transaction = bench.serve("OPTIONS", flow)
    assert bench.layer.absorb(incoming("OPTIONS")) and not bench.sent
    transaction.respond(transaction.request.response(200, "t"))
    bench.layer.absorb(incoming("OPTIONS"))
    assert [word for _, word in bench.sent] == ["200", "200"]
    bench.run(lifetime + 0.1)
    assert not bench.layer.absorb(incoming("OPTIONS"))


def test_cancel_finds_its_invite_by_branch_and_sender() -> None:
    bench = Bench()
    transaction = bench.serve()
    assert bench.layer.cancelled_by(incoming("CANCEL")) is transaction
    assert bench.layer.cancelled_by(incoming("CANCEL", Via="SIP/2.0/UDP other;branch=z9hG4bK1")) is None


def test_peers_without_unique_branches_are_matched_by_their_headers() -> None:
    bench = Bench()
    old = {"Via": "SIP/2.0/UDP h.example;branch=7"}
    transaction = bench.layer.serve(incoming("INVITE", **old), UDP)
    assert bench.layer.absorb(incoming("INVITE", **old))
    assert not bench.layer.absorb(incoming("INVITE", Call_ID="other", **old))
    assert bench.layer.cancelled_by(incoming("CANCEL", **old)) is transaction
    transaction.respond(transaction.request.response(404, "t"))
    assert bench.layer.absorb(incoming("ACK", To="<sip:b@s.example>;tag=t", **old))
    assert transaction.state is State.CONFIRMED


def test_the_same_request_over_another_way_is_merged() -> None:
    bench = Bench()
    bench.serve()
    assert bench.layer.is_merged(incoming("INVITE", Via="SIP/2.0/UDP h.example;branch=z9hG4bK2"))
    assert not bench.layer.is_merged(incoming("INVITE", To="<sip:b@s.example>;tag=x"))
    assert not bench.layer.is_merged(incoming("INVITE", Call_ID="other"))


@pytest.mark.parametrize("table", [INVITE_CLIENT, REQUEST_CLIENT, INVITE_SERVER, REQUEST_SERVER])
def test_every_state_of_a_table_leads_to_an_end(table: Table) -> None:
    def reachable(state: State) -> set[State]:
        found, todo = {state}, [state]
        while todo:
            here = todo.pop()
            steps: list[Step] = [step for (origin, _), step in table.items() if origin is here]
            new = {step.state for step in steps} - found
            found |= new
            todo.extend(new)
        return found

    for state, _ in table:
        assert State.TERMINATED in reachable(state)


def test_cancelled_timers_are_swept() -> None:
    timers = TimerQueue()
    started = [timers.start(100, lambda: None) for _ in range(3000)]
    timers.arm(0)
    for timer in started:
        timer.cancel()
    timers.expire(1)
    assert not timers._armed and timers.next_deadline() is None
