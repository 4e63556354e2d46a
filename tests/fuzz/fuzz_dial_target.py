"""Fuzz target: addresses that the server is told to call."""

from __future__ import annotations

from gatekeeper.dial_policy import UnusableTarget, dial_policy, is_allowed, target_uri
from sip.uri import parse_uri

_POLICY = dial_policy(["rooms.example", ".clinic.example"], ["10.0.0.0/8"])


def fuzz_one(data: bytes) -> None:
    """A target is a clean address, a bare name, or refused with the one error; no host but an allowed one passes."""
    text = data.decode("utf-8", "surrogateescape")
    for target in (text, f"sip:{text}", f"{text}@rooms.example"):
        try:
            uri = target_uri(target)
        except UnusableTarget:
            continue
        if uri is None:
            continue
        assert not uri.headers and parse_uri(str(uri)) == uri
        if is_allowed(uri, _POLICY):
            host = uri.host.lower().rstrip(".")
            assert host == "rooms.example" or host.endswith(".clinic.example") or ":" in host or host.startswith("10.")
