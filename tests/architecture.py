"""What may import what: the table of ``docs/architecture.md`` as data, and the reading of sources against it.

``tests/test_architecture.py`` runs it on this repository. A source is read with ``ast``, so imports inside functions
and below ``TYPE_CHECKING`` count like any other.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

OURS = frozenset(
    {"bench", "clinical_apps", "consilium", "gatekeeper", "layouts", "mcu", "recorder", "sip", "tests", "vod"}
)
"""Top folders of Python. ``web_client`` holds none."""

SPEC = frozenset({"mcu.media.spec", "mcu.media.facts"})
"""The values that cross the seam between control process and media workers."""

_BUILDING: Mapping[str, frozenset[str]] = {
    # floor 1
    "layouts": frozenset(),
    "recorder": frozenset(),
    "sip": frozenset(),
    "sip.sdp": frozenset(),  # SIP does not know SDP, nor SDP SIP: the gateway joins them
    # floor 2: the seams
    "mcu.ports": SPEC,
    "mcu.media.spec": frozenset(),
    "mcu.media.facts": frozenset({"mcu.media.spec"}),
    "mcu.media.units": frozenset(),
    # floor 2: inside a media worker
    "mcu.media": SPEC
    | {
        "layouts",
        "mcu.media.camera",
        "mcu.media.codec",
        "mcu.media.congestion",
        "mcu.media.packets",
        "mcu.media.rtp",
        "mcu.media.transport",
        "mcu.media.units",
        "recorder.errors",
        "recorder.writer",
    },
    "mcu.media.camera": frozenset({"mcu.media.spec"}),
    "mcu.media.codec": frozenset(
        {
            "mcu.media.picture.state",
            "mcu.media.sound._native",
            "mcu.media.sound.resample",
            "mcu.media.sound.samples",
            "mcu.media.spec",
            "mcu.media.units",
        }
    ),
    "mcu.media.rtp": frozenset({"mcu.media.packets", "mcu.media.spec", "mcu.media.units"}),
    "mcu.media.packets": frozenset(),  # compiled
    "mcu.media.congestion": frozenset(),
    "mcu.media.transport": frozenset({"mcu.media.packets", "mcu.media.spec"}),
    # floor 2: the control process
    "mcu.media.pool": SPEC | {"mcu.media", "mcu.ports"},  # implements MediaControl over worker processes
    "gatekeeper": frozenset({"sip.address", "sip.errors", "sip.flow", "sip.grammar", "sip.uri"}),
    "mcu.conference": SPEC | {"layouts", "mcu.ports"},
    "mcu.control": frozenset({"gatekeeper", "mcu.conference", "mcu.media.spec", "mcu.ports"}),
    "mcu.gateway": SPEC | {"gatekeeper", "mcu.conference", "mcu.ports", "mcu.webrtc", "sip", "sip.sdp"},
    "mcu.webrtc": frozenset({"mcu.media.spec", "mcu.ports", "sip.sdp"}),
    # floor 3
    "clinical_apps": frozenset({"mcu.ports"}),
    "vod": frozenset({"mcu.ports", "recorder.errors", "recorder.formats", "recorder.index", "recorder.store"}),
}

ARROWS: Mapping[str, frozenset[str]] = {
    **_BUILDING,
    # floor 4, and what stands beside the building
    "consilium": frozenset(_BUILDING),
    "tests.peers": frozenset(),  # real programs as peers, the server among them: driven from outside
    "tests.reference": frozenset({"mcu.media.rtp", "mcu.media.units"}),  # what compiled code is compared with
    "bench": frozenset(_BUILDING) | {"consilium", "tests.peers", "tests.reference"},
    "tests": frozenset(_BUILDING) | {"consilium", "bench", "tests.peers", "tests.reference"},
}
"""Who may import what: whole entries of this table, or single modules. The longest name that fits owns a module."""

PURE = (
    "gatekeeper",
    "layouts",
    "mcu.conference",
    "mcu.media.camera",
    "mcu.media.congestion",
    "mcu.media.rtp",
    "mcu.webrtc",
    "sip",
    "vod.playlists",
)
"""Protocol cores and models: no I/O, and time, ids and randomness come in as arguments."""

ADAPTERS: Mapping[str, str] = {
    "sip.connections": "open connections: found, limited, pinged",
    "gatekeeper.ldap_directory": "reads an LDAP directory",
    "sip.datagrams": "UDP sockets",
    "sip.handshakes": "ports for TLS, and who is shaking hands",
    "sip.listeners": "what to listen on, and the address that leads to a peer: asks the kernel",
    "sip.names": "asks DNS",
    "sip.server": "drives the user agent from the event loop",
    "sip.strangers": "connections that have said nothing yet: timers of the event loop",
    "sip.tls": "certificates, ours and whom we believe",
    "sip.transport": "listeners and connections, as flows want them",
    "sip.websocket": "SIP over WebSocket, through aiohttp",
}
"""Beside a pure core, and thin. No pure module may import one."""

HARMLESS = frozenset(
    {
        "__future__", "base64", "binascii", "bisect", "collections", "dataclasses", "datetime", "enum", "fractions",
        "functools", "hashlib", "heapq", "hmac", "ipaddress", "itertools", "json", "logging", "math", "pydantic",
        "random", "re", "string", "struct", "typing", "unicodedata", "urllib.parse", "weakref",
    }
)  # fmt: skip
"""What a pure module may import from outside. ``random`` for its type: generators are passed in."""

EXCUSED: Mapping[tuple[str, str], str] = {
    ("gatekeeper.reports", "csv"): "tables for spreadsheets, written into a text in memory",
    ("gatekeeper.reports", "io"): "that text",
    ("mcu.conference.picture.arrangement_changes", "zoneinfo"): "the names of time zones",
    ("mcu.conference.clock", "time"): "the one clock, handed to everybody else",
    ("mcu.conference.core", "asyncio"): "a lock for each conference, and time limits on media and signalling",
    ("mcu.conference.events", "asyncio"): "subscribers wait for events in bounded queues",
    ("mcu.conference.door.hashing", "asyncio"): "scrypt takes tens of milliseconds, so it runs in a thread",
    ("mcu.conference.door.hashing", "concurrent"): "that thread",
    ("mcu.conference.door.hashing", "os"): "that thread steps back behind conferences (nice)",
    ("mcu.conference.door.hashing", "sys"): "where threads have a priority of their own",
    ("mcu.conference.door.hashing", "threading"): "that thread",
    ("mcu.conference.door.hashing", "secrets"): "salt",
    ("mcu.conference.outgoing", "asyncio"): "one task per call out, and the pauses between its tries",
    ("mcu.conference.manager", "asyncio"): "one task per join and command, and the timer of empty conferences",
    ("mcu.conference.manager", "secrets"): "random_id, the source of ids that the composition root hands in",
    ("mcu.conference.door.tokens", "secrets"): "tokens of participants",
    ("mcu.conference.execution.recording_control", "pathlib"): "PurePath takes a folder's name apart, no disk",
}
"""Exceptions to the rule on pure modules, each with its reason."""


@dataclass(frozen=True)
class Import:
    """One imported module, and the line that says so."""

    module: str
    line: int


def modules(root: Path) -> dict[str, str]:
    """The sources of all our modules, by dotted name."""
    found = {}
    for folder in sorted(OURS):
        for path in sorted((root / folder).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text("utf-8")
    return found


def imports(name: str, source: str, known: frozenset[str], is_package: bool = False) -> list[Import]:
    """Everything that a module imports; ``known`` are our modules, to tell ``from a import module`` from a name."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [Import(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = _base(name, node, is_package)
            for alias in node.names:
                full = f"{base}.{alias.name}"
                found.append(Import(full if full in known else base, node.lineno))
        elif isinstance(node, ast.Call) and _is_import_call(node.func) and node.args:
            argument = node.args[0]
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                found.append(Import(argument.value, node.lineno))
    return found


