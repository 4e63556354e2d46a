"""Certificates that nobody has signed, as they are known by the fingerprints in descriptions."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path

from consilium.certificates import ensure_identity
from mcu.gateway.tls_stream import TlsIdentity


@dataclass(frozen=True)
class Known:
    """An identity and its fingerprint as (algorithm, value)."""

    identity: TlsIdentity
    fingerprint: tuple[str, str]


def known(folder: Path) -> Known:
    """A new one, kept in ``folder``."""
    made = ensure_identity(folder, ["127.0.0.1"], datetime.datetime.now(datetime.UTC))
    return Known(TlsIdentity(made.certificate_file, made.private_key_file), ("sha-256", made.fingerprint))
