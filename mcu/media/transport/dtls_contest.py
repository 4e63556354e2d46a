"""A DTLS server for a peer whose address nobody has proved: strangers may try, and do no harm to the one who is meant.

A stranger's ClientHello that comes first would leave an association that the peer's own can finish no more. So each
address has an association of its own until one of them ends with the certificate that the description announced. From
another address than the one that the description named, it begins once a cookie has come back from there.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence

from mcu.media.transport.dtls import DtlsError, DtlsSession
from mcu.media.transport.dtls_cookies import DtlsCookies, is_client_hello
from mcu.media.transport.sockets import NetworkAddress
from mcu.media.transport.srtp_numbers import Sources

logger = logging.getLogger(__name__)

# Associations at once, and begun in all: each costs the server a signature.
MAX_RIVALS = 8
MAX_BEGUN = 64

_SECRET = 32


class DtlsContest:
    """Used like a ``DtlsSession``, whichever wins. ``make`` begins one that sends by what it is given, with the cookie
    that has come back; ``expected`` is the address that the description named; ``won`` is told where the peer is.
    """

    def __init__(
        self,
        make: Callable[[Callable[[bytes], None], bytes | None], DtlsSession],
        send: Callable[[bytes, NetworkAddress], None],
        expected: Callable[[], NetworkAddress | None],
        won: Callable[[NetworkAddress], None],
    ) -> None:
        self._make, self._send, self._expected, self._won = make, send, expected, won
        self._cookies = DtlsCookies(secrets.token_bytes(_SECRET))
        self._rivals: dict[NetworkAddress, tuple[DtlsSession, asyncio.Task[None]]] = {}
        self._begun = 0
        self._closing: set[asyncio.Task[None]] = set()
        self._winner: DtlsSession | None = None
        self._ended = asyncio.Event()
        self._reason: str | None = None
        self.ignored = 0

    @property
    def connected(self) -> bool:
        return self._winner is not None and self._winner.connected

    @property
    def refused_packets(self) -> int:
        """Media that did not authenticate, and handshakes of strangers that were one too many."""
        return self.ignored + (0 if self._winner is None else self._winner.refused_packets)

    async def handshake(self) -> None:
        """Until one has won. Raises DtlsError when the one at the address that was announced has failed."""
        await self._ended.wait()
        if self._reason is not None:
            raise DtlsError(self._reason)

    def receive_dtls(self, data: bytes, source: NetworkAddress) -> None:
        """Take a datagram from an address that may be the peer's."""
        if self._winner is not None:
            self._winner.receive_dtls(data)
            return
        if source not in self._rivals and not self._begin(data, source):
            self.ignored += 1
            return
        self._rivals[source][0].receive_dtls(data)

    def keys(self) -> tuple[str, bytes, bytes] | None:
        return None if self._winner is None else self._winner.keys()

    def sources(self, *, inbound: bool) -> Sources:
        return [] if self._winner is None else self._winner.sources(inbound=inbound)

    def unprotect_rtp(self, data: bytes) -> bytes | None:
        return None if self._winner is None else self._winner.unprotect_rtp(data)

    def unprotect_rtp_run(self, packets: Sequence[bytes]) -> list[bytes]:
        return [] if self._winner is None else self._winner.unprotect_rtp_run(packets)

    def unprotect_rtcp(self, data: bytes) -> bytes | None:
        return None if self._winner is None else self._winner.unprotect_rtcp(data)

    def protect_rtp(self, packets: Sequence[bytes]) -> list[bytes]:
        return [] if self._winner is None else self._winner.protect_rtp(packets)

    def protect_rtcp(self, packets: Sequence[bytes]) -> list[bytes]:
        return [] if self._winner is None else self._winner.protect_rtcp(packets)

    async def close(self) -> None:
        """End all."""
        for source in tuple(self._rivals):
            self._give_up(source)
        await asyncio.gather(*self._closing, return_exceptions=True)
        if self._winner is not None:
            await self._winner.close()

    def _begin(self, data: bytes, source: NetworkAddress) -> bool:
        """Whether an association is begun for this address."""
        is_expected = source == self._expected()
        cookie = self._cookies.answer(data, source)
        if cookie is None and not is_expected:
            question = self._cookies.question(data, source)
            if question is not None:
                self._send(question, source)
            return False
        if not is_client_hello(data) or (self._begun >= MAX_BEGUN and not is_expected):
            return False
        if len(self._rivals) >= MAX_RIVALS:
            self._give_up(next(one for one in self._rivals if one != self._expected()))
        if not self._begun and not is_expected:
            logger.debug("DTLS: a ClientHello from another address than announced")
        self._begun += 1
        session = self._make(lambda datagram: self._send(datagram, source), cookie)
        self._rivals[source] = session, asyncio.create_task(self._run(session, source))
        return True

    async def _run(self, session: DtlsSession, source: NetworkAddress) -> None:
        try:
            await session.handshake()
        except DtlsError as error:
            if self._rivals.pop(source, None) is not None and source == self._expected():
                self._reason = str(error)
                self._ended.set()
            await session.close()
            return
        if self._winner is not None or self._rivals.pop(source, None) is None:
            await session.close()
            return
        self._winner = session
        for rival in tuple(self._rivals):
            self._give_up(rival)
        self._won(source)
        self._ended.set()

    def _give_up(self, source: NetworkAddress) -> None:
        session, task = self._rivals.pop(source)
        task.cancel()
        closing = asyncio.create_task(session.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
