"""The server's own certificate: made once, kept, and replaced when it is of no more use."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from consilium.certificates import MIN_LEFT, VALID_DAYS, ensure_identity

NOW = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)


def read(file: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(file.read_bytes())


def test_a_certificate_for_this_machine(tmp_path: Path) -> None:
    identity = ensure_identity(tmp_path / "tls", ["192.0.2.1", "2001:db8::1"], NOW)
    certificate = read(identity.certificate_file)

    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "localhost" in names.get_values_for_type(x509.DNSName)
    assert names.get_values_for_type(x509.IPAddress) == [
        ipaddress.ip_address("192.0.2.1"),
        ipaddress.ip_address("2001:db8::1"),
    ]
    assert certificate.not_valid_before_utc <= NOW
    assert certificate.not_valid_after_utc > NOW + MIN_LEFT
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc <= datetime.timedelta(days=VALID_DAYS)
    assert bytes.fromhex(identity.fingerprint.replace(":", "")) == certificate.fingerprint(hashes.SHA256())
    assert identity.fingerprint == identity.fingerprint.upper() and len(identity.fingerprint) == 95
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
        identity.certificate_file, identity.private_key_file
    )


def test_nobody_else_can_read_the_key(tmp_path: Path) -> None:
    identity = ensure_identity(tmp_path, [], NOW)
    assert identity.private_key_file.stat().st_mode & 0o777 == 0o600
    assert "PRIVATE" not in identity.certificate_file.read_text()


def test_it_is_kept_over_restarts(tmp_path: Path) -> None:
    first = ensure_identity(tmp_path, [], NOW)
    assert ensure_identity(tmp_path, ["192.0.2.1"], NOW + datetime.timedelta(days=300)) == first


def test_it_is_replaced_before_it_ends(tmp_path: Path) -> None:
    first = ensure_identity(tmp_path, [], NOW)
    later = read(first.certificate_file).not_valid_after_utc - MIN_LEFT
    second = ensure_identity(tmp_path, [], later)
    assert second.fingerprint != first.fingerprint
    assert read(second.certificate_file).not_valid_after_utc > later + datetime.timedelta(days=300)
    assert second.private_key_file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("file", ["certificate.pem", "private-key.pem"])
@pytest.mark.parametrize("content", [b"", b"-----BEGIN CERTIFICATE-----\nAA", None])
def test_what_a_crash_left_half_done_is_made_anew(tmp_path: Path, file: str, content: bytes | None) -> None:
    first = ensure_identity(tmp_path, [], NOW)
    if content is None:
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_bytes(content)
    second = ensure_identity(tmp_path, [], NOW)
    assert second.fingerprint != first.fingerprint
    assert ensure_identity(tmp_path, [], NOW) == second


def test_a_certificate_that_does_not_belong_to_its_key_is_made_anew(tmp_path: Path) -> None:
    ensure_identity(tmp_path / "one", [], NOW)
    other = ensure_identity(tmp_path / "two", [], NOW)
    (tmp_path / "one" / "certificate.pem").write_bytes(other.certificate_file.read_bytes())
    assert ensure_identity(tmp_path / "one", [], NOW).fingerprint != other.fingerprint
