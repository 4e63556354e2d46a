"""The certificate of a simulated room: made for one call, for DTLS and for floor control over TLS."""

from __future__ import annotations

import datetime
import tempfile
from pathlib import Path

from consilium.certificates import ensure_identity
from mcu.gateway.tls_stream import TlsIdentity
from mcu.media.transport.dtls import load_certificate


class RoomIdentity:
    """``fingerprint`` is its SHA-256 one as (algorithm, value). ``close`` removes it from the disk."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="consilium-room-")
        made = ensure_identity(Path(self._folder.name), [], datetime.datetime.now(datetime.UTC))
        self.fingerprint = ("sha-256", made.fingerprint)
        self.dtls = load_certificate(made.certificate_file, made.private_key_file)
        self.tls = TlsIdentity(made.certificate_file, made.private_key_file)

    def close(self) -> None:
        """The call is over."""
        self._folder.cleanup()