def _base(name: str, node: ast.ImportFrom, is_package: bool) -> str:
    if node.level == 0:
        return node.module or ""
    parts = name.split(".")
    above = parts[: len(parts) - node.level + is_package]
    return ".".join([*above, *([node.module] if node.module else [])])


def _is_import_call(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in ("import_module", "__import__")


def owner(module: str) -> str | None:
    """The longest name of the table that this module is in."""
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        if (name := ".".join(parts[:length])) in ARROWS:
            return name
    return None


def is_in(module: str, folder: str) -> bool:
    """Whether ``module`` is ``folder`` or inside it."""
    return module == folder or module.startswith(f"{folder}.")


def offences(sources: Mapping[str, str]) -> list[str]:
    """Every import that the rules forbid, as lines to read; empty when all is well."""
    known = frozenset(sources)
    packages = frozenset(name.rpartition(".")[0] for name in known)
    found = []
    for name, source in sources.items():
        for imported in imports(name, source, known, name in packages):
            reasons = _reasons(name, imported.module, packages)
            found += [f"{name}:{imported.line}: {reason}" for reason in reasons]
    return found


def _reasons(name: str, target: str, packages: frozenset[str]) -> Iterator[str]:
    pure = name not in ADAPTERS and any(is_in(name, folder) for folder in PURE)
    top = target.partition(".")[0]
    if top not in OURS:
        if pure and not any(is_in(target, module) for module in HARMLESS) and (name, top) not in EXCUSED:
            yield f"a pure module may not import {target}"
        return
    if not _may_import(name, target):
        yield f"{owner(name)} may not import {target}"
    if pure and target in ADAPTERS:
        yield f"a pure module may not import the adapter {target}"
    if _plugin(name, packages) and _plugin(target, packages) not in (None, _plugin(name, packages)):
        yield f"a plug-in may not import the plug-in {target}"


def _may_import(name: str, target: str) -> bool:
    mine, theirs = owner(name), owner(target)
    if mine is None or theirs is None:
        return False
    return theirs == mine or theirs in ARROWS[mine] or target in ARROWS[mine]


def _plugin(module: str, packages: frozenset[str]) -> str | None:
    """The plug-in that a module belongs to: a folder below ``clinical_apps``."""
    top, _, rest = module.partition(".")
    folder = rest.partition(".")[0]
    return folder if top == "clinical_apps" and f"clinical_apps.{folder}" in packages else None


def third_party(sources: Mapping[str, str]) -> dict[str, set[str]]:
    """Packages of others that our modules import, each with who imports it."""
    found: dict[str, set[str]] = {}
    for name, source in sources.items():
        for imported in imports(name, source, frozenset(sources)):
            top = imported.module.partition(".")[0]
            if top and top not in OURS and top not in sys.stdlib_module_names:
                found.setdefault(top, set()).add(name)
    return found
