"""SIPp (Debian package sip-tester) as a peer: runs one scenario of ``tests/peers/sipp`` and tells how it went."""

from __future__ import annotations

import asyncio
import shutil
import socket
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SCENARIOS = Path(__file__).parent / "sipp"
PROGRAM = "sipp"
# A scenario takes a second or two; one that waits for retransmissions some more.
TIMEOUT = 20.0


@dataclass(frozen=True)
class SippResult:
    """``trouble`` is what SIPp wrote about unexpected messages; empty when all went by the scenario."""

    succeeded: bool
    trouble: str


class Sipp:
    """A running SIPp; as a context manager it is ended at the latest when the block is left."""

    def __init__(
        self,
        scenario: str,
        *arguments: str,
        port: int,
        transport: str = "udp",
        files: Mapping[str, bytes] | None = None,
    ) -> None:
        """``arguments`` go to SIPp as they are. ``port``: its own. ``files`` lie where it runs."""
        program = shutil.which(PROGRAM)
        if program is None:
            raise RuntimeError("SIPp is not installed: apt-get install sip-tester")
        self._folder = tempfile.TemporaryDirectory(prefix="sipp-")
        for name, content in (files or {}).items():
            (Path(self._folder.name) / name).write_bytes(content)
        self._errors = Path(self._folder.name) / "errors.log"
        self._command = [program, "-sf", str(SCENARIOS / f"{scenario}.xml"), "-i", "127.0.0.1", "-nostdin"]
        self._command += ["-t", {"udp": "u1", "tcp": "t1"}[transport]]
        self._command += [
            "-trace_err",
            "-error_file",
            str(self._errors),
            "-timeout",
            str(int(TIMEOUT)),
            "-timeout_error",
        ]
        self._command += ["-p", str(port)]
        self._command += arguments
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Sipp:
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            cwd=self._folder.name,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        process = self._process
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()
        self._folder.cleanup()

    async def result(self) -> SippResult:
        """Wait for the end of the scenario."""
        assert self._process is not None
        code = await asyncio.wait_for(self._process.wait(), TIMEOUT + 5)
        trouble = self._errors.read_text(errors="replace") if self._errors.exists() else ""
        return SippResult(code == 0, trouble)


async def call(
    scenario: str, host: str, port: int, *, service: str = "1000", calls: int = 1, transport: str = "udp"
) -> SippResult:
    """Let SIPp call ``service`` at an address by a scenario, ``calls`` times at ten a second."""
    arguments = [f"{host}:{port}", "-s", service, "-m", str(calls), "-r", "10"]
    async with Sipp(scenario, *arguments, port=free_port(), transport=transport) as sipp:
        return await sipp.result()


def free_port() -> int:
    """A UDP port that is free now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
