"""Forwarding: one who publishes 1080p at 3 Mbit/s, and 1 to 100 who receive it, beside Janus on the same machine.

Both servers get the same packets from the same publisher and have the same receivers, over SRTP on this machine's own
address; RTCP goes both ways. What is counted is the processor time of the process that forwards, our media worker or
Janus, with all that it does besides, for each packet that has arrived.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Protocol

import psutil
from aiortc.rtcdtlstransport import RTCCertificate

from bench.forward_client import DRAIN_EVERY, Client
from bench.forward_conference import Conference
from bench.forward_janus import Janus, JanusMissing
from bench.forward_publisher import Publisher
from bench.report import Benchmark, Figures
from tests.peers.ports import port_block

RECEIVERS = (1, 10, 30, 100)
SETTLE_SECONDS = 1.5
# Nothing is measured where more than this share of packets did not arrive: a server that drops is not cheap.
LEAST_DELIVERED = 0.99


class Target(Protocol):
    """A server that is measured."""

    @property
    def pid(self) -> int: ...
    async def publish(self, client: Client) -> None: ...
    async def receive(self, client: Client) -> None: ...


async def run(seconds: float) -> Figures:
    """Measure for about so many seconds. Returns the figures."""
    host = own_address()
    each = max(1.0, seconds / (2 * len(RECEIVERS)))
    certificate = RTCCertificate.generateCertificate()
    async with Conference(host) as server:
        ours = await _measure(server, host, certificate, each)
    janus: dict[int, Figures] | None = None
    reason = ""
    try:
        with tempfile.TemporaryDirectory(prefix="consilium-bench-") as folder:
            async with Janus(Path(folder), host, list(port_block(400))) as other:
                janus = await _measure(other, host, certificate, each)
    except JanusMissing as missing:
        reason = str(missing)
    return _figures(ours, janus, reason)


def _figures(ours: dict[int, Figures], janus: dict[int, Figures] | None, reason: str) -> Figures:
    figures: Figures = {}
    for count, own in ours.items():
        part: Figures = dict(own)
        if janus is not None:
            part |= {f"janus_{name}": value for name, value in janus[count].items()}
            cost, reference = own["us_per_packet"], janus[count]["us_per_packet"]
            if isinstance(cost, float) and isinstance(reference, float):
                part["ratio"] = round(cost / reference, 3)
        figures[f"receivers_{count}"] = part
    most = figures[f"receivers_{max(ours)}"]
    assert isinstance(most, dict)
    figures |= {
        name: most.get(name) for name in ("us_per_packet", "packets_per_s_per_core", "janus_us_per_packet", "ratio")
    }
    if reason:
        figures["janus_missing"] = reason
    return figures


async def _measure(server: Target, host: str, certificate: RTCCertificate, seconds: float) -> dict[int, Figures]:
    """More and more receivers; what each number of them costs."""
    figures: dict[int, Figures] = {}
    async with AsyncExitStack() as stack:
        sender = Client(host, certificate, 0x20000001)
        stack.push_async_callback(sender.close)
        await server.publish(sender)
        publisher = Publisher(sender)
        stack.push_async_callback(_cancelled, asyncio.create_task(publisher.run()))
        receivers: list[Client] = []
        stack.push_async_callback(_cancelled, asyncio.create_task(_look_after(receivers)))
        for count in RECEIVERS:
            while len(receivers) < count:
                client = Client(host, certificate, 0x30000000 + len(receivers))
                stack.push_async_callback(client.close)
                await server.receive(client)
                receivers.append(client)
            figures[count] = await _window(server, publisher, receivers, seconds)
    return figures


async def _window(server: Target, publisher: Publisher, receivers: list[Client], seconds: float) -> Figures:
    await asyncio.sleep(SETTLE_SECONDS)
    for client in receivers:
        client.drain()
    sent, arrived, start, cpu = publisher.packets, _arrived(receivers), time.monotonic(), _cpu_seconds(server.pid)
    await asyncio.sleep(seconds)
    for client in receivers:
        client.drain()
    sent, arrived = publisher.packets - sent, _arrived(receivers) - arrived
    cpu, elapsed = _cpu_seconds(server.pid) - cpu, time.monotonic() - start
    readable = sum(client.newest_packet() is not None for client in receivers)
    delivered = arrived / max(1, sent * len(receivers))
    good = delivered >= LEAST_DELIVERED and readable == len(receivers)
    return {
        "us_per_packet": round(cpu / arrived * 1e6, 2) if good else None,
        "packets_per_s_per_core": round(arrived / cpu) if good else None,
        "packets_per_s": round(arrived / elapsed),
        "delivered": round(delivered, 4),
        "readable": readable,
        "cpu_cores": round(cpu / elapsed, 4),
    }


def _arrived(receivers: list[Client]) -> int:
    return sum(client.packets for client in receivers)


async def _look_after(receivers: list[Client]) -> None:
    while True:
        await asyncio.sleep(DRAIN_EVERY)
        now = time.monotonic()
        for client in receivers:
            client.drain()
            client.look_after(now)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()


def _cpu_seconds(pid: int) -> float:
    """Processor time of a process, to the nanosecond: psutil's ticks of 10 ms are too coarse for one receiver."""
    return time.clock_gettime((~pid << 3) | 2)


def own_address() -> str:
    """This machine's first IPv4 address but loopback, which Janus leaves out; packets to it stay in the machine."""
    for addresses in psutil.net_if_addrs().values():
        for one in addresses:
            if one.family.name == "AF_INET" and not one.address.startswith("127."):
                return one.address
    return "127.0.0.1"


BENCHMARK = Benchmark(
    summary="forwarding one 1080p stream to 1, 10, 30, 100 receivers over SRTP, beside Janus",
    run=run,
    seconds=24.0,
    aims={"us_per_packet": "3, with 100 receivers", "ratio": "at most 0.2 of Janus's, with 100 receivers"},
)
