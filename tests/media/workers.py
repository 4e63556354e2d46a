"""What real worker processes in tests are started with."""

from __future__ import annotations

from pathlib import Path

from consilium.certificates import Identity
from consilium.pages import FONT, WEB_CLIENT
from mcu.media.spec import WorkerSettings

# A process starts, binds and says so: seconds on a busy machine, never so many.
PATIENCE = 30.0


def worker_settings(identity: Identity, browser_port: int, certificate: Path | None = None) -> WorkerSettings:
    """A worker on the loopback interface."""
    return WorkerSettings(
        index=0,
        browser_host="127.0.0.1",
        browser_port=browser_port,
        certificate_file=str(certificate or identity.certificate_file),
        private_key_file=str(identity.private_key_file),
        font_file=str(WEB_CLIENT.parent / "node_modules" / FONT),
        log_level="WARNING",
    )
