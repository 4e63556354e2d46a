"""One browser leg on the port that all of a worker's share."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from mcu.media.packets import MediaPort
from mcu.media.spec import PathNumbers
from mcu.media.transport.ice_lite import IceLiteAgent
from mcu.media.transport.sockets import NetworkAddress
from mcu.media.transport.srtp_numbers import heard_of, sent_of, sources_of


class BrowserListener(Protocol):
    """What a leg is told. Packets are decrypted, and come from verified addresses only."""

    def dtls_received(self, data: bytes) -> None: ...
    def rtp_received(self, packets: list[bytes]) -> None:
        """Packets that came together, in order."""

    def packets_missing(self) -> None:
        """Of what this browser sends and others get as it is; see ``PacketKind.GAP``."""

    def rtcp_received(self, packet: bytes) -> None: ...


class Port(Protocol):
    """What an endpoint needs of its port; see there."""

    media: MediaPort

    def send(self, datagrams: Sequence[bytes], address: NetworkAddress | None) -> None: ...
    def restart(self, endpoint: BrowserEndpoint, agent: IceLiteAgent) -> None: ...
    def own_addresses(self, endpoint: BrowserEndpoint) -> list[NetworkAddress]: ...
    def restore(
        self, endpoint: BrowserEndpoint, addresses: Sequence[NetworkAddress], selected: NetworkAddress | None
    ) -> None: ...
    def remove(self, endpoint: BrowserEndpoint) -> None: ...


class BrowserEndpoint:
    """What is sent goes to the nominated address; nothing happens before there is one.

    ``peer`` is its number on the compiled port. After a restart of ICE, checks of ``previous`` count until the browser
    has nominated an address by the new credentials. ``sound`` are the payload types that are no pictures, which matters
    where there is no room for everything. ``on_lost`` is told when the browser has not checked its path for so many
    seconds: it gets nothing until it does.
    """

    def __init__(self, port: Port, agent: IceLiteAgent, listener: BrowserListener, peer: int) -> None:
        self._port = port
        self.agent = agent
        self.previous: IceLiteAgent | None = None
        self.listener = listener
        self.peer = peer
        self.addresses: list[NetworkAddress] = []
        self.told: NetworkAddress | None = None  # the compiled port, of where media go
        self.settled = False  # it answers the browser's checks
        self.moves = 0  # how often that has been told anew
        self.sound: Collection[int] = ()
        self.on_lost: Callable[[float], None] = lambda seconds: None

    @property
    def media(self) -> MediaPort:
        """The compiled port, for sources and outlets of ``peer``."""
        return self._port.media

    def set_keys(self, suite: str, local: bytes, remote: bytes) -> None:
        """From now on media come through: keys as ``DtlsSession.keys`` tells them."""
        self.media.set_keys(self.peer, suite, local, remote)

    def resume(self, numbers: PathNumbers) -> None:
        """Go on with these keys where another port stopped; after ``set_keys``."""
        for source in sources_of(numbers.sent):
            self.media.resume(self.peer, False, *source)
        for ssrc, heard in numbers.heard.items():
            self.media.resume(self.peer, True, ssrc, heard.rollovers, heard.highest, heard.rtcp_index)

    def numbers(self) -> PathNumbers:
        """How far SRTP has come both ways, without ``protection``."""
        sent, heard = (self.media.srtp_numbers(self.peer, inbound) for inbound in (False, True))
        return PathNumbers(sent=sent_of(sent, sent), heard=heard_of(heard, heard))

    def restart(self, agent: IceLiteAgent) -> None:
        """ICE begins anew with other credentials, while media flow on (RFC 8445 section 9). Raises ValueError."""
        self._port.restart(self, agent)

    def restore(self, addresses: Sequence[NetworkAddress], selected: NetworkAddress | None) -> None:
        """Addresses that have proved themselves already, to another port in this one's place."""
        self._port.restore(self, addresses, selected)

    def lasting_addresses(self) -> tuple[list[NetworkAddress], NetworkAddress | None]:
        """What ``restore`` takes: addresses that another port can reach, and the selected one if it is one of them."""
        lasting = self._port.own_addresses(self)
        return lasting, self.agent.selected if self.agent.selected in lasting else None

    def send_dtls(self, datagram: bytes) -> None:
        """Send one datagram as it is."""
        self._port.send([datagram], self.agent.selected)

    def send_rtp(self, packets: Sequence[bytes]) -> None:
        """Encrypt and send; dropped before there are keys."""
        self._port.send(_done(self.media.protect_rtp(self.peer, packets)), self.agent.selected)

    def send_rtcp(self, packets: Sequence[bytes]) -> None:
        """Encrypt and send; dropped before there are keys."""
        self._port.send(_done(self.media.protect_rtcp(self.peer, packets)), self.agent.selected)

    def close(self) -> None:
        """Leave the port; datagrams for this leg are a stranger's from now on."""
        self._port.remove(self)


def _done(packets: Sequence[bytes | None]) -> list[bytes]:
    return [packet for packet in packets if packet is not None]
