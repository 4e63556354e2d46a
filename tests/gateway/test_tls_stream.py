"""TLS by fingerprints: two ends joined in memory, and the other implementation at one of them."""

from __future__ import annotations

import contextlib
import hashlib
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcu.gateway.tls_stream import TlsError, TlsStream
from tests.gateway.identities import Known, known


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Known:
    return known(tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Known:
    return known(tmp_path_factory.mktemp("theirs"))


def joined(server: TlsStream, client: TlsStream) -> None:
    client.begin()
    while not (server.established and client.established):
        for source, sink in ((client, server), (server, client)):
            data = source.to_send()
            assert sink.receive(data) == b""


def test_both_sides_know_each_other_and_talk(ours: Known, theirs: Known) -> None:
    server = TlsStream(ours.identity, (theirs.fingerprint,), server=True)
    client = TlsStream(theirs.identity, (("sha-512", "AA"), ours.fingerprint), server=False)
    client.send(b"before the handshake")
    client.begin()
    got = b""
    while not (server.established and client.established):
        got += server.receive(client.to_send())
        client.receive(server.to_send())
    got += server.receive(client.to_send())
    assert got == b"before the handshake"
    server.send(b"x" * 40_000)
    assert client.receive(server.to_send()) == b"x" * 40_000


def test_a_stranger_is_told_apart_on_either_side(ours: Known, theirs: Known) -> None:
    for fingerprints in ((ours.fingerprint, theirs.fingerprint), (theirs.fingerprint, ours.fingerprint)):
        # Each expects the certificate of the side that it is itself, once in each role.
        server = TlsStream(ours.identity, (fingerprints[0],), server=True)
        client = TlsStream(theirs.identity, (fingerprints[1],), server=False)
        if fingerprints[0] == theirs.fingerprint:
            joined(server, client)
            continue
        with pytest.raises(TlsError, match="announced"):
            joined(server, client)


@pytest.mark.parametrize("cut", [lambda data: b"GET / HTTP/1.1\r\n\r\n", lambda data: data[:5] + bytes(len(data) - 5)])
def test_what_is_no_handshake_is_an_error(ours: Known, theirs: Known, cut: Callable[[bytes], bytes]) -> None:
    client = TlsStream(theirs.identity, (ours.fingerprint,), server=False)
    client.begin()
    server = TlsStream(ours.identity, (theirs.fingerprint,), server=True)
    with pytest.raises(TlsError, match="no handshake"):
        server.receive(cut(client.to_send()))


def test_a_broken_record_ends_the_stream(ours: Known, theirs: Known) -> None:
    server = TlsStream(ours.identity, (theirs.fingerprint,), server=True)
    client = TlsStream(theirs.identity, (ours.fingerprint,), server=False)
    joined(server, client)
    client.receive(server.to_send())
    client.send(b"hello")
    record = bytearray(client.to_send())
    record[-1] ^= 1
    with pytest.raises(TlsError, match="ended"):
        server.receive(bytes(record))


@pytest.mark.parametrize("we_serve", [True, False])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_another_implementation_is_understood(
    ours: Known, theirs: Known, we_serve: bool, version: ssl.TLSVersion
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT if we_serve else ssl.PROTOCOL_TLS_SERVER)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    context.load_cert_chain(theirs.identity.certificate_file, theirs.identity.private_key_file)
    if not we_serve:  # it has to trust who it asks for a certificate
        context.load_verify_locations(ours.identity.certificate_file)
        context.verify_mode = ssl.CERT_REQUIRED
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    other = context.wrap_bio(incoming, outgoing, server_side=not we_serve)
    us = TlsStream(ours.identity, (theirs.fingerprint,), server=we_serve)
    if not we_serve:
        us.begin()
    done = False
    for _ in range(6):
        incoming.write(us.to_send())
        try:
            other.do_handshake()
            done = True
        except ssl.SSLWantReadError:
            assert not done
        us.receive(outgoing.read())
    assert done and us.established
    shown = other.getpeercert(binary_form=True)
    assert shown is not None
    assert hashlib.sha256(shown).hexdigest().upper() == ours.fingerprint[1].replace(":", "")
    other.write(b"from there")
    assert us.receive(outgoing.read()) == b"from there"
    us.send(b"from here")
    incoming.write(us.to_send())
    assert other.read(100) == b"from here"


def test_a_missing_certificate_is_said_so(tmp_path: Path, ours: Known) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    other = context.wrap_bio(incoming, outgoing)
    us = TlsStream(ours.identity, (ours.fingerprint,), server=True)
    with pytest.raises(TlsError, match="no handshake"):
        for _ in range(4):
            with contextlib.suppress(ssl.SSLWantReadError):  # it waits for us
                other.do_handshake()
            us.receive(outgoing.read())
            incoming.write(us.to_send())


def hello_of(client: TlsStream) -> bytes:
    client.begin()
    return client.to_send()


@given(st.integers(0, 400), st.binary(max_size=64), st.booleans())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_comes_in_is_a_stream_or_its_one_error(
    ours: Known, theirs: Known, at: int, junk: bytes, early: bool
) -> None:
    """Bytes of anybody, in place of a handshake, in the middle of one, and behind it."""
    client = TlsStream(theirs.identity, (ours.fingerprint,), server=False)
    server = TlsStream(ours.identity, (theirs.fingerprint,), server=True)
    if early:
        hello = hello_of(client)
        data = hello[:at] + junk + hello[at + len(junk) :]
    else:
        joined(server, client)
        client.send(bytes(at))
        record = client.to_send()
        data = record[:at] + junk + record[at:]
    with contextlib.suppress(TlsError):
        server.receive(data)
        server.receive(junk)
        server.send(b"hello")
    assert isinstance(server.to_send(), bytes)
