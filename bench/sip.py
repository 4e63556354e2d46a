"""Signalling under load: endpoints that register and refresh, calls with media off, a good caller under a flood.

Load comes from other loopback addresses than the good caller's, as from other machines.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import deque
from pathlib import Path

from bench.report import Benchmark, Figures, percentile
from bench.server_cpu import ServerCost
from bench.sip_load import Endpoint, LoadCall, LoadError, LoadSocket, bad_register
from mcu.control.sip_account_operations import MAXIMUM_BATCH
from tests.peers.server import ServerProcess

Measured = dict[str, float | None]
Failures = list[str]

ENDPOINTS = 6000
# Endpoints of one source address: a hospital's rooms come from many addresses, and each has its own allowance.
ENDPOINTS_PER_SOURCE = 30
# Registrations under way at once.
REGISTERING = 50
PASSWORD = "Bench-password-1"
CALLS_PER_SECOND = 20
CALLS_UP = 200
CALLS_PER_ROOM = 20
SOURCES = 10
FLOOD_PER_SECOND = 5000
FLOOD_SECONDS = 10.0
GOOD_CALLS_PER_SECOND = 5
# Requests of a flood are sent in bursts of this length; finer pacing would only measure our own timers.
BURST_SECONDS = 0.01
# Two pairs of ports for each call, and for those that are just coming or going.
SETTINGS = {"media.rtp_port_first": 40_000, "media.rtp_port_last": 42_000}


async def run(seconds: float, endpoints: int = ENDPOINTS) -> Figures:
    """Refresh, and hold the calls, for about so many seconds each. Returns the figures."""
    with tempfile.TemporaryDirectory(prefix="consilium-bench-") as folder:
        async with ServerProcess(Path(folder), SETTINGS) as server:
            address = ("127.0.0.1", server.sip_port)
            failures: Failures = []
            figures = await _measure_registrations(server, address, endpoints, seconds, failures)
            calls = await _measure_calls(server, address, seconds, failures)
            flood = await _measure_flood(server, address)
    failed = sum(part["failed"] or 0 for part in (figures, calls, flood))
    return {
        **figures,
        **calls,
        "failed": failed,
        "failed_first": failures[0] if failures else None,
        "setup_ms_p95_under_flood": flood["setup_ms_p95_under_flood"],
        "flood": {**flood},
    }


async def _measure_registrations(
    server: ServerProcess, address: tuple[str, int], count: int, seconds: float, failures: Failures
) -> Measured:
    """All endpoints register with digest, then refresh again and again as fast as they are answered."""
    failed_before = len(failures)
    await server.login()
    names = [f"{100_000 + number}" for number in range(count)]
    start = time.monotonic()
    for first in range(0, count, MAXIMUM_BATCH):
        batch = [{"name": name, "password": PASSWORD} for name in names[first : first + MAXIMUM_BATCH]]
        await server.api("POST", "/sip-users/batch", {"sip_users": batch})
    entering = time.monotonic() - start
    sockets = [
        await LoadSocket.open(address, f"127.0.{2 + number // 250}.{1 + number % 250}")
        for number in range(-(-count // ENDPOINTS_PER_SOURCE))
    ]
    endpoints = [
        Endpoint(sockets[number // ENDPOINTS_PER_SOURCE], address, name, PASSWORD) for number, name in enumerate(names)
    ]
    times: list[float] = []
    waiting = deque(endpoints)
    deadline = float("inf")

    async def work() -> None:
        while waiting and time.monotonic() < deadline:
            endpoint = waiting.popleft()
            try:
                times.append(await endpoint.register())
            except LoadError as error:
                failures.append(str(error))
            if deadline < float("inf"):
                waiting.append(endpoint)

    start = time.monotonic()
    await asyncio.gather(*(work() for _ in range(REGISTERING)))
    taken = time.monotonic() - start
    registered = len((await server.api("GET", "/registrations"))["registrations"])
    times.clear()
    waiting.extend(endpoints)
    cost = ServerCost(server.pid)
    start = time.monotonic()
    deadline = start + seconds
    await asyncio.gather(*(work() for _ in range(REGISTERING)))
    elapsed = time.monotonic() - start
    for socket in sockets:
        socket.close()
    return {
        "registered": registered,
        "accounts_seconds": round(entering, 2),
        "first_register_per_s": round(count / taken, 1),
        "register_per_s": round(len(times) / elapsed, 1),
        "register_ms_p95": percentile(times, 95),
        "cpu_ms_per_register": round(cost.cpu_seconds() / max(1, len(times)) * 1000, 3),
        "failed": len(failures) - failed_before,
    }


async def _measure_calls(
    server: ServerProcess, address: tuple[str, int], seconds: float, failures: Failures
) -> Measured:
    """Fill up to CALLS_UP at CALLS_PER_SECOND, then go on at that pace, each new call in place of the oldest."""
    failed_before = len(failures)
    sockets = [await LoadSocket.open(address, f"127.0.1.{number + 1}") for number in range(SOURCES)]
    up: deque[LoadCall] = deque()
    times: list[float] = []

    async def come(number: int) -> None:
        call = LoadCall(sockets[number % SOURCES], address, str(1000 + number % CALLS_UP // CALLS_PER_ROOM))
        try:
            times.append(await call.invite())
            up.append(call)
        except LoadError as error:
            failures.append(str(error))

    async def go(call: LoadCall) -> None:
        try:
            await call.bye()
        except LoadError as error:
            failures.append(str(error))

    tasks: set[asyncio.Task[None]] = set()
    cost = ServerCost(server.pid)
    start = time.monotonic()
    for number in range(CALLS_UP + round(seconds * CALLS_PER_SECOND)):
        await _sleep_until(start + number / CALLS_PER_SECOND)
        if number == CALLS_UP:
            times.clear()
            cost = ServerCost(server.pid)
        if len(up) >= CALLS_UP:
            tasks.add(asyncio.create_task(go(up.popleft())))
        tasks.add(asyncio.create_task(come(number)))
    measured = max(1, round(seconds * CALLS_PER_SECOND))
    await asyncio.gather(*tasks)
    cpu = cost.cpu_seconds()
    retransmissions = sum(socket.retransmissions for socket in sockets)
    held = len(up)
    await asyncio.gather(*(go(call) for call in up))
    for socket in sockets:
        socket.close()
    return {
        "setup_ms_p50": percentile(times, 50),
        "setup_ms_p95": percentile(times, 95),
        "calls_up": held,
        "calls_measured": len(times),
        "cpu_ms_per_call": round(cpu / measured * 1000, 2),
        "retransmissions": retransmissions,
        "failed": len(failures) - failed_before,
    }


async def _measure_flood(server: ServerProcess, address: tuple[str, int]) -> Measured:
    """A good caller's setup time while one address sends bad REGISTERs without end."""
    attacker = await LoadSocket.open(address, "127.0.9.9")
    caller = await LoadSocket.open(address, "127.0.1.1")
    cost = ServerCost(server.pid)
    before = cost.memory()
    flooding = asyncio.create_task(_flood(attacker, address))
    times: list[float] = []
    failed = 0
    start = time.monotonic()
    for number in range(round(FLOOD_SECONDS * GOOD_CALLS_PER_SECOND)):
        await _sleep_until(start + number / GOOD_CALLS_PER_SECOND)
        call = LoadCall(caller, address, "1000")
        try:
            times.append(await call.invite())
            await call.bye()
        except LoadError:
            failed += 1
    sent = await flooding
    growth = cost.memory() - before
    for socket in (attacker, caller):
        socket.close()
    return {
        "registers_per_s": round(sent / FLOOD_SECONDS),
        "setup_ms_p95_under_flood": percentile(times, 95),
        "failed": failed,
        "memory_growth_mb": round(growth / 1e6, 1),
        "cpu_cores": round(cost.cpu_seconds() / (time.monotonic() - start), 2),
    }


async def _flood(attacker: LoadSocket, address: tuple[str, int]) -> int:
    """Send FLOOD_PER_SECOND for FLOOD_SECONDS; returns how many went out. To loopback only, and it ends by itself."""
    start = time.monotonic()
    sent = 0
    while (elapsed := time.monotonic() - start) < FLOOD_SECONDS:
        due = round(elapsed * FLOOD_PER_SECOND)
        for number in range(sent, due):
            attacker.send(bad_register(address, attacker.local, number))
        sent = due
        await asyncio.sleep(BURST_SECONDS)
    return sent


async def _sleep_until(due: float) -> None:
    delay = due - time.monotonic()
    if delay > 0:
        await asyncio.sleep(delay)


BENCHMARK = Benchmark(
    summary="signalling: 6000 endpoints, call setup with 200 calls up and media off, a flood of bad REGISTERs",
    run=run,
    seconds=20.0,
    options=(("endpoints", ENDPOINTS, "endpoints that register"),),
    aims={
        "registered": "6000",
        "failed": "0",
        "setup_ms_p95_under_flood": "under 1000",
        "flood.failed": "0",
        "flood.memory_growth_mb": "under 100",
    },
)
