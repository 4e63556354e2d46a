"""Fuzz target: nothing from the network raises out of a user agent, as datagram or as stream, nor leaves it stuck."""

from __future__ import annotations

import random

from sip.agent import UserAgent
from sip.errors import CallStateError
from sip.events import IncomingCall, ReofferReceived, SubscriptionRequested, TransferRequested
from sip.flow import Flow

UDP = Flow("udp", ("192.0.2.9", 5060), ("192.0.2.2", 5060))
TCP = Flow("tcp", ("192.0.2.9", 40000), ("192.0.2.2", 5060), 1)


class _Router:
    def flow_to(self, transport: str, host: str, port: int) -> Flow | None:
        return Flow(transport, (host, port), UDP.local, None if transport == "udp" else 9)


def fuzz_one(data: bytes) -> None:
    """One input: datagrams separated by NUL, then the same as one stream cut at odd places."""
    agent = UserAgent(rng=random.Random(1))
    agent.attach(_Router())
    agent.serve_packages("conference")
    now = 0.0
    for datagram in data.split(b"\0"):
        agent.receive_datagram(datagram, UDP, now)
        _serve(agent)
    for start in range(0, len(data), 97):
        agent.receive_stream(data[start : start + 97], TCP, now)
        _serve(agent)
    agent.close()
    for _ in range(500):
        agent.datagrams_to_send(now)
        deadline = agent.next_deadline()
        if deadline is None:
            break
        now = deadline
        agent.handle_timer(now)
        _serve(agent)
    assert agent.is_idle and agent.next_deadline() is None, "something is left after all timers"


def _serve(agent: UserAgent) -> None:
    for event in agent.events():
        try:
            if isinstance(event, IncomingCall):
                agent.accept(event.call, "v=0\r\n")
            elif isinstance(event, ReofferReceived):
                agent.answer_reoffer(event.call, "v=0\r\n")
            elif isinstance(event, SubscriptionRequested):
                agent.accept_subscription(event.subscription, "text/plain", b"one")
                agent.notify(event.subscription, "text/plain", b"two")
            elif isinstance(event, TransferRequested):
                agent.accept_transfer(event.transfer)
                agent.report_transfer(event.transfer, 486)
        except CallStateError:
            continue
