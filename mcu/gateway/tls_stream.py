"""TLS between two who know each other by the fingerprints in their descriptions (RFC 8122). No I/O.

No authority has signed such certificates, and both sides show one: that is what Python's own ``ssl`` cannot be asked
for, since a server of it takes a client's certificate only from somebody whom it trusts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from OpenSSL import SSL

# What is read from the library at once; a TLS record holds no more (RFC 8446 section 5.1).
_RECORD = 16_384


class TlsError(Exception):
    """The handshake failed, the peer is somebody else, or the stream is broken."""


@dataclass(frozen=True)
class TlsIdentity:
    """Our certificate and its key, both PEM files."""

    certificate_file: Path
    private_key_file: Path


class TlsStream:
    """One connection. ``server``: the peer says hello. ``fingerprints``: (algorithm, value), one of them must be its.

    Bytes of the connection go in by ``receive``, plain ones come out of it; ``to_send`` has what is to go out on the
    connection. What is sent before the handshake is over waits for its end.
    """

    def __init__(self, identity: TlsIdentity, fingerprints: Sequence[tuple[str, str]], *, server: bool) -> None:
        context = SSL.Context(SSL.TLS_METHOD)
        context.set_min_proto_version(SSL.TLS1_2_VERSION)
        context.use_certificate_file(str(identity.certificate_file))
        context.use_privatekey_file(str(identity.private_key_file))
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        # Who has signed it says nothing; whose it is, is asked after the handshake.
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
        self._connection = SSL.Connection(context, None)
        if server:
            self._connection.set_accept_state()
        else:
            self._connection.set_connect_state()
        self._fingerprints = fingerprints
        self._early: list[bytes] = []
        self.established = False

    def begin(self) -> None:
        """As the client, say hello. Raises TlsError."""
        self._shake_hands()

    def receive(self, data: bytes) -> bytes:
        """Take in bytes of the connection; gives what they hold. Raises TlsError, also at the peer's goodbye."""
        if data:
            self._connection.bio_write(data)
        if not self.established:
            self._shake_hands()
        plain = bytearray()
        while self.established:
            try:
                plain += self._connection.recv(_RECORD)
            except SSL.WantReadError:
                break
            except SSL.Error as error:
                if plain:
                    break  # what came before the end counts; the next call tells of the end
                raise TlsError(f"the stream has ended: {_reason(error)}") from error
        return bytes(plain)

    def send(self, data: bytes) -> None:
        """Encrypt. Raises TlsError."""
        if not self.established:
            self._early.append(data)
            return
        try:
            self._connection.sendall(data)
        except SSL.Error as error:
            raise TlsError(f"nothing can be sent: {_reason(error)}") from error

    def to_send(self) -> bytes:
        """What is to go out now."""
        out = bytearray()
        while True:
            try:
                out += self._connection.bio_read(_RECORD)
            except SSL.WantReadError:
                return bytes(out)

    def _shake_hands(self) -> None:
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            return
        except SSL.Error as error:
            raise TlsError(f"no handshake: {_reason(error)}") from error
        certificate = self._connection.get_peer_certificate()
        if certificate is None or not any(
            certificate.digest(algorithm.replace("-", "")).decode() == value for algorithm, value in self._fingerprints
        ):
            raise TlsError("its certificate is not the one that the description announced")
        self.established = True
        for data in self._early:
            self.send(data)
        self._early.clear()


def _reason(error: SSL.Error) -> str:
    """The library's words for it."""
    parts = error.args[0] if error.args and isinstance(error.args[0], list) else []
    return ", ".join(str(part[-1]) for part in parts) or type(error).__name__
