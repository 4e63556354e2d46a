"""Two agents doing random things over a bad network: every call ends once, and nothing is left behind."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import pytest

from sip.errors import CallStateError
from sip.events import CallAnswered, CallCancelled, CallConfirmed, CallEnded, CallRefused, IncomingCall, ReofferReceived
from tests.sip.network import ANSWER, SDP, Network, Node

ENDS = (CallCancelled, CallEnded, CallRefused)


class Chaos:
    """Gives random commands for random calls; what does not fit the state of a call must raise CallStateError."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        loss = self.rng.choice([0.0, 0.1, 0.4])
        self.network = Network(seed, loss=loss, delay=0.05, jitter=self.rng.choice([0.0, 0.5]))
        self.nodes = [self.network.node("192.0.2.1"), self.network.node("192.0.2.2")]
        self.transport = self.rng.choice(["udp", "udp", "tcp"])
        self.rejected: set[str] = set()
        self.made: set[str] = set()

    def step(self) -> None:
        node = self.rng.choice(self.nodes)
        self.network.run(self.rng.choice([0.0, 0.03, 0.5, 3.0]))
        if self.transport == "tcp" and self.rng.random() < 0.05:
            self._break_connection()
        elif len(self.made) < 6 and self.rng.random() < 0.2:
            self._invite(node)
        elif calls := node.agent.calls:
            self._command(node, self.rng.choice(calls))

    def finish(self) -> None:
        for node in self.nodes:
            node.agent.close()
        self.network.run(400)

    def _invite(self, node: Node) -> None:
        other = self.nodes[1 - self.nodes.index(node)].address[0]
        uri = f"sip:x@{other};transport={self.transport}"
        self.made.add(node.agent.invite(uri, SDP, "sip:me@192.0.2.1"))

    def _break_connection(self) -> None:
        for node, other in (self.nodes, self.nodes[::-1]):
            flow = node.flow_to("tcp", *other.address)
            assert flow is not None
            node.agent.flow_lost(flow, self.network.now)

    def _command(self, node: Node, call: str) -> None:
        agent = node.agent
        commands: list[Callable[[], None]] = [
            lambda: agent.ring(call),
            lambda: agent.accept(call, ANSWER),
            lambda: agent.accept(call, ANSWER),
            lambda: self._reject(node, call),
            lambda: agent.cancel(call),
            lambda: agent.hang_up(call, "enough"),
            lambda: agent.reoffer(call, SDP),
            lambda: agent.reoffer(call, SDP),
            lambda: agent.answer_reoffer(call, ANSWER),
            lambda: agent.answer_reoffer(call, ANSWER),
            lambda: agent.refuse_reoffer(call, 488),
            lambda: agent.send_info(call, "application/dtmf", "1"),
        ]
        try:
            self.rng.choice(commands)()
        except CallStateError:
            return

    def _reject(self, node: Node, call: str) -> None:
        node.agent.reject(call, 486)
        self.rejected.add(call)


@pytest.mark.parametrize("seed", range(80))
def test_every_call_ends_once_and_nothing_is_left(seed: int) -> None:
    chaos = Chaos(seed)
    for _ in range(80):
        chaos.step()
    chaos.finish()
    ends: Counter[str] = Counter()
    known = set(chaos.made)
    for node in chaos.nodes:
        for event in node.events:
            if isinstance(event, IncomingCall):
                known.add(event.call)
            if isinstance(event, ENDS):
                ends[event.call] += 1
            elif isinstance(event, CallAnswered | CallConfirmed | ReofferReceived):
                assert not ends[event.call], "something happened in a call that was over"
        assert node.agent.is_idle and node.agent.next_deadline() is None
        core, calls = node.agent._core.transactions, node.agent._calls
        assert not core._servers and not core._clients and not core._merge_keys and not calls._dialogs
    assert ends == Counter(known - chaos.rejected)
