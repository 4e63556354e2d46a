"""TLS contexts for SIP: our certificate, and whom we believe."""

from __future__ import annotations

import ssl
from pathlib import Path


def server_context(certificate_file: Path, private_key_file: Path) -> ssl.SSLContext:
    """For those who connect to us; they need no certificate. Raises OSError (ssl.SSLError among them)."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate_file, private_key_file)
    return context


def client_context(
    *,
    verify: bool = True,
    ca_file: Path | None = None,
    certificate_file: Path | None = None,
    private_key_file: Path | None = None,
) -> ssl.SSLContext:
    """For those we connect to. Raises OSError.

    With ``verify`` a peer's certificate must be for the domain dialled (RFC 5922 §7.2) and come from an authority in
    ``ca_file``, or in the system's store. Our own certificate is shown to peers that ask for one.
    """
    context = ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if certificate_file is not None and private_key_file is not None:
        context.load_cert_chain(certificate_file, private_key_file)
    return context
