"""The certificate a server makes for itself at its first start, for HTTPS and for DTLS."""

from __future__ import annotations

import datetime
import ipaddress
import logging
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

logger = logging.getLogger(__name__)

# Browsers refuse a certificate that is valid for longer (CA/Browser Forum baseline requirements, 6.3.2).
VALID_DAYS = 397
# A certificate with less than this left is replaced at the start.
MIN_LEFT = datetime.timedelta(days=7)


@dataclass(frozen=True)
class Identity:
    """A certificate with its key, on disk; ``fingerprint`` is the SHA-256 one as SDP spells it (RFC 8122)."""

    certificate_file: Path
    private_key_file: Path
    fingerprint: str


def ensure_identity(folder: Path, addresses: list[str], now: datetime.datetime) -> Identity:
    """The identity kept in ``folder``; made afresh when there is none or when it has less than a week to live."""
    certificate_file, key_file = folder / "certificate.pem", folder / "private-key.pem"
    if certificate_file.exists() and key_file.exists():
        certificate = _kept(certificate_file, key_file)
        if certificate is not None and certificate.not_valid_after_utc - now > MIN_LEFT:
            return Identity(certificate_file, key_file, _fingerprint(certificate))
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _self_signed(key, addresses, now)
    _write_private(
        key_file,
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return Identity(certificate_file, key_file, _fingerprint(certificate))


def _kept(certificate_file: Path, key_file: Path) -> x509.Certificate | None:
    """The certificate of an earlier start; None when it and its key are not whole, as after a crash at the first."""
    try:
        certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
        key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        logger.warning("%s: %s; making another certificate", certificate_file, error)
        return None
    if key.public_key() != certificate.public_key():
        logger.warning("%s does not belong to its key; making another certificate", certificate_file)
        return None
    return certificate


def _self_signed(key: ec.EllipticCurvePrivateKey, addresses: list[str], now: datetime.datetime) -> x509.Certificate:
    names: list[x509.GeneralName] = [x509.DNSName("localhost"), x509.DNSName(socket.gethostname())]
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Consilium")])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=VALID_DAYS - 1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        .sign(key, hashes.SHA256())
    )


def _fingerprint(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def _write_private(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
