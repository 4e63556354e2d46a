"""User agents joined in memory: datagrams with delay and loss, streams without; time jumps to what happens next."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from itertools import count

from sip.agent import UserAgent
from sip.core import AgentSettings
from sip.events import Event
from sip.flow import Address, Flow

SDP = (
    "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
    "m=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
)
ANSWER = SDP.replace("192.0.2.1", "192.0.2.2")


class Node:
    """A user agent with an address and an application that may answer events at once."""

    def __init__(self, network: Network, address: Address, settings: AgentSettings | None, seed: int) -> None:
        self.address = address
        self.agent = UserAgent(settings, random.Random(seed))
        self.agent.attach(self)
        self.events: list[Event] = []
        self.on_event: Callable[[Event], None] = lambda event: None
        self.transport_available = True
        self._network = network

    def flow_to(self, transport: str, host: str, port: int) -> Flow | None:
        if not self.transport_available:
            return None
        # Both ends of a simulated connection share a number, made from its two addresses.
        number = None if transport == "udp" else hash(frozenset({(host, port), self.address}))
        return Flow(transport, (host, port), self.address, number)

    def of_type(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]


class Network:
    """``drop(data, sender, receiver)`` decides about each datagram; it sees all that is sent."""

    def __init__(self, seed: int = 1, loss: float = 0.0, delay: float = 0.02, jitter: float = 0.0) -> None:
        self.now = 1000.0
        self.loss = loss
        self.delay = delay
        self.jitter = jitter
        self.sent: list[tuple[float, Address, bytes]] = []
        self.drop: Callable[[bytes, Address, Address], bool] = lambda data, sender, receiver: False
        self._rng = random.Random(seed)
        self._nodes: dict[Address, Node] = {}
        self._in_flight: list[tuple[float, int, Flow, bytes]] = []
        self._order = count()

    def node(self, host: str, settings: AgentSettings | None = None, port: int = 5060) -> Node:
        node = Node(self, (host, port), settings, self._rng.getrandbits(32))
        self._nodes[node.address] = node
        return node

    def inject(self, data: bytes, sender: Address, receiver: Node, transport: str = "udp") -> None:
        """Bytes from an address without a node."""
        flow = Flow(transport, sender, receiver.address, None if transport == "udp" else 7)
        heapq.heappush(self._in_flight, (self.now, next(self._order), flow, data))

    def run(self, seconds: float) -> None:
        """Let everything happen that happens within this time."""
        end = self.now + seconds
        while True:
            self._settle()
            upcoming = [arrival[0] for arrival in self._in_flight[:1]]
            for node in self._nodes.values():
                deadline = node.agent.next_deadline()
                if deadline is not None:
                    upcoming.append(deadline)
            if not upcoming or min(upcoming) > end:
                break
            self.now = max(self.now, min(upcoming))
            self._happen()
        self.now = end

    def _settle(self) -> None:
        busy = True
        while busy:
            busy = False
            for node in list(self._nodes.values()):
                for flow, data in node.agent.datagrams_to_send(self.now):
                    busy = True
                    self._carry(node, flow, data)
                for event in node.agent.events():
                    busy = True
                    node.events.append(event)
                    node.on_event(event)

    def _carry(self, node: Node, flow: Flow, data: bytes) -> None:
        self.sent.append((self.now, node.address, data))
        is_lost = self.drop(data, node.address, flow.remote) or self._rng.random() < self.loss
        if flow.transport == "udp" and is_lost:
            return
        there = Flow(flow.transport, node.address, flow.remote, flow.connection)
        jitter = self._rng.random() * self.jitter if flow.transport == "udp" else 0.0
        heapq.heappush(self._in_flight, (self.now + self.delay + jitter, next(self._order), there, data))

    def _happen(self) -> None:
        while self._in_flight and self._in_flight[0][0] <= self.now:
            _, _, flow, data = heapq.heappop(self._in_flight)
            node = self._nodes.get(flow.local)
            if node is None:
                continue
            if flow.transport == "udp":
                node.agent.receive_datagram(data, flow, self.now)
            else:
                node.agent.receive_stream(data, flow, self.now)
            self._settle()
        for node in self._nodes.values():
            deadline = node.agent.next_deadline()
            if deadline is not None and deadline <= self.now:
                node.agent.handle_timer(self.now)


def first_lines(network: Network, sender: Node) -> list[str]:
    """Method or status of everything a node sent, in order."""
    lines = [data.split(b"\r\n", 1)[0].decode() for _, address, data in network.sent if address == sender.address]
    return [line.split()[1] if line.startswith("SIP/2.0") else line.split()[0] for line in lines if line]
