"""A port for TLS: those who are still shaking hands are bounded in time and in number.

The event loop's own server would hold any number of them, each with memory for records of both directions.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable

from sip.strangers import Strangers

logger = logging.getLogger(__name__)

# Connections that wait in the kernel: rooms that all come back at once after a failure of the network.
BACKLOG = 512
# While there is no descriptor left, all wait there.
EXHAUSTED_SECONDS = 1.0


class TlsListener:
    """Listens on a bound, non-blocking socket, which is its own from then on. ``make`` gives the protocol of a
    connection whose handshake is over; ``strangers`` are those that are at it, which several ports may share.
    """

    def __init__(
        self,
        bound: socket.socket,
        context: ssl.SSLContext,
        make: Callable[[], asyncio.Protocol],
        strangers: Strangers,
    ) -> None:
        bound.listen(BACKLOG)
        self._socket = bound
        self._context = context
        self._make = make
        self._strangers = strangers
        self._handshakes: set[asyncio.Task[None]] = set()
        self._accepting = asyncio.get_running_loop().create_task(self._accept())

    def close(self) -> None:
        """Listen no more, and end handshakes; connections stay."""
        self._accepting.cancel()
        for task in tuple(self._handshakes):
            task.cancel()
        self._socket.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, remote = await loop.sock_accept(self._socket)
            except OSError as error:
                logger.warning("TLS: nobody can be let in: %s", error)
                await asyncio.sleep(EXHAUSTED_SECONDS)
                continue
            task = loop.create_task(self._shake_hands(connection, remote[0]))
            self._handshakes.add(task)
            task.add_done_callback(self._handshakes.discard)
            await asyncio.sleep(0)  # others have their turn, however many come

    async def _shake_hands(self, connection: socket.socket, host: str) -> None:
        stranger = self._strangers.add(host, lambda: _cut(connection))
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                self._make,
                connection,
                ssl=self._context,
                # The strangers' own time is over first.
                ssl_handshake_timeout=self._strangers.seconds + EXHAUSTED_SECONDS,
            )
        except OSError as error:
            logger.debug("TLS: no handshake with %s: %s", host, error)
            connection.close()
        finally:
            stranger.leave()


def _cut(connection: socket.socket) -> None:
    """The event loop sees the end of what is to be read, and gives the handshake up."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
